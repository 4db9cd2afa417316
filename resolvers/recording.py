"""The two audit leaves of every read: the intent before anything is asked, the outcome before the answer.

Public reads and anonymous refusals are counted, not recorded one by one (ruling 20).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
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
from authz.once import Kind, Replayed
from catalogue.identifiers import IdentifierError, SubjectKey
from catalogue.model import RecordType
from catalogue.values import CHINA_TIME
from connectors.errors import SectionState
from resolvers.building import Section
from resolvers.context import RequestContext, Services
from resolvers.identity import Confirmation, Doubt, Lookup
from resolvers.records import TELLING_FIELDS, carrier_of

TOGETHER: Final = 25
"""Subjects of one reading whose leaves are committed together: whoever reads one waits for no more."""
_Made = TypeVar("_Made")
_STOPPABLE: Final = Statutory | Consent
_STATUS: Final = {state: SourceStatus(state) for state in SectionState}
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
        self._ticket = context.ticket if isinstance(grant, Consent) else context.assertion
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
            refs = await each_of(self._keys, self._intend)
        except AccessDenied as refusal:
            if isinstance(refusal, Replayed) and refusal.kind is Kind.OPERATOR:
                raise  # of the whole operation, which records it
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
        faults: list[Exception] = []

        async def end(key: SubjectKey) -> None:
            try:
                await self._conclude(key, outcomes.get(key, failed))
            except Exception as fault:  # raised when every subject's log says how its reading ended
                faults.append(fault)

        await each_of(self._intents, end)
        if faults:
            raise faults[0]

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

    async def _conclude(self, key: SubjectKey, outcome: Outcome) -> None:
        ref = self._intents[key]
        entries: list[Entry] = [*self._kept.get(key, ())]
        if isinstance(self._grant, _STOPPABLE):
            entries.append(self._services.register.running(self._grant))
        if isinstance(self._grant, Consent):
            entries.append(self._services.consent_use.holding(self._grant))
        if _failed(self._grant, key, outcome):
            entries.append(self._services.guard.unconfirmed(self._grant.actor, ref.index))
        outcome = outcome._replace(batches=self._report.batches_of(key))
        try:
            await self._write(ref, key, outcome, entries)
        except AccessDenied as refusal:
            await self._audit.outcome(ref, Outcome(Result.DENY, codes=(refusal.code,)))
            raise

    async def _write(
        self, ref: IntentRef, key: SubjectKey, outcome: Outcome, entries: Sequence[Entry]
    ) -> None:
        await self._audit.outcome(ref, outcome, *entries)


async def each_of(
    keys: Iterable[SubjectKey], write: Callable[[SubjectKey], Coroutine[Any, Any, _Made]]
) -> list[_Made]:
    """For each subject, so many at once; one alone needs no task of its own.

    Raises what one of them raised, after those that were begun with it, and begins no more.
    """
    match list(keys):
        case [key]:
            return [await write(key)]
        case several:
            made: list[_Made] = []

            async def boxed(key: SubjectKey) -> tuple[_Made]:
                return (await write(key),)  # what is made may be an exception itself

            for start in range(0, len(several), TOGETHER):
                together = map(boxed, several[start : start + TOGETHER])
                for one in await asyncio.gather(*together, return_exceptions=True):
                    if isinstance(one, BaseException):
                        raise one
                    made += one
            return made


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
    reads: list[ReadResult] = []
    whole, suppressed = True, 0
    for section in sections.values():
        whole = whole and section.state is SectionState.OK
        suppressed += section.suppressed
        reads += _results(section)
    return Outcome(Result.PERMIT if whole else Result.PARTIAL, tuple(reads), suppressed)


def _results(section: Section) -> list[ReadResult]:
    entry, status = section.entry, _STATUS[section.state]
    sources: dict[str, list[str]] = {name: [] for name in section.asked}
    for healed in section.healed:
        sources.setdefault(healed.source.name, []).append(healed.row.identity)
    return [
        ReadResult(entry.code, entry.department, source, status, tuple(identities))
        for source, identities in sources.items()
    ]


class RefusalsRecorded:
    """Around what may refuse before any source is asked, inside an operation that has its grant."""

    __slots__ = ("_context",)

    def __init__(self, context: RequestContext) -> None:
        self._context = context

    async def __aenter__(self) -> None:
        """Nothing is recorded of what is not refused."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, IdentifierError):
            await denied(self._context, "IDENTIFIER_INVALID")
        elif isinstance(error, AuthzError):
            await denied(self._context, error.code)


async def denied(context: RequestContext, code: str) -> None:
    """`deny` for an operation under way, as the kind of event that it is.

    A refusal counts against the officer whom an assertion names: raises Replayed for one used before.
    """
    if context.assertion is not None:
        await context.assertion.settle()
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
