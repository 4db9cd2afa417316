"""What is counted rather than logged one by one: public reads and refusals of nobody known (ruling 20)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum


class Count(StrEnum):
    """What is counted."""

    PUBLIC_READ = "PUBLIC_READ"
    """By record type code."""
    ANONYMOUS_DENIAL = "ANONYMOUS_DENIAL"
    """By error code."""
    DENIAL_OVER_QUOTA = "DENIAL_OVER_QUOTA"
    """By error code: refusals of a known client beyond its quota, so that a flood fills no disk."""


class Counters:
    """Totals since the start, for metrics, and what the log does not hold yet.

    Names are codes of closed lists; a caller's text is never a name.
    """

    def __init__(self) -> None:
        self._totals: Counter[tuple[Count, str]] = Counter()
        self._logged: Counter[tuple[Count, str]] = Counter()

    def add(self, count: Count, name: str) -> None:
        """One more."""
        self._totals[count, name] += 1

    @property
    def totals(self) -> Mapping[tuple[Count, str], int]:
        """Monotonic totals since the start of the process."""
        return self._totals

    def unlogged(self) -> Counter[tuple[Count, str]]:
        """What has been counted since `logged` was last told."""
        return self._totals - self._logged

    def logged(self, counted: Counter[tuple[Count, str]]) -> None:
        """These are in the log now."""
        self._logged += counted
