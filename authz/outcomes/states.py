"""The life of a measure (domain.md §3.2): which step leads from which state to which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class OutcomeKind(StrEnum):
    """What a named person concluded."""

    GRANTED = "GRANTED"
    GRANTED_WITH_CONDITIONS = "GRANTED_WITH_CONDITIONS"
    DECLINED = "DECLINED"
    NOT_PURSUED = "NOT_PURSUED"
    """The case ended without a conclusion: withdrawn, or out of time."""


class Hearing(StrEnum):
    """Whether the subject could speak before."""

    NOT_OFFERED = "NOT_OFFERED"
    OFFERED = "OFFERED"
    """And the subject said nothing within the term."""
    HELD = "HELD"


class MeasureState(StrEnum):
    """Where a measure stands."""

    INITIATED = "INITIATED"
    NOTIFIED = "NOTIFIED"
    """The subject was told what is intended and why."""
    RESPONDED = "RESPONDED"
    """The subject was heard, or let the term pass."""
    EXECUTED = "EXECUTED"
    FED_BACK = "FED_BACK"
    """Whoever executes it said whether it was done."""
    CLOSED = "CLOSED"
    SUSPENDED = "SUSPENDED"
    """异议: an objection is under way."""
    REVOKED = "REVOKED"
    """更正: it should not have been."""
    ENDED = "ENDED"
    """期满 or 修复."""


_AT_WORK: Final = frozenset(
    {
        MeasureState.INITIATED,
        MeasureState.NOTIFIED,
        MeasureState.RESPONDED,
        MeasureState.EXECUTED,
        MeasureState.FED_BACK,
    }
)
SUSPENDABLE: Final = _AT_WORK
"""States in which an objection stops a measure."""
_SOURCES: Final[Mapping[MeasureState, frozenset[MeasureState]]] = {
    MeasureState.NOTIFIED: frozenset({MeasureState.INITIATED}),
    MeasureState.RESPONDED: frozenset({MeasureState.NOTIFIED}),
    MeasureState.EXECUTED: frozenset({MeasureState.RESPONDED}),
    MeasureState.FED_BACK: frozenset({MeasureState.EXECUTED}),
    MeasureState.CLOSED: frozenset({MeasureState.FED_BACK}),
    MeasureState.SUSPENDED: _AT_WORK,
    MeasureState.REVOKED: _AT_WORK | {MeasureState.SUSPENDED},
    MeasureState.ENDED: frozenset({MeasureState.EXECUTED, MeasureState.FED_BACK, MeasureState.SUSPENDED}),
}


def may_move(state: MeasureState, to: MeasureState, resumes: MeasureState | None) -> bool:
    """Whether a step is open; a suspended measure goes on from where it stood, and from nowhere else."""
    if state is MeasureState.SUSPENDED and to is resumes:
        return True
    return state in _SOURCES.get(to, ())
