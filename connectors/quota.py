"""At most so many statements or calls in any hour, as the department allows, by all processes together.

A process leases a small block of the hour's quota for the rest of a minute and gives back what it did
not use when it leases the next, so that only one question of a block waits for the count. Counted by
the minute: at worst a minute too strict.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from connectors.errors import SourceBusy

MINUTES: Final = 60
"""A minute and so many before it hold the hour."""
_SECONDS: Final = 60.0
_BLOCKS: Final = 50
"""Leases that a quota makes: the last questions of an hour may find up to one a process elsewhere."""
_PATIENCE: Final = 0.5
"""Seconds for a lease; less than a source's deadline, or a slow count would look like a slow source."""


class Counter(Protocol):
    """Where all processes count together."""

    async def lease(
        self, source: str, minute: int, limit: int, wanted: int, unused: tuple[int, int]
    ) -> int | None:
        """How many of `wanted` are free in the hour up to `minute`, now counted; None where nobody can say.

        `minute` is since the epoch. `unused`: a minute, and how many counted in it were not used after all.
        """
        ...


class OwnCounter:
    """A Counter of one process alone."""

    def __init__(self) -> None:
        self._taken: Tally[int] = Tally()

    async def lease(self, source: str, minute: int, limit: int, wanted: int, unused: tuple[int, int]) -> int:
        """As Counter says."""
        self._taken[unused[0]] -= unused[1]
        self._taken = Tally({at: taken for at, taken in self._taken.items() if at >= minute - MINUTES})
        granted = max(0, min(wanted, limit - self._taken.total()))
        self._taken[minute] += granted
        return granted


class HourlyQuota:
    """What one source may still be asked. `clock` gives epoch seconds."""

    def __init__(
        self,
        source: str,
        per_hour: int | None,
        counter: Counter | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._limit = per_hour
        self._counter = counter or OwnCounter()
        self._clock = clock
        self._minute = 0
        self._left = 0
        self._spent_in = 0
        self._leasing = asyncio.Lock()

    async def take(self) -> None:
        """Count one; raises SourceBusy (QUOTA_HOUR, or QUOTA_UNKNOWN where nobody can say)."""
        if self._limit is None or self._took():
            return
        async with self._leasing:
            if not self._took():
                await self._lease(self._limit)

    def _took(self) -> bool:
        if self._minute != self._now() or self._left == 0:
            return False
        self._left -= 1
        return True

    async def _lease(self, limit: int) -> None:
        now = self._now()
        if self._spent_in == now:
            raise SourceBusy(self._source, "QUOTA_HOUR")
        # given back once, also where the answer to this is lost: rather too strict than twice
        unused, self._left = (self._minute, self._left), 0
        granted = None
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                wanted = max(1, limit // _BLOCKS)
                granted = await self._counter.lease(self._source, now, limit, wanted, unused)
        if granted is None:
            raise SourceBusy(self._source, "QUOTA_UNKNOWN")
        if granted == 0:
            self._spent_in = now
            raise SourceBusy(self._source, "QUOTA_HOUR")
        self._minute, self._left = now, granted - 1

    def _now(self) -> int:
        return int(self._clock() // _SECONDS)
