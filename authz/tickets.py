"""Tickets about rows that departments must correct: how often, where, and since when. Never a value.

Counted in memory and written every few seconds, so that no answer waits for them; what a crash
loses is counted again at the next read. A ticket not met for `KEPT_DAYS` goes: it was corrected. One that
somebody closes goes at once and stays in the audit log; a fault that is met again is a new ticket.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Column, Date, Integer, String, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import AuditLog, ReviewAct
from authz.errors import StoreUnavailable
from authz.ids import id_of
from authz.register.acts import staff_reference, stated_reason
from authz.register.standing import RegisterRefused
from authz.store import Store, metadata

SECONDS: Final = 5.0
"""Between two writes of what was counted."""
KEPT_DAYS: Final = 90
ROWS_NAMED: Final = 100
"""Rows named one by one in a day per source, record type, reason and column; further ones are one ticket."""

quality_ticket: Final = Table(
    "quality_ticket",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("record_type", String(16), primary_key=True),
    Column("reason", String(64), primary_key=True),
    Column("column_name", String(128), primary_key=True),
    Column("row_mark", String(272), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("first_seen", Date, nullable=False),
    Column("last_seen", Date, nullable=False),
)


@dataclass(frozen=True, slots=True)
class RowFault:
    """One row that was left out; `row` is its mark or place, empty where only a person identifies it."""

    source: str
    record_type: str
    reason: str
    column: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One fault, how often it was met, and the first and last day (Asia/Shanghai)."""

    fault: RowFault
    count: int
    first_seen: date
    last_seen: date

    @property
    def id(self) -> str:
        """By which it is closed: the same for the same fault."""
        return id_of("tk", chr(31).join(astuple(self.fault)), 48)


class Tickets:
    """The tickets of one deployment."""

    def __init__(self, store: Store, today: Callable[[], date]) -> None:
        self._store = store
        self._today = today
        self._pending: Counter[RowFault] = Counter()
        self._named: dict[RowFault, set[str]] = {}
        self._named_on = today()
        self._writer: asyncio.Task[None] | None = None

    def note(self, faults: Iterable[RowFault]) -> None:
        """Count; never fails, and waits for nothing."""
        met = list(faults)
        if not met:
            return
        if self._named_on != (today := self._today()):
            self._named, self._named_on = {}, today
        self._pending.update(map(self._within_bounds, met))

    def _within_bounds(self, fault: RowFault) -> RowFault:
        group = RowFault(fault.source, fault.record_type, fault.reason, fault.column)
        rows = self._named.setdefault(group, set())
        if len(rows) >= ROWS_NAMED and fault.row not in rows:
            return group
        rows.add(fault.row)
        return fault

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_forever())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        with suppress(StoreUnavailable):
            await self.flush()

    async def _write_forever(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            with suppress(StoreUnavailable):
                await self.flush()

    async def flush(self) -> None:
        """Write what was counted; raises StoreUnavailable, and keeps the counts for the next time."""
        pending, self._pending = self._pending, Counter()
        if not pending:
            return
        today = self._today()
        rows = [_row(fault, count, today) for fault, count in pending.items()]
        try:
            async with self._store.writing() as connection:
                await connection.execute(self._upsert(), rows)
                gone = quality_ticket.c.last_seen < today - timedelta(days=KEPT_DAYS)
                await connection.execute(delete(quality_ticket).where(gone))
        except (SQLAlchemyError, OSError):
            self._pending += pending
            raise StoreUnavailable from None

    def _upsert(self) -> Any:  # noqa: ANN401 - each dialect has its own class of insert
        dialect = postgresql if self._store.engine.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(quality_ticket)
        return insert.on_conflict_do_update(
            index_elements=list(quality_ticket.primary_key),
            set_={
                "count": quality_ticket.columns["count"] + insert.excluded["count"],
                "last_seen": insert.excluded.last_seen,
            },
        )

    async def listed(self, since: date | None = None) -> list[Ticket]:
        """Every ticket met since that day, by source and record type, the most frequent first."""
        found = quality_ticket.c
        query = select(quality_ticket).order_by(
            found.source,
            found.record_type,
            found.reason,
            found.column_name,
            quality_ticket.columns["count"].desc(),
            found.row_mark,
        )
        if since:
            query = query.where(found.last_seen >= since)
        try:
            async with self._store.reading() as connection:
                rows = (await connection.execute(query)).all()
        except (SQLAlchemyError, OSError):
            raise StoreUnavailable from None
        return [Ticket(RowFault(*row[:5]), *row[5:]) for row in map(tuple, rows)]

    async def close(self, audit: AuditLog, ticket_id: str, party: str, reason: str) -> Ticket:
        """Take a ticket off the list, by a leaf of the log in the same transaction.

        Raises RegisterRefused, StoreUnavailable, AuditUnavailable.
        """
        by, why = staff_reference(party), stated_reason(reason)
        found = next((each for each in await self.listed() if each.id == ticket_id), None)
        if found is None:
            raise _unknown()
        own = zip(quality_ticket.primary_key, astuple(found.fault), strict=True)
        query = delete(quality_ticket).where(*(column == value for column, value in own))

        async def close(connection: AsyncConnection) -> None:
            if not (await connection.execute(query)).rowcount:  # somebody else was first
                raise _unknown()

        about = {
            "column": found.fault.column,
            "fault": found.fault.reason,
            "reason": why,
            "recordType": found.fault.record_type,
            "row": found.fault.row,
            "source": found.fault.source,
            "ticketId": ticket_id,
        }
        await audit.review(ReviewAct("TICKET_CLOSED", by, "cli", about), close)
        return found


def _unknown() -> RegisterRefused:
    return RegisterRefused("TICKET_UNKNOWN", "There is no such ticket. `source report` lists them.")


def _row(fault: RowFault, count: int, today: date) -> dict[str, object]:
    return {
        "source": fault.source,
        "record_type": fault.record_type,
        "reason": fault.reason,
        "column_name": fault.column,
        "row_mark": fault.row,
        "count": count,
        "first_seen": today,
        "last_seen": today,
    }
