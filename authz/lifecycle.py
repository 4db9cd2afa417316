"""Which records may leave, through which channel, on which day (`visible()` of domain.md §2.7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Effect(StrEnum):
    """KEEP the record, STRIP its adverse part, DROP it, or WITHHOLD it for want of a clock start."""

    KEEP = "KEEP"
    STRIP = "STRIP"
    DROP = "DROP"
    WITHHOLD = "WITHHOLD"


@dataclass(frozen=True, slots=True)
class Clocks:
    """The computed clocks of one record; None is open-ended or not applicable."""

    publish_from: date | None = None
    publish_until: date | None = None
    retention_until: date | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the clocks say about one record."""

    effect: Effect
    rule: str
    clocks: Clocks = Clocks()
