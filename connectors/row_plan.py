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
from connectors.attributes import CellError, Cells, Reader
from connectors.protocol import Reject, Row
from connectors.standing import UNKNOWN, Candidate, Order, latest, normal, order_of, order_of_value

_WITHDRAWN: Final = frozenset({"REPAIRED", "REVOKED", "SEALED", "SUPERSEDED"})
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Plan:
    """Positions and readers of one record type's attributes."""

    keys: Mapping[KeyKind, tuple[int, ...]]
    controls: Mapping[Role, Reader]
    outputs: tuple[tuple[str, Role | None, Reader], ...]
    """Name, the control that already holds the value, reader."""
    identity: tuple[tuple[int, ...], ...]
    """Columns that identify a record, best first."""
    version: tuple[int, ...]
    latest: int | None
    dedupe: tuple[Reader, ...]
    fixed: tuple[int, ...]
    """Columns that are read whatever is asked."""

    def decode(self, key: SubjectKey, rows: list[Cells]) -> tuple[list[Row], list[Reject]]:
        """The records of one subject, and the rows that could not be read."""
        records: list[Row] = []
        rejects: list[Reject] = []
        repeats: dict[str, int] = {}
        for cells in self._standing(rows, rejects):
            try:
                identity = self._identity(key, cells, repeats)
                records.append(self._record(identity, cells))
            except CellError as fault:
                rejects.append(Reject(fault.reason, fault.column))
        return records, rejects

    def _standing(self, rows: list[Cells], rejects: list[Reject]) -> list[Cells]:
        if self.version:
            versions = (Candidate(cells, self._version_of(cells), self._order(cells)) for cells in rows)
            rows = latest(versions, self._withdrawn)
        if not self.dedupe:
            return rows
        readable = []
        for cells in rows:
            try:
                readable.append(Candidate(cells, self._duplicate_key(cells), self._order(cells)))
            except CellError as fault:
                rejects.append(Reject(fault.reason, fault.column))
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

    def _record(self, identity: str, cells: Cells) -> Row:
        controls = {role: read(cells) for role, read in self.controls.items()}
        values = {name: controls[role] if role else read(cells) for name, role, read in self.outputs}
        return Row(identity, values, controls)

    def _identity(self, key: SubjectKey, cells: Cells, repeats: dict[str, int]) -> str:
        for columns in self.identity:
            parts = [_plain(cells[at]) for at in columns]
            if any(parts):
                return _SEPARATOR.join(parts)
        duplicate = self._duplicate_key(cells) if self.dedupe else None
        if duplicate is not None:
            return _digest(key, [str(part) for part in duplicate])
        digest = _digest(key, [_plain(cells[at]) for at in self.fixed])
        repeats[digest] = repeats.get(digest, 0) + 1
        return digest if repeats[digest] == 1 else f"{digest}.{repeats[digest]}"


def _plain(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _digest(key: SubjectKey, parts: list[str]) -> str:
    return hashlib.sha256(_SEPARATOR.join([key.value, *parts]).encode()).hexdigest()[:32]
