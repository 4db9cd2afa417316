"""The two audit leaves of every read: the intent before anything is asked, the outcome before the answer.

Public reads and anonymous refusals are counted, not recorded one by one (ruling 20).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from authz.actors import Actor
from authz.audit import (
    Denial,
    Entry,
    EventKind,
    Intent,
    IntentRef,
    Outcome,
    PlannedRead,
    Query,
    ReadResult,
    Result,
    SourceStatus,
    visibility_of,
)
from authz.cases.overlay import Standing
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

_Made = TypeVar("_Made")
_FAILURES: Final = frozenset({"SUBJECT_NOT_CONFIRMED", "NO_MATCH"})
"""Outcomes that count towards a lock-out: both say that number and name do not belong together."""


class Recorder:
    """Around one reading: entering writes the intents, leaving writes the outcomes.

    Raises AuditUnavailable on either side, so that without a proof there is no answer. The intent
    counts a use and looks for what cases make of records, the outcome whether what the reading stands
    on was stopped or taken back meanwhile, each in one transaction with its leaf; AccessDenied when so.
    A cancelled reading keeps
    its intents without outcomes: it was never answered.
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
        self._report = context.report
        self._payer = context.payer
        self._ticket = context.ticket if isinstance(grant, Consent) else None
        self._grant = grant
        self._query = context.query
        self._reads = reads
        self._kind = kind
        self._keys = tuple(dict.fromkeys(lookup.key for lookup in lookups))
        self._intents: dict[SubjectKey, IntentRef] = {}
        self._look = context.services.overlay.looking()
        self._outcomes: dict[SubjectKey, Outcome] = {}
        self._kept: dict[SubjectKey, tuple[Entry, ...]] = {}
        self.refusals: dict[SubjectKey, AuthzError] = {}
        """Subjects that may not be read, where others of the same reading may."""

    async def __aenter__(self) -> Self:
        if isinstance(self._grant, Public):
            await self._spend_publicly()
            self._audit.public_read(read.record_type for read in self._reads for _ in self._keys)
            return self
        try:
            refs = await _each([self._intend(key) for key in self._keys])
        except AccessDenied as refusal:
            key = self._keys[0] if len(self._keys) == 1 else None
            await deny(self._services, self._grant.actor, self._query, refusal.code, key, kind=self._kind)
            raise
        self._intents = dict(zip(self._keys, refs, strict=True))
        return self

    async def _spend_publicly(self) -> None:
        try:
            self._services.public_quota.spend(self._payer, len(self._keys))
        except AccessDenied as refusal:
            await deny(self._services, self._grant.actor, self._query, refusal.code)
            raise

    async def standing(self) -> Standing:
        """What cases make of records, no older than the intent; raises AuditUnavailable."""
        return self._look.standing or await self._services.overlay.current()

    def note(self, key: SubjectKey, outcome: Outcome, *kept: Entry) -> None:
        """What will be answered about one subject, and what is kept in one transaction with that leaf."""
        self._outcomes[key], self._kept[key] = outcome, kept

    def position(self, key: SubjectKey) -> int | None:
        """Where the intent about one subject stands in the log; None for a public read."""
        intent = self._intents.get(key)
        return intent.index if intent else None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            return
        failed = Outcome(Result.ERROR, codes=(getattr(error, "code", "INTERNAL"),))
        outcomes = {} if error else self._outcomes
        if error:
            self._kept.clear()
        await _each(
            [self._conclude(ref, key, outcomes.get(key, failed)) for key, ref in self._intents.items()]
        )

    async def _intend(self, key: SubjectKey, *first: Entry) -> IntentRef:
        """Record one intent; what is allowed so often, or to so many, is counted together with it."""
        entries = [*first, self._services.guard.entering(self._grant, key), self._look]
        if isinstance(self._grant, Consent):
            entries.append(self._services.consent_use.counting(self._grant))
        if isinstance(self._grant, Statutory):
            entries.append(self._services.case_use.counting(self._grant, key))
        event = self._event(key)
        if self._ticket is None:
            return await self._audit.intent(event, *entries)
        return await self._ticket.with_intent(lambda first: self._audit.intent(event, *first, *entries))

    def _event(self, key: SubjectKey) -> Intent:
        told = visibility_of(self._grant, datetime.now(CHINA_TIME))
        return Intent(self._kind, self._grant, self._query, self._reads, key, told)

    async def _conclude(self, ref: IntentRef, key: SubjectKey, outcome: Outcome) -> None:
        entries: list[Entry] = [*self._kept.get(key, ())]
        if isinstance(self._grant, Statutory | Consent):
            entries.append(self._services.register.running(self._grant))
        if isinstance(self._grant, Consent):
            entries.append(self._services.consent_use.holding(self._grant))
        if _failed(self._grant, key, outcome):
            entries.append(self._services.guard.unconfirmed(self._grant.actor, ref.index))
        outcome = replace(outcome, batches=self._batches())
        try:
            await self._write(ref, key, outcome, entries)
        except AccessDenied as refusal:
            await self._audit.outcome(ref, Outcome(Result.DENY, codes=(refusal.code,)))
            raise

    async def _write(
        self, ref: IntentRef, key: SubjectKey, outcome: Outcome, entries: Sequence[Entry]
    ) -> None:
        await self._audit.outcome(ref, outcome, *entries)

    def _batches(self) -> tuple[str, ...]:
        return tuple(sorted({asked.batch for asked in self._report.sources if asked.batch}))


async def _each(writes: Sequence[Coroutine[Any, Any, _Made]]) -> list[_Made]:
    """All of them at once; one alone needs no task of its own."""
    return [await writes[0]] if len(writes) == 1 else list(await asyncio.gather(*writes))


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
        await denied(context, "IDENTIFIER_INVALID")
        raise
    except AuthzError as refusal:
        await denied(context, refusal.code)
        raise


async def denied(context: RequestContext, code: str) -> None:
    """`deny` for an operation under way, as the kind of event that it is."""
    await deny(context.services, context.actor, context.query, code, kind=context.kind)


async def deny(
    services: Services,
    actor: Actor,
    query: Query,
    code: str,
    key: SubjectKey | None = None,
    *first: Entry,
    kind: EventKind = EventKind.READ,
) -> None:
    """Record that an operation was refused before any source was asked.

    Raises QuotaExceeded instead where the client was refused too often already.
    """
    event = Denial(kind, actor, query, (code,))
    counted = () if event.anonymous else (services.guard.refused(actor, key, code),)
    await services.audit.denial(event, *first, *counted)
