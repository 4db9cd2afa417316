"""双公示: decisions that were published late, or are not published yet, by department and day.

Departments' databases count their decisions at night (`publicity` in a manifest), and what is kept
here is counts by day: no subject, no number and no text of a decision. A breach is a pointer that
the department follows in its own system.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from sqlalchemy import BigInteger, Column, Date, Integer, String, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import AuditLog, ReviewAct
from authz.calendar import add_working_days
from authz.consent.tables import reading
from authz.moments import millis, moment, now_in_china
from authz.store import Store, metadata

publicity_count: Final = Table(
    "publicity_count",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("record_type", String(16), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("counted_at", BigInteger, nullable=False),
    Column("decisions", Integer, nullable=False),
    Column("unread", Integer, nullable=False),
)
publicity_breach: Final = Table(
    "publicity_breach",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("record_type", String(16), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("department", String(16), primary_key=True),
    Column("determined_on", Date, primary_key=True),
    Column("due_on", Date, nullable=False),
    Column("late", Integer, nullable=False),
    Column("unpublished", Integer, nullable=False),
)


class Decisions(Protocol):
    """So many decisions of a department and a day, published on one day or not yet."""

    @property
    def department(self) -> str:
        """Its code; empty where nobody knows."""
        ...

    @property
    def determined_on(self) -> date:
        """The day of the decision."""
        ...

    @property
    def published_on(self) -> date | None:
        """None while they are not."""
        ...

    @property
    def decisions(self) -> int:
        """How many."""
        ...


@dataclass(frozen=True, slots=True)
class Breach:
    """Decisions of one day that were not public in time."""

    department: str
    determined_on: date
    due_on: date
    """The last day of the term."""
    late: int
    """Published after it."""
    unpublished: int
    """Not published when they were counted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one source had of one record type in one month, and where it broke the term."""

    source: str
    record_type: str
    month: str
    counted_at: datetime
    decisions: int
    unread: int
    """Decisions whose days could not be read: nobody knows about these."""
    breaches: Sequence[Breach]


def breaches(decisions: Iterable[Decisions], within: int, today: date) -> list[Breach]:
    """Which of them were not public `within` working days after their day, which itself does not count."""
    late: defaultdict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
    due: dict[date, date] = {}
    for each in decisions:
        day = each.determined_on
        last = due.setdefault(day, add_working_days(day, within))
        if (each.published_on or today) > last:
            late[each.department, day][each.published_on is None] += each.decisions
    return [Breach(*where, due[where[1]], *numbers) for where, numbers in sorted(late.items())]


class PublicityBook:
    """Keeps what the last count of each month said."""

    def __init__(self, store: Store, audit: AuditLog, clock: Callable[[], datetime] = now_in_china) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def keep(
        self,
        source: str,
        record_type: str,
        month: str,
        decisions: Sequence[Decisions],
        unread: int,
        within: int,
    ) -> Counted:
        """Put a count in the place of the month's last, with a leaf of the log; raises AuditUnavailable."""
        now = self._clock()
        total = sum(each.decisions for each in decisions) + unread
        found = breaches(decisions, within, now.date())
        of = {"source": source, "record_type": record_type, "month": month}

        async def replace(connection: AsyncConnection) -> None:
            for table in (publicity_breach, publicity_count):
                await connection.execute(
                    delete(table).where(*(table.c[name] == value for name, value in of.items()))
                )
            told = {"counted_at": millis(now), "decisions": total, "unread": unread}
            await connection.execute(insert(publicity_count).values(of | told))
            if found:
                await connection.execute(insert(publicity_breach), [of | _row(each) for each in found])

        about = {"decisions": total, "month": month, "recordType": record_type, "source": source}
        await self._audit.review(ReviewAct("PUBLICITY", "", "cli", about), replace)
        return Counted(source, record_type, month, now, total, unread, found)

    async def counted(self, month: str, department: str | None = None) -> list[Counted]:
        """What was counted of a month, with the breaches of one department or of all.

        Raises AuditUnavailable.
        """
        count, breach = publicity_count.c, publicity_breach.c
        counts = select(publicity_count).where(count.month == month).order_by(count.source, count.record_type)
        listed = select(publicity_breach).where(breach.month == month)
        if department is not None:
            listed = listed.where(breach.department == department)
        listed = listed.order_by(breach.department, breach.determined_on)
        found: defaultdict[tuple[str, str], list[Breach]] = defaultdict(list)
        async with reading(self._store) as connection:
            for row in await connection.execute(listed):
                one = Breach(row.department, row.determined_on, row.due_on, row.late, row.unpublished)
                found[row.source, row.record_type].append(one)
            rows = (await connection.execute(counts)).all()
        return [
            Counted(
                row.source,
                row.record_type,
                row.month,
                moment(row.counted_at),
                row.decisions,
                row.unread,
                found[row.source, row.record_type],
            )
            for row in rows
        ]


def _row(breach: Breach) -> dict[str, object]:
    return {
        "department": breach.department,
        "determined_on": breach.determined_on,
        "due_on": breach.due_on,
        "late": breach.late,
        "unpublished": breach.unpublished,
    }
