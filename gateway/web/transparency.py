"""公开透明报告: how authorities used the gateway, month by month, for anyone who wants to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from starlette.responses import Response

from authz.statistics.figures import Figure, Told
from authz.statistics.suppression import TOTAL
from gateway.statistics import Names
from gateway.transparency import Transparency
from gateway.web.security import PageRefused
from gateway.web.texts import Words
from gateway.web.visit import Visit

_COUNTS: Final = frozenset(Figure) - {Figure.CHECK_RATE, Figure.CASE_DAYS, Figure.AVAILABILITY}


@dataclass(frozen=True, slots=True)
class Grid:
    """One figure as a table; a cell is text, or None where it is withheld."""

    key: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str | None, ...]], ...]


class Report:
    """The view of a month."""

    def __init__(self, transparency: Transparency) -> None:
        self._transparency = transparency

    async def view(self, visit: Visit) -> Response:
        """GET /transparency, with or without a month that is closed."""
        wanted = visit.request.query_params.get("month")
        found, months = await self._transparency.find(wanted)
        if found is None and wanted:
            raise PageRefused(404, "not_found")
        names, words = self._transparency.names, visit.words
        grids = _grids(found.cells, names, words) if found else ()
        return visit.show("transparency.html", month=found, months=months, grids=list(grids))


def _grids(cells: Iterable[Told], names: Names, words: Words) -> Iterator[Grid]:
    for figure, told in groupby(cells, key=lambda each: each.figure):
        table = {(each.row, each.column): each for each in told}
        rows = {each.row: words.of(names.row(each)) for each in table.values()}
        columns = {each.column: words.of(names.column(each)) for each in table.values()}
        if figure is Figure.PUBLIC_READS:  # one column is its own total
            del columns[TOTAL]
        empty = "0" if figure in _COUNTS else "—"
        yield Grid(
            figure.value,
            tuple(columns[code] for code in _totals_last(columns)),
            tuple(
                (rows[row], tuple(_text(table.get((row, column)), empty) for column in _totals_last(columns)))
                for row in _totals_last(rows)
            ),
        )


def _totals_last(codes: Iterable[str]) -> list[str]:
    return sorted(codes, key=lambda code: (code == TOTAL, code))


def _text(told: Told | None, empty: str) -> str | None:
    if told is None:
        return empty
    return None if told.value is None else str(told.value)
