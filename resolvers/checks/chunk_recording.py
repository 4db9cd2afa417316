"""The leaves of a chunk's reads: each subject for itself, and once however often the chunk comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self

import orjson

from authz.audit import Entry, EventKind, IntentRef, Outcome, PlannedRead, Visibility
from authz.audit.events import due_of
from authz.audit.leaves import canonical
from authz.errors import AccessDenied, AuditUnavailable, AuthzError, QuotaExceeded
from authz.grants import Statutory
from authz.once import Replayed
from authz.receipts import Chunk
from authz.receipts.chunks import Step
from catalogue.identifiers import SubjectKey
from resolvers.context import RequestContext
from resolvers.identity import Lookup
from resolvers.recording import Recorder, deny, each_of

_TOLD: Final = ("codes", "entity", "result", "suppressed")
"""Members of an outcome that say what was answered; under which ids sources were asked may differ."""
_A_REFUSAL: Final = " after a refusal"
"""Who was refused when the chunk came before is asked about anew: a quota may have been freed."""


@dataclass(frozen=True, slots=True)
class ChunkRun:
    """One coming of a chunk."""

    context: RequestContext
    grant: Statutory
    chunk: Chunk
    unchanged: set[SubjectKey] = field(default_factory=set)
    """Subjects of whom the same was answered when the chunk came before."""
    _places: dict[SubjectKey, str] = field(default_factory=dict)

    def place(self, key: SubjectKey) -> str:
        """Under which name steps of a subject are recorded once: its first audit reference."""
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = self.context.services.references.audit_refs(key)[0]
        return found

    def recorder(
        self,
        context: RequestContext,
        grant: Statutory,
        reads: tuple[PlannedRead, ...],
        lookups: Sequence[Lookup],
        kind: EventKind,
    ) -> Recorder:
        """The recorder of one of its readings (`resolvers.reading.Manner`)."""
        return _ChunkRecorder(self, reads, lookups, kind)

    async def refuse(self, refusal: AuthzError, place: str, key: SubjectKey | None = None) -> AuthzError:
        """Record the refusal of one subject once; returns what the client is told."""
        context, first = self.context, self.chunk.once(Step.BEGUN, place)
        about = context.services, context.actor, context.query, refusal.code, key
        try:
            with suppress(Replayed):
                await deny(*about, first, kind=EventKind.CHECK)
        except QuotaExceeded as throttled:
            return throttled
        return refusal


class _ChunkRecorder(Recorder):
    """As for any reading, except that a subject that is refused leaves the others theirs."""

    def __init__(
        self, run: ChunkRun, reads: tuple[PlannedRead, ...], lookups: Sequence[Lookup], kind: EventKind
    ) -> None:
        super().__init__(run.context, run.grant, reads, lookups, kind)
        self._run = run
        self._before: dict[SubjectKey, Mapping[str, Any] | None] = {}

    async def __aenter__(self) -> Self:
        begun = await each_of(self._keys, self._begin)
        for key, one in zip(self._keys, begun, strict=True):
            if isinstance(one, IntentRef):
                self._intents[key] = one
            else:
                self.refusals[key] = one
        return self

    async def _begin(self, key: SubjectKey, after: str = "") -> IntentRef | AuthzError:
        """The intent, if the chunk has none yet; `after` names what it had: another read, or a refusal."""
        place = self._run.place(key)
        try:
            return await self._intend(key, self._run.chunk.once(Step.BEGUN, place + after))
        except Replayed:
            return await self._begun_before(key, after)
        except AccessDenied as refusal:
            # refused again is not recorded again
            return await self._run.refuse(refusal, place if after == _A_REFUSAL else place + after, key)

    async def _begun_before(self, key: SubjectKey, after: str) -> IntentRef | AuthzError:
        found = await self._services.chunks.recorded(self._run.chunk, key)
        if found is None:
            if after:
                raise AuditUnavailable
            return await self._begin(key, _A_REFUSAL)
        now = orjson.loads(canonical(self._event(key).as_json(self._services.references)))
        if not self._services.chunks.same(found.begun, now):
            return await self._begin(key, f" after {found.begun.index}")
        self._before[key] = found.ended
        return IntentRef(found.begun.index, found.begun.subject, _visibility(found.begun.event))

    async def _write(
        self, ref: IntentRef, key: SubjectKey, outcome: Outcome, entries: Sequence[Entry]
    ) -> None:
        """The outcome; of a chunk that came before only what it did not say yet."""
        before = self._before.get(key)
        if before is None:
            ended = self._run.chunk.once(Step.ENDED, self._run.place(key))
            try:
                await self._audit.outcome(ref, outcome, ended, *entries)
            except Replayed:
                recorded = await self._services.chunks.recorded(self._run.chunk, key)
                before = (recorded and recorded.ended) or {}
            else:
                return
        if not self._says(before, outcome):
            await self._audit.outcome(ref, outcome, *entries)
            return
        self._run.unchanged.add(key)
        # nothing is written that could find out: somebody may have stopped it meanwhile
        (await self._services.register.current()).require_running(self._run.grant)

    def _says(self, before: Mapping[str, Any], outcome: Outcome) -> bool:
        now = orjson.loads(canonical(outcome.as_json(self._services.references)))
        return all(before.get(name) == now[name] for name in _TOLD)


def _visibility(event: Mapping[str, Any]) -> Visibility:
    return Visibility(due_of(event), event["visibility"].get("delayBasisId"))
