"""Words that a caller writes and the person reads: case numbers and purposes, free of personal numbers."""

from __future__ import annotations

import unicodedata
from typing import Final

from authz.errors import AccessDenied
from catalogue.identifiers import holds_citizen_id
from catalogue.personal_text import scrub

LONGEST_CASE_NUMBER: Final = 64
LONGEST_PURPOSE: Final = 200


def case_number(case_no: str | None) -> str:
    """The number of a case; raises AccessDenied CASE_NUMBER_REQUIRED."""
    number = (case_no or "").strip()
    if not number:
        raise AccessDenied("CASE_NUMBER_REQUIRED", "Give the number of the case that this read is for.")
    return number


def purpose_text(text: str) -> str:
    """A purpose in words; raises AccessDenied PURPOSE_REQUIRED or PERSONAL_LITERAL."""
    purpose = text.strip()
    if not purpose or len(purpose) > LONGEST_PURPOSE or not purpose.isprintable():
        raise AccessDenied(
            "PURPOSE_REQUIRED",
            f"Say in one line of at most {LONGEST_PURPOSE} characters what the read is for;"
            " the person will see it.",
        )
    if holds_personal_number(purpose):
        raise AccessDenied(
            "PERSONAL_LITERAL", "The purpose holds a personal number. Describe the matter without it."
        )
    return purpose


def refuse_name(name: str | None, *texts: str | None) -> None:
    """Refuse texts that hold the name somebody is looked up by, however it is spaced.

    Raises AccessDenied PERSONAL_LITERAL. A name of one character hides no one and is let through.
    """
    plain = _joined(name or "")
    if len(plain) > 1 and any(plain in _joined(text) for text in texts if text):
        raise AccessDenied(
            "PERSONAL_LITERAL", "The words hold the person's name. Describe the matter without it."
        )


def _joined(text: str) -> str:
    """The text as a name is recognized in it: without blanks, dots and widths."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text))).casefold()


def holds_personal_number(text: str) -> bool:
    """Whether an id, a phone, a card or the like stands anywhere in the text."""
    return scrub(text) != text or holds_citizen_id(text)
