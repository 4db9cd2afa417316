"""One pass over the delivered files: where the rows of each key stand, and which rows are bad.

A later file, and a later line, replaces what an earlier one says of the same record. A row that
cannot be read retires its predecessor all the same: an old state must not come back.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from catalogue.identifiers import (
    IdentifierError,
    KeyKind,
    SubjectKey,
    clean,
    normalize_citizen_id,
    normalize_uscc,
)
from connectors.errors import SourceDrift, SourceRubbish
from connectors.files.drop import Changed, Delivered, Signature
from connectors.files.positions import Hasher, Places, Standing, Table
from connectors.files.rows import Line, lines
from connectors.keys import asked_forms
from connectors.manifest import RecordSource
from connectors.parts import Drop
from connectors.protocol import Links
from connectors.shapes import KeyForm

BAD_KEPT: Final = 1_000
"""Bad rows remembered one by one; beyond that they are counted."""

_PLAIN: Final = {KeyKind.CITIZEN_ID: re.compile(r"\d{17}[\dX]"), KeyKind.USCC: re.compile(r"[0-9A-Z]{18}")}
_NORMALIZED: Final = {KeyKind.CITIZEN_ID: normalize_citizen_id, KeyKind.USCC: normalize_uscc}
_SHORT: Final = {KeyForm.ORGANIZATION_CODE, KeyForm.TAXPAYER_15}
_YIELD_EVERY: Final = 100
"""Rows between two pauses in which other threads run."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that nobody will ever be shown, for the department: where it is and why. No value."""

    file: str
    line: int
    reason: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns stand in one file."""

    width: int
    at: Mapping[str, int]


@dataclass(slots=True)
class Index:
    """Positions of one record type's rows in the files that stand."""

    source: str
    record: RecordSource
    drop: Drop
    hasher: Hasher
    files: tuple[Delivered, ...]
    headers: list[Header] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    keys: Table = field(default_factory=Table)
    records: Table = field(default_factory=Table)
    bad: list[BadRow] = field(default_factory=list)
    bad_count: int = 0
    told: bool = False
    """Whether the department has been told of the bad rows."""

    def rows_of(self, key: SubjectKey, links: Links | None = None) -> list[int]:
        """Row numbers that may be the subject's, in the order they were delivered."""
        forms = asked_forms(key, links, self.record.keys[key.kind])
        texts = {canonical(key.kind, text) for text in forms}
        hashes = {self.hasher(key.kind, text) for text in texts | {key.value}}
        return sorted({row for hashed in hashes for row in self.keys.find(hashed)})

    def record_hash(self, file: int, cells: Sequence[str]) -> int | None:
        """What rows of one record share; None where a part is missing."""
        at = self.headers[file].at
        parts = [clean(cells[at[column]]) for column in self.drop.record]
        return self.hasher(*parts) if parts and all(parts) else None

    def lost(self, row: int, cells: Sequence[str]) -> bool:
        """Whether what replaced a row cannot be read."""
        hashed = self.record_hash(self.places.at(row)[0], cells)
        standing = () if hashed is None else self.records.find(hashed)
        return any(self.places.standing(now) is Standing.UNREADABLE for now in standing)

    def place(self, row: int) -> str:
        """File and line of a row."""
        file, _, line = self.places.at(row)
        return f"{self.files[file].path.name}:{line}"

    def complain(self, file: int, line: int, reason: str, column: str | None = None) -> None:
        """Remember a bad row."""
        self.bad_count += 1
        if len(self.bad) < BAD_KEPT:
            self.bad.append(BadRow(self.files[file].path.name, line, reason, column))


def build(
    source: str, record: RecordSource, drop: Drop, files: tuple[Delivered, ...], wanted: Sequence[str]
) -> Index:
    """Read the files once; raises SourceDrift for missing columns, SourceRubbish for half a file, Changed."""
    index = Index(source, record, drop, Hasher(), files)
    for number, file in enumerate(files):
        with file.path.open("rb") as stream:
            rows = lines(stream, drop)
            header = _header(source, drop, rows, wanted)
            index.headers.append(header)
            reading = _Pass(index, number, header)
            reading.read(rows)
            if reading.short and _torn(stream):
                raise SourceRubbish(source, "FILE_CUT_SHORT")
        if Signature.of(file.path.stat()) != file.signature:
            raise Changed
    return index


class _Pass:
    """The rows of one file going into the index."""

    def __init__(self, index: Index, file: int, header: Header) -> None:
        self._index = index
        self._drop = index.drop
        self._file = file
        self._header = header
        self._count = 0
        self.short = False
        """Whether the last row has another number of cells than the header."""

    def read(self, rows: Iterator[Line]) -> None:
        total: int | None = None
        for line in rows:
            if not any(line.cells) and not line.fault:
                continue
            if self._drop.footer and line.cells and clean(line.cells[0]) == clean(self._drop.footer):
                total = _number(line.cells[1:2])
                break
            self._count += 1
            self._take(line)
            if not self._count % _YIELD_EVERY:
                time.sleep(0)
        else:
            if self._drop.footer:
                raise SourceRubbish(self._index.source, "FILE_CUT_SHORT")
        if total is not None and total != self._count:
            raise SourceRubbish(self._index.source, "FILE_COUNT")
        for line in rows:
            if any(line.cells) or line.fault:
                self._complain(line, "AFTER_FOOTER")

    def _take(self, line: Line) -> None:
        self.short = len(line.cells) != self._header.width
        if self.short:
            self._complain(line, line.fault or "CELLS")
            return
        deletes = self._deletes(line)
        if line.fault:
            self._complain(line, line.fault)
        keys = [] if deletes else list(self._keys(line))
        row = self._index.places.add(self._file, line.offset, line.number)
        if deletes is None:
            self._index.places.mark(row, Standing.UNREADABLE)
            self._complain(line, "OPERATION", self._drop.operation)
        elif not keys and not deletes:
            self._index.places.mark(row, Standing.UNREADABLE)
            self._complain(line, "KEY_INVALID", next(iter(self._index.record.keys.values())).columns[0])
        self._replace(line, row)
        for hashed in keys:
            self._index.keys.add(hashed, row)

    def _deletes(self, line: Line) -> bool | None:
        """Whether the row takes its record away; None where its operation is unknown."""
        if self._drop.operation is None:
            return False
        word = clean(self._cell(line, self._drop.operation))
        if word in self._drop.deletes:
            return True
        return False if word in self._drop.upserts else None

    def _replace(self, line: Line, row: int) -> None:
        """Retire what was said of the same record before."""
        hashed = self._index.record_hash(self._file, line.cells)
        before = None if hashed is None else self._index.records.put(hashed, row)
        if before is not None:
            self._index.places.mark(before, Standing.REPLACED)

    def _keys(self, line: Line) -> Iterator[int]:
        for kind, key in self._index.record.keys.items():
            for column in key.columns:
                text = self._cell(line, column)
                if known(kind, text, key.forms):
                    yield self._index.hasher(kind, canonical(kind, text))

    def _cell(self, line: Line, column: str) -> str:
        return line.cells[self._header.at[column]]

    def _complain(self, line: Line, reason: str, column: str | None = None) -> None:
        self._index.complain(self._file, line.number, reason, column)


def _torn(stream: BinaryIO) -> bool:
    """Whether a file ends within a line: it is still being written, or was cut."""
    stream.seek(-1, os.SEEK_END)
    return stream.read() != b"\n"


def canonical(kind: KeyKind, text: str) -> str:
    """One writing for all writings of a key; what normalizes is not validated where it is plain."""
    plain = clean(text).replace("-", "")
    if _PLAIN[kind].fullmatch(plain):
        return plain
    try:
        return _NORMALIZED[kind](plain)
    except IdentifierError:
        return plain


def known(kind: KeyKind, text: str, forms: tuple[KeyForm, ...]) -> bool:
    """Whether a cell may hold a key of this kind: plain, convertible, or a declared short form."""
    plain = clean(text).replace("-", "")
    if _PLAIN[kind].fullmatch(plain) or (plain and _SHORT & set(forms)):
        return True
    try:
        _NORMALIZED[kind](plain)
    except IdentifierError:
        return False
    return True


def _header(source: str, drop: Drop, rows: Iterator[Line], wanted: Sequence[str]) -> Header:
    names: tuple[str, ...] = drop.columns
    if not names:
        first = next(rows, None)
        if first is None:
            raise SourceRubbish(source, "FILE_CUT_SHORT")
        names = tuple("".join(name.split()) for name in first.cells)
    at = {name: place for place, name in enumerate(names)}
    if any(names.count(column) != 1 for column in wanted):
        raise SourceDrift(source, "HEADER")
    return Header(len(names), at)


def _number(cells: Sequence[str]) -> int | None:
    text = clean(cells[0]) if cells else ""
    return int(text) if text.isdecimal() else None
