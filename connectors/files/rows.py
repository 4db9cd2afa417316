"""Rows of a delimited text file, one at a time, with where each begins: RFC 4180 as departments write it.

Lines are split on bytes, which is safe in GB 18030 and UTF-8: no character of theirs contains a
line end or a quotation mark.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from connectors.parts import Drop

MAX_BYTES: Final = 1 << 20
"""The longest row that is read; a longer one is bad."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: where it begins, and its cells, or why it has none that can be trusted."""

    offset: int
    number: int
    """Line number in the file, from 1."""
    cells: tuple[str, ...]
    fault: str | None = None


def lines(stream: BinaryIO, drop: Drop, offset: int = 0, number: int = 1) -> Iterator[Line]:
    """Rows from a position on; `number` is the line number there."""
    stream.seek(offset)
    while first := stream.readline(MAX_BYTES + 1):
        if len(first) > MAX_BYTES:
            skipped = len(first) + (0 if first.endswith(b"\n") else _skip(stream))
            yield Line(offset, number, (), "ROW_TOO_LONG")
            offset, number = offset + skipped, number + 1
            continue
        raw, count = _quoted(stream, first)
        cells, fault = _parsed(raw, drop)
        if fault and count > 1:
            # a stray quotation mark must not swallow the rows behind it
            raw, count = first, 1
            cells, fault = _parsed(raw, drop)
            stream.seek(offset + len(raw))
        yield Line(offset, number, cells, fault)
        offset, number = offset + len(raw), number + count


def _quoted(stream: BinaryIO, first: bytes) -> tuple[bytes, int]:
    """A row with the lines that its open quotation mark spans, and how many they are."""
    parts, marks, size = [first], first.count(b'"'), len(first)
    while marks % 2 and size <= MAX_BYTES and (following := stream.readline(MAX_BYTES + 1)):
        parts.append(following)
        marks += following.count(b'"')
        size += len(following)
    return b"".join(parts), len(parts)


def _skip(stream: BinaryIO) -> int:
    """The length of what is left of an endless line."""
    skipped = 0
    while chunk := stream.readline(MAX_BYTES):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped


def _parsed(raw: bytes, drop: Drop) -> tuple[tuple[str, ...], str | None]:
    fault = None
    try:
        text = raw.decode(drop.charset)
    except UnicodeDecodeError:
        # the key may still be readable, so that its subject is told that a row is missing
        text, fault = raw.decode(drop.charset, errors="replace"), "CHARSET"
    try:
        rows = list(csv.reader([text.removeprefix("\ufeff")], delimiter=drop.delimiter, strict=True))
    except csv.Error:
        return (), "QUOTES"
    return (tuple(rows[0]) if rows else ()), fault
