"""Why an act on a case is not done: a closed list."""

from __future__ import annotations

from enum import StrEnum

from authz.errors import AccessDenied


class Code(StrEnum):
    """Why an act was refused."""

    RECORD_UNKNOWN = "RECORD_UNKNOWN"
    """The person has no such record in view: another's, one that has left, or none."""
    CASE_UNKNOWN = "CASE_UNKNOWN"
    """No such case, or not one for whoever asks."""
    SOURCE_SILENT = "SOURCE_SILENT"
    """The department could not be asked, so it is not known whether there is such a record."""
    ALREADY_OPEN = "ALREADY_OPEN"
    """A case of the kind is open on the record."""
    NOT_ADVERSE = "NOT_ADVERSE"
    """Only what tells against its subject can be repaired."""
    WORDS = "WORDS"
    """A text is missing, too long, or holds what may not stand in it."""
    REASON = "REASON"
    """The reason is none of this kind of case."""
    QUOTA = "QUOTA"
    """So many cases were filed today that no more are taken."""
    STATE = "STATE"
    """The case has moved on; nothing was changed."""
    OUTCOME = "OUTCOME"
    """The outcome is none of this kind of case."""
    OWN_CASE = "OWN_CASE"
    """Nobody decides on their own case."""
    UNDECLARED = "UNDECLARED"
    """Whoever decides has not declared that nothing of their own is at stake."""
    SECOND_PERSON = "SECOND_PERSON"
    """A longer term is approved by somebody else than who handles the case."""
    NO_LONGER_TERM = "NO_LONGER_TERM"
    """The law knows no longer term for it, or it was used."""


class CaseRefused(AccessDenied):
    """Not done: `reason` is stable, the message says what to do."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"CASE_{code}" if not code.startswith("CASE_") else code, message)
        self.reason = code


def refused(code: Code) -> CaseRefused:
    """The refusal of a code, in its words."""
    return CaseRefused(code, _MESSAGES[code])


_MESSAGES = {
    Code.RECORD_UNKNOWN: "You have no such record here. Read it again and use its `recordId`.",
    Code.CASE_UNKNOWN: "There is no such case for you.",
    Code.SOURCE_SILENT: "The department cannot be asked now. Nothing was filed; try again later.",
    Code.ALREADY_OPEN: "A case of this kind is open on the record. Add to it, or withdraw it first.",
    Code.NOT_ADVERSE: "Only a record that tells against its subject can be repaired.",
    Code.WORDS: "Write 1 to 500 characters of plain text; at most 10 pieces of evidence of 200 each.",
    Code.REASON: "Choose one of the reasons that this kind of case has.",
    Code.QUOTA: "Too many cases were filed in a day. Try again tomorrow, or call the credit office.",
    Code.STATE: "The case has moved on. Read it again; nothing was changed.",
    Code.OUTCOME: "A case of this kind cannot be decided like that.",
    Code.OWN_CASE: "It is your own case, or your own read. A colleague decides on it.",
    Code.UNDECLARED: "Declare `noConflictOfInterest`, or leave the case to a colleague.",
    Code.SECOND_PERSON: "Somebody else than who handles the case approves a longer term.",
    Code.NO_LONGER_TERM: "There is no longer term for this case, or it has it already.",
}
