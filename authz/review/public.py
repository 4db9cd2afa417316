"""The quota of the public channel: how many subjects one address, or one client without a basis, may look up.

A token bucket a payer in each process's memory, for addresses are personal and are kept nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil
from typing import Final

from cachetools import TTLCache

from authz.errors import QuotaExceeded

_PAYERS: Final = 100_000
_MINUTE: Final = 60.0


class PublicQuota:
    """So many subjects at once, and so many a minute in the long run."""

    def __init__(self, per_minute: int, timer: Callable[[], float] = time.monotonic) -> None:
        self._limit = per_minute
        self._timer = timer
        self._left: TTLCache[str, tuple[float, float]] = TTLCache(_PAYERS, _MINUTE, timer=timer)

    def spend(self, payer: str, subjects: int) -> None:
        """Count so many; raises QuotaExceeded, having counted nothing."""
        now = self._timer()
        left, since = self._left.get(payer, (float(self._limit), now))
        left = min(self._limit, left + (now - since) * self._limit / _MINUTE)
        missing = min(subjects, self._limit) - left
        if missing > 0:
            raise QuotaExceeded(ceil(missing * _MINUTE / self._limit))
        self._left[payer] = (left - subjects, now)
