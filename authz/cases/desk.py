"""The acts of those who decide: the department's steward, the credit office, the auditors.

A steward sees the cases on records of the department, and by the row's own key finds the row in
the department's own system; nothing of it is read here. The credit office sees all, and decides on
repairs and complaints; auditors see and answer complaints. Nobody decides on their own case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from authz import outbox
from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, CaseAct, Query, operation_at
from authz.cases import tables
from authz.cases.clocks import Terms, extendable
from authz.cases.readers import readers_of, untold
from authz.cases.refusals import Code, refused
from authz.cases.register import LONGEST_TEXT
from authz.cases.sealed import Content, Seal, opened
from authz.cases.states import (
    DECISIONS,
    WAITING,
    Act,
    Effect,
    Kind,
    Party,
    Remedy,
    State,
    effect_of_decision,
)
from authz.cases.tables import Case, Event
from authz.consent.tables import reading
from authz.errors import AccessDenied
from authz.moments import now_in_china
from authz.outbox import Notice, NoticeKind, Recipient, RecipientKind
from authz.outcomes import measures
from authz.references import References
from authz.store import Store
from authz.wording import holds_personal_number

_SEES: Final[Mapping[ActorKind, frozenset[Kind]]] = {
    ActorKind.STEWARD: frozenset({Kind.OBJECTION, Kind.REPAIR}),
    ActorKind.OPERATOR: frozenset({Kind.OBJECTION, Kind.REPAIR, Kind.COMPLAINT}),
    ActorKind.AUDITOR: frozenset({Kind.COMPLAINT}),
}
_DECIDES: Final[Mapping[ActorKind, frozenset[Kind]]] = {
    ActorKind.STEWARD: frozenset({Kind.OBJECTION, Kind.REPAIR}),
    ActorKind.OPERATOR: frozenset({Kind.REPAIR, Kind.COMPLAINT}),
    ActorKind.AUDITOR: frozenset({Kind.COMPLAINT}),
}
_PARTY: Final = {
    ActorKind.STEWARD: Party.DEPARTMENT,
    ActorKind.OPERATOR: Party.OFFICE,
    ActorKind.AUDITOR: Party.AUDITOR,
}
TOLD_TO_READERS: Final = {
    Act.CORRECTED: NoticeKind.RECORD_CORRECTED,
    Act.REPAIRED: NoticeKind.RECORD_REPAIRED,
}
"""Decisions of which whoever was given the record is told."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a named human decided, and why."""

    outcome: Act
    reasons: str
    remedy: Remedy = Remedy.REMOVED
    """Of an objection that is right."""


class CaseDesk:
    """Cases as those who decide have them. Raises CaseRefused, AccessDenied, AuditUnavailable."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        references: References,
        seal: Seal,
        terms: Terms,
        *,
        clock: Callable[[], datetime] = now_in_china,
    ) -> None:
        self._store = store
        self._audit = audit
        self._references = references
        self._seal = seal
        self._terms = terms
        self._clock = clock

    async def listed(
        self, actor: Actor, first: int, before: tuple[int, str] | None = None, *, waiting: bool = False
    ) -> list[Case]:
        """The cases this handler may see, newest first; `before` is a `tables.position`."""
        kinds = require_handler(actor)
        department = actor.department if actor.kind is ActorKind.STEWARD else None
        async with reading(self._store) as connection:
            return await tables.load_for(connection, kinds, department, first, before, waiting=waiting)

    async def find(self, actor: Actor, case_id: str) -> Case | None:
        """A case this handler may see; None for any other."""
        kinds = require_handler(actor)
        async with reading(self._store) as connection:
            case = await tables.load(connection, case_id)
        if case is None or case.kind not in kinds:
            return None
        theirs = actor.kind is not ActorKind.STEWARD or case.department == actor.department
        return case if theirs else None

    def content(self, case: Case) -> Content:
        """What was filed, and which row it is about."""
        return opened(self._seal, case.content, case.id)

    async def take(self, actor: Actor, query: Query, case_id: str) -> Case:
        """Take a case up, so that the person sees that somebody has."""
        case = await self._own_hands_off(actor, case_id)
        event = self._event(actor, case, Act.TAKEN, State.TAKEN)
        return await self._make(actor, query, case, event, {State.OPEN}, taken_by=actor.operator)

    async def extend(self, actor: Actor, query: Query, case_id: str, reasons: str) -> Case:
        """Approve the longer term, which takes a second person (浙江条例 30)."""
        case = await self._own_hands_off(actor, case_id)
        if case.extended or not extendable(case.kind, self._terms(case.record_type)):
            raise refused(Code.NO_LONGER_TERM)
        if case.taken_by is not None and case.taken_by.casefold() == actor.staff:
            raise refused(Code.SECOND_PERSON)
        event = self._event(actor, case, Act.EXTENDED, State.TAKEN, reasons)
        return await self._make(actor, query, case, event, {State.TAKEN})

    async def decide(self, actor: Actor, query: Query, case_id: str, verdict: Verdict) -> Case:
        """Decide, with reasons; what the decision does to the record every channel does at once."""
        case = await self._own_hands_off(actor, case_id)
        state = DECISIONS[case.kind].get(verdict.outcome)
        if state is None:
            raise refused(Code.OUTCOME)
        event = self._event(actor, case, verdict.outcome, state, verdict.reasons)
        effect = effect_of_decision(verdict.outcome, verdict.remedy) if case.record else None
        return await self._make(actor, query, case, event, WAITING, effect)

    async def _own_hands_off(self, actor: Actor, case_id: str) -> Case:
        """A case that this handler may decide on; raises CaseRefused for their own."""
        case = await self.find(actor, case_id)
        if case is None or case.kind not in _DECIDES[actor.kind]:
            raise refused(Code.CASE_UNKNOWN)
        own = self._references.audit_refs(actor.own_subject) if actor.own_subject else ()
        if not {case.subject, case.representative}.isdisjoint(own):
            raise refused(Code.OWN_CASE)
        read = self.content(case).read
        complained = None if read is None else await operation_at(self._store, read)
        if complained and (
            complained.client == actor.client_id or complained.operator.casefold() == actor.staff
        ):
            raise refused(Code.OWN_CASE)
        return case

    def _event(self, actor: Actor, case: Case, act: Act, state: State, reasons: str | None = None) -> Event:
        note = None
        if reasons is not None:
            note = self._seal.seal(_words(reasons), f"{case.id} {act}")
        return Event(act, state, _PARTY[actor.kind], actor.operator, self._clock(), note)

    async def _make(
        self,
        actor: Actor,
        query: Query,
        case: Case,
        event: Event,
        sources: frozenset[State] | set[State],
        effect: Effect | None = None,
        **columns: str,
    ) -> Case:
        """The act, its leaf, what it does to the record and whom it tells, or nothing of it."""
        content = self.content(case)

        async def move(connection: AsyncConnection) -> None:
            if not await tables.move(connection, case.id, sources, event, **columns):
                raise refused(Code.STATE)
            if effect is not None:
                await tables.mark(connection, case, effect, event.at)
            if event.act is Act.UPHELD:
                await measures.revive(connection, case, event.at)
            moved = Notice(person_of(case), NoticeKind.CASE_MOVED, case.id, event.at)
            await outbox.within(connection, moved)
            if event.act in TOLD_TO_READERS:
                await outbox.within(connection, *await self._told(connection, content, case, event))

        done = CaseAct(event.act, event.state, case.id, case.kind, case.record, actor, query, content.subject)
        await self._audit.case(done, move)
        found = await self.find(actor, case.id)
        if found is None:
            raise LookupError("a case that was just moved is gone")
        return found

    async def tell_late_readers(self, since: datetime) -> None:
        """Tell those whose reads were under way when a record was corrected or repaired since a moment."""
        async with reading(self._store) as connection:
            decided = await tables.load_decided(connection, TOLD_TO_READERS, since)
            late = [case for case in decided if await self._untold(connection, case)]
        for case in late:
            async with self._store.writing() as connection:
                await outbox.within(connection, *await self._untold(connection, case))

    async def _untold(self, connection: AsyncConnection, case: Case) -> list[Notice]:
        event = next(event for event in reversed(case.events) if event.act in TOLD_TO_READERS)
        return await untold(connection, await self._told(connection, self.content(case), case, event))

    async def _told(
        self, connection: AsyncConnection, content: Content, case: Case, event: Event
    ) -> list[Notice]:
        """A notice for each client that was ever given the record, by its own reference of it."""
        row = (content.source, case.record_type or "", content.identity)
        refs = self._references
        clients = await readers_of(connection, refs.audit_refs(content.subject), refs.record_hashes(*row))
        return [
            Notice(
                Recipient(RecipientKind.CLIENT, client),
                TOLD_TO_READERS[event.act],
                refs.record_ref(*row, client),
                event.at,
            )
            for client in sorted(clients)
        ]


def person_of(case: Case) -> Recipient:
    """Whoever filed a case."""
    return Recipient(RecipientKind.PERSON, case.representative or case.subject)


def require_handler(actor: Actor) -> frozenset[Kind]:
    """The kinds of case this actor may see; raises AccessDenied ACTOR_NOT_ALLOWED."""
    kinds = _SEES.get(actor.kind)
    if kinds is None or (actor.kind is ActorKind.STEWARD and not actor.department):
        raise AccessDenied(
            "ACTOR_NOT_ALLOWED", "Cases are for the department's steward, the credit office and auditors."
        )
    return kinds


def _words(text: str) -> str:
    """Reasons in words; a personal number has no business in them."""
    words = text.strip()
    fits = 0 < len(words) <= LONGEST_TEXT and words.replace("\n", "").isprintable()
    if not fits or holds_personal_number(words):
        raise refused(Code.WORDS)
    return words
