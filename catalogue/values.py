"""Values that a department's record is made of, after decoding."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from functools import total_ordering
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, PlainSerializer

CHINA_TIME: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""All department times are Asia/Shanghai, which has had no daylight saving since 1991."""


_SHORTEST_MONTH: Final = 28


class Precision(StrEnum):
    """How much of a date the source knows (ISO 8601-2 reduced precision)."""

    YEAR = "YEAR"
    MONTH = "MONTH"
    DAY = "DAY"


@total_ordering
@dataclass(frozen=True, slots=True)
class PartialDate:
    """A calendar date known to the day, the month or the year, or open-ended (长期).

    Printed as ISO 8601 with reduced precision (`2018`, `2018-06`, `2018-06-01`);
    open-ended is the ISO 8601-2 `..`. Ordered by its earliest day.
    """

    earliest: date
    precision: Precision = Precision.DAY
    open_ended: bool = False

    @classmethod
    def of(cls, year: int, month: int | None = None, day: int | None = None) -> PartialDate:
        """Build from parts; raises ValueError for a day that does not exist."""
        precision = Precision.DAY if day else Precision.MONTH if month else Precision.YEAR
        return cls(date(year, month or 1, day or 1), precision)

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """Read what `str()` prints; raises ValueError for anything else."""
        if text == "..":
            return OPEN_ENDED
        found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text)
        if not found:
            raise ValueError("not an ISO 8601 date")
        return cls.of(*(int(part) for part in found.groups() if part))

    @property
    def latest(self) -> date:
        """The last day the date can mean; `date.max` when open-ended."""
        if self.open_ended:
            return date.max
        if self.precision is Precision.YEAR:
            return date(self.earliest.year, 12, 31)
        if self.precision is Precision.MONTH:
            year, month = self.earliest.year, self.earliest.month
            return date(year, month, monthrange(year, month)[1])
        return self.earliest

    def __str__(self) -> str:
        if self.open_ended:
            return ".."
        length = {Precision.YEAR: 4, Precision.MONTH: 7, Precision.DAY: 10}[self.precision]
        return self.earliest.isoformat()[:length]

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, PartialDate):
            return NotImplemented
        return self.earliest < other.earliest


OPEN_ENDED: Final = PartialDate(date.max, Precision.DAY, open_ended=True)

Value: TypeAlias = str | int | bool | Decimal | PartialDate | datetime | tuple[str, ...] | None
"""A decoded cell: money is an exact decimal in CNY yuan, an instant always has a zone."""


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period, ISO 8601 `PnYnMnD`."""

    years: int = 0
    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read `P1Y6M`; raises ValueError for an empty or malformed period."""
        found = re.fullmatch(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?", text)
        if not found or text == "P":
            raise ValueError(f"{text!r} is not an ISO 8601 period such as P3M or P5Y")
        return cls(*(int(part or 0) for part in found.groups()))

    def after(self, start: date) -> date:
        """The last day of the period that begins on `start`; the 31st falls back to the month's end."""
        month = start.month - 1 + self.months
        year, month = start.year + self.years + month // 12, month % 12 + 1
        if year > date.max.year:
            return date.max
        day = start.day if start.day <= _SHORTEST_MONTH else min(start.day, monthrange(year, month)[1])
        last = date(year, month, day)
        return last + timedelta(days=self.days) if self.days else last

    def __str__(self) -> str:
        parts = ((self.years, "Y"), (self.months, "M"), (self.days, "D"))
        return "P" + ("".join(f"{n}{unit}" for n, unit in parts if n) or "0D")


PeriodField: TypeAlias = Annotated[
    Period,
    BeforeValidator(lambda raw: Period.parse(raw) if isinstance(raw, str) else raw),
    PlainSerializer(str),
]
"""A `Period` written as ISO 8601 text in YAML."""
