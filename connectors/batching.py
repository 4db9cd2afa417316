"""Questions of concurrent requests that travel to a source as one.

Those that begin in one round of the loop go together, at once. What arrives while questions of its
lane (same record type, same fields, same kind of key) are under way waits for one of them to come
back, and goes together then. Nobody waits long for another's query while a connection is free. Each
question keeps its own deadline, is left by its own request alone, and gets the part of the answer
that is about its own subjects. Where there is no room to wait, whoever waits for most gives way.

A query whose last waiter has left is cancelled at the source. One that fails on data is asked again
in parts, side by side, until only those fail whose data it is, or until the last waiter of all has left;
one that fails on time or connection is not.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final

from catalogue.identifiers import KeyKind, SubjectKey
from connectors.errors import (
    SourceBusy,
    SourceDrift,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.manifest import Manifest
from connectors.protocol import Answer, Ask, Told

Question = Callable[[Ask, float], Awaitable[Answer]]
"""Asks the source, until a time of the loop's clock."""

AT_ONCE: Final = 2
"""Questions of one lane under way while others gather."""
PATIENCE: Final = 0.005
"""Seconds after which those who gather go beside what is under way, while the pool has room."""

_USCC: Final = KeyKind.USCC
_PROCESS: Final = secrets.token_hex(6)
_numbers: Final[Iterator[int]] = itertools.count(1)


class Batches:
    """The lanes of one source."""

    def __init__(self, manifest: Manifest, question: Question) -> None:
        self._source = manifest.source
        self._question = question
        self._seconds = manifest.deadline_ms / 1_000
        self._most_keys = manifest.batch_keys
        self._most_at_once = max(AT_ONCE, manifest.pool)
        self._room = manifest.in_flight * manifest.batch_keys
        # no more than there is room for, nor so many that all of them out of time would open the breaker
        beside = min(manifest.pool, manifest.in_flight, manifest.breaker.failures - 1)
        self._beside = asyncio.Semaphore(max(1, beside))
        self._lanes: dict[Hashable, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, lane_of: Hashable, ask: Ask) -> Told:
        """One question under way, however it travels: it will be told its answer, or a SourceError."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop=loop)
        waiter.ask, waiter.until, waiter.batch = ask, loop.time() + self._seconds, None
        lane = self._lanes.get(lane_of)
        if lane is None:
            lane = self._lanes[lane_of] = _Lane(lane_of)
        if lane.keys >= self._room:
            sent_away = lane.greedier(ask) or waiter
            sent_away.tell(SourceBusy(self._source, "QUEUE_FULL"))
            if sent_away is waiter:
                return waiter
        lane.add(waiter)
        if not lane.starting:
            self._go_on(lane)
        return waiter

    def _go_on(self, lane: _Lane) -> None:
        """Start what may start; forget a lane that is empty."""
        if lane.keys and not lane.starting and lane.running < AT_ONCE:
            self._start(lane)
        elif lane.keys and not lane.starting and lane.timer is None:
            lane.timer = asyncio.get_running_loop().call_later(PATIENCE, self._hurry, lane)
        elif not lane.keys and not lane.running:
            self._lanes.pop(lane.name, None)

    def _hurry(self, lane: _Lane) -> None:
        lane.timer = None
        self._tell_late(lane)
        if lane.keys and not lane.starting and lane.running < self._most_at_once:
            self._start(lane)
        self._go_on(lane)

    def _tell_late(self, lane: _Lane) -> None:
        for waiter in lane.late(asyncio.get_running_loop().time()):
            waiter.tell(SourceBusy(self._source, "QUEUE_WAIT"))

    def _start(self, lane: _Lane) -> None:
        lane.starting = True
        lane.running += 1
        if lane.timer:
            lane.timer.cancel()
            lane.timer = None
        # it belongs to no request: whoever asks in this round of the loop still comes along
        task = asyncio.get_running_loop().create_task(self._run(lane), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: _Lane) -> None:
        lane.starting = False
        self._tell_late(lane)
        waiters = lane.take(self._most_keys)
        self._go_on(lane)
        batch = _Batch(self._source, waiters)
        try:
            await self._ask(waiters)
        finally:
            batch.end()
            lane.running -= 1
            self._go_on(lane)

    async def _ask(self, waiters: Sequence[_Waiter]) -> None:
        if not await self._answered(waiters):
            await self._ask_parts(waiters)

    async def _ask_parts(self, waiters: Sequence[_Waiter]) -> None:
        """Side by side: the healthy ones pay with their own time for each statement before theirs."""
        loop = asyncio.get_running_loop()
        parts = [loop.create_task(self._ask_part(part)) for part in _parts(waiters, self._most_at_once)]
        try:
            await asyncio.wait(parts)
        finally:
            for part in parts:
                part.cancel()

    async def _ask_part(self, waiters: Sequence[_Waiter]) -> None:
        async with self._beside:
            answered = await self._answered(waiters)
        if not answered:
            await self._ask_parts(waiters)

    async def _answered(self, waiters: Sequence[_Waiter]) -> bool:
        """Ask, and tell them; False where that failed on data, and some of them may well be answered."""
        now = asyncio.get_running_loop().time()
        for waiter in waiters:
            if waiter.until <= now:
                waiter.tell(SourceTimeout(self._source, "DEADLINE"))
        waiters = [waiter for waiter in waiters if not waiter.done()]
        if not waiters:
            return True
        until = max([waiter.until for waiter in waiters])
        whole = _joined([waiter.ask for waiter in waiters])
        try:
            answer = await self._question(whole, until)
        except Exception as error:
            if len(waiters) > 1 and _of_data(error):
                return False
            for waiter in waiters:
                waiter.tell(_own(error))
        else:
            if len(waiters) == 1:
                waiters[0].tell(answer)
                return True
            for waiter in waiters:
                waiter.tell(_part(answer, waiter.ask, whole.trace))
        return True


class _Waiter(asyncio.Future[Answer | Exception]):
    """One question, until when it may wait, and what it is told."""

    __slots__ = ("ask", "batch", "until")

    ask: Ask
    until: float
    batch: _Batch | None

    def tell(self, said: Answer | Exception) -> None:
        if not self.done():
            self.set_result(said)

    def cancel(self, msg: object = None) -> bool:
        """Leave; the query stays as long as somebody waits for it."""
        left = super().cancel(msg)
        if left and self.batch:
            self.batch.left()
        return left


class _Batch:
    """Those who travel together: each until its own deadline, and the query as long as one is left."""

    def __init__(self, source: str, waiters: Sequence[_Waiter]) -> None:
        self._source = source
        self._waiters = waiters
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        for waiter in waiters:
            waiter.batch = self
        self._watch()

    def left(self) -> None:
        """Somebody has left."""
        if self._task and all(waiter.done() for waiter in self._waiters):
            self._task.cancel()

    def end(self) -> None:
        """Nothing is under way any more."""
        if self._timer:
            self._timer.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                # a driver that gave up by itself: nobody who waits was cancelled
                waiter.tell(SourceUnavailable(self._source))
            waiter.batch = None  # or only the garbage collector would find the two of them
        self._task = None  # and a cancelled task, which keeps the frame that keeps this

    def _watch(self) -> None:
        """Wake at the first deadline; at the last the question itself ends."""
        ends = {waiter.until for waiter in self._waiters if not waiter.done()}
        if len(ends) > 1:
            self._timer = self._loop.call_at(min(ends), self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        last = max([waiter.until for waiter in self._waiters if not waiter.done()], default=now)
        for waiter in self._waiters:
            # the last is told by the question, whose end the breaker learns of
            if waiter.until <= now and waiter.until < last:
                waiter.tell(SourceTimeout(self._source, "DEADLINE"))
        self.left()
        self._watch()


@dataclass(slots=True, eq=False)
class _Lane:
    """Questions that may travel as one, waiting by whom they are asked for: the first is next."""

    name: Hashable
    waiting: dict[str, deque[_Waiter]] = field(default_factory=dict)
    keys: int = 0
    """Subjects asked for by those who wait."""
    running: int = 0
    starting: bool = False
    timer: asyncio.TimerHandle | None = None

    def add(self, waiter: _Waiter) -> None:
        """At the end of its asker's queue."""
        self.keys += len(waiter.ask.keys)
        queue = self.waiting.get(waiter.ask.asker)
        if queue is None:
            queue = self.waiting[waiter.ask.asker] = deque()
        queue.append(waiter)

    def greedier(self, ask: Ask) -> _Waiter | None:
        """The last question of whoever waits for most, which leaves; None where that is this asker."""
        waits = {asker: sum(len(each.ask.keys) for each in queue) for asker, queue in self.waiting.items()}
        most = max(waits, key=waits.__getitem__)
        if waits.get(ask.asker, 0) + len(ask.keys) >= waits[most]:
            return None
        queue = self.waiting[most]
        waiter = queue.pop()
        self.keys -= len(waiter.ask.keys)
        if not queue:
            del self.waiting[most]
        return waiter

    def take(self, most: int) -> list[_Waiter]:
        """Who goes together: one of each asker in turn, for `most` subjects at most if there are several."""
        taken: list[_Waiter] = []
        subjects: dict[str, SubjectKey] = {}
        while self.waiting:
            asker, queue = next(iter(self.waiting.items()))
            waiter = queue[0]
            if not waiter.done():
                if not _fit(subjects, waiter.ask.keys, most) and taken:
                    break
                taken.append(waiter)
            self._pop(asker, queue)
            if queue and len(self.waiting) > 1:
                self.waiting[asker] = self.waiting.pop(asker)
        return taken

    def late(self, now: float) -> list[_Waiter]:
        """Those whose time has run out before they could go."""
        found = []
        for asker, queue in [*self.waiting.items()]:
            while queue and (queue[0].done() or queue[0].until <= now):
                found.append(self._pop(asker, queue))
        return found

    def _pop(self, asker: str, queue: deque[_Waiter]) -> _Waiter:
        waiter = queue.popleft()
        self.keys -= len(waiter.ask.keys)
        if not queue:
            del self.waiting[asker]
        return waiter


def _fit(subjects: dict[str, SubjectKey], keys: Iterable[SubjectKey], most: int) -> bool:
    """Add these; whether they may join those: not too many, and none that could be taken for another."""
    apart = True
    for key in keys:
        # short forms of a USCC keep only a part of it, which two subjects of one batch may not share
        body = key.value[8:17] if key.kind is _USCC else key.value
        if subjects.setdefault(body, key) != key:
            apart = False
    return apart and len(subjects) <= most


def _joined(asks: Sequence[Ask]) -> Ask:
    """One question for the subjects of all, under an id of its own."""
    first = asks[0]
    if len(asks) == 1:
        return first
    keys = tuple(dict.fromkeys([key for ask in asks for key in ask.keys]))
    trace = f"batch-{_PROCESS}-{next(_numbers)}"
    return Ask(first.record_type, first.fields, keys, trace, follow=first.follow)


def _part(answer: Answer, ask: Ask, batch: str) -> Answer:
    """What one of the questions would have been answered alone."""
    own, links = ask.keys, answer.links
    if links:
        links = {key: found for key in own if (found := links.get(key))}
        linked = (key for found in links.values() for key in (found.current, *found.former) if key)
        own = (*own, *linked)
    rejects = answer.rejects
    if rejects:
        rejects = {key: rejects[key] for key in own if key in rejects}
    return Answer(
        {key: answer.rows[key] for key in own},
        answer.fetched_at,
        rejects,
        answer.truncated and answer.truncated.intersection(own),
        links,
        batch=batch,
    )


def _parts(waiters: Sequence[_Waiter], most: int) -> Iterator[Sequence[_Waiter]]:
    """Up to so many, each as long as the others but for the last."""
    size = -(-len(waiters) // most)
    for start in range(0, len(waiters), size):
        yield waiters[start : start + size]


def _of_data(error: Exception) -> bool:
    """Whether other subjects of the same question may well be answered."""
    return isinstance(error, SourceRubbish) or (
        isinstance(error, SourceDrift) and error.reason == "COLUMN_TYPE"
    )


def _own(error: Exception) -> Exception:
    """The error for one of several, who must not write into each other's traceback."""
    if not isinstance(error, SourceError):
        return error
    own = type(error)(error.source, error.reason)
    own.__cause__ = error.__cause__
    return own
