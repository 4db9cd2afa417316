"""Where rows stand, by keyed hash: no value, nothing on disk, about 55 bytes a row."""

from __future__ import annotations

import hashlib
import secrets
from array import array
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

_BUCKETS: Final = 4_096


class Standing(IntEnum):
    """Whether a row still says how things are."""

    CURRENT = 0
    REPLACED = 1
    """A later row of the same record stands instead."""
    UNREADABLE = 2
    """It stands, and cannot be read: what it replaced must not come back."""


class Hasher:
    """Hashes that mean nothing outside this process: the key is drawn at start and kept nowhere."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def __call__(self, *parts: str) -> int:
        """64 bits. Two keys may share them: rows are handed out by their normalized key only."""
        text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest())


class Table:
    """Hash → row numbers, in plain arrays."""

    def __init__(self) -> None:
        self._hashes = [array("Q") for _ in range(_BUCKETS)]
        self._rows = [array("I") for _ in range(_BUCKETS)]

    def add(self, hashed: int, row: int) -> None:
        """One more row under this hash."""
        self._hashes[hashed % _BUCKETS].append(hashed)
        self._rows[hashed % _BUCKETS].append(row)

    def find(self, hashed: int) -> Iterator[int]:
        """Rows under this hash, in the order they were added."""
        hashes, rows = self._hashes[hashed % _BUCKETS], self._rows[hashed % _BUCKETS]
        at = -1
        while True:
            try:
                at = hashes.index(hashed, at + 1)
            except ValueError:
                return
            yield rows[at]

    def put(self, hashed: int, row: int) -> int | None:
        """The row under this hash becomes `row`; which it was before."""
        hashes, rows = self._hashes[hashed % _BUCKETS], self._rows[hashed % _BUCKETS]
        try:
            at = hashes.index(hashed)
        except ValueError:
            self.add(hashed, row)
            return None
        before, rows[at] = rows[at], row
        return before


class Places:
    """Row number → file, byte offset, line, standing."""

    def __init__(self) -> None:
        self._files = array("H")
        self._offsets = array("Q")
        self._lines = array("I")
        self._standing = bytearray()

    def __len__(self) -> int:
        return len(self._standing)

    def add(self, file: int, offset: int, line: int) -> int:
        """The new row's number."""
        self._files.append(file)
        self._offsets.append(offset)
        self._lines.append(line)
        self._standing.append(Standing.CURRENT)
        return len(self._standing) - 1

    def at(self, row: int) -> tuple[int, int, int]:
        """File, byte offset, line."""
        return self._files[row], self._offsets[row], self._lines[row]

    def standing(self, row: int) -> Standing:
        """Whether the row counts."""
        return Standing(self._standing[row])

    def current(self) -> Iterator[int]:
        """Rows that stand."""
        return (row for row, standing in enumerate(self._standing) if standing == Standing.CURRENT)

    def mark(self, row: int, standing: Standing) -> None:
        """What became of the row."""
        self._standing[row] = standing
