"""Working days of the People's Republic of China: weekends, public holidays and make-up workdays.

The State Council's yearly notices come from the chinesecalendar package, later ones from
`holidays.yaml`. A year without a notice is counted by weekends and the result says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import chinese_calendar
import yaml
from pydantic import BaseModel, ConfigDict

_OVERRIDES: Final = Path(__file__).with_name("holidays.yaml")
_SATURDAY: Final = 5


class Year(BaseModel):
    """One year's notice: weekdays off and weekend days worked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notice: str
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a term of working days."""

    on: date
    assumed: bool
    """A year on the way has no notice yet: holidays may still move the day later."""


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Working days under the package's notices and later ones, which win."""

    notices: Mapping[int, Year]

    def is_working_day(self, day: date) -> bool:
        """Whether offices work; by weekends alone in a year without a notice."""
        year = self.notices.get(day.year)
        if year is None and _packaged(day.year):
            return _packaged_workday(day)
        if year is not None and day in year.holidays | year.workdays:
            return day in year.workdays
        return day.weekday() < _SATURDAY

    def assumed(self, year: int) -> bool:
        """Whether the year's holidays are not known."""
        return year not in self.notices and not _packaged(year)

    def deadline(self, start: date, n: int) -> Deadline:
        """The n-th working day after `start`, which itself does not count (民法典 201).

        Raises ValueError for a negative n.
        """
        if n < 0:
            raise ValueError("a term of working days cannot be negative")
        day, left = start, n
        while left:
            day += timedelta(days=1)
            left -= self.is_working_day(day)
        return Deadline(day, assumed=any(map(self.assumed, range(start.year, day.year + 1))))

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and with `end`; negative when `end` is earlier."""
        if end < start:
            return -self.working_days_between(end, start)
        days = (start + timedelta(days=at) for at in range(1, (end - start).days + 1))
        return sum(map(self.is_working_day, days))


def load_calendar(path: Path = _OVERRIDES) -> WorkingCalendar:
    """Read the later notices; raises ValueError for a day in another year or a holiday also worked."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    notices = {int(number): Year.model_validate(entry) for number, entry in raw.items()}
    for number, year in notices.items():
        if any(day.year != number for day in year.holidays | year.workdays):
            raise ValueError(f"{path.name}: {number} lists a day of another year; move it there")
        if year.holidays & year.workdays:
            raise ValueError(f"{path.name}: {number} lists a day both as holiday and as workday; keep one")
    return WorkingCalendar(notices)


@lru_cache(4096)
def _packaged_workday(day: date) -> bool:
    """As the package's notice of its year says, which looks at every day anew."""
    return bool(chinese_calendar.is_workday(day))


@cache
def _packaged(year: int) -> bool:
    """Whether the package has the year's notice; it raises NotImplementedError beyond."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


CALENDAR: Final = load_calendar()
"""The calendar as delivered."""


def deadline(start: date, n: int) -> Deadline:
    """The n-th working day after `start`, and whether it rests on an assumption."""
    return CALENDAR.deadline(start, n)


@lru_cache(1024)
def add_working_days(start: date, n: int) -> date:
    """The n-th working day after `start`; use `deadline` to know whether it is assumed."""
    return CALENDAR.deadline(start, n).on


def working_days_between(start: date, end: date) -> int:
    """Working days after `start` up to and with `end`; negative when `end` is earlier."""
    return CALENDAR.working_days_between(start, end)
