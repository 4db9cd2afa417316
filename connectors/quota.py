"""At most so many statements or calls in any hour, as the department allows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from connectors.errors import SourceBusy

_MINUTE: Final = 60.0
_MINUTES: Final = 60


class HourlyQuota:
    """Counts by the minute, so that memory does not grow with the quota; at worst a minute too strict."""

    def __init__(
        self, source: str, per_hour: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._limit = per_hour
        self._clock = clock
        self._minutes: deque[tuple[int, int]] = deque()
        """Minute and what was taken in it, oldest first."""
        self._taken = 0

    def take(self) -> None:
        """Count one; raises SourceBusy (QUOTA_HOUR) where the hour is used up."""
        if self._limit is None:
            return
        now = int(self._clock() // _MINUTE)
        while self._minutes and self._minutes[0][0] < now - _MINUTES:
            self._taken -= self._minutes.popleft()[1]
        if self._taken >= self._limit:
            raise SourceBusy(self._source, "QUOTA_HOUR")
        self._taken += 1
        same = bool(self._minutes) and self._minutes[-1][0] == now
        count = self._minutes.pop()[1] if same else 0
        self._minutes.append((now, count + 1))
