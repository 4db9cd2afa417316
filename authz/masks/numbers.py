"""Numbers that lead to a person: by their own shape, never by a fixed offset of unvalidated text."""

from __future__ import annotations

import re
from typing import Final

from authz.masks.registry import text_rule
from catalogue.identifiers import clean

_CITIZEN_ID: Final = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_COURT_FORM: Final = re.compile(r"[0-9]{10}\*{4}[0-9]{3}[0-9X]")
_MOBILE: Final = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")
_LANDLINE: Final = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})-?([0-9]{7,8})")
_CARD: Final = re.compile(r"[0-9]{12,19}")
_EMAIL: Final = re.compile(r"([^@\s])([^@\s]*)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_PLATE: Final = re.compile(r"[\u4e00-\u9fff][A-Z][A-Z0-9]{4,5}[A-Z0-9挂学警港澳]")
_CERTIFICATE: Final = re.compile(r"[0-9A-Z\u4e00-\u9fff()\[\]〔〕/.-]{8,}")


def _keep(text: str, first: int, last: int) -> str:
    """Stars between the first and the last characters."""
    return text[:first] + "*" * (len(text) - first - last) + text[len(text) - last :]


@text_rule("M_ID")
def citizen_id(text: str) -> str | None:
    """First and last character only: a visible region or birth date gives the number away (§0.9)."""
    number = clean(text)
    return _keep(number, 1, 1) if _CITIZEN_ID.fullmatch(number) else None


@text_rule("M_ID_COURT")
def court_id(text: str) -> str | None:
    """The court's own published form, month and day hidden; policy keeps it to the public channel."""
    number = clean(text)
    if _COURT_FORM.fullmatch(number):
        return number
    return _keep(number, 10, 4) if len(number) == 18 and _CITIZEN_ID.fullmatch(number) else None


@text_rule("M_PHONE")
def phone(text: str) -> str | None:
    """138****8000; a landline in the same column is masked as one."""
    found = _MOBILE.fullmatch(re.sub(r"[\s-]", "", text))
    return _keep(found[1], 3, 4) if found else landline(text)


@text_rule("M_LANDLINE")
def landline(text: str) -> str | None:
    """Area code and last two digits."""
    found = _LANDLINE.fullmatch(re.sub(r"\s", "", text))
    return f"{found[1]}-{_keep(found[2], 0, 2)}" if found else None


@text_rule("M_BANK")
def bank_card(text: str) -> str | None:
    """First and last four digits; an id in the card's column is masked as an id."""
    number = clean(text)
    if len(number) == 18 and _CITIZEN_ID.fullmatch(number):
        return citizen_id(number)
    return _keep(number, 4, 4) if _CARD.fullmatch(number) else None


@text_rule("M_EMAIL")
def email(text: str) -> str | None:
    """First character and domain; a local part of one character shows none."""
    found = _EMAIL.fullmatch(text.strip())
    return f"{found[1] if found[2] else ''}***@{found[3]}" if found else None


@text_rule("M_PLATE")
def plate(text: str) -> str | None:
    """Issuing office, one character and the last one (GA 36, new-energy plates have one more)."""
    number = re.sub(r"[·•\s]", "", text).upper()
    return _keep(number, 3, 1) if _PLATE.fullmatch(number) else None


@text_rule("M_CERT")
def certificate_no(text: str) -> str | None:
    """First and last two characters; many certificates carry the citizen id, which is masked as one."""
    number = clean(text)
    if _CITIZEN_ID.fullmatch(number):
        return citizen_id(number)
    return _keep(number, 2, 2) if _CERTIFICATE.fullmatch(number) else None
