"""Seeded randomness with the few questions the departments ask of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

PEOPLE: Final = 1
ENTITIES: Final = 2
"""Streams: a person and an entity of the same number have different dice."""


class Dice(Random):
    """One person's or entity's dice: the same seed and index always fall the same way."""

    def __init__(self, seed: int, stream: int, index: int, today: date) -> None:
        super().__init__((seed << 64) | (stream << 56) | index)
        self.origin = seed
        self.today = today

    def chance(self, probability: float) -> bool:
        """Whether an event of this probability happens."""
        return self.random() < probability

    def past(self, years: float = 8) -> date:
        """A day in the years before today."""
        return self.today - timedelta(days=int(self.random() * years * 365.25))

    def future(self, years: float = 5) -> date:
        """A day in the years after today."""
        return self.today + timedelta(days=1 + int(self.random() * years * 365.25))

    def moment(self, day: date) -> datetime:
        """An office hour of that day."""
        return datetime.combine(day, time(9 + int(self.random() * 8), int(self.random() * 60)))

    def number(self, digits: int) -> str:
        """A number of exactly so many digits."""
        return str(int(10 ** (digits - 1) * (1 + 9 * self.random())))
