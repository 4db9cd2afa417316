"""Reminders and escalation of cases, and readers who were given a record while it was being corrected.

Any process may look; what is found due is written in the store's one writing transaction, and only
if it is still due there, so however many processes look, each is told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import outbox
from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, CaseAct, Query
from authz.cases import tables
from authz.cases.clocks import Stage, Terms, stage
from authz.cases.desk import CaseDesk
from authz.cases.refusals import CaseRefused, Code, refused
from authz.cases.register import handlers_of
from authz.cases.states import Act, Party
from authz.cases.tables import Case, Event
from authz.consent.tables import reading
from authz.errors import AuditUnavailable
from authz.moments import now_in_china
from authz.outbox import OFFICE, Notice, NoticeKind
from authz.store import Store
from catalogue.values import CHINA_TIME

_CLOCK: Final = Actor(ActorKind.ANONYMOUS, "gateway")
_QUERY: Final = Query("case remind", "")
_LATE: Final = timedelta(hours=1)
"""A read under way when a record was corrected has been answered by then."""
_ACTS: Final = {Stage.NEARLY_DUE: Act.REMINDED, Stage.OVERDUE: Act.ESCALATED}


class CaseClock:
    """An `async with` looks every so many seconds; `look` does it now."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        desk: CaseDesk,
        terms: Terms,
        *,
        clock: Callable[[], datetime] = now_in_china,
        every: float = 600.0,
    ) -> None:
        self._store = store
        self._audit = audit
        self._desk = desk
        self._terms = terms
        self._clock = clock
        self._every = every
        self._looking: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look_until_stopped(), name="case-clock")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._looking is not None:
            await self._looking

    async def look(self) -> list[tuple[str, Act]]:
        """Remind and escalate what is due, tell late readers; the cases told of, and how."""
        async with reading(self._store) as connection:
            waiting = await tables.load_waiting(connection)
        told = []
        for case in waiting:
            act = self._due(case)
            if act is not None and await self._tell(case, act):
                told.append((case.id, act))
        await self._desk.tell_late_readers(self._clock() - _LATE)
        return told

    async def _look_until_stopped(self) -> None:
        while not self._stopping.is_set():
            # the store is down: reads are refused by then, and the next look finds the same
            with suppress(AuditUnavailable, SQLAlchemyError, OSError):
                await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._stopping.wait()

    def _due(self, case: Case) -> Act | None:
        """What the clock asks for and has not been done in the term that runs."""
        filed_on, today = (at.astimezone(CHINA_TIME).date() for at in (case.filed_at, self._clock()))
        terms = self._terms(case.record_type)
        stands = stage(case.kind, case.state, filed_on, today, terms, extended=case.extended)
        act = _ACTS.get(stands)
        acts = [event.act for event in case.events]
        since = acts.index(Act.EXTENDED) if case.extended else 0
        return None if act in acts[since:] else act

    async def _tell(self, case: Case, act: Act) -> bool:
        now = self._clock()
        kind = NoticeKind.CASE_DUE if act is Act.REMINDED else NoticeKind.CASE_OVERDUE
        to = dict.fromkeys([*handlers_of(case), *([OFFICE] if act is Act.ESCALATED else [])])
        event = Event(act, case.state, Party.GATEWAY, "", now)

        async def note(connection: AsyncConnection) -> None:
            found = await tables.load(connection, case.id)
            if found is None or not found.waiting or self._due(found) is not act:
                raise refused(Code.STATE)
            await tables.note(connection, case.id, event)
            await outbox.within(connection, *(Notice(one, kind, case.id, now) for one in to))

        subject = self._desk.content(case).subject
        done = CaseAct(act, case.state, case.id, case.kind, case.record, _CLOCK, _QUERY, subject)
        try:
            await self._audit.case(done, note)
        except CaseRefused:
            return False
        return True
