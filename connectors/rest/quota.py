"""Never more calls a second than the department allows."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from connectors.errors import SourceBusy

_MARGIN: Final = 1.05
"""Calls spaced exactly at the limit arrive a little closer together."""


class Quota:
    """Tokens that come back one period after each was taken, so that no window holds too many."""

    def __init__(self, source: str, per_second: float) -> None:
        size = max(1, int(per_second))
        self._source = source
        self._period = size / per_second * _MARGIN
        self._taken: deque[float] = deque(maxlen=size)

    def reserve(self, now: float, until: float) -> float:
        """Take a token; the seconds to wait for it. Raises SourceBusy (QUOTA) if that is after `until`."""
        full = len(self._taken) == self._taken.maxlen
        free_at = max(now, self._taken[0] + self._period) if full else now
        if free_at > until:
            raise SourceBusy(self._source, "QUOTA")
        self._taken.append(free_at)
        return free_at - now

    async def wait(self, until: float) -> None:
        """Wait for a token by the running loop's clock; raises SourceBusy rather than wait in vain."""
        seconds = self.reserve(asyncio.get_running_loop().time(), until)
        if seconds > 0:
            await asyncio.sleep(seconds)
