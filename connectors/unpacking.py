"""One physical row that holds several records in one cell becomes a row for each of them."""

from __future__ import annotations

from connectors.cells import CellError, Cells
from connectors.decoders import DecodeError
from connectors.decoders.text import any_of, text_of, token
from connectors.shapes import Unpack


class Unpacking:
    """The parts stand behind the row's own cells, in the order of their names."""

    def __init__(self, unpack: Unpack, position: int) -> None:
        self._column = unpack.column
        self._position = position
        self._width = len(unpack.names)
        self._rows = any_of(unpack.rows)
        self._cells = any_of(unpack.cells) if unpack.cells else None

    def rows(self, cells: Cells) -> list[Cells]:
        """One row for each record; one without parts for an empty cell. Raises CellError (UNPACK)."""
        packed = cells[self._position]
        try:
            text = "" if packed is None else text_of(packed)
        except DecodeError:
            raise CellError("UNPACK", self._column) from None
        records = [record for record in map(token, self._rows.split(text)) if record]
        if not records:
            return [(*cells, *[None] * self._width)]
        return [(*cells, *self._parts(record)) for record in records]

    def _parts(self, record: str) -> list[str]:
        parts = [part.strip() for part in self._cells.split(record)] if self._cells else [record]
        if len(parts) != self._width:
            raise CellError("UNPACK", self._column)
        return parts
