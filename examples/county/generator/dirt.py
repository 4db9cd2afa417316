"""Defects of real departments' data, one small function each. All keep the truth recoverable."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from .dice import Dice

_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_DIGITS: Final = "〇一二三四五六七八九"
_BRACKETS: Final = ("〔〕", "[]", "（）", "()")
_EXCEL_EPOCH: Final = date(1899, 12, 30)


def lower(key: str) -> str:
    """`…x` for `…X`."""
    return key.lower()


def padded(key: str) -> str:
    """The pre-1999 number of 15 digits in a column of 18; the key itself for people born outside 19xx."""
    return key[:6] + key[8:17] + "   " if key[6:8] == "19" else key


def digits_15(key: str) -> str:
    """The pre-1999 number of 15 digits."""
    return padded(key).rstrip()


def trailing_space(key: str) -> str:
    """One blank behind."""
    return key + " "


def full_width(text: str) -> str:
    """Typed with a Chinese input method."""
    return text.translate(_FULL_WIDTH)


def organization_code(uscc: str) -> str:
    """Only the old organization code, with its dash."""
    return f"{uscc[8:16]}-{uscc[16]}"


def taxpayer_15(uscc: str) -> str:
    """The old taxpayer number: region and organization code."""
    return uscc[2:17]


def misspelt(dice: Dice, key: str, *ways: Callable[[str], str], rate: float = 0.15) -> str:
    """The key, in one case of several spelt in one of the ways."""
    return dice.choice(ways)(key) if dice.chance(rate) else key


def compact(day: date) -> str:
    """`20180601`."""
    return f"{day:%Y%m%d}"


def dashed(day: date) -> str:
    """`2018-06-01`."""
    return day.isoformat()


def unpadded(day: date) -> str:
    """`2018-6-1`."""
    return f"{day.year}-{day.month}-{day.day}"


def slashed(day: date) -> str:
    """`2018/06/01`."""
    return f"{day:%Y/%m/%d}"


def dotted(day: date) -> str:
    """`2018.6.1`."""
    return f"{day.year}.{day.month}.{day.day}"


def short_year(day: date) -> str:
    """`18.6.1`."""
    return f"{day:%y}.{day.month}.{day.day}"


def chinese(day: date) -> str:
    """`2018年6月1日`."""
    return f"{day.year}年{day.month}月{day.day}日"


def chinese_digits(day: date) -> str:
    """`二〇一八年六月一日`."""
    year = "".join(_DIGITS[int(digit)] for digit in f"{day.year:04d}")
    return f"{year}年{_tens(day.month)}月{_tens(day.day)}日"


def stamped(day: date) -> str:
    """`20180601093000`."""
    return f"{day:%Y%m%d}093000"


def java_timestamp(day: date) -> str:
    """`2018-06-01 09:30:00.0`."""
    return f"{day.isoformat()} 09:30:00.0"


def excel_serial(day: date) -> str:
    """`43252`."""
    return str((day - _EXCEL_EPOCH).days)


def month_only(day: date) -> str:
    """`2018-06`."""
    return f"{day:%Y-%m}"


def no_day(day: date) -> str:
    """`20180600`."""
    return f"{day:%Y%m}00"


def written(dice: Dice, day: date | None, *styles: Callable[[date], str]) -> str | None:
    """The day in one of the styles; an unknown day stays NULL."""
    return None if day is None else dice.choice(styles)(day)


def document_no(dice: Dice, office: str, year: int, number: int) -> str:
    """A document number in one of the bracket styles, now and then with blanks inside."""
    opening, closing = dice.choice(_BRACKETS)
    blank = " " if dice.chance(0.05) else ""
    return f"{office}{opening}{year}{closing}{blank}{number}号"


def lost_rare(text: str) -> str:
    """Characters outside the Basic Multilingual Plane came out as `?` in old GBK systems."""
    return "".join("?" if ord(char) > 0xFFFF else char for char in text)


def gbk(text: str) -> bytes:
    """Bytes as the old system wrote them."""
    return text.encode("gb18030")


def _tens(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十") + (
        _DIGITS[ones] if ones else ""
    )
