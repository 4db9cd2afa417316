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
_MAX_LINES: Final = 500
"""Lines that one quoted row may span before its quotation mark counts as a stray one."""


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
        raw, count = first, 1
        if len(first) > MAX_BYTES:
            raw = b"" if first.endswith(b"\n") else _rest(stream)
            yield Line(offset, number, (), "ROW_TOO_LONG")
            offset, number = offset + len(first) + len(raw), number + 1
            continue
        while raw.count(b'"') % 2 and count < _MAX_LINES and len(raw) <= MAX_BYTES:
            following = stream.readline(MAX_BYTES + 1)
            if not following:
                break
            raw, count = raw + following, count + 1
        cells, fault = _parsed(raw, drop)
        if fault and count > 1:
            # a stray quotation mark must not swallow the rows behind it
            raw, count = first, 1
            cells, fault = _parsed(raw, drop)
            stream.seek(offset + len(raw))
        yield Line(offset, number, cells, fault)
        offset, number = offset + len(raw), number + count


def _rest(stream: BinaryIO) -> bytes:
    """What is left of an endless line, as a length only."""
    skipped = 0
    while chunk := stream.readline(MAX_BYTES):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return bytes(skipped)


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
