"""Reading the file: CSV as spreadsheets write it, at most 10,000 subjects, before anything is sent."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from catalogue.identifiers import IdentifierError, SubjectKey

MOST_ROWS: Final = 10_000
MOST_BYTES: Final = 8 * 1024 * 1024
LONGEST_NAME: Final = 100
_ENCODINGS: Final = ("utf-8-sig", "gb18030")
_DELIMITERS: Final = ",\t;"
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "citizenId": (
        "citizenId",
        "citizen_id",
        "id",
        "公民身份号码",
        "身份证号",
        "身份证号码",
        "证件号",
        "证件号码",
    ),
    "name": ("name", "姓名", "名字"),
    "uscc": ("uscc", "统一社会信用代码", "社会信用代码", "信用代码"),
}
"""Names of columns; case, spaces and width do not matter. Other columns are not read."""


class FileRefused(Exception):
    """A file that cannot be sent: a stable code and what to do. Never holds a value of the file."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Row:
    """One subject that can be asked about."""

    line: int
    subject: Mapping[str, str]
    """`citizenId` and `name`, or `uscc`."""
    also_on: list[int] = field(default_factory=list)
    """Further lines that name the same subject."""

    def as_input(self) -> dict[str, Any]:
        """`CheckRowInput`."""
        return {"line": self.line, **self.subject}


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is not sent."""

    line: int
    code: str
    message: str


@dataclass(slots=True)
class Candidates:
    """What a file holds: rows by line, lines that are not sent, and lines that repeat another."""

    rows: dict[int, Row] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """Lines that name somebody, well or badly."""
        return len(self.problems) + sum(1 + len(row.also_on) for row in self.rows.values())


def read(path: Path) -> Candidates:
    """The whole file; raises FileRefused before anything of it is used."""
    found = Candidates()
    known: dict[SubjectKey, Row] = {}
    for count, (line, cells) in enumerate(_lines(path), 1):
        if count > MOST_ROWS:
            raise FileRefused(
                "FILE_TOO_LONG", f"A file may hold {MOST_ROWS} subjects. Split it, and check each part."
            )
        _take(found, known, line, cells)
    if not found.lines:
        raise FileRefused("FILE_EMPTY", "The file names nobody.")
    return found


def _take(found: Candidates, known: dict[SubjectKey, Row], line: int, cells: Mapping[str, str]) -> None:
    try:
        key, subject = _subject(cells)
    except IdentifierError as error:
        problem = f"Not a valid identifier: {error.kind.value} {error.fault.value}."
        found.problems.append(Problem(line, "IDENTIFIER_INVALID", problem))
        return
    if "citizenId" in subject and not 0 < len(subject["name"]) <= LONGEST_NAME:
        found.problems.append(Problem(line, "NAME_REQUIRED", "Give the person's full name."))
        return
    first = known.get(key)
    if first is None:
        known[key] = found.rows[line] = Row(line, subject)
    elif first.subject == subject:
        first.also_on.append(line)
    else:
        message = f"Line {first.line} has the same number under another name. Correct one of them."
        found.problems.append(Problem(line, "SUBJECT_REPEATED", message))


def _subject(cells: Mapping[str, str]) -> tuple[SubjectKey, dict[str, str]]:
    """Raises IdentifierError."""
    code = cells.get("uscc", "")
    if code and not cells.get("citizenId"):
        entity = SubjectKey.entity(code)
        return entity, {"uscc": entity.value}
    person = SubjectKey.person(cells.get("citizenId", ""))
    return person, {"citizenId": person.value, "name": " ".join(cells.get("name", "").split())}


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and the cells that are read, of lines that are not blank; raises FileRefused."""
    text = _text(path)
    heading = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = _columns(next(reader, []))
        for cells in reader:
            if any(map(str.strip, cells)):
                yield (
                    reader.line_num,
                    {name: cells[at].strip() for name, at in columns.items() if at < len(cells)},
                )
    except csv.Error as error:
        raise FileRefused("FILE_UNREADABLE", f"Line {reader.line_num} is not CSV.") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileRefused(
                "FILE_TOO_LONG", "The file has more than 8 MiB. Keep the columns that are read."
            )
        content = path.read_bytes()
    except OSError as error:
        raise FileRefused("FILE_UNREADABLE", f"{path} cannot be read.") from error
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileRefused("FILE_ENCODING", "The file is neither UTF-8 nor GB18030. Save it as CSV UTF-8.")


def _columns(heading: list[str]) -> dict[str, int]:
    """Where each column is that is read; raises FileRefused."""
    plain = [_plain(cell) for cell in heading]
    found = {
        column: plain.index(name)
        for column, names in HEADERS.items()
        for name in map(_plain, names)
        if name in plain
    }
    if not {"citizenId", "name"} <= found.keys() and "uscc" not in found:
        raise FileRefused(
            "FILE_HEADER",
            "The first line must name the columns: 身份证号 and 姓名 (citizenId, name),"
            " or 统一社会信用代码 (uscc).",
        )
    return found


def _plain(cell: str) -> str:
    return "".join(unicodedata.normalize("NFKC", cell).split()).casefold()
