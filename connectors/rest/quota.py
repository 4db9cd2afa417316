"""Never more calls a second than the department allows, shared fairly between questions.

Questions take turns: one of a hundred keys cannot keep one of a single key waiting behind all of
its calls. Whoever could not be served in time is told so at once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Final, TypeAlias

from connectors.errors import SourceBusy

_MARGIN: Final = 1.05
"""Calls spaced exactly at the limit arrive a little closer together."""

_Waiters: TypeAlias = deque[asyncio.Future[None]]


class Tokens:
    """Tokens that come back one period after each was taken, so that no window holds too many."""

    def __init__(self, per_second: float) -> None:
        size = max(1, int(per_second))
        self._period = size / per_second * _MARGIN
        self._taken: deque[float] = deque(maxlen=size)

    def free_at(self, now: float, ahead: int = 0) -> float:
        """When a token is free for whoever has `ahead` others before them."""
        size = self._taken.maxlen or 1
        recent = list(self._taken)
        rounds, place = divmod(ahead, size)
        missing = size - len(recent)
        if place < missing:
            return now + rounds * self._period
        return max(now, recent[place - missing] + self._period) + rounds * self._period

    def take(self, at: float) -> None:
        """One is used at that moment."""
        self._taken.append(at)


class Quota:
    """The tokens of one source and who waits for them."""

    def __init__(self, source: str, per_second: float) -> None:
        self._source = source
        self._tokens = Tokens(per_second)
        self._waiting: OrderedDict[Hashable, _Waiters] = OrderedDict()
        """By question, the next to be served first."""
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, question: Hashable, until: float) -> None:
        """Wait for a token by the running loop's clock; raises SourceBusy rather than wait in vain."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        free_at = self._tokens.free_at(now, self._ahead(question))
        if free_at > until:
            raise SourceBusy(self._source, "QUOTA")
        if not self._waiting and free_at <= now:
            self._tokens.take(now)
            return
        waiter = loop.create_future()
        self._waiting.setdefault(question, deque()).append(waiter)
        self._schedule()
        try:
            async with asyncio.timeout_at(until):
                await waiter
        except TimeoutError:
            raise SourceBusy(self._source, "QUOTA") from None
        finally:
            self._leave(question, waiter)

    def _leave(self, question: Hashable, waiter: asyncio.Future[None]) -> None:
        waiters = self._waiting.get(question, deque())
        if waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[question]

    def _ahead(self, question: Hashable) -> int:
        """How many are served first, if nobody else comes: questions take turns."""
        own = len(self._waiting.get(question, ()))
        return own + sum(
            min(len(waiters), own + 1) for other, waiters in self._waiting.items() if other != question
        )

    def _schedule(self) -> None:
        if self._timer is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._tokens.free_at(loop.time()), self._serve)

    def _serve(self) -> None:
        self._timer = None
        if waiter := self._next():
            self._tokens.take(asyncio.get_running_loop().time())
            waiter.set_result(None)
        self._schedule()

    def _next(self) -> asyncio.Future[None] | None:
        """The next one still waiting, of the question whose turn it is."""
        while self._waiting:
            question, waiters = self._waiting.popitem(last=False)
            while waiters:
                waiter = waiters.popleft()
                if not waiter.done():
                    if waiters:
                        self._waiting[question] = waiters
                    return waiter
        return None
