"""What stands between the graph and every source, in one order.

batch → breaker → deadline → bulkhead → one retry → the source

What travels as one (`connectors.batching`) is one question to all that stands behind. The
deadline is around the bulkhead's queue as well, so that nobody waits longer than the manifest says;
the breaker is outside of it, so that it sees each timeout. One that passed in our own queue is BUSY,
or a client that fills the queue would open the breaker for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from typing import Final, TypeVar

from connectors.batching import Batches
from connectors.described import Described, begun
from connectors.errors import (
    ConnectionDied,
    SourceBusy,
    SourceDenied,
    SourceDrift,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.manifest import Breaker, Manifest
from connectors.protocol import Answer, Ask, Finding, Source, Tallies, Told

Clock = Callable[[], float]
"""Seconds of a clock that never runs backwards."""
T = TypeVar("T")

_FAILURES: Final = (SourceTimeout, SourceUnavailable)
"""What opens a breaker."""
_ALIVE: Final = (SourceDenied, SourceDrift, SourceRubbish)
"""A fault of one question to a living source. Busy and cancelled say nothing of the source."""


def guarded(source: Source, manifest: Manifest, clock: Clock = time.monotonic) -> Source:
    """The source behind its manifest's breaker, deadline and bulkhead."""
    return Guarded(source, manifest, clock)


class CircuitBreaker:
    """Stops asking after `failures` in a row, then lets one probe through every `open_for_ms`."""

    def __init__(self, source: str, settings: Breaker, clock: Clock) -> None:
        self._source = source
        self._limit = settings.failures
        self._rest = settings.open_for_ms / 1_000
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Around one question; raises SourceUnavailable (BREAKER_OPEN) without asking."""
        probe = self._admit()
        try:
            yield
        except _FAILURES:
            self._failed()
            raise
        except _ALIVE:
            self._recovered()
            raise
        else:
            self._recovered()
        finally:
            if probe:
                self._probing = False

    def _admit(self) -> bool:
        if self._opened_at is None:
            return False
        if self._probing or self._clock() < self._opened_at + self._rest:
            raise SourceUnavailable(self._source, "BREAKER_OPEN")
        self._probing = True
        return True

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            self._opened_at = self._clock()

    def _recovered(self) -> None:
        self._failures = 0
        self._opened_at = None


class Bulkhead:
    """At most `size` questions in flight and as many waiting; the next is told at once to come back."""

    def __init__(self, source: str, size: int) -> None:
        self._source = source
        self._room = 2 * size
        self._inside = 0
        self._slots = asyncio.Semaphore(size)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Around one question; raises SourceBusy (QUEUE_FULL)."""
        if self._inside >= self._room:
            raise SourceBusy(self._source, "QUEUE_FULL")
        self._inside += 1
        try:
            async with self._slots:
                yield
        finally:
            self._inside -= 1


@asynccontextmanager
async def deadline(source: str, until: float) -> AsyncIterator[None]:
    """Cancels what runs inside at a time of the loop's clock; raises SourceTimeout."""
    try:
        async with asyncio.timeout_at(until) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise SourceTimeout(source, "DEADLINE") from None


async def retry_once(question: Callable[[], Awaitable[T]]) -> T:
    """Ask again where a pooled connection turned out dead; reading twice changes nothing."""
    try:
        return await question()
    except ConnectionDied:
        return await question()


class Guarded(Described):
    """A Source that asks another, `behind`, through the wrappers above."""

    def __init__(self, source: Source, manifest: Manifest, clock: Clock) -> None:
        super().__init__(manifest)
        self.behind = source
        self._seconds = manifest.deadline_ms / 1_000
        self._breaker = CircuitBreaker(source.name, manifest.breaker, clock)
        self._bulkhead = Bulkhead(source.name, manifest.in_flight)
        self._batches = Batches(manifest, self._ask)

    async def fetch(self, ask: Ask) -> Answer:
        """Through every wrapper, in the order of this module's first lines."""
        said = await self.begin(ask)
        if isinstance(said, Exception):
            raise said
        return said

    def begin(self, ask: Ask) -> Told:
        """The same without waiting; what may travel with others needs no task of its own."""
        ask = self.behind.settled(ask)
        lane = self.behind.lane(ask)
        if lane is None:
            until = self._until()
            return begun(lambda: self._ask(ask, until))
        return self._batches.begin(lane, ask)

    async def tallies(self, record_type: str, month: date) -> Tallies:
        """Behind the same wrappers, with the deadline of `publicity`: it reads a table from end to end."""
        publicity = self.manifest.records[record_type].publicity
        seconds = publicity.deadline_ms / 1_000 if publicity else self._seconds
        until = asyncio.get_running_loop().time() + seconds
        return await self._guarded(lambda: self.behind.tallies(record_type, month), until)

    async def _ask(self, ask: Ask, until: float) -> Answer:
        return await self._guarded(lambda: self.behind.fetch(ask), until)

    async def _guarded(self, question: Callable[[], Awaitable[T]], until: float) -> T:
        asked = False
        with self._breaker.watch():
            try:
                async with deadline(self.name, until), self._bulkhead.slot():
                    asked = True
                    return await retry_once(lambda: self._asked(question))
            except SourceTimeout:
                if asked:
                    raise
                # our own queue was too long: that says nothing about the source
                raise SourceBusy(self.name, "QUEUE_WAIT") from None

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T:
        try:
            return await question()
        except SourceError:
            raise
        except Exception as error:
            # what no connector foresaw must not cost the other sections theirs
            raise SourceRubbish(self.name, "UNFORESEEN") from error

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._seconds

    def explain(self, record_type: str, fields: frozenset[str]) -> str:
        """As the source behind says."""
        return self.behind.explain(record_type, fields)

    async def ping(self) -> None:
        """Past breaker and bulkhead: readiness asks how the source is now."""
        async with deadline(self.name, self._until()):
            await retry_once(self.behind.ping)

    async def check(self) -> list[Finding]:
        """Past all wrappers: a check is run by a person, who may wait."""
        return await self.behind.check()

    async def close(self) -> None:
        """Close the source behind."""
        await self.behind.close()
