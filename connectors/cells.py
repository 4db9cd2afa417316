"""How the value of an attribute is read out of a physical row.

A binder is told where the columns of a row stand and gives the reader of such rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from catalogue.values import Value
from connectors.conditions import holds_for
from connectors.decoders import DecodeError, Decoder
from connectors.decoders.text import token
from connectors.shapes import Condition

Cells: TypeAlias = Sequence[object]
Positions: TypeAlias = Mapping[str, int]
Reader: TypeAlias = Callable[[Cells], Value]
"""Reads one attribute out of a physical row; raises CellError."""
Binder: TypeAlias = Callable[[Positions], Reader]


class CellError(ValueError):
    """A cell that cannot be decoded, with its column; never holds the cell."""

    def __init__(self, reason: str, column: str | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


def cell(column: str, decode: Decoder) -> Binder:
    """One column, decoded."""

    def bind(position: Positions) -> Reader:
        index = position[column]

        def read(cells: Cells) -> Value:
            try:
                return decode(cells[index])
            except DecodeError as fault:
                raise CellError(fault.reason, column) from None

        return read

    return bind


def first_of(parts: Sequence[Binder]) -> Binder:
    """The first part that gives something; a cell that cannot be read counts only if none does."""
    if len(parts) == 1:
        return parts[0]

    def bind(position: Positions) -> Reader:
        readers = [part(position) for part in parts]

        def read(cells: Cells) -> Value:
            failed: CellError | None = None
            for reader in readers:
                try:
                    value = reader(cells)
                except CellError as fault:
                    failed = failed or fault
                else:
                    if value is not None:
                        return value
            if failed:
                raise failed
            return None

        return read

    return bind


def when(conditions: tuple[Condition, ...], part: Binder) -> Binder:
    """The part where the row fulfils the conditions, else nothing."""

    def bind(position: Positions) -> Reader:
        reader = part(position)
        asked = [(condition, position[condition.column]) for condition in conditions]

        def read(cells: Cells) -> Value:
            applies = all(holds_for(condition, cells[index]) for condition, index in asked)
            return reader(cells) if applies else None

        return read

    return bind


def looked_up(code: str, word: str, decode: Decoder) -> Binder:
    """The word beside a code; a code that the source's own table lacks rejects the row."""
    read_word = cell(word, decode)

    def bind(position: Positions) -> Reader:
        reader, index = read_word(position), position[code]

        def read(cells: Cells) -> Value:
            value = reader(cells)
            if value is None and cells[index] is not None and token(cells[index]):
                raise CellError("CODE_UNKNOWN", code)
            return value

        return read

    return bind


def listed(column: str, words: str, codes: Decoder, decode: Decoder) -> Binder:
    """The words of several codes in one cell; a code that the source's own table lacks rejects the row."""

    def bind(position: Positions) -> Reader:
        index, table = position[column], position[words]

        def read(cells: Cells) -> Value:
            try:
                parts = cast(Sequence[object] | None, codes(cells[index]))
                known = cast(Mapping[str, object], cells[table])
                found = tuple(known.get(token(part)) for part in parts or ())
                if not all(found):
                    raise DecodeError("CODE_UNKNOWN")
                return decode(found)
            except DecodeError as fault:
                raise CellError(fault.reason, column) from None

        return read

    return bind


def collected(column: str, decode: Decoder, between: str | None) -> Binder:
    """The values of all cells that the merged rows hold, without repeats, in the order of the alphabet.

    A list, or one text with these signs `between` the values.
    """

    def bind(position: Positions) -> Reader:
        index = position[column]

        def read(cells: Cells) -> Value:
            try:
                decoded = [decode(cell) for cell in cast(Sequence[object], cells[index])]
            except DecodeError as fault:
                raise CellError(fault.reason, column) from None
            parts = (part for value in decoded for part in (value if isinstance(value, tuple) else (value,)))
            found = tuple(sorted({str(part) for part in parts if part is not None}))
            return (between.join(found) if between else found) or None

        return read

    return bind
