"""Identifiers of credit subjects: citizen id (GB 11643-1999) and USCC (GB 32100-2015).

Everything is read in its legacy forms and normalized to 18 upper-case characters.
A value that validates as a citizen id is personal, whatever its column is called:
3.2 % of valid citizen ids also pass the USCC check digit.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from catalogue.values import CHINA_TIME


class SubjectKind(StrEnum):
    """The four kinds of credit subject."""

    NATURAL_PERSON = "NATURAL_PERSON"
    ENTERPRISE = "ENTERPRISE"
    SOCIAL_ORGANIZATION = "SOCIAL_ORGANIZATION"
    PUBLIC_INSTITUTION = "PUBLIC_INSTITUTION"


class KeyKind(StrEnum):
    """How a source finds a subject."""

    CITIZEN_ID = "CITIZEN_ID"
    USCC = "USCC"


class IdentifierFault(StrEnum):
    """Why a text is not an identifier; says nothing about any person."""

    LENGTH = "LENGTH"
    SCIENTIFIC_NOTATION = "SCIENTIFIC_NOTATION"
    CHARACTERS = "CHARACTERS"
    DATE = "DATE"
    CHECK_DIGIT = "CHECK_DIGIT"
    AMBIGUOUS_CENTURY = "AMBIGUOUS_CENTURY"
    PERSONAL = "PERSONAL"


class IdentifierError(ValueError):
    """The text is not a valid identifier. Never holds the text."""

    def __init__(self, kind: KeyKind, fault: IdentifierFault) -> None:
        super().__init__(f"{kind.value}: {fault.value}")
        self.kind = kind
        self.fault = fault


_WRAPPING: Final = re.compile(r"[\s'\"=\u3000\u00a0\u200b\ufeff‘’“”]+")
_SCIENTIFIC: Final = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)
_CITIZEN_ID: Final = re.compile(r"[0-9]{17}[0-9X]")
_FIFTEEN_DIGITS: Final = re.compile(r"[0-9]{15}")
_USCC: Final = re.compile(r"[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_DIGITS: Final = bytes.maketrans(_USCC_ALPHABET.encode(), b"0123456789ABCDEFGHIJKLMNOPQRSTU")
"""The values of its characters as digits of Python's integers."""
_CENTENARIAN: Final = {"996", "997", "998", "999"}
_FIRST_BIRTH_YEAR: Final = 1850
_PAST: Final = 2026
"""Whoever was born before that year has been born, whatever today is."""


def clean(text: str) -> str:
    """Full-width to ASCII, spaces, quotes and `="…"` stripped, upper case."""
    if text.isascii() and text.isalnum():
        return text.upper()
    return _WRAPPING.sub("", unicodedata.normalize("NFKC", text)).upper()


def normalize_citizen_id(text: str) -> str:
    """The 18-character form of a citizen id; 15-digit numbers are upgraded.

    Raises IdentifierError, also for centenarians' 15-digit numbers (the century is unknown).
    """
    number = text if _CITIZEN_ID.fullmatch(text) else _cleaned_citizen_id(text)
    if _birth_date(number) is None:
        raise IdentifierError(KeyKind.CITIZEN_ID, IdentifierFault.DATE)
    if _citizen_check(number) != number[-1]:
        raise IdentifierError(KeyKind.CITIZEN_ID, IdentifierFault.CHECK_DIGIT)
    return number


def _cleaned_citizen_id(text: str) -> str:
    """The 18 characters of a citizen id, a 15-digit number upgraded; raises IdentifierError."""
    number = clean(text)
    if _CITIZEN_ID.fullmatch(number):
        return number
    if _SCIENTIFIC.fullmatch(number):
        raise IdentifierError(KeyKind.CITIZEN_ID, IdentifierFault.SCIENTIFIC_NOTATION)
    if not _FIFTEEN_DIGITS.fullmatch(number):
        fault = IdentifierFault.CHARACTERS if len(number) == 18 else IdentifierFault.LENGTH
        raise IdentifierError(KeyKind.CITIZEN_ID, fault)
    if number[12:] in _CENTENARIAN:
        raise IdentifierError(KeyKind.CITIZEN_ID, IdentifierFault.AMBIGUOUS_CENTURY)
    number = f"{number[:6]}19{number[6:]}"
    return number + _citizen_check(number)


def _citizen_check(number: str) -> str:
    """The check digit over 17 ASCII digits (ISO 7064 MOD 11-2); every row read needs one."""
    # the weights are powers of 2, which is 13 modulo 11: as digits to base 13 they are weighed at once
    return "10X98765432"[int(number[:17], 13) * 2 % 11]


def _uscc_check(code: str) -> str:
    """The check digit over 17 characters of the alphabet (GB 32100)."""
    # the weights are powers of 3 from the left, which is 34 modulo 31
    return _USCC_ALPHABET[-int(code[16::-1].encode().translate(_USCC_DIGITS), 34) % 31]


def is_citizen_id(text: str) -> bool:
    """Whether the text is personal: it normalizes to a citizen id."""
    try:
        normalize_citizen_id(text)
    except IdentifierError:
        return False
    return True


def holds_citizen_id(text: str) -> bool:
    """Whether a citizen id stands anywhere in the text, spaced, full-width or between other characters."""
    plain = clean(text)
    if not _FIFTEEN_DIGITS.search(plain):
        return False
    windows = (plain[at : at + size] for size in (18, 15) for at in range(len(plain) - size + 1))
    return any(map(is_citizen_id, windows))


def birth_date(citizen_id: str) -> date:
    """The birth date in a normalized citizen id."""
    born = _birth_date(citizen_id)
    if born is None:
        raise IdentifierError(KeyKind.CITIZEN_ID, IdentifierFault.DATE)
    return born


def _birth_date(number: str) -> date | None:
    digits = number[6:14]
    try:
        # of eight characters `fromisoformat` would also take a week
        born = date.fromisoformat(digits if digits.isdigit() else "")
    except ValueError:
        return None
    past = born.year < _PAST or born <= datetime.now(CHINA_TIME).date()
    return born if past and born.year >= _FIRST_BIRTH_YEAR else None


def citizen_id_15(citizen_id: str) -> str | None:
    """The pre-1999 15-digit form of a normalized id; None for people born outside 19xx."""
    return citizen_id[:6] + citizen_id[8:17] if citizen_id[6:8] == "19" else None


def normalize_uscc(text: str) -> str:
    """The 18-character USCC; raises IdentifierError, PERSONAL when it is a citizen id."""
    code = text if _USCC.fullmatch(text) else _cleaned_uscc(text)
    if _CITIZEN_ID.fullmatch(code) and is_citizen_id(code):
        raise IdentifierError(KeyKind.USCC, IdentifierFault.PERSONAL)
    if _uscc_check(code) != code[-1]:
        raise IdentifierError(KeyKind.USCC, IdentifierFault.CHECK_DIGIT)
    return code


def _cleaned_uscc(text: str) -> str:
    """18 characters of a USCC, or a citizen id; raises IdentifierError."""
    code = clean(text).replace("-", "")
    if _SCIENTIFIC.fullmatch(code):
        raise IdentifierError(KeyKind.USCC, IdentifierFault.SCIENTIFIC_NOTATION)
    if len(code) != 18:
        raise IdentifierError(KeyKind.USCC, IdentifierFault.LENGTH)
    if not _USCC.fullmatch(code) and not is_citizen_id(code):
        raise IdentifierError(KeyKind.USCC, IdentifierFault.CHARACTERS)
    return code


def is_individual_business(uscc: str) -> bool:
    """个体工商户 (D/T 92): gets the rules of persons, for its code leads to one person."""
    return uscc.startswith("92")


def kind_of_uscc(uscc: str) -> SubjectKind:
    """The subject kind by the registrar character of GB 32100 (1 编办, 3 司法行政, 5 民政, 9 市场监管…)."""
    if uscc[0] in "128" or uscc[:2] in ("32", "35"):
        return SubjectKind.PUBLIC_INSTITUTION
    if uscc[0] in "57":
        return SubjectKind.SOCIAL_ORGANIZATION
    return SubjectKind.ENTERPRISE


class SubjectKey(NamedTuple):
    """A normalized identifier of one subject."""

    kind: KeyKind
    value: str

    def __repr__(self) -> str:
        return f"SubjectKey({self.kind.value}, …)"

    @property
    def personal(self) -> bool:
        """Whether the key leads to one natural person."""
        return self.kind is KeyKind.CITIZEN_ID or is_individual_business(self.value)

    @property
    def subject_kind(self) -> SubjectKind:
        """The kind of subject the key names."""
        if self.kind is KeyKind.CITIZEN_ID:
            return SubjectKind.NATURAL_PERSON
        return kind_of_uscc(self.value)

    @classmethod
    def read(cls, kind: KeyKind, text: str) -> SubjectKey:
        """From a number of that kind in any legacy form; raises IdentifierError."""
        return cls.person(text) if kind is KeyKind.CITIZEN_ID else cls.entity(text)

    @classmethod
    def person(cls, text: str) -> SubjectKey:
        """From a citizen id in any legacy form; raises IdentifierError."""
        return cls(KeyKind.CITIZEN_ID, normalize_citizen_id(text))

    @classmethod
    def entity(cls, text: str) -> SubjectKey:
        """From a USCC in any legacy form; raises IdentifierError."""
        return cls(KeyKind.USCC, normalize_uscc(text))
