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
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
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
"""A fault of one question to a living source."""


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

    def admit(self) -> bool:
        """Whether the question is a probe, which `probed` ends; raises SourceUnavailable (BREAKER_OPEN)."""
        if self._opened_at is None:
            return False
        if self._probing or self._clock() < self._opened_at + self._rest:
            raise SourceUnavailable(self._source, "BREAKER_OPEN")
        self._probing = True
        return True

    def probed(self) -> None:
        """The next probe may go."""
        self._probing = False

    def learn(self, fault: SourceError) -> None:
        """What a failed question says of the source. Busy and cancelled say nothing."""
        if isinstance(fault, _FAILURES):
            self._failed()
        elif isinstance(fault, _ALIVE):
            self.recovered()

    def recovered(self) -> None:
        """The source has answered."""
        self._failures = 0
        self._opened_at = None

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            self._opened_at = self._clock()


class Bulkhead:
    """At most `size` questions in flight and as many waiting; the next is told at once to come back.

    Entered around each question; raises SourceBusy (QUEUE_FULL).
    """

    def __init__(self, source: str, size: int) -> None:
        self._source = source
        self._room = 2 * size
        self._inside = 0
        self._slots = asyncio.Semaphore(size)

    async def __aenter__(self) -> None:
        if self._inside >= self._room:
            raise SourceBusy(self._source, "QUEUE_FULL")
        self._inside += 1
        try:
            await self._slots.acquire()
        except BaseException:
            self._inside -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._slots.release()
        self._inside -= 1


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
            return begun(partial(self._ask, ask, until))
        return self._batches.begin(lane, ask)

    async def tallies(self, record_type: str, month: date) -> Tallies:
        """Behind the same wrappers, with the deadline of `publicity`: it reads a table from end to end."""
        publicity = self.manifest.records[record_type].publicity
        seconds = publicity.deadline_ms / 1_000 if publicity else self._seconds
        until = asyncio.get_running_loop().time() + seconds
        return await self._guarded(partial(self.behind.tallies, record_type, month), until)

    def _ask(self, ask: Ask, until: float) -> Awaitable[Answer]:
        return self._guarded(partial(self.behind.fetch, ask), until)

    async def _guarded(self, question: Callable[[], Awaitable[T]], until: float) -> T:
        breaker, asked = self._breaker, False
        probe = breaker.admit()
        try:
            try:
                async with asyncio.timeout_at(until), self._bulkhead:
                    asked = True
                    found = await self._asked(question)
            except TimeoutError:  # the deadline's: `_asked` makes another error of the source's own
                if asked:
                    raise SourceTimeout(self.name, "DEADLINE") from None
                # our own queue was too long: that says nothing about the source
                raise SourceBusy(self.name, "QUEUE_WAIT") from None
        except SourceError as fault:
            breaker.learn(fault)
            raise
        finally:
            if probe:
                breaker.probed()
        breaker.recovered()
        return found

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T:
        try:
            return await retry_once(question)
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

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        """As the source behind says."""
        return self.behind.row_source(record_type, fields)

    async def ping(self) -> None:
        """Past breaker and bulkhead: readiness asks how the source is now."""
        try:
            async with asyncio.timeout_at(self._until()) as limit:
                await retry_once(self.behind.ping)
        except TimeoutError:
            if not limit.expired():  # the source's own, which nothing in between has made another of
                raise
            raise SourceTimeout(self.name, "DEADLINE") from None

    async def check(self) -> list[Finding]:
        """Past all wrappers: a check is run by a person, who may wait."""
        return await self.behind.check()

    async def close(self) -> None:
        """Close the source behind."""
        await self.behind.close()
