"""Personal numbers and names inside free text, replaced by what they were.

Matched by shape, not by check digit: in a sentence a mistyped id is as personal as a right one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MASKED_NAME: Final = "[姓名]"
MASKED_NUMBER: Final = "[号码]"
_MOBILE_DIGITS: Final = 11

_HALF_WIDTH: Final = {
    code: code - 0xFEE0
    for first, last in ("０９", "ＡＺ", "ａｚ")
    for code in range(ord(first), ord(last) + 1)
}
_FULL_WIDTH: Final = re.compile("[０-９Ａ-Ｚａ-ｚ]")
_DAY: Final = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

# The order matters: an e-mail may hold a phone number, an id looks like a bank card.
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), token)
    for pattern, token in (
        # The look-behind keeps it linear: a long run of letters is tried once, not from each of them.
        (r"(?<![A-Z0-9._%+-])[A-Z0-9._%+-]+@[A-Z0-9-]+(?:\.[A-Z0-9-]+)+", "[邮箱]"),
        # GB 11643, 18 characters; 20-digit tax numbers begin with one.
        (rf"(?<!\d)\d{{6}}[ -]?(?:1[89]|20)\d\d{_DAY}[ -]?\d{{3}}[\dX]\d*", "[证件号]"),
        (rf"(?<!\d)\d{{8}}{_DAY}\d{{3}}(?!\d)", "[证件号]"),
        # An id that someone masked in the middle still shows a birth date.
        (r"(?<!\d)\d{4,14}\*{4,}[\dX]{0,4}", "[证件号]"),
        # USCC of an individual business (D/T 92), which leads to one person.
        (r"(?<![A-Z0-9])92\d{6}[0-9A-Z]{10}(?![A-Z0-9])", "[证件号]"),
        # Passports and travel permits.
        (r"(?<![A-Z0-9])[DEGHMPS]\d{8}(?![A-Z0-9])", "[证件号]"),
        (r"(?<!\d)\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)", "[银行卡]"),
        (r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)", "[手机号]"),
        (r"(?<![\d-])(?:\(0\d{2,3}\)|0\d{2,3}-)[ ]?[2-9]\d{6,7}(?!\d)", "[电话]"),
        (rf"[{_PROVINCES}][A-Z][·• ]?[A-Z0-9]{{4,5}}[A-Z0-9挂学警港澳](?![A-Z0-9])", "[车牌]"),
    )
)
_SUSPECT: Final = re.compile(rf"[@{_PROVINCES}]|\d(?:\d{{6}}|\d\d(?:[ -]\d{{4}}[ -]\d{{4}}|\d\*{{4}}))")
"""Without one of these no pattern fits.

An e-mail has its @, a plate its province, all else seven digits in a row, three groups of them, or
four before stars.
"""


def holds_many_digits(text: str) -> bool:
    """Whether a word has as many digits as a mobile number, in a row or in pieces (`q138_0013_8000`)."""
    return sum(map(str.isdigit, text)) >= _MOBILE_DIGITS


def scrub(text: str, names: Iterable[str] = ()) -> str:
    """Replace ids, cards, phones, plates and e-mail addresses by their kind, and the given names.

    Full-width digits and letters come back half-width. Names of one character are left: they
    would erase the text and hide no one.
    """
    text = text.translate(_HALF_WIDTH) if _FULL_WIDTH.search(text) else text
    if _SUSPECT.search(text):
        for pattern, token in _PATTERNS:
            text = pattern.sub(token, text)
    for name in sorted(("".join(name.split()) for name in names), key=len, reverse=True):
        if len(name) > 1:
            text = re.sub(r"\s*".join(map(re.escape, name)), MASKED_NAME, text)
    return text
