"""The audit log as the gateway uses it: intent before the fetch, outcome before the answer.

Every call returns only when its leaf is durable, and raises AuditUnavailable otherwise:
without the proof there is no read.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Final, Protocol, Self

from sqlalchemy.exc import SQLAlchemyError

from authz.audit.appender import Appender, Within
from authz.audit.counters import Count, Counters
from authz.audit.events import ConsentAct, Denial, Intent, Origin, Outcome
from authz.audit.leaves import Leaf, audit_leaf, canonical, read_leaves
from authz.audit.verification import Verification, verify_leaves
from authz.errors import AuditUnavailable
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
    CONSENT = "CONSENT"


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


def _now() -> datetime:
    return datetime.now(CHINA_TIME)


class AuditLog:
    """Records reads; an `async with` starts and stops its writer.

    `query_log_years` is the locality's; `flush_every` (seconds) is how much of the counters
    a crash may lose; `capacity` and `patience` (seconds) bound waiting for the store.
    """

    def __init__(
        self,
        store: Store,
        references: References,
        origin: Origin,
        *,
        query_log_years: int = 10,
        clock: Callable[[], datetime] = _now,
        flush_every: float = 60.0,
        capacity: int = 4096,
        patience: float = 5.0,
    ) -> None:
        self._store = store
        self._references = references
        self._origin = origin.as_json()
        self._retention = Period(years=query_log_years)
        self._clock = clock
        self._flush_every = flush_every
        self._appender = Appender(store, capacity=capacity, patience=patience)
        self._counters = Counters()
        self._counted_since = clock()
        self._stopping = asyncio.Event()
        self._running = AsyncExitStack()
        self.observers: list[AppendObserver] = []
        """Told of every append, for metrics."""

    async def __aenter__(self) -> Self:
        with _failing_closed():
            await self._store.create(audit_leaf)
        await self._running.enter_async_context(self._appender)
        flusher = asyncio.create_task(self._flush_until_stopped(), name="audit-counters")
        self._running.push_async_callback(self._stop, flusher)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    async def intent(self, event: Intent, within: Within | None = None) -> IntentRef:
        """Record what is about to be read; call before any source is asked.

        `within` is made in the same transaction, and may refuse with AccessDenied (ruling 20).
        """
        subject = self._audit_ref(event.subject)
        index = await self._append(Phase.INTENT, event.as_json(self._references), subject, within)
        return IntentRef(index, subject)

    async def outcome(self, ref: IntentRef, outcome: Outcome, within: Within | None = None) -> None:
        """Record what came of an intent; call before anything is answered. `within` as for an intent."""
        subject = {"auditRef": ref.subject}
        linked = outcome.as_json(self._references) | {"intentIndex": ref.index, "subject": subject}
        await self._append(Phase.OUTCOME, linked, ref.subject, within)

    async def consent(self, event: ConsentAct, within: Within) -> None:
        """Record an act on a consent and, in the same transaction, make it; raises as an intent does."""
        members = event.as_json(self._references)
        await self._append(Phase.CONSENT, members, self._audit_ref(event.subject), within)

    async def denial(self, event: Denial) -> None:
        """Record a refusal; one of nobody known is only counted."""
        if event.anonymous:
            for code in event.codes:
                self._counters.add(Count.ANONYMOUS_DENIAL, code)
            return
        await self._append(Phase.DENIAL, event.as_json(self._references), self._audit_ref(event.subject))

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
        """Leaves from an index on, of everyone or of one subject; raises AuditUnavailable."""
        with _failing_closed():
            async for leaf in read_leaves(self._store, start, self._audit_ref(subject)):
                yield leaf

    async def verify(self) -> Verification:
        """Prove the whole log or find its first fault; raises AuditUnavailable."""
        with _failing_closed():
            return await verify_leaves(self._store)

    def _audit_ref(self, subject: SubjectKey | None) -> str | None:
        return None if subject is None else self._references.audit_ref(subject)

    async def _append(
        self, phase: Phase, members: dict[str, object], subject: str | None, within: Within | None = None
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
            index = await self._appender.append(canonical(members | common), subject, within)
            written = True
        finally:
            for observe in self.observers:
                observe(phase.value.lower(), written=written)
        return index

    async def _flush_until_stopped(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._flush_every):
                    await self._stopping.wait()
            # the appender has said why; what was counted stays for the next time
            with suppress(AuditUnavailable):
                await self.flush()

    async def _stop(self, flusher: asyncio.Task[None]) -> None:
        self._stopping.set()
        await flusher


@contextmanager
def _failing_closed() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise AuditUnavailable from error
