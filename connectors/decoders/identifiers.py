"""Identifiers: citizen id, USCC, document numbers."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from catalogue.identifiers import IdentifierError, normalize_citizen_id, normalize_uscc
from connectors.decoders.registry import DecodeError, plain
from connectors.decoders.text import text_of

_YEAR_IN_BRACKETS: Final = re.compile(r"[\[(【〖〔](\d{4})年?[\])】〗〕]")
_ORDINAL: Final = re.compile(r"(?<=〕)第(?=\d)")
_SPACES: Final = re.compile(r"[\s\u200b\ufeff]+")
_DASHES: Final = re.compile(r"[—–―−]")
_SPACE_OR_DASH: Final = re.compile(r"[\s\u200b\ufeff—–―−]")


@plain("citizenId", gives=str)
def citizen_id(cell: object) -> str:
    """The 18-character citizen id (GB 11643); rejects what does not validate."""
    try:
        return normalize_citizen_id(text_of(cell))
    except IdentifierError as fault:
        raise DecodeError(f"CITIZEN_ID_{fault.fault}") from None


@plain("uscc", gives=str)
def uscc(cell: object) -> str:
    """The 18-character USCC (GB 32100); rejects citizen ids and what does not validate."""
    try:
        return normalize_uscc(text_of(cell))
    except IdentifierError as fault:
        raise DecodeError(f"USCC_{fault.fault}") from None


@plain("documentNo", gives=str)
def document_no(cell: object) -> str:
    """A document or case number with its year in 〔〕, no blanks, no 第: so spellings compare equal."""
    number = unicodedata.normalize("NFKC", text_of(cell))
    if _SPACE_OR_DASH.search(number):
        number = _DASHES.sub("-", _SPACES.sub("", number))
    number = _YEAR_IN_BRACKETS.sub(_bracketed, number)
    return _ORDINAL.sub("", number) if "〕第" in number else number


def _bracketed(year: re.Match[str]) -> str:
    return f"〔{year[1]}〕"
