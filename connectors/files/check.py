"""`source check` of delivered files: every row is looked at, bad ones are named by line. Prints no value.

Codes: FILES_READ, ROW_BAD, ROWS_BAD, ROWS_ALL_REJECTED, and the code of the SourceError where the files
cannot be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Final

from catalogue.identifiers import IdentifierError, SubjectKey, clean
from catalogue.values import CHINA_TIME
from connectors.errors import SourceError
from connectors.files.drop import Changed
from connectors.files.index import BadRow, Index
from connectors.files.reader import Reader
from connectors.files.rows import Line, lines
from connectors.protocol import Ask, Finding
from connectors.shapes import KeyForm

LISTED: Final = 100
"""Bad rows named one by one; the rest are counted by reason."""

_SHORT: Final = {KeyForm.ORGANIZATION_CODE, KeyForm.TAXPAYER_15}


def run(where: str, reader: Reader, index: Index) -> list[Finding]:
    """All findings about one record type; raises Changed where a file was replaced meanwhile."""
    names = ", ".join(file.path.name for file in index.files)
    message = f"{len(index.places)} rows in {names}"
    findings = [Finding("info", "FILES_READ", where, message)]
    bad = list(bad_rows(reader, index))
    for row in bad[:LISTED]:
        column = f"{row.column}: " if row.column else ""
        message = f"{row.file} line {row.line}: {column}{row.reason}"
        findings.append(Finding("warning", "ROW_BAD", where, message))
    for reason, count in sorted(Counter(row.reason for row in bad[LISTED:]).items()):
        findings.append(Finding("warning", "ROWS_BAD", where, f"{count} more rows: {reason}"))
    if index.bad_count > len(index.bad):
        message = f"{index.bad_count - len(index.bad)} more rows that cannot be read"
        findings.append(Finding("warning", "ROWS_BAD", where, message))
    if bad and not _readable(index, bad):
        message = f"not one of {len(index.places)} rows can be read: nothing would ever be answered"
        findings.append(Finding("error", "ROWS_ALL_REJECTED", where, message))
    return findings


def _readable(index: Index, bad: Iterable[BadRow]) -> bool:
    """Whether a row that stands is not among the bad."""
    known = {(row.file, row.line) for row in bad}
    names = [file.path.name for file in index.files]
    places = (index.places.at(row) for row in index.places.current())
    return any((names[file], line) not in known for file, _, line in places)


def bad_rows(reader: Reader, index: Index) -> Iterator[BadRow]:
    """Rows that no question will ever show, in the order of files and lines, with the reason."""
    found: list[tuple[int, BadRow]] = []
    position = {file.path.name: number for number, file in enumerate(index.files)}
    found += [(position[row.file], row) for row in index.bad]
    for row in index.places.current():
        file, offset, number = index.places.at(row)
        with index.files[file].path.open("rb") as stream:
            line = next(lines(stream, reader.drop, offset, number), None)
        if line is None or len(line.cells) != index.headers[file].width:
            raise Changed
        name = index.files[file].path.name
        found += [(file, BadRow(name, number, *fault)) for fault in _faults(reader, index, file, line)]
    found.sort(key=lambda entry: (entry[0], entry[1].line))
    return (row for _, row in found)


def _faults(reader: Reader, index: Index, file: int, line: Line) -> Iterator[tuple[str, str | None]]:
    operation = reader.drop.operation
    if line.fault or (operation and clean(_cell(index, file, line, operation)) in reader.drop.deletes):
        return
    keys = list(_keys(reader, index, file, line))
    short = any(_SHORT & set(key.forms) for key in reader.record.keys.values())
    if not keys and not short:
        yield "KEY_INVALID", next(iter(reader.record.keys.values())).columns[0]
    fields = frozenset(reader.record.fields)
    columns = reader.pipeline.columns(fields)
    cells = [_cell(index, file, line, column) or None for column in columns]
    for key in keys[:1]:
        ask = Ask("", fields, (key,))
        answer = reader.pipeline.answer(ask, columns, [cells], datetime.now(CHINA_TIME), 1)
        yield from ((reject.reason, reject.column) for reject in answer.rejects.get(key, ()))


def _keys(reader: Reader, index: Index, file: int, line: Line) -> Iterator[SubjectKey]:
    for kind, key in reader.record.keys.items():
        for column in key.columns:
            with suppress(IdentifierError):
                yield SubjectKey.read(kind, _cell(index, file, line, column))


def _cell(index: Index, file: int, line: Line, column: str) -> str:
    return line.cells[index.headers[file].at[column]]


def refused(where: str, error: SourceError) -> Finding:
    """That the files could not be read."""
    return Finding("error", error.code, where, f"the source could not be asked: {error.reason}")
