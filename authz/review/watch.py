"""Looks at new audit events for what a reviewer should know, and tells of it once.

One process looks at a time, by the store's own writer lock, and where it stopped the next goes
on, so an alarm is counted, logged and recorded once however many processes run.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import orjson
import structlog
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import AuditLog, ReviewAct
from authz.audit.tables import audit_leaf
from authz.calendar import CALENDAR
from authz.clients import ClientRegister
from authz.errors import AuditUnavailable
from authz.moments import millis
from authz.review import items, lockouts, sequences
from authz.review.events import Use, use_of
from authz.review.items import ALARM_DAYS, EVIDENCE, Item, ItemKind
from authz.review.refusals import Fault, ReviewRefused
from authz.review.tables import use_tally, use_watch
from authz.review.terms import AlarmTerms, UseTerms
from authz.store import Store
from catalogue.values import CHINA_TIME

_PAGE: Final = 500
_KEPT: Final = timedelta(days=2)
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_log: Final = structlog.get_logger(__name__)

Told = Callable[[str], None]
"""Is told the kind of each new alarm, for metrics."""


class Watch:
    """An `async with` looks every so many seconds; `look` does it now."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        clients: ClientRegister,
        *,
        clock: Callable[[], datetime] | None = None,
        every: float = 15.0,
    ) -> None:
        self._store = store
        self._audit = audit
        self._clients = clients
        self._clock = clock or _now
        self._every = every
        self._looking: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.observers: list[Told] = []

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look_until_stopped(), name="use-watch")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._looking is not None:
            await self._looking

    async def look(self) -> None:
        """See what is new, forget what is old, and tell of alarms; raises what the store raises."""
        while await self._page():
            pass
        async with self._store.writing() as connection:
            now = self._clock()
            await sequences.expire(connection, now)
            await lockouts.expire(connection, now)
            old = use_tally.c.hour_start <= millis(now - _KEPT)
            await connection.execute(delete(use_tally).where(old))
        async with self._store.reading() as connection:
            untold = await items.items(connection, items.ALARMS, announced=False)
        for alarm in untold:
            await self._tell(alarm)

    async def _look_until_stopped(self) -> None:
        while not self._stopping.is_set():
            # the store is down: reads are refused by then, and the next look goes on from here
            with suppress(AuditUnavailable, SQLAlchemyError, OSError):
                await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._stopping.wait()

    async def _page(self) -> bool:
        """Count one page of events; whether there may be more."""
        async with self._store.writing() as connection:
            start = await _following(connection)
            column = audit_leaf.c.leaf_index
            query = select(column, audit_leaf.c.payload).where(column >= start).order_by(column).limit(_PAGE)
            rows = (await connection.execute(query)).all()
            seen = [(int(row.leaf_index), use) for row in rows if (use := use_of(row.payload))]
            for kind, found in self._grouped(seen):
                await self._add(connection, kind, found)
            if rows:
                await connection.execute(update(use_watch).values(following=rows[-1].leaf_index + 1))
        return len(rows) == _PAGE

    def _grouped(
        self, seen: Iterable[tuple[int, Use]]
    ) -> Iterable[tuple[ItemKind, Sequence[tuple[int, Use]]]]:
        groups: dict[tuple[ItemKind, str, datetime], list[tuple[int, Use]]] = {}
        for index, use in seen:
            kind = _kind(use, self._terms(use.client_id))
            if kind is not None:
                groups.setdefault((kind, use.client_id, _hour(use.at)), []).append((index, use))
        return [(kind, found) for (kind, _, _), found in groups.items()]

    async def _add(
        self, connection: AsyncConnection, kind: ItemKind, found: Sequence[tuple[int, Use]]
    ) -> None:
        """Add events of one client and hour to what was seen; raise an alarm where that is much."""
        use = found[0][1]
        hour = _hour(use.at)
        number, evidence = await _tallied(
            connection, kind, use.client_id, hour, [index for index, _ in found]
        )
        terms = self._terms(use.client_id)
        limit = terms.denials_per_hour if kind is ItemKind.MANY_DENIALS else terms.reads_out_of_hours
        if number < limit:
            return
        now, period = self._clock(), f"{hour:%Y-%m-%dT%H}"
        alarm = Item(
            id=_alarm_id(kind, use.client_id, period),
            kind=kind,
            period=period,
            client_id=use.client_id,
            organization=use.organization,
            operator="",
            number=number,
            evidence=tuple(evidence),
            made_at=now,
            due_at=items.due(now, ALARM_DAYS),
            announced=False,
        )
        await connection.run_sync(items.put, alarm)

    async def _tell(self, alarm: Item) -> None:
        """Record, log and count an alarm, unless another process has."""

        async def mark(connection: AsyncConnection) -> None:
            if not await items.announce(connection, alarm.id):
                raise ReviewRefused(Fault.ALREADY_TOLD, "Another process has told of it.")

        about = {
            "alarm": alarm.kind,
            "clientId": alarm.client_id,
            "evidence": list(alarm.evidence),
            "itemId": alarm.id,
            "number": alarm.number,
        }
        try:
            await self._audit.review(ReviewAct("ALARM", "", "", about), mark)
        except ReviewRefused:
            return
        _log.warning("use alarm", alarm=alarm.kind, client=alarm.client_id, count=alarm.number)
        for observe in self.observers:
            observe(alarm.kind)

    def _terms(self, client_id: str) -> AlarmTerms:
        """A client that has left the register is looked at by the defaults."""
        client = self._clients.clients.get(client_id)
        return (client.use if client else UseTerms()).alarms


async def _following(connection: AsyncConnection) -> int:
    """The first event not seen; a new watch begins with what comes after it."""
    found = (await connection.execute(select(use_watch.c.following))).scalar()
    if found is None:
        last = (await connection.execute(select(func.max(audit_leaf.c.leaf_index)))).scalar()
        found = 0 if last is None else last + 1
        await connection.execute(insert(use_watch).values(id=1, following=found))
    return int(found)


async def _tallied(
    connection: AsyncConnection, kind: ItemKind, client_id: str, hour: datetime, indexes: list[int]
) -> tuple[int, list[int]]:
    column = use_tally.c
    key = (column.client_id == client_id, column.what == kind, column.hour_start == millis(hour))
    known = (await connection.execute(select(column.number, column.evidence).where(*key))).first()
    number = len(indexes) + (known.number if known else 0)
    evidence = [*(orjson.loads(known.evidence) if known else ()), *indexes][:EVIDENCE]
    row = {
        "client_id": client_id,
        "what": kind,
        "hour_start": millis(hour),
        "number": number,
        "evidence": orjson.dumps(evidence).decode(),
    }
    kept = _INSERT[connection.dialect.name](use_tally).values(row)
    grown = {"number": row["number"], "evidence": row["evidence"]}
    keys = [column.client_id, column.what, column.hour_start]
    await connection.execute(kept.on_conflict_do_update(index_elements=keys, set_=grown))
    return number, evidence


def _kind(use: Use, terms: AlarmTerms) -> ItemKind | None:
    if use.denied:
        return ItemKind.MANY_DENIALS
    first, last = terms.hours
    working = CALENDAR.is_working_day(use.at.date()) and first <= use.at.hour < last
    return ItemKind.NIGHT_BURST if use.reviewed and not working else None


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _alarm_id(kind: ItemKind, client_id: str, period: str) -> str:
    digest = hashlib.sha256(f"{kind} {client_id} {period}".encode()).hexdigest()
    return f"al_{digest[:16]}"


def _now() -> datetime:
    return datetime.now(CHINA_TIME)
