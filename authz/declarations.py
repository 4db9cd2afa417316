"""What an officer declares before a read: why, that there is no conflict of interest, why again.

Query practice of domain.md §4.6, adopted for every read of an authority. The lists are closed:
a reason that is not on them is no reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from authz.errors import AccessDenied
from authz.wording import LONGEST_PURPOSE, holds_personal_number


class ReasonCode(StrEnum):
    """Why an officer asks."""

    APPLICATION_REVIEW = "APPLICATION_REVIEW"
    QUALIFICATION_REVIEW = "QUALIFICATION_REVIEW"
    RECHECK_BEFORE_DECISION = "RECHECK_BEFORE_DECISION"
    COMMENDATION_REVIEW = "COMMENDATION_REVIEW"
    SUPERVISION = "SUPERVISION"
    ENFORCEMENT_ASSISTANCE = "ENFORCEMENT_ASSISTANCE"
    OBJECTION_HANDLING = "OBJECTION_HANDLING"


class RepeatReason(StrEnum):
    """Why the same officer asks about the same subject again so soon."""

    CASE_CONTINUED = "CASE_CONTINUED"
    NEW_MATERIAL = "NEW_MATERIAL"
    RESULT_EXPIRED = "RESULT_EXPIRED"
    ANOTHER_CASE = "ANOTHER_CASE"
    OBJECTION = "OBJECTION"
    SUPERVISION = "SUPERVISION"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Why it is asked again, by the list and in the officer's own words."""

    reason: RepeatReason
    note: str


@dataclass(frozen=True, slots=True)
class Declared:
    """An officer's declarations for one operation; that of no conflict is made by their being here."""

    reason: ReasonCode
    repeat: Repeat | None = None


def declared(
    reason: ReasonCode | None,
    *,
    no_conflict: bool | None,
    repeat: RepeatReason | None,
    note: str | None,
) -> Declared:
    """The declarations of an operation; raises AccessDenied where one is missing or forbids the read."""
    if reason is None:
        raise AccessDenied("REASON_CODE_REQUIRED", "Give `access.reasonCode`: why the read is needed.")
    if no_conflict is None:
        raise AccessDenied(
            "CONFLICT_UNDECLARED",
            "Declare in `access.noConflictOfInterest` that it is neither you nor a relative or colleague.",
        )
    if not no_conflict:
        raise AccessDenied("CONFLICT_OF_INTEREST", "Hand the case to a colleague without an interest in it.")
    return Declared(reason, None if repeat is None else Repeat(repeat, _note(note)))


def _note(text: str | None) -> str:
    note = (text or "").strip()
    if not note or len(note) > LONGEST_PURPOSE or not note.isprintable():
        raise AccessDenied(
            "REPEAT_NOTE_REQUIRED",
            f"Say in `access.repeatNote`, in one line of at most {LONGEST_PURPOSE} characters, why again.",
        )
    if holds_personal_number(note):
        raise AccessDenied("PERSONAL_LITERAL", "The note holds a personal number. Say it without.")
    return note
