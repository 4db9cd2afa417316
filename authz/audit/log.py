"""The audit log as the gateway uses it: intent before the fetch, outcome before the answer.

Every call returns only when its leaf is durable, and raises AuditUnavailable otherwise:
without the proof there is no read.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Protocol, Self

from sqlalchemy.exc import SQLAlchemyError

from authz.audit.appender import Act, Appender
from authz.audit.case_act import CaseAct
from authz.audit.checkpoints import Checkpoint, Notary
from authz.audit.counters import Count, Counters
from authz.audit.erasure import emptied, erasure_event, expired
from authz.audit.events import (
    IMMEDIATE,
    ConsentAct,
    Denial,
    Intent,
    Origin,
    Outcome,
    RegisterAct,
    ReviewAct,
    TokenIssued,
    Visibility,
    visible_at,
)
from authz.audit.human_act import HumanAct
from authz.audit.leaves import Leaf, canonical, read_leaves
from authz.audit.ledgers import Entry
from authz.audit.list_act import ListAct
from authz.audit.manual import ManualCheck
from authz.audit.proofs import ConsistencyProof, InclusionProof, prove_consistency, prove_inclusion
from authz.audit.tree import TreeDamaged
from authz.audit.verification import Verification, verify_leaves
from authz.errors import AccessDenied, AuditUnavailable
from authz.keys import KeyRing
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME, Period

VERSION: Final = "2.0"
"""Of the event format; 1.0 is the draft that ruling 20 corrected."""


class Phase(StrEnum):
    """What a leaf records."""

    INTENT = "INTENT"
    OUTCOME = "OUTCOME"
    DENIAL = "DENIAL"
    COUNTS = "COUNTS"
    ERASURE = "ERASURE"
    CONSENT = "CONSENT"
    REGISTER = "REGISTER"
    REVIEW = "REVIEW"
    CASE = "CASE"
    MANUAL_CHECK = "MANUAL_CHECK"
    HUMAN_ACT = "HUMAN_ACT"
    LIST = "LIST"
    TOKEN = "TOKEN"  # noqa: S105 - a kind of leaf


class AppendObserver(Protocol):
    """Told of one append: its phase in lower case, and whether it is durable."""

    def __call__(self, phase: str, *, written: bool) -> None:
        """Observe one append."""
        ...


@dataclass(frozen=True, slots=True)
class IntentRef:
    """A recorded intent, which its outcome names."""

    index: int
    subject: str | None
    visibility: Visibility = IMMEDIATE


def _now() -> datetime:
    return datetime.now(CHINA_TIME)


class AuditLog:
    """Records reads; an `async with` starts and stops its writer. Reading and proving need none.

    `query_log_years` is the locality's; `settle_every` (seconds) is how much of the counters
    a crash may lose, and how old an event may get that no checkpoint vouches for; `capacity`
    and `patience` (seconds) bound waiting for the store.
    """

    def __init__(
        self,
        store: Store,
        keys: KeyRing,
        origin: Origin,
        *,
        query_log_years: int = 10,
        clock: Callable[[], datetime] = _now,
        settle_every: float = 60.0,
        capacity: int = 4096,
        patience: float = 5.0,
    ) -> None:
        self._store = store
        self._references = References(keys)
        self._notary = Notary(keys, origin.gateway_id)
        self._origin = origin.as_json()
        self._retention = Period(years=query_log_years)
        self._clock = clock
        self._settle_every = settle_every
        self._appender = Appender(store, self._notary, clock, capacity=capacity, patience=patience)
        self._counters = Counters()
        self._counted_since = clock()
        self._stopping = asyncio.Event()
        self._running = AsyncExitStack()
        self.observers: list[AppendObserver] = []
        """Told of every append, for metrics."""

    async def __aenter__(self) -> Self:
        await self._store.prepare()
        self._running.push_async_callback(self._sign_at_last)
        await self._running.enter_async_context(self._appender)
        settler = asyncio.create_task(self._settle_until_stopped(), name="audit-settler")
        self._running.push_async_callback(self._stop, settler)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    async def intent(self, event: Intent, *entries: Entry) -> IntentRef:
        """Record what is about to be read; call before any source is asked.

        `entries` are counted in the same transaction; AccessDenied where one is refused (ruling 20).
        """
        hidden_until = event.visibility.delay_until
        if hidden_until and hidden_until.date() >= self._retention.after(self._clock().date()):
            raise ValueError("a delay ends while the event is still there to be seen")
        members = event.as_json(self._references)
        subject = _subject_of(members)
        index = await self._append(Phase.INTENT, members, subject, entries)
        return IntentRef(index, subject, event.visibility)

    async def outcome(self, ref: IntentRef, outcome: Outcome, *entries: Entry) -> None:
        """Record what came of an intent; call before anything is answered. `entries` as for an intent."""
        linked = {
            "intentIndex": ref.index,
            "subject": {"auditRef": ref.subject},
            "visibility": ref.visibility.as_json(),
        }
        await self._append(Phase.OUTCOME, outcome.as_json(self._references) | linked, ref.subject, entries)

    async def consent(self, event: ConsentAct, act: Act) -> None:
        """Record an act on a consent and, in the same transaction, make it; raises as an intent does."""
        members = event.as_json(self._references)
        await self._append(Phase.CONSENT, members, _subject_of(members), act=act)

    async def register(self, event: RegisterAct, act: Act) -> None:
        """Record an act on the register and, in the same transaction, make it; raises as an intent does."""
        await self._append(Phase.REGISTER, event.as_json(), None, act=act)

    async def token(self, event: TokenIssued, act: Act | None = None) -> None:
        """Record a token before it is handed out and, in the same transaction, make what it changes."""
        await self._append(Phase.TOKEN, event.as_json(), None, act=act)

    async def review(self, event: ReviewAct, act: Act | None = None) -> int:
        """Record an act of the review of use and, in the same transaction, make it; returns its index."""
        return await self._append(Phase.REVIEW, event.as_json(), None, act=act)

    async def case(self, event: CaseAct, act: Act) -> None:
        """Record an act on a case and, in the same transaction, make it; raises as an intent does."""
        members = event.as_json(self._references)
        await self._append(Phase.CASE, members, _subject_of(members), act=act)

    async def manual_check(self, event: ManualCheck, act: Act) -> None:
        """Record a check by hand and, in the same transaction, keep it; raises as an intent does."""
        await self._append(Phase.MANUAL_CHECK, event.as_json(), event.subject, act=act)

    async def human_act(self, event: HumanAct, act: Act) -> None:
        """Record what a person concluded or did and, in the same transaction, make it."""
        await self._append(Phase.HUMAN_ACT, event.as_json(), event.subject, act=act)

    async def list_change(self, event: ListAct, act: Act) -> None:
        """Record that a list has changed and, in the same transaction, tell its users."""
        await self._append(Phase.LIST, event.as_json(), None, act=act)

    async def denial(self, event: Denial, *entries: Entry) -> None:
        """Record a refusal; one of nobody known, or that an entry refuses to keep, is only counted.

        Raises AuditUnavailable, and the AccessDenied of the entry.
        """
        if event.anonymous:
            self._count(Count.ANONYMOUS_DENIAL, event)
            return
        try:
            members = event.as_json(self._references)
            await self._append(Phase.DENIAL, members, _subject_of(members), entries)
        except AccessDenied:
            self._count(Count.DENIAL_OVER_QUOTA, event)
            raise

    def _count(self, count: Count, event: Denial) -> None:
        for code in event.codes:
            self._counters.add(count, code)

    def public_read(self, record_types: Iterable[str]) -> None:
        """Count an anonymous read of what a law orders to be published."""
        for code in record_types:
            self._counters.add(Count.PUBLIC_READ, code)

    @property
    def totals(self) -> Mapping[tuple[Count, str], int]:
        """Counts since the start of the process, for metrics."""
        return self._counters.totals

    async def flush(self) -> None:
        """Record what has been counted since the last flush."""
        counted = self._counters.unlogged()
        if not counted:
            return
        by_count: dict[str, dict[str, int]] = defaultdict(dict)
        for (count, name), number in counted.items():
            by_count[count.value][name] = number
        until = self._clock()
        members: dict[str, object] = {
            "counts": by_count,
            "from": self._counted_since.isoformat(),
            "until": until.isoformat(),
        }
        await self._append(Phase.COUNTS, members, None)
        self._counters.logged(counted)
        self._counted_since = until

    async def read(self, *, start: int = 0, subject: SubjectKey | None = None) -> AsyncIterator[Leaf]:
        """Leaves from an index on: all of them for auditors, or what a subject may see of its own.

        For a subject, events that are delayed on a recorded basis are left out until they are
        due, and those written under older keys are found as long as the keys are kept.
        Raises AuditUnavailable.
        """
        refs = None if subject is None else self._references.audit_refs(subject)
        now = self._clock()
        with _failing_closed():
            async for leaf in read_leaves(self._store, start, refs):
                if subject is None or visible_at(leaf.event, now):
                    yield leaf

    async def checkpoint(self) -> Checkpoint | None:
        """The newest signed tree head, if there is one; raises AuditUnavailable or CheckpointInvalid."""
        with _failing_closed():
            async with self._store.reading() as connection:
                return await connection.run_sync(self._notary.newest)

    async def sign(self) -> None:
        """Write a checkpoint over the log as it is, unless there is one; raises AuditUnavailable."""
        with _failing_closed():
            await self._store.write(lambda connection: self._notary.catch_up(connection, self._clock()))

    def opened(self, statement: str) -> Checkpoint:
        """A checkpoint that was kept elsewhere; raises CheckpointInvalid."""
        return self._notary.open(statement)

    async def prove(self, index: int) -> InclusionProof:
        """That an event is in the signed log; raises AuditUnavailable or ProofRefused."""
        with _failing_closed():
            return await prove_inclusion(self._store, self._notary, index)

    async def prove_growth(self, old: int) -> ConsistencyProof:
        """That nothing before a size was altered since; raises AuditUnavailable or ProofRefused."""
        with _failing_closed():
            return await prove_consistency(self._store, self._notary, old)

    async def verify(
        self,
        *,
        kept: Iterable[Checkpoint] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Verification:
        """Prove the whole log or find its first fault; raises AuditUnavailable."""
        with _failing_closed():
            return await verify_leaves(self._store, self._notary, kept=kept, progress=progress)

    async def erase(self, before: date, *, dry_run: bool) -> int:
        """Erase payloads whose retention ended before a day; returns how many. Raises AuditUnavailable."""
        erased = 0
        with _failing_closed():
            async for batch in expired(self._store, before):
                if not dry_run:
                    event = erasure_event(before, batch)
                    await self._append(Phase.ERASURE, event, None, act=emptied(batch))
                erased += len(batch)
        return erased

    async def _append(
        self,
        phase: Phase,
        members: dict[str, object],
        subject: str | None,
        entries: Sequence[Entry] = (),
        act: Act | None = None,
    ) -> int:
        now = self._clock().astimezone(CHINA_TIME)
        common = {
            "phase": phase,
            "recordedAt": now.isoformat(),
            "retentionUntil": self._retention.after(now.date()).isoformat(),
            "source": self._origin,
            "ver": VERSION,
        }
        written = False
        try:
            index = await self._appender.append(canonical(common | members), subject, entries, act)
            written = True
        finally:
            for observe in self.observers:
                observe(phase.value.lower(), written=written)
        return index

    async def _settle_until_stopped(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settle_every):
                    await self._stopping.wait()
            # the appender has said why; what was counted stays for the next time
            with suppress(AuditUnavailable):
                await self.flush()
                await self.sign()

    async def _stop(self, settler: asyncio.Task[None]) -> None:
        self._stopping.set()
        await settler

    async def _sign_at_last(self) -> None:
        """After the last leaf; where the store is gone, the next start signs."""
        with suppress(AuditUnavailable):
            await self.sign()


def _subject_of(members: Mapping[str, Any]) -> str | None:
    """The audit reference of whom an event is about."""
    found: str | None = members["subject"]["auditRef"]
    return found


@contextmanager
def _failing_closed() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError, TreeDamaged) as error:
        raise AuditUnavailable from error
