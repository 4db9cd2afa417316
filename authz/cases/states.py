"""The life of a case: which act leads from which state to which, and what it does to the record."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a person asks for."""

    OBJECTION = "OBJECTION"
    """异议: the record is wrong, and does not count until somebody has looked."""
    REPAIR = "REPAIR"
    """信用修复: the record is right and made good."""
    STATEMENT = "STATEMENT"
    """本人声明: words of the subject's own, shown wherever the record is."""
    COMPLAINT = "COMPLAINT"
    """投诉: somebody read what they may not have."""


class State(StrEnum):
    """Where a case stands."""

    OPEN = "OPEN"
    TAKEN = "TAKEN"
    CORRECTED = "CORRECTED"
    UPHELD = "UPHELD"
    """The record stands as it is."""
    REPAIRED = "REPAIRED"
    REFUSED = "REFUSED"
    ANSWERED = "ANSWERED"
    STANDING = "STANDING"
    """Of a statement: it is shown."""
    WITHDRAWN = "WITHDRAWN"


class Act(StrEnum):
    """What happened to it."""

    FILED = "FILED"
    TAKEN = "TAKEN"
    EXTENDED = "EXTENDED"
    CORRECTED = "CORRECTED"
    UPHELD = "UPHELD"
    REPAIRED = "REPAIRED"
    REFUSED = "REFUSED"
    ANSWERED = "ANSWERED"
    WITHDRAWN = "WITHDRAWN"
    REMINDED = "REMINDED"
    ESCALATED = "ESCALATED"


class Party(StrEnum):
    """Who did it."""

    SUBJECT = "SUBJECT"
    DEPARTMENT = "DEPARTMENT"
    OFFICE = "OFFICE"
    AUDITOR = "AUDITOR"
    GATEWAY = "GATEWAY"
    """The clock."""


class Effect(StrEnum):
    """What a case makes of its record; the newest of a case is the one that holds."""

    DISPUTED = "DISPUTED"
    STATED = "STATED"
    APPLIED = "APPLIED"
    """A repair was applied for, which changes nothing yet."""
    REPAIRED = "REPAIRED"
    STOPPED = "STOPPED"
    """Found wrong: it leaves through no channel."""
    ENDED = "ENDED"
    """The case makes nothing of the record any more."""


class Remedy(StrEnum):
    """How a department corrects what was found wrong."""

    REMOVED = "REMOVED"
    """The record does not stand: it leaves no more, whatever the department's system still holds."""
    AMENDED = "AMENDED"
    """The department has corrected it in its own system, and what it says now is shown."""


class Reason(StrEnum):
    """Why a person files; each kind has its own."""

    NOT_MINE = "NOT_MINE"
    FACT_WRONG = "FACT_WRONG"
    OUT_OF_TIME = "OUT_OF_TIME"
    ALREADY_SETTLED = "ALREADY_SETTLED"
    NO_BASIS = "NO_BASIS"
    DUTY_PERFORMED = "DUTY_PERFORMED"
    OWN_WORDS = "OWN_WORDS"
    READER_UNKNOWN = "READER_UNKNOWN"
    PURPOSE_WRONG = "PURPOSE_WRONG"
    TOO_MUCH_READ = "TOO_MUCH_READ"
    OTHER = "OTHER"


REASONS: Final[Mapping[Kind, frozenset[Reason]]] = {
    Kind.OBJECTION: frozenset(
        {
            Reason.NOT_MINE,
            Reason.FACT_WRONG,
            Reason.OUT_OF_TIME,
            Reason.ALREADY_SETTLED,
            Reason.NO_BASIS,
            Reason.OTHER,
        }
    ),
    Kind.REPAIR: frozenset({Reason.DUTY_PERFORMED}),
    Kind.STATEMENT: frozenset({Reason.OWN_WORDS}),
    Kind.COMPLAINT: frozenset(
        {Reason.READER_UNKNOWN, Reason.PURPOSE_WRONG, Reason.TOO_MUCH_READ, Reason.OTHER}
    ),
}

WAITING: Final = frozenset({State.OPEN, State.TAKEN})
"""States in which somebody has yet to decide."""

DECISIONS: Final[Mapping[Kind, Mapping[Act, State]]] = {
    Kind.OBJECTION: {Act.CORRECTED: State.CORRECTED, Act.UPHELD: State.UPHELD},
    Kind.REPAIR: {Act.REPAIRED: State.REPAIRED, Act.REFUSED: State.REFUSED},
    Kind.STATEMENT: {},
    Kind.COMPLAINT: {Act.ANSWERED: State.ANSWERED},
}
"""How a case of a kind may be decided."""


def effect_of_filing(kind: Kind, *, suspends: bool) -> Effect | None:
    """What filing does to the record at once; a repeated objection without new evidence does nothing."""
    if kind is Kind.OBJECTION:
        return Effect.DISPUTED if suspends else None
    return {Kind.REPAIR: Effect.APPLIED, Kind.STATEMENT: Effect.STATED}.get(kind)


def effect_of_decision(act: Act, remedy: Remedy) -> Effect:
    """What a decision leaves of the record; an amended one is shown as the department has it now."""
    if act is Act.CORRECTED and remedy is Remedy.REMOVED:
        return Effect.STOPPED
    return Effect.REPAIRED if act is Act.REPAIRED else Effect.ENDED
