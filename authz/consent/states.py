"""The life of a consent: which act leads from which state to which, and whose act it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a consent stands. Only ACTIVE opens anything."""

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    USED_UP = "USED_UP"
    REJECTED = "REJECTED"


class Act(StrEnum):
    """What happened to it."""

    REQUESTED = "REQUESTED"
    GIVEN = "GIVEN"
    REJECTED = "REJECTED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    REVOKED = "REVOKED"
    USED_UP = "USED_UP"
    EXPIRED = "EXPIRED"


class Party(StrEnum):
    """Who did it."""

    SUBJECT = "SUBJECT"
    GRANTEE = "GRANTEE"
    GATEWAY = "GATEWAY"
    OFFICE = "OFFICE"
    """The credit office, at the counter, for whoever stands there."""


@dataclass(frozen=True, slots=True)
class Transition:
    """From one of these states to another."""

    sources: frozenset[State]
    target: State


TRANSITIONS: Final[Mapping[Act, Transition]] = {
    Act.GIVEN: Transition(frozenset({State.REQUESTED}), State.ACTIVE),
    Act.REJECTED: Transition(frozenset({State.REQUESTED}), State.REJECTED),
    Act.PAUSED: Transition(frozenset({State.ACTIVE}), State.PAUSED),
    Act.RESUMED: Transition(frozenset({State.PAUSED}), State.ACTIVE),
    # a use that has used it up still has its pages for ten minutes: those are stopped too
    Act.REVOKED: Transition(frozenset({State.ACTIVE, State.PAUSED, State.USED_UP}), State.REVOKED),
    Act.USED_UP: Transition(frozenset({State.ACTIVE}), State.USED_UP),
}
"""Acts of people and of counting; EXPIRED needs none, for the clock says it."""

ENDING: Final = frozenset({State.REQUESTED, State.ACTIVE, State.PAUSED})
"""States that time ends."""


def state_at(stored: State, ends: datetime, now: datetime) -> State:
    """The state as the clock has it: what has run out is EXPIRED, whatever is stored."""
    return State.EXPIRED if stored in ENDING and now >= ends else stored
