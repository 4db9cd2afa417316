"""Amounts in Chinese numerals: 贰佰元整, 壹万贰仟叁佰肆拾伍元陆角柒分 (票据法 实施管理办法 §正确填写票据)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from connectors.decoders.registry import DecodeError

_DIGITS: Final = {
    sign: value
    for value, signs in enumerate(
        ("零〇○", "壹一", "贰二两", "叁三", "肆四", "伍五", "陆六", "柒七", "捌八", "玖九")
    )
    for sign in signs
}
_PLACES: Final = {"拾": 10, "十": 10, "佰": 100, "百": 100, "仟": 1_000, "千": 1_000}
_MYRIADS: Final = {"万": 10_000, "亿": 100_000_000}
_NUMERAL: Final = f"[{''.join(_DIGITS)}{''.join(_PLACES)}{''.join(_MYRIADS)}]+"
_AMOUNT: Final = re.compile(
    rf"(?:人民币)?(?:(?P<yuan>{_NUMERAL})[元圆])?零?(?:(?P<jiao>[{''.join(_DIGITS)}])角)?零?(?:(?P<fen>[{''.join(_DIGITS)}])分)?[整正]?"
)


def han_amount(text: str) -> Decimal:
    """The yuan an amount in Chinese numerals says; raises DecodeError."""
    found = _AMOUNT.fullmatch(text)
    if not found or not any(found.groups()):
        raise DecodeError("MONEY")
    yuan = Decimal(_integer(found["yuan"] or "零"))
    return yuan + Decimal(_DIGITS[found["jiao"] or "零"]) / 10 + Decimal(_DIGITS[found["fen"] or "零"]) / 100


def _integer(numeral: str) -> int:
    total = section = digit = 0
    for sign in numeral:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _PLACES:
            # 拾 at the head of a section means 壹拾.
            section += (digit or 1) * _PLACES[sign]
            digit = 0
        else:
            # 亿 multiplies everything before it: 贰万亿 is 2 × 10^4 × 10^8.
            scale = _MYRIADS[sign]
            section += digit
            total = (total + section) * scale if scale > total else total + section * scale
            section = digit = 0
    return total + section + digit
