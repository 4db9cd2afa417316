"""Never more calls a second than the department allows, shared fairly between questions.

Questions take turns: one of a hundred keys cannot keep one of a single key waiting behind all of
its calls. Whoever could not be served in time is told so at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Final

from connectors.errors import SourceBusy
from connectors.line import Line

_MARGIN: Final = 1.05
"""Calls spaced exactly at the limit arrive a little closer together."""


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
        self._line = Line()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, question: Hashable, until: float) -> None:
        """Wait for a token by the running loop's clock; raises SourceBusy rather than wait in vain."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        free_at = self._tokens.free_at(now, self._line.ahead(question))
        if free_at > until:
            raise SourceBusy(self._source, "QUOTA")
        if not self._line and free_at <= now:
            self._tokens.take(now)
            return
        waiter = self._line.join(question)
        self._schedule()
        try:
            async with asyncio.timeout_at(until):
                await waiter
        except TimeoutError:
            raise SourceBusy(self._source, "QUOTA") from None
        finally:
            self._line.leave(question, waiter)

    def _schedule(self) -> None:
        if self._timer is None and self._line:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._tokens.free_at(loop.time()), self._serve)

    def _serve(self) -> None:
        self._timer = None
        if waiter := self._line.next():
            self._tokens.take(asyncio.get_running_loop().time())
            waiter.set_result(None)
        self._schedule()
