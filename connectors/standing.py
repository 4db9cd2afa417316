"""Which of several rows of one record stands: the latest, and a withdrawal over its equals."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Final, TypeAlias

from catalogue.values import CHINA_TIME, PartialDate, Value
from connectors.cells import Cells
from connectors.decoders import DecodeError
from connectors.decoders.moments import read_moment
from connectors.decoders.numbers import number

Order: TypeAlias = tuple[int, datetime | Decimal | str]
"""When a row was written: comparable across the ways a source writes it."""

UNKNOWN: Final[Order] = (0, "")
_DATED_LENGTHS: Final = frozenset({8, 12, 14, 17})


def order_of(cell: object) -> Order:
    """The order of a version column: a time where it reads as one, else a number, else text."""
    if cell is None or cell == "":
        return UNKNOWN
    if isinstance(cell, bytes):
        return 2, Decimal(int.from_bytes(cell))
    digits = str(cell).isdecimal()
    if not digits or len(str(cell)) in _DATED_LENGTHS:
        try:
            moment = read_moment(cell)
        except DecodeError:
            moment = None
        if moment:
            return 3, datetime.combine(moment.day.earliest, moment.clock or time(), CHINA_TIME)
    try:
        return 2, number(cell)
    except DecodeError:
        return 1, str(cell)


def order_of_value(value: Value) -> Order:
    """The order of a decoded `updatedAt`."""
    if isinstance(value, PartialDate):
        return 3, datetime.combine(value.earliest, time(), CHINA_TIME)
    return (3, value) if isinstance(value, datetime) else UNKNOWN


def normal(value: Value) -> Value:
    """A value as compared between two writings of the same record."""
    if isinstance(value, str):
        return "".join(unicodedata.normalize("NFKC", value).upper().split())
    return value


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row that may stand for its record."""

    cells: Cells
    record: Hashable | None
    """What rows of the same record share; None stands alone."""
    order: Order


def latest(candidates: Iterable[Candidate], withdrawn: Callable[[Cells], bool]) -> list[Cells]:
    """The row that stands for each record, in the order the records were first read."""
    records: dict[Hashable, list[Candidate]] = {}
    for index, candidate in enumerate(candidates):
        alone = candidate.record is None
        records.setdefault((index,) if alone else (candidate.record, None), []).append(candidate)
    return [rows[0].cells if len(rows) == 1 else _last(rows, withdrawn) for rows in records.values()]


def _last(rows: list[Candidate], withdrawn: Callable[[Cells], bool]) -> Cells:
    newest = max(row.order for row in rows)
    tied = [row.cells for row in rows if row.order == newest]
    # Two rows of one moment: the protective reading is that the record was withdrawn.
    return next((cells for cells in tied if len(tied) > 1 and withdrawn(cells)), tied[-1])
