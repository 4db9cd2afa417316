"""Moments as the store keeps them, and the clock on the wall: milliseconds since the epoch; China's time."""

from __future__ import annotations

from datetime import UTC, datetime

from catalogue.values import CHINA_TIME


def now_in_china() -> datetime:
    """The moment that it is."""
    return datetime.now(CHINA_TIME)


def millis(at: datetime) -> int:
    """A moment as it is stored."""
    return round(at.timestamp() * 1000)


def moment(stored: int) -> datetime:
    """A stored moment, in the zone people read."""
    return datetime.fromtimestamp(stored / 1000, UTC).astimezone(CHINA_TIME)
