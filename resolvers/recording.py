"""The two audit leaves of every read: the intent before anything is asked, the outcome before the answer.

Public reads and anonymous refusals are counted, not recorded one by one (ruling 20).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from authz.actors import Actor
from authz.audit import (
    Denial,
    EventKind,
    Intent,
    IntentRef,
    Outcome,
    PlannedRead,
    Query,
    ReadResult,
    Result,
    SourceStatus,
    Within,
    together,
    visibility_of,
)
from authz.decisions import Effect, TypeDecisions
from authz.errors import AccessDenied, AuthzError
from authz.grants import Consent, Grant, Public, SelfAccess, Statutory
from catalogue.identifiers import IdentifierError, SubjectKey
from catalogue.model import RecordType
from catalogue.values import CHINA_TIME
from connectors.errors import SectionState
from resolvers.building import Section
from resolvers.context import RequestContext, Services
from resolvers.identity import Confirmation, Doubt, Lookup
from resolvers.records import TELLING_FIELDS, carrier_of

_FAILURES: Final = frozenset({"SUBJECT_NOT_CONFIRMED", "NO_MATCH"})
"""Outcomes that count towards a lock-out: both say that number and name do not belong together."""


class Recorder:
    """Around one reading: entering writes the intents, leaving writes the outcomes.

    Raises AuditUnavailable on either side, so that without a proof there is no answer. Under a
    consent the intent counts a use and the outcome looks whether it still stands, each in one
    transaction with its leaf; AccessDenied when not. A cancelled reading keeps its intents
    without outcomes: it was never answered.
    """

    def __init__(
        self,
        context: RequestContext,
        grant: Grant,
        reads: tuple[PlannedRead, ...],
        lookups: Sequence[Lookup],
        kind: EventKind = EventKind.READ,
    ) -> None:
        self._audit = context.services.audit
        self._services = context.services
        self._payer = context.payer
        self._ticket = context.ticket if isinstance(grant, Consent) else None
        self._grant = grant
        self._query = context.query
        self._reads = reads
        self._kind = kind
        self._keys = tuple(dict.fromkeys(lookup.key for lookup in lookups))
        self._intents: dict[SubjectKey, IntentRef] = {}
        self._outcomes: dict[SubjectKey, Outcome] = {}

    async def __aenter__(self) -> Self:
        if isinstance(self._grant, Public):
            await self._spend_publicly()
            self._audit.public_read(read.record_type for read in self._reads for _ in self._keys)
            return self
        try:
            refs = await asyncio.gather(*(self._intend(key) for key in self._keys))
        except AccessDenied as refusal:
            key = self._keys[0] if len(self._keys) == 1 else None
            await deny(self._services, self._grant.actor, self._query, refusal.code, key)
            raise
        self._intents = dict(zip(self._keys, refs, strict=True))
        return self

    async def _spend_publicly(self) -> None:
        try:
            self._services.public_quota.spend(self._payer, len(self._keys))
        except AccessDenied as refusal:
            await deny(self._services, self._grant.actor, self._query, refusal.code)
            raise

    def note(self, key: SubjectKey, outcome: Outcome) -> None:
        """What will be answered about one subject."""
        self._outcomes[key] = outcome

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            return
        failed = Outcome(Result.ERROR, codes=(getattr(error, "code", "INTERNAL"),))
        outcomes = {} if error else self._outcomes
        stopped = None if error else await self._stopped()
        if stopped:
            outcomes, failed = {}, Outcome(Result.DENY, codes=(stopped.code,))
        await asyncio.gather(
            *(self._conclude(ref, key, outcomes.get(key, failed)) for key, ref in self._intents.items())
        )
        if stopped:
            raise stopped

    async def _stopped(self) -> AccessDenied | None:
        """Whether somebody has stopped the mandate or the scenario while departments were asked."""
        try:
            await self._services.register.confirm(self._grant)
        except AccessDenied as refusal:
            return refusal
        return None

    async def _intend(self, key: SubjectKey) -> IntentRef:
        """Record one intent; what is allowed so often, or to so many, is counted together with it."""
        changes = [self._services.guard.entering(self._grant, key)]
        if isinstance(self._grant, Consent):
            changes.append(self._services.consent_use.counting(self._grant))
        if isinstance(self._grant, Statutory):
            changes.append(self._services.case_use.counting(self._grant, key))
        told = visibility_of(self._grant, datetime.now(CHINA_TIME))
        event = Intent(self._kind, self._grant, self._query, self._reads, key, told)
        if self._ticket is None:
            return await self._audit.intent(event, together(changes))
        return await self._ticket.with_intent(
            lambda first: self._audit.intent(event, together([*first, *changes]))
        )

    async def _conclude(self, ref: IntentRef, key: SubjectKey, outcome: Outcome) -> None:
        changes: list[Within] = []
        if isinstance(self._grant, Consent):
            changes.append(self._services.consent_use.holding(self._grant))
        if _failed(self._grant, key, outcome):
            changes.append(self._services.guard.unconfirmed(self._grant.actor, ref.index))
        try:
            await self._audit.outcome(ref, outcome, together(changes))
        except AccessDenied as refusal:
            await self._audit.outcome(ref, Outcome(Result.DENY, codes=(refusal.code,)))
            raise


def _failed(grant: Grant, key: SubjectKey, outcome: Outcome) -> bool:
    """Whether somebody asked for another person and had number or name wrong."""
    other = key.personal and not isinstance(grant, SelfAccess)
    return other and not _FAILURES.isdisjoint(outcome.codes)


def planned_read(
    entry: RecordType, verdicts: TypeDecisions, fields: frozenset[str], selected: Iterable[str]
) -> PlannedRead:
    """What the intent says will leave of one type: permitted fields, and which are masked.

    `selected` are names in the query: base fields that tell something are named too, by the
    field that carries them where there is one (ruling 26: the person sees every field).
    """
    told = {carrier_of(entry, name) or name for name in TELLING_FIELDS.intersection(selected)}
    named = frozenset(fields | {name for name in told if _leaves(verdicts, name)})
    masked = frozenset(
        name for name in named if name in verdicts.fields and verdicts.fields[name].effect is Effect.MASK
    )
    return PlannedRead(entry.code, entry.department, named, masked)


def _leaves(verdicts: TypeDecisions, name: str) -> bool:
    return name not in verdicts.fields or verdicts.fields[name].effect is not Effect.DENY


def outcome_of(confirmation: Confirmation, sections: Mapping[str, Section]) -> Outcome:
    """What the outcome says of one subject: states, counts and record identities, never values."""
    if isinstance(confirmation, Doubt):
        return Outcome(Result.DENY, codes=("SUBJECT_NOT_CONFIRMED",))
    reads = [read for section in sections.values() for read in _results(section)]
    whole = all(section.state is SectionState.OK for section in sections.values())
    return Outcome(
        Result.PERMIT if whole else Result.PARTIAL,
        tuple(reads),
        sum(section.suppressed for section in sections.values()),
    )


def _results(section: Section) -> list[ReadResult]:
    entry, status = section.entry, SourceStatus(section.state)
    sources: dict[str, list[str]] = {name: [] for name in section.asked}
    for healed in section.healed:
        sources.setdefault(healed.source.name, []).append(healed.row.identity)
    return [
        ReadResult(entry.code, entry.department, source, status, tuple(identities))
        for source, identities in sources.items()
    ]


@asynccontextmanager
async def refusals_recorded(context: RequestContext) -> AsyncIterator[None]:
    """Around what may refuse before any source is asked, inside an operation that has its grant."""
    try:
        yield
    except IdentifierError:
        await deny(context.services, context.actor, context.query, "IDENTIFIER_INVALID")
        raise
    except AuthzError as refusal:
        await deny(context.services, context.actor, context.query, refusal.code)
        raise


async def deny(
    services: Services, actor: Actor, query: Query, code: str, key: SubjectKey | None = None
) -> None:
    """Record that an operation was refused before any source was asked.

    Raises QuotaExceeded instead where the client was refused too often already.
    """
    event = Denial(EventKind.READ, actor, query, (code,))
    await services.audit.denial(event, services.guard.refused(actor, key, code))
