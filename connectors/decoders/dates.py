"""Dates, instants and years."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Final

from catalogue.values import CHINA_TIME, PartialDate, Precision
from connectors.decoders.moments import plain_day, read_moment
from connectors.decoders.registry import DecodeError, plain
from connectors.decoders.text import token

_PLAIN_YEARS: Final = range(1900, 2099)
"""No day of these means anything but itself."""
_YEAR: Final = re.compile(r"(\d{4})(?:\.0)?\s*(?:年度?)?")


@plain("date", gives=PartialDate)
def partial_date(cell: object) -> PartialDate | None:
    """A date with its precision, or open-ended; zero dates are nothing."""
    if type(cell) is str and (day := plain_day(cell)) and day.year in _PLAIN_YEARS:
        return PartialDate(day)
    moment = read_moment(cell)
    return moment.day if moment else None


@plain("instant", gives=datetime)
def instant(cell: object) -> datetime | None:
    """A point in time, Asia/Shanghai; a bare day is its midnight, anything coarser is rejected."""
    if type(cell) is datetime and cell.tzinfo is None and cell.year in _PLAIN_YEARS:
        return cell.replace(tzinfo=CHINA_TIME)
    moment = read_moment(cell)
    if moment is None:
        return None
    if moment.day.open_ended or moment.day.precision is not Precision.DAY:
        raise DecodeError("INSTANT_PRECISION")
    return datetime.combine(moment.day.earliest, moment.clock or time(), CHINA_TIME)


@plain("year", gives=int)
def year(cell: object) -> int | None:
    """A year: `2023`, `2023年度`, or the year of any date."""
    if not isinstance(cell, datetime) and (found := _YEAR.fullmatch(token(cell))):
        cell = found[1]
    moment = read_moment(cell)
    if moment is None:
        return None
    if moment.day.open_ended:
        raise DecodeError("YEAR")
    return moment.day.earliest.year
