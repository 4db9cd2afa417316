"""JSON as other systems write it: exact decimals, no NaN, no text that nobody could write out again."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

from connectors.decoders import Unreadable

_MOST_DIGITS: Final = 1_000
"""Beyond it an exponent is no amount: written out it would be gigabytes of zeros."""
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def parse(text: str | bytes) -> object:
    """The document; half a character, which an escape can spell, is `Unreadable` in its place.

    Raises ValueError, or RecursionError for endless nesting.
    """
    written = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    document: object = json.loads(written, parse_float=_exact, parse_constant=_refuse)
    return _legible(document) if _SURROGATE.search(written) else document


def _exact(text: str) -> Decimal | str:
    """The number; a text where it is out of all proportion, so that its own row is rejected."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if abs(number.adjusted()) < _MOST_DIGITS else text


def _refuse(_name: str) -> NoReturn:
    raise ValueError("not JSON")


def _legible(part: object) -> object:
    if isinstance(part, str):
        return part if part.isascii() or not _SURROGATE.search(part) else Unreadable()
    if isinstance(part, list):
        return [_legible(inner) for inner in part]
    if isinstance(part, dict):
        return {name: _legible(inner) for name, inner in part.items()}
    return part
