"""Work on many subjects leaves room to who asks about one.

A chunk of a bulk check is the work of a hundred reads. It takes breath between two subjects, so that
others are answered meanwhile, and so many chunks are worked on at once: more would gain little,
for departments are asked once for all subjects of each, and cost everybody else as much again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from math import ceil
from time import perf_counter
from typing import Final, TypeVar

from authz.errors import Throttled
from connectors.line import Line

_One = TypeVar("_One")
SLICE: Final = 0.001
"""Seconds of work after which others have their turn."""
AT_ONCE: Final = 2
"""Chunks of one process: while one waits for departments, another is worked on."""
PATIENCE: Final = 1.0
"""Seconds that a chunk waits for its turn: three of an operation's five are its departments'."""
LONGEST: Final = 20
"""Seconds after which one that had no turn asks again at the latest; more are told the same seconds again."""
PACE: Final = 0.25
"""Seconds between two turns, before any was seen."""


async def breathing(subjects: Iterable[_One]) -> AsyncIterator[_One]:
    """Each of them; whenever a slice of work on them is over, whoever else was waiting goes first."""
    begun = perf_counter()
    for one in subjects:
        if perf_counter() - begun > SLICE:
            await asyncio.sleep(0)
            begun = perf_counter()
        yield one


class Turns:
    """Taken by each chunk of a process: clients in turn, the chunks of each in the order they came."""

    def __init__(self, at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
        self._places = self._free = at_once
        self._patience = patience
        self._pace = PACE
        """Seconds between two turns, the last eight weighing most."""
        self._promised = 0.0
        """Until when turns were promised to those who come back."""
        self._line = Line()
        """By client; nobody waits while a place is free."""

    @asynccontextmanager
    async def taken(self, client: str) -> AsyncIterator[None]:
        """A turn of a client; raises Throttled (GATEWAY_BUSY) where none came in time: nothing was done."""
        if self._free:
            self._free -= 1
        else:
            await self._come(client)
        began = perf_counter()
        try:
            yield
        finally:
            self._pace += ((perf_counter() - began) / self._places - self._pace) / 8
            self._pass_on()

    async def _come(self, client: str) -> None:
        turn = self._line.join(client)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as end:
            if turn.cancelled():
                self._line.leave(client, turn)
            else:  # it came at the very moment that nobody wanted it any more
                self._pass_on()
            if isinstance(end, TimeoutError):
                message = "Other bulk checks are at work. Send the same chunk again in a moment."
                raise Throttled("GATEWAY_BUSY", message, self._come_back()) from None
            raise

    def _come_back(self) -> int:
        """In how many seconds: a turn after who was told before, or all would be told again."""
        now = perf_counter()
        self._promised = max(self._promised, now) + self._pace
        if self._promised > now + LONGEST:
            self._promised = now + self._pace
        return max(1, ceil(self._promised - now))

    def _pass_on(self) -> None:
        if turn := self._line.next():
            turn.set_result(None)
        else:
            self._free += 1
