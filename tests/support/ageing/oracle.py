"""From when to when a row may be seen, worked out from the words of the catalogue's files and the calendar.

Nothing here asks `authz.lifecycle`: domain.md §2.7 and §4.5, as intervals, with months by dateutil. Of each
row it says the days on which it is seen, those on which its adverse part is, and those on which the
department is told that it cannot be dated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from dateutil.relativedelta import relativedelta

import catalogue
from tests.support.ageing.rows import FIRST, LAST, Sample

DAY: Final = timedelta(days=1)
EVER: Final = (date.min, date.max)
NEVER: Final = (date.max, date.min)
_NATIONAL: Final = {"MINOR": "P3M", "GENERAL": "P1Y", "SERIOUS": "P3Y"}
UNREADABLE: Final = "正常"
_OVER: Final = {"REPAIRED", "REVOKED", "EXPIRED", "SEALED", "SUPERSEDED"}
Days = tuple[date, date]
"""From the first day to the last, both included; none where the first comes after the last."""


@cache
def written(kind: str, code: str) -> Any:
    """An entry of the catalogue as it stands in its file."""
    return yaml.safe_load((Path(catalogue.__file__).parent / kind / f"{code}.yaml").read_text("utf-8"))


def profiles() -> tuple[str, ...]:
    """Every locality profile that is delivered."""
    folder = Path(catalogue.__file__).parent / "localities"
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def later(period: str, start: date) -> date:
    """So many years and months after a day; where the month has no such day, on its last."""
    number, unit = int(period[1:-1]), period[-1]
    return start + {"Y": relativedelta(years=number), "M": relativedelta(months=number)}[unit]


@dataclass(frozen=True)
class Way:
    """How somebody looks: a locality's profile, a channel, a clock, and whether minor records count."""

    locality: str
    channel: str
    clock: str = "PUBLICATION"
    minor: bool = True


@dataclass(frozen=True)
class Seen:
    """Days of one row."""

    whole: Days = NEVER
    adverse: Days = NEVER
    """When the adverse part is seen; as `whole` for a record that is adverse altogether."""
    undated: Days = NEVER
    """When nobody can tell, so that it is withheld and the section is not whole."""

    def on(self, day: date) -> str:
        """What is seen on a day: KEPT, STRIPPED, WITHHELD or GONE."""
        if _holds(self.undated, day):
            return "WITHHELD"
        if not _holds(self.whole, day):
            return "GONE"
        return "KEPT" if _holds(self.adverse, day) else "STRIPPED"

    @property
    def edges(self) -> Iterator[date]:
        """Days on which something changes, with the one before and the one after."""
        for first, last in (self.whole, self.adverse, self.undated):
            if first <= last:
                yield from (first - DAY if first > date.min else FIRST, first)
                yield from (last, last + DAY if last < date.max else LAST)


def _holds(days: Days, day: date) -> bool:
    return days[0] <= day <= days[1]


def _both(one: Days, other: Days) -> Days:
    return max(one[0], other[0]), min(one[1], other[1])


class _Row:
    """A row, its type and the profile, in the words of the files."""

    def __init__(self, sample: Sample, way: Way) -> None:
        self.way = way
        self.type = written("record_types", sample.entry.code)
        self.local = written("localities", way.locality)
        self.roles: Mapping[str, str] = {role.value: value for role, value in sample.roles.items()}
        self.values = sample.values
        self.law = self.type["clocks"]["publication"]
        self.kept = self.type["clocks"].get("retention", {"kind": "LOCALITY"})
        number = sample.subject.value
        self.born = date.fromisoformat(number[6:14]) if number.startswith("990101") else None
        self.personal = self.born is not None or number.startswith("92")
        self.is_adverse = sample.adverse
        self.mixed = self.type["nature"] != "ADVERSE"

    def day(self, role: str, *, latest: bool = False) -> date | None:
        """The day of a date: an incomplete one is its earliest, unless its latest is asked for."""
        text = self.roles.get(role)
        if text is None or text == "长期":
            return None
        parts = [int(part) for part in text.split("-")]
        first = date(*[*parts, 1, 1][:3])
        step = (relativedelta(years=1), relativedelta(months=1), relativedelta(days=1))[len(parts) - 1]
        return first + step - DAY if latest else first

    def soonest(self, *roles: str) -> date:
        """The first of several ends; never, where there is none."""
        return min((end for end in map(self.day, roles) if end), default=date.max)

    @property
    def start(self) -> date | None:
        """The first date that the type prefers."""
        roles = self.type["clocks"].get("startsOn", ["determinedOn"])
        return next((found for found in map(self.day, roles) if found), None)

    @property
    def public(self) -> bool:
        """Whether a law orders publication of such a subject in this locality."""
        persons = self.law.get("persons") and self.local["personsPublic"] == "BY_LAW"
        ordered = self.law.get("byLaw") and self.law.get("term", "NEVER") != "NEVER"
        return bool(ordered and (persons or not self.personal) and self._fits)

    @property
    def _fits(self) -> bool:
        """Whether the row is of those that the law means."""
        for name, allowed in self.law.get("when", {}).items():
            text = self.values.get(name, self.roles.get(name))
            value = {"是": True, "否": False}.get(text or "", text)
            if value not in allowed:
                return False
        return True

    @property
    def severity(self) -> str | None:
        grades = self.type.get("severities") or [None]
        return self.roles.get("severity") or (grades[0] if len(grades) == 1 else None)


@cache
def seen(sample: Sample, way: Way) -> Seen:
    """The days of a row, looked at in one way."""
    row = _Row(sample, way)
    status = row.roles.get("status", "ACTIVE")
    if status in {*_OVER, UNREADABLE} or (way.channel == "PUBLIC" and not row.public):
        return Seen()
    if not row.is_adverse:
        plain = _plain(row)
        return Seen(plain, plain)
    part, undated = _adverse(row)
    if not way.minor and row.severity == "MINOR":
        part = NEVER
    if not row.mixed:
        return Seen(part, part, undated)
    whole = _plain(row)
    return Seen(whole, _both(whole, part))


def _opens(row: _Row) -> date:
    """In public: when publication began, at the latest that its date can mean."""
    if row.way.channel != "PUBLIC":
        return date.min
    return row.day("publishedOn", latest=True) or row.start or date.min


def _plain(row: _Row) -> Days:
    """A record that is not adverse, or what is left of a mixed one."""
    ends = ["validUntil"] if row.law.get("term") == "WHILE_VALID" else []
    if not row.is_adverse:
        ends += ["until", "removedOn"]
    last = row.soonest(*ends) if row.way.channel == "PUBLIC" else date.max
    return _opens(row), last


def _adverse(row: _Row) -> tuple[Days, Days]:
    """When the adverse part is seen, and when it cannot be told."""
    repair = row.roles.get("repairState") == "REPAIRED" or "repairedOn" in row.roles
    under_appeal = row.roles.get("appeal") == "OPEN" and row.way.channel != "SELF"
    if repair or row.roles.get("procedure") == "SIMPLE" or under_appeal:
        return NEVER, NEVER
    start, limited = row.start, _limited(row)
    if start is None and (limited or row.personal):
        return NEVER, EVER
    undated = (date.min, start - DAY) if start else NEVER
    if row.born and start:
        of_age = row.born + relativedelta(years=18)
        act = row.day("occurredOn")
        if (act or start) <= of_age:
            return NEVER, undated
        if act is None and start <= row.born + relativedelta(years=20):
            return NEVER, EVER
    ends = ["until", "removedOn"]
    if not row.mixed and row.law.get("term") == "WHILE_VALID":
        ends.append("validUntil")
    published = row.soonest(*ends)
    if limited and start:
        published = min(published, min(later(term, start) for term in _terms(row)))
    kept = _kept(row, start)
    uses = row.way.channel in ("CHECK", "REPORT")
    bound = row.way.channel == "PUBLIC" or (
        uses and row.way.clock == "PUBLICATION" and row.local["useEndsWithPublication"]
    )
    return (max(start or date.min, _opens(row)), min(kept, published) if bound else kept), undated


def _limited(row: _Row) -> bool:
    """Whether the law knows a longest publication: it does unless the source alone ends the listing."""
    return bool(row.law.get("max")) or row.law.get("term") == "LIMITED" or row.kept["kind"] != "UNTIL_REMOVED"


def _terms(row: _Row) -> Iterable[str]:
    """The longest publication by gravity; of an unknown one every term that it may have."""
    law = {**_NATIONAL, **row.law.get("max", {})}
    return [law[row.severity]] if row.severity else [law[one] for one in row.type["severities"]]


def _kept(row: _Row, start: date | None) -> date:
    """The last day of query and use."""
    removed = row.day("removedOn")
    if row.kept["kind"] == "UNTIL_REMOVED" or start is None:
        return removed or date.max
    ended = row.day("endedOn") or start
    begins = {"DETERMINED": start, "ENDED": ended, "EARLIEST": min(start, ended)}[row.local["clockStart"]]
    periods = [row.local["adverseRetention"], *([row.kept["period"]] if "period" in row.kept else [])]
    last = min(later(period, begins) for period in periods)
    return max(last, removed) if removed and row.severity == "SERIOUS" else last


def days_of(samples: Iterable[Sample], ways: Iterable[Way], every: int = 61) -> list[date]:
    """Around every edge the day before, the day and the day after, and between them some of the rest."""
    ways = tuple(ways)
    edges = {edge for sample in samples for way in ways for edge in seen(sample, way).edges}
    coarse = {FIRST + timedelta(days=n) for n in range(0, (LAST - FIRST).days, every)}
    return sorted(day for day in edges | coarse if FIRST <= day <= LAST)
