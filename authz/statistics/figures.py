"""The monthly figures: counted in one pass over the log's month, and from what cases and outcomes left.

Each is a table of fixed rows and columns. Tables whose counts bear on each other are withheld
together, or share no event: a refusal is no read, and of how often a department was asked only a
percentage is told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median_low
from typing import Any, Final, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.actors import ActorKind
from authz.audit import Count, SourceStatus
from authz.audit.months import events_around
from authz.calendar import working_days_between
from authz.cases.states import DECISIONS, Act, Kind
from authz.cases.tables import rights_case, rights_case_event
from authz.moments import millis, moment
from authz.outcomes.rates import rates
from authz.statistics.suppression import TOTAL, Cell, K, suppressed
from authz.store import Store

ANONYMOUS: Final = "ANONYMOUS"
"""The row of refusals of nobody known."""
OVER_QUOTA: Final = "OVER_QUOTA"
"""The row of refusals beyond a client's quota, which are only counted."""
OFFICE: Final = "OFFICE"
"""The row of cases that no department owns: complaints."""
PERCENT: Final = "PERCENT"
"""The column of figures that have one."""
RECORDS: Final = "RECORD_TYPES"
"""The column of public reads."""


class Figure(StrEnum):
    """What a table tells: rows by columns."""

    READS = "READS"
    """Questions about a subject, on a mandate or a consent: organization by scenario."""
    DENIALS = "DENIALS"
    """Refusals before any department was asked: organization by error code."""
    PUBLIC_READS = "PUBLIC_READS"
    """Anonymous reads of what a law orders published, by record type."""
    CHECKED = "CHECKED"
    """Reported outcomes that rest on a check: organization by scenario."""
    UNCHECKED = "UNCHECKED"
    """Reported outcomes that do not."""
    CHECK_RATE = "CHECK_RATE"
    """应查必查率, percent, rounded down; where both of its counts are told."""
    CASES_FILED = "CASES_FILED"
    """Objections and other cases that persons filed: department by kind."""
    CASES_CLOSED = "CASES_CLOSED"
    """Those that somebody concluded in the month."""
    CASE_DAYS = "CASE_DAYS"
    """Median working days from filing to conclusion, of at least `K` cases."""
    AVAILABILITY = "AVAILABILITY"
    """Answers of a source out of a hundred questions, rounded down; where at least `K` were put to it."""


Counts: TypeAlias = Counter[Cell]
Table: TypeAlias = dict[Cell, int | None]
"""As it is told: None where a cell is withheld."""
_ANSWERED: Final = frozenset({SourceStatus.OK, SourceStatus.PARTIAL})
_FAILED: Final = frozenset({SourceStatus.TIMEOUT, SourceStatus.UNAVAILABLE, SourceStatus.BUSY})
_CONCLUSIONS: Final = frozenset(act for acts in DECISIONS.values() for act in acts)
_OF_OTHERS: Final = frozenset({"STATUTORY", "CONSENT"})


@dataclass(frozen=True, slots=True)
class Told:
    """One cell as it is published; `value` is None where it is withheld."""

    figure: Figure
    row: str
    column: str
    value: int | None


@dataclass(slots=True)
class _Month:
    """What was counted, before anything is withheld."""

    events: int = 0
    counts: defaultdict[Figure, Counts] = field(default_factory=lambda: defaultdict(Counter))
    answers: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By source: how often it was in which state."""
    days: defaultdict[Cell, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one event of the log."""
        self.events += 1
        match event["phase"]:
            case "INTENT":
                basis = event["authorization"]
                if basis["basis"] in _OF_OTHERS:
                    self.counts[Figure.READS][event["agent"]["orgUscc"], basis["scenarioCode"]] += 1
            case "OUTCOME":
                for read in event["entity"]:
                    if read["sourceStatus"] in _ANSWERED | _FAILED:
                        self.answers[read["source"]][read["sourceStatus"]] += 1
            case "DENIAL":
                own = event["agent"]["operatorRole"] == ActorKind.PERSON
                for code in event["codes"]:
                    row = ActorKind.PERSON.value if own else event["agent"]["orgUscc"]
                    self.counts[Figure.DENIALS][row, code] += 1
            case "COUNTS":
                self._counters(event["counts"])

    def _counters(self, counted: Mapping[str, Mapping[str, int]]) -> None:
        for code, number in counted.get(Count.PUBLIC_READ, {}).items():
            self.counts[Figure.PUBLIC_READS][code, RECORDS] += number
        for count, row in ((Count.ANONYMOUS_DENIAL, ANONYMOUS), (Count.DENIAL_OVER_QUOTA, OVER_QUOTA)):
            for code, number in counted.get(count, {}).items():
                self.counts[Figure.DENIALS][row, code] += number


async def figures(store: Store, start: datetime, end: datetime) -> list[Told] | None:
    """What is told of the time from start up to end; None where the log has no event of it."""
    month = _Month()
    async for _, event, at in events_around(store, start, end):
        if start <= at < end:
            month.add(event)
    if not month.events:
        return None
    async with store.reading() as connection:
        await _add_outcomes(connection, month, start, end)
        await _add_cases(connection, month, start, end)
    return list(_told(month))


async def _add_outcomes(connection: AsyncConnection, month: _Month, start: datetime, end: datetime) -> None:
    for each in await rates(connection, start.date(), (end - timedelta(days=1)).date()):
        cell = each.organization, each.scenario
        month.counts[Figure.CHECKED][cell] += each.checked
        month.counts[Figure.UNCHECKED][cell] += each.reported - each.checked


async def _add_cases(connection: AsyncConnection, month: _Month, start: datetime, end: datetime) -> None:
    case, event = rights_case.c, rights_case_event.c
    query = (
        select(case.kind, case.department, case.filed_at, event.act, event.at)
        .join(rights_case_event, event.case_id == case.id)
        .where(event.act.in_({Act.FILED, *_CONCLUSIONS}), event.at >= millis(start), event.at < millis(end))
    )
    for row in await connection.execute(query):
        cell = row.department or OFFICE, Kind(row.kind).value
        if row.act == Act.FILED:
            month.counts[Figure.CASES_FILED][cell] += 1
            continue
        month.counts[Figure.CASES_CLOSED][cell] += 1
        took = working_days_between(moment(row.filed_at).date(), moment(row.at).date())
        for each in (cell, (TOTAL, cell[1])):
            month.days[each].append(took)


def _told(month: _Month) -> Iterator[Told]:
    reads = _withheld(month, Figure.READS)
    unread = {cell for cell, value in reads.items() if value is None}
    # as many outcomes with a check as there are, so many reads there were at least
    checked = _withheld(month, Figure.CHECKED, unread)
    unchecked = _withheld(month, Figure.UNCHECKED)
    closed = _withheld(month, Figure.CASES_CLOSED)
    tables: dict[Figure, Table] = {
        Figure.READS: reads,
        Figure.DENIALS: _withheld(month, Figure.DENIALS),
        Figure.PUBLIC_READS: _withheld(month, Figure.PUBLIC_READS),
        Figure.CHECKED: checked,
        Figure.UNCHECKED: unchecked,
        Figure.CHECK_RATE: _rates(checked, unchecked),
        Figure.CASES_FILED: _withheld(month, Figure.CASES_FILED),
        Figure.CASES_CLOSED: closed,
        Figure.CASE_DAYS: {
            cell: median_low(days) for cell, days in month.days.items() if closed[cell] is not None
        },
        Figure.AVAILABILITY: {
            (source, PERCENT): _percent(answers) for source, answers in month.answers.items()
        },
    }
    for figure, table in tables.items():
        for (row, column), value in sorted(table.items()):
            yield Told(figure, row, column, value)


def _withheld(month: _Month, figure: Figure, also: Collection[Cell] = ()) -> Table:
    return suppressed(month.counts[figure], also)


def _rates(checked: Table, unchecked: Table) -> Table:
    """Of cells whose two counts are told; a cell that is not listed is zero."""
    found: Table = {}
    for cell in checked.keys() | unchecked.keys():
        with_one, without = checked.get(cell, 0), unchecked.get(cell, 0)
        if with_one is None or without is None:
            found[cell] = None
        else:
            found[cell] = 100 * with_one // (with_one + without)
    return found


def _percent(answers: Counter[str]) -> int | None:
    asked, answered = answers.total(), sum(answers[status] for status in _ANSWERED)
    return 100 * answered // asked if asked >= K else None
