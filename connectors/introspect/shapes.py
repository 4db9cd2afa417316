"""What a sample of a column looks like, counted in memory; the cells are forgotten with the sample.

Words are the only text that leaves: codes of at most two letters or digits, and longer words that
three different subjects share, if they hold no number of a person. What one subject's rows hold never does.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from stdnum.iso7064 import mod_11_10

from catalogue.identifiers import (
    IdentifierError,
    KeyKind,
    clean,
    holds_citizen_id,
    normalize_citizen_id,
    normalize_uscc,
)
from connectors.decoders import DecodeError
from connectors.decoders.moments import read_moment
from connectors.decoders.numbers import number
from connectors.shapes import KeyForm

MOST_WORDS: Final = 12
"""A column with more distinct values is no code column."""
_SHARED_BY: Final = 3
_LONGEST: Final = 20
_SHORT: Final = re.compile(r"[0-9A-Za-z]{1,2}")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_ORGANIZATION: Final = re.compile(r"[0-9A-Z]{8}-?[0-9X]")
_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(slots=True)
class Shape:
    """Counts over the filled cells of one column."""

    rows: int = 0
    filled: int = 0
    distinct: int = 0
    dates: int = 0
    numbers: int = 0
    misread: int = 0
    """Text whose bytes are Chinese in GB 18030, read as latin1."""
    registration_numbers: int = 0
    keys: Counter[KeyKind] = field(default_factory=Counter)
    forms: dict[KeyKind, set[KeyForm]] = field(default_factory=dict)

    def share(self, count: int) -> float:
        """Part of the filled cells."""
        return count / self.filled if self.filled else 0.0

    @property
    def is_code(self) -> bool:
        """Few distinct values."""
        return 0 < self.distinct <= MOST_WORDS

    @property
    def kinds(self) -> tuple[KeyKind, ...]:
        """Kinds of key that the column holds, where half of the cells or more validate as some key."""
        if not self.filled or sum(self.keys.values()) * 2 < self.filled:
            return ()
        return tuple(kind for kind, count in self.keys.most_common() if count * 20 >= self.filled)


def shape_of(cells: Iterable[object]) -> Shape:
    """The shape of a column's sampled cells."""
    found = Shape()
    values: set[str] = set()
    for cell in cells:
        found.rows += 1
        text = _text(cell)
        if not text.strip():
            continue
        found.filled += 1
        values.add(text.strip())
        found.dates += _is_date(cell)
        found.numbers += _is_number(cell)
        found.misread += _misread(text)
        _count_key(found, text)
    found.distinct = len(values)
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """Codes of a column that may be written down, the most frequent first, and how many may not."""

    said: tuple[str | int | bool, ...] = ()
    unsaid: int = 0


def words_of(cells: Sequence[object], owners: Sequence[object]) -> Words:
    """The codes of a code column; `owners` says whose each row is."""
    holders: dict[str, set[object]] = {}
    plain: dict[str, str | int | bool] = {}
    for cell, owner in zip(cells, owners, strict=True):
        if word := _text(cell).strip():
            holders.setdefault(word, set()).add(owner)
            plain.setdefault(word, cell if isinstance(cell, bool | int) else word)
    if len(holders) > MOST_WORDS:
        return Words(unsaid=len(holders))
    ranked = sorted(holders, key=lambda word: (-len(holders[word]), word))
    said = [word for word in ranked if _may_be_said(word, len(holders[word]))]
    return Words(tuple(plain[word] for word in said), len(holders) - len(said))


def transpose(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    """Cells by column; as many empty columns where there are no rows."""
    return [[row[index] for row in rows] for index in range(width)]


def _text(cell: object) -> str:
    if cell is None or isinstance(cell, bytes | bytearray | memoryview):
        return ""
    return str(int(cell)) if isinstance(cell, bool) else str(cell)


def _is_date(cell: object) -> bool:
    try:
        read_moment(cell)
    except (DecodeError, ArithmeticError, ValueError):
        return False
    return True


def _is_number(cell: object) -> bool:
    try:
        number(cell)
    except DecodeError:
        return False
    return True


def _may_be_said(word: str, holders: int) -> bool:
    if len(word) > _LONGEST or holds_citizen_id(word):
        return False
    return bool(_SHORT.fullmatch(word)) or holders >= _SHARED_BY


def _misread(text: str) -> bool:
    if text.isascii() or _HAN.search(text):
        return False
    for charset in ("cp1252", "latin1"):
        try:
            return bool(_HAN.search(text.encode(charset).decode("gb18030")))
        except UnicodeError:
            continue
    return False


def _count_key(shape: Shape, text: str) -> None:
    """Count the cell as a citizen id, a USCC, an organization code or a registration number."""
    code = clean(text).replace("-", "")
    kind = _key_kind(text)
    if kind is None and _is_organization_code(code):
        kind = KeyKind.USCC
        shape.forms.setdefault(kind, set()).add(KeyForm.ORGANIZATION_CODE)
    if kind is None:
        shape.registration_numbers += bool(re.fullmatch(r"\d{15}", code)) and mod_11_10.is_valid(code)
        return
    shape.keys[kind] += 1
    shape.forms.setdefault(kind, set()).update(_forms(text, kind))


def _key_kind(text: str) -> KeyKind | None:
    for kind, normalize in ((KeyKind.CITIZEN_ID, normalize_citizen_id), (KeyKind.USCC, normalize_uscc)):
        try:
            normalize(text)
        except IdentifierError:
            continue
        return kind
    return None


def _is_organization_code(code: str) -> bool:
    """Check character of GB 11714-1997, modulus 11."""
    if not _ORGANIZATION.fullmatch(code) or code.isalpha():
        return False
    total = sum(int(sign, 36) * weight for sign, weight in zip(code, _WEIGHTS, strict=False))
    return code[8] == "0123456789X0"[(11 - total % 11) % 11]


def _forms(text: str, kind: KeyKind) -> set[KeyForm]:
    narrow = unicodedata.normalize("NFKC", text)
    bare = narrow.strip()
    checks = {
        KeyForm.FULL_WIDTH: narrow != text and not text.isascii(),
        KeyForm.LOWER: any(sign.islower() for sign in bare),
        KeyForm.DIGITS_15: kind is KeyKind.CITIZEN_ID and len(bare) == 15 and len(text) == len(bare),
        KeyForm.PADDED: kind is KeyKind.CITIZEN_ID and len(bare) == 15 and len(text) == 18,
        KeyForm.TRAILING_SPACE: len(bare) == 18 and len(text) == 19,
    }
    return {form for form, holds in checks.items() if holds}
