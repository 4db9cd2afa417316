"""How many ways of asking for a record type's columns are kept apart (ruling 12).

Each set of columns is a statement of its own at the server and a lane of its own in the gateway.
A client that asks for every subset of the fields gets all that its grant permits instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

COLUMN_SETS: Final = 16
"""Sets kept for each record type of a source."""
REST: Final = 600.0
"""Seconds unused after which a set gives way to another."""


class ColumnSets:
    """The sets of one record type. `clock` gives seconds and never runs backwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: dict[frozenset[str], float] = {}
        """When each was last asked for, the longest ago first."""

    def settled(self, fields: frozenset[str], permitted: frozenset[str]) -> frozenset[str]:
        """The fields themselves where their set is kept, else all that the same grant permits."""
        now = self._clock()
        if self._used.pop(fields, None) is None and len(self._used) >= COLUMN_SETS:
            oldest = next(iter(self._used))
            if now - self._used[oldest] < REST:
                return fields | permitted
            del self._used[oldest]
        self._used[fields] = now
        return fields
