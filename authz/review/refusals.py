"""Why an act of the review is not done: a closed list."""

from __future__ import annotations

from enum import StrEnum

from authz.errors import AccessDenied


class Fault(StrEnum):
    """Why an act of a reviewer is not done."""

    ITEM_UNKNOWN = "ITEM_UNKNOWN"
    OWN_USE = "OWN_USE"
    ALREADY_REVIEWED = "ALREADY_REVIEWED"
    NOTHING_TO_CHANGE = "NOTHING_TO_CHANGE"
    NOTE_INVALID = "NOTE_INVALID"
    LOCK_UNKNOWN = "LOCK_UNKNOWN"
    LOCK_ENDED = "LOCK_ENDED"
    LOCK_CHANGED = "LOCK_CHANGED"
    SECOND_REVIEWER = "SECOND_REVIEWER"
    MONTH_INVALID = "MONTH_INVALID"
    MONTH_NOT_OVER = "MONTH_NOT_OVER"
    MONTH_EMPTY = "MONTH_EMPTY"
    ALREADY_DRAWN = "ALREADY_DRAWN"
    ALREADY_TOLD = "ALREADY_TOLD"
    """Between processes only: another one was first."""


class ReviewRefused(AccessDenied):
    """A reviewer may not do this, or it makes no sense: `fault` is stable, the message says what to do."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(fault.value, message)
        self.fault = fault
