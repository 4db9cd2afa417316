"""Dates, instants and years."""

from __future__ import annotations

import re
from datetime import datetime, time
from functools import lru_cache
from typing import Final

from catalogue.values import CHINA_TIME, PartialDate, Precision
from connectors.decoders.moments import read_moment
from connectors.decoders.registry import DecodeError, plain
from connectors.decoders.text import token

_PLAIN_YEARS: Final = range(1900, 2099)
"""No day of these means anything but itself."""
_YEAR: Final = re.compile(r"(\d{4})(?:\.0)?\s*(?:年度?)?")
_TO_THE_SECOND: Final = re.compile(r"[12][0-9]{7}(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]")
_LONGEST_DAY: Final = 11
"""`2018年06月01日`: a text as short as this says a day, a month or a year, or nothing."""
_DAYS_KEPT: Final = 16_384
"""Ways in which days were written, kept beyond a request: a day alone says nothing of anybody."""


@plain("date", gives=PartialDate)
def partial_date(cell: object) -> PartialDate | None:
    """A date with its precision, or open-ended; zero dates are nothing."""
    if type(cell) is str:
        if len(cell) <= _LONGEST_DAY:
            return _day(cell)
        if _TO_THE_SECOND.fullmatch(cell):
            return _day(cell[:8])
    return _any_day(cell)


def _any_day(cell: object) -> PartialDate | None:
    moment = read_moment(cell)
    return moment.day if moment else None


_day: Final = lru_cache(_DAYS_KEPT)(_any_day)


@plain("instant", gives=datetime)
def instant(cell: object) -> datetime | None:
    """A point in time, Asia/Shanghai; a bare day is its midnight, anything coarser is rejected."""
    if cell.__class__ is datetime and cell.tzinfo is None and cell.year in _PLAIN_YEARS:
        # a sixth of what `replace` takes
        return datetime.combine(cell, cell.time(), CHINA_TIME)
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
        if (alone := int(found[1])) in _PLAIN_YEARS:
            return alone
        cell = found[1]
    moment = read_moment(cell)
    if moment is None:
        return None
    if moment.day.open_ended:
        raise DecodeError("YEAR")
    return moment.day.earliest.year
