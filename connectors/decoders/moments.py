"""Every way a legacy system writes a date (domain.md §5.4), read into one `Moment`.

Years are Gregorian and times are Asia/Shanghai. 民国 and lunar dates are rejected: to
convert them is to guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from catalogue.values import CHINA_TIME, OPEN_ENDED, PartialDate
from connectors.decoders.registry import DecodeError

_EXCEL_EPOCH: Final = date(1899, 12, 30)
_EXCEL_SERIALS: Final = range(10_000, 73_051)
_YEARS: Final = range(1850, 2201)
_MOST_DIGITS: Final = 17
"""Of a date written as a number: 20240301093000000."""
_CENTURY_PIVOT: Final = 69
"""POSIX: two-digit years from 69 on are 19xx."""

_FOREVER: Final = frozenset({"infinity", "长期", "长期有效", "永久", "永久有效", "无固定期限"})
_OTHER_CALENDAR: Final = re.compile(r"民国|农历|阴历|旧历|正月|腊月|初[一二三四五六七八九十]")
_NOTHING: Final = re.compile(r"[0\s:./-]+")
_DIGITS: Final = re.compile(r"(\d+)(?:\.0+)?")
_EXCEL_MOMENT: Final = re.compile(r"(\d{5})\.(\d+)")
_CLOCK: Final = (
    r"(?:[T ]*(?P<hour>\d{1,2})[:时](?P<minute>\d{1,2})"
    r"(?:[:分](?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?[分秒]?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_SEPARATED: Final = re.compile(
    r"(?P<year>\d{4}|\d{2}(?=[.年]))(?P<sign>[-/.年])(?:(?P<month>\d{1,2})(?:(?:(?P=sign)|月)(?:(?P<day>\d{1,2})日?)?)?)?"
    + _CLOCK
)
_ORACLE: Final = re.compile(r"(?P<day>\d{1,2})-\s*(?P<month>\d{1,2})月\s*-\s*(?P<year>\d{4}|\d{2})")
_HAN_DATE: Final = re.compile(
    r"([〇○零一二三四五六七八九]{2,4})年(?:([一二三四五六七八九十]+)月(?:([一二三四五六七八九十廿卅]+)日?)?)?"
)
_HAN_DIGITS: Final = {sign: str(n) for n, sign in enumerate("〇一二三四五六七八九")} | {"零": "0", "○": "0"}


class Moment(NamedTuple):
    """A date, and the time of day where the source wrote one."""

    day: PartialDate
    clock: time | None = None


def read_moment(cell: object) -> Moment | None:
    """What a cell says; None for the zero dates that mean nothing. Raises DecodeError."""
    if isinstance(cell, str):
        return _of_plain_day(cell) or _of_text(cell)
    if isinstance(cell, datetime):
        return _of_datetime(cell)
    if isinstance(cell, date):
        return _moment(cell.year, cell.month, cell.day)
    if isinstance(cell, Decimal) and abs(cell.adjusted()) > _MOST_DIGITS:
        raise DecodeError("DATE_FORMAT")
    if isinstance(cell, float | Decimal):
        return _of_text(f"{cell:f}")
    if isinstance(cell, int) and not isinstance(cell, bool):
        return _of_text(str(cell))
    raise DecodeError("DATE_TYPE")


def _of_plain_day(text: str) -> Moment | None:
    """`2018-06-01`, `20180601`, `2018/06/01`, `2018.06.01`: most cells, without a regular expression."""
    if len(text) not in (8, 10) or not text.isascii():
        return None
    if text[4] in "/." and text[7] == text[4]:
        text = text.replace(text[4], "-")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return _moment(day.year, day.month, day.day)


def _of_text(written: str) -> Moment | None:
    text = (written if written.isascii() else unicodedata.normalize("NFKC", written)).strip()
    if not text or _NOTHING.fullmatch(text):
        return None
    if digits := _DIGITS.fullmatch(text):
        return _of_digits(digits[1])
    if separated := _SEPARATED.fullmatch(text):
        return _of_parts(separated.groupdict())
    return _of_rare_text(text)


def _of_rare_text(text: str) -> Moment:
    if text in _FOREVER:
        return Moment(OPEN_ENDED)
    if _OTHER_CALENDAR.search(text):
        raise DecodeError("DATE_CALENDAR")
    if serial := _EXCEL_MOMENT.fullmatch(text):
        return _of_excel(int(serial[1]), Decimal(f"0.{serial[2]}"))
    if han := _HAN_DATE.fullmatch(text):
        return _of_han(*han.groups())
    if oracle := _ORACLE.fullmatch(text):
        return _of_parts(oracle.groupdict())
    raise DecodeError("DATE_FORMAT")


def _of_digits(digits: str) -> Moment:
    if len(digits) == 5:
        return _of_excel(int(digits))
    if len(digits) in (10, 13):
        return _of_epoch(int(digits) // (1000 if len(digits) == 13 else 1))
    # Six digits are YYYYMM, never YYMMDD: nothing would tell 200601 apart.
    if len(digits) not in (4, 6, 8, 12, 14, 17):
        raise DecodeError("DATE_FORMAT")
    year, month, day, hour, minute, second = (
        int(digits[start:end] or 0) for start, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
    )
    clock = _clock(hour, minute, second, int(digits[14:] or 0) * 1_000) if len(digits) > 8 else None
    return _moment(year, month, day, clock)


def _of_excel(serial: int, fraction: Decimal | None = None) -> Moment:
    if serial not in _EXCEL_SERIALS:
        raise DecodeError("DATE_FORMAT")
    whole = datetime.combine(_EXCEL_EPOCH, time()) + timedelta(days=serial)
    if fraction is None:
        return _moment(whole.year, whole.month, whole.day)
    return _of_datetime(whole + timedelta(seconds=round(fraction * 86_400)))


def _of_epoch(seconds: int) -> Moment:
    return _of_datetime(datetime.fromtimestamp(seconds, CHINA_TIME))


def _of_datetime(moment: datetime) -> Moment:
    try:
        local = moment.astimezone(CHINA_TIME) if moment.tzinfo else moment
    except OverflowError:
        # at the edge of the calendar another zone has no such day: 9999-12-31 is open-ended anywhere
        local = moment
    return _moment(local.year, local.month, local.day, local.time())


def _of_han(year: str, month: str | None, day: str | None) -> Moment:
    digits = "".join(_HAN_DIGITS[sign] for sign in year)
    if len(digits) == 3:
        raise DecodeError("DATE_FORMAT")
    return _moment(_century(digits), _han_number(month), _han_number(day))


def _han_number(text: str | None) -> int:
    """一 … 三十一, also 廿 and 卅; 0 for nothing."""
    if not text:
        return 0
    tens, ten, ones = text.replace("廿", "二十").replace("卅", "三十").rpartition("十")
    parts = [_HAN_DIGITS.get(tens or "一") if ten else "0", _HAN_DIGITS.get(ones or "〇")]
    if None in parts:
        raise DecodeError("DATE_FORMAT")
    return int("".join(filter(None, parts)))


def _of_parts(parts: dict[str, str | None]) -> Moment:
    number: Callable[[str], int] = lambda name: int(parts.get(name) or 0)  # noqa: E731
    year = _century(parts["year"] or "")
    clock = None
    if parts.get("hour"):
        micros = int((parts.get("fraction") or "0").ljust(6, "0")[:6])
        clock = _clock(number("hour"), number("minute"), number("second"), micros)
    zone = parts.get("zone")
    if not zone or clock is None:
        return _moment(year, number("month"), number("day"), clock)
    try:
        day = date(year, number("month"), number("day"))
        return _of_datetime(datetime.fromisoformat(f"{day.isoformat()}T{clock.isoformat()}{zone}"))
    except (ValueError, OverflowError):
        raise DecodeError("DATE_IMPOSSIBLE") from None


def _century(year: str) -> int:
    if len(year) != 2:
        return int(year)
    return int(year) + (1900 if int(year) >= _CENTURY_PIVOT else 2000)


def _clock(hour: int, minute: int, second: int, micros: int) -> time:
    try:
        return time(hour, minute, second, micros)
    except ValueError:
        raise DecodeError("DATE_IMPOSSIBLE") from None


def _moment(year: int, month: int = 0, day: int = 0, clock: time | None = None) -> Moment:
    if year == 9999 or (year, month, day) == (2099, 12, 31):
        return Moment(OPEN_ENDED)
    if year not in _YEARS or (day and not month):
        raise DecodeError("DATE_IMPOSSIBLE")
    try:
        return Moment(PartialDate.of(year, month, day), clock)
    except ValueError:
        raise DecodeError("DATE_IMPOSSIBLE") from None
