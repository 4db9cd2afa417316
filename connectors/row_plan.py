"""Where each value of a record stands in a physical row, and how rows become records.

Made once for one set of fields read through one list of columns, then applied to every row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import Role
from catalogue.values import Value
from connectors.cells import CellError, Cells, Reader
from connectors.decoders import DecodeError
from connectors.marks import SEPARATOR, mark
from connectors.protocol import Reject, Row
from connectors.row_source import RowReader
from connectors.standing import UNKNOWN, Candidate, Order, latest, normal, order_of, order_of_value
from connectors.unpacking import Unpacking

PLACE: Final = " place"
"""A column that says by which words the department finds the row; no source has one of this name."""
_CITIZEN_ID: Final = KeyKind.CITIZEN_ID
_WITHDRAWN: Final = frozenset({"REPAIRED", "REVOKED", "SEALED", "SUPERSEDED"})


@dataclass(frozen=True, slots=True)
class Plan:
    """Positions and readers of one record type's attributes."""

    keys: Mapping[KeyKind, tuple[int, ...]]
    read: RowReader
    """Identity, controls and values of a row; where it raises, the readers below say what is wrong."""
    text: str
    """The Python text of `read`."""
    controls: Mapping[Role, Reader]
    outputs: tuple[tuple[str, Role | None, Reader], ...]
    """Name, the control that already holds the value, reader."""
    marked: tuple[int, ...]
    """Columns that mark a row for its department; none where they would lead to a person."""
    place: int | None
    """Where rows carry `PLACE`, which then stands instead of the mark."""
    identity: tuple[tuple[int, ...], ...]
    """Columns that identify a record, best first: those the manifest declares, those of its versions."""
    unpacking: Unpacking | None
    collected: frozenset[int]
    """Columns whose cells differ between the joined rows of one record."""
    version: tuple[int, ...]
    latest: int | None
    dedupe: tuple[Reader, ...]
    fixed: tuple[int, ...]
    """Columns that are read whatever is asked."""

    def decode(
        self, key: SubjectKey, rows: list[Cells], *, valid: bool = False
    ) -> tuple[tuple[Row, ...], list[Reject]]:
        """The records of one subject, and the rows that could not be read; `valid`: its number is."""
        citizen = key.value if valid and key.kind is _CITIZEN_ID else None
        rejects: list[Reject] = []
        if self.collected:
            rows = self._merged(rows)
        if self.version:
            rows = latest(map(self._candidate, rows), self._withdrawn)
        if self.unpacking:
            rows = self._unpacked(self.unpacking, rows, rejects)
        if self.dedupe:
            rows = self._distinct(rows, rejects)
        records: dict[str, Row] = {}
        repeats: dict[str, int] = {}
        torn: set[str] = set()
        for cells in rows:
            try:
                row = self._record(key, citizen, cells, repeats)
            except CellError as fault:
                rejects.append(self._reject(fault, cells))
                continue
            known = records.setdefault(row.identity, row)
            if known is not row and known != row:
                torn.add(row.identity)
        for identity in torn:
            del records[identity]
            rejects.append(Reject("IDENTITY_REPEATED"))
        return tuple(records.values()), rejects

    def mark(self, cells: Cells) -> str | None:
        """By which the department finds the row."""
        if self.place is not None:
            return str(cells[self.place])
        return mark(SEPARATOR.join(_plain(cells[at]) for at in self.marked))

    def _reject(self, fault: CellError, cells: Cells) -> Reject:
        return Reject(fault.reason, fault.column, self.mark(cells))

    def _unpacked(self, unpacking: Unpacking, rows: list[Cells], rejects: list[Reject]) -> list[Cells]:
        found: list[Cells] = []
        for cells in rows:
            try:
                found += unpacking.rows(cells)
            except CellError as fault:
                rejects.append(self._reject(fault, cells))
        return found

    def _merged(self, rows: list[Cells]) -> list[Cells]:
        """Rows that differ only in collected columns made one, which holds all their cells there."""
        merged: dict[tuple[str, ...], list[Cells]] = {}
        for cells in rows:
            apart = {*self.collected, self.place}
            own = tuple(_plain(cell) for at, cell in enumerate(cells) if at not in apart)
            merged.setdefault(own, []).append(cells)
        return [self._joined(alike) for alike in merged.values()]

    def _joined(self, alike: list[Cells]) -> Cells:
        return [
            [cells[at] for cells in alike] if at in self.collected else cell
            for at, cell in enumerate(alike[0])
        ]

    def _candidate(self, cells: Cells) -> Candidate:
        """A row among its versions."""
        return Candidate(cells, self._version_of(cells), self._order(cells))

    def _distinct(self, rows: list[Cells], rejects: list[Reject]) -> list[Cells]:
        readable = []
        for cells in rows:
            try:
                readable.append(Candidate(cells, self._duplicate_key(cells), self._order(cells)))
            except CellError as fault:
                rejects.append(self._reject(fault, cells))
        return latest(readable, self._withdrawn)

    def _version_of(self, cells: Cells) -> Hashable | None:
        parts = tuple(_plain(cells[at]) for at in self.version)
        return parts if any(parts) else None

    def _order(self, cells: Cells) -> Order:
        if self.latest is not None:
            return order_of(cells[self.latest])
        updated = self.controls.get(Role.UPDATED_AT)
        return order_of_value(updated(cells)) if updated else UNKNOWN

    def _duplicate_key(self, cells: Cells) -> tuple[Value, ...] | None:
        """What duplicates share; None where a part is missing, for two unknowns are not equal."""
        parts = tuple(normal(read(cells)) for read in self.dedupe)
        return None if None in parts else parts

    def _withdrawn(self, cells: Cells) -> bool:
        status = self.controls.get(Role.STATUS)
        try:
            return status is not None and status(cells) in _WITHDRAWN
        except CellError:
            # It will be rejected and make the section PARTIAL, which is safer than its older self.
            return True

    def _record(self, key: SubjectKey, citizen: str | None, cells: Cells, repeats: dict[str, int]) -> Row:
        try:
            alone, controls, values = self.read(cells, citizen)
        except (CellError, DecodeError):
            identity = self._identity(key, cells, repeats)
            controls = {role: read(cells) for role, read in self.controls.items()}
            values = {name: controls[role] if role else read(cells) for name, role, read in self.outputs}
            return Row(identity, values, controls)
        return Row(alone or self._identity(key, cells, repeats), values, controls)

    def _identity(self, key: SubjectKey, cells: Cells, repeats: dict[str, int]) -> str:
        for columns in self.identity:
            if len(columns) == 1:
                if alone := _plain(cells[columns[0]]):
                    return alone
                continue
            parts = [_plain(cells[at]) for at in columns]
            if any(parts):
                return SEPARATOR.join(parts)
        duplicate = self._duplicate_key(cells) if self.dedupe else None
        if duplicate is not None:
            return _digest(key, [str(part) for part in duplicate])
        digest = _digest(key, [_plain(cells[at]) for at in self.fixed])
        repeats[digest] = repeats.get(digest, 0) + 1
        return digest if repeats[digest] == 1 else f"{digest}.{repeats[digest]}"


def _plain(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _digest(key: SubjectKey, parts: list[str]) -> str:
    return hashlib.sha256(SEPARATOR.join([key.value, *parts]).encode()).hexdigest()[:32]
