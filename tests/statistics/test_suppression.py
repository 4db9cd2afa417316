"""Nobody gets a withheld cell back: an attacker who tries every table that fits what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authz.statistics.suppression import TOTAL, Cell, suppressed

K = 3
"""Small, so that every table can be tried."""
MOST = 4
ROWS, COLUMNS = "AB", "xyz"
TABLES = st.dictionaries(
    st.tuples(st.sampled_from(ROWS), st.sampled_from(COLUMNS)), st.integers(1, MOST), min_size=1
)


def fitting(told: Mapping[Cell, int | None]) -> Iterator[dict[Cell, int]]:
    """Every table with these published cells and sums: what is withheld is at least one, zeros are shown."""
    inner = [cell for cell in told if TOTAL not in cell]
    ranges = [range(1, MOST + K) if told[cell] is None else (told[cell],) for cell in inner]
    for values in product(*ranges):
        table: dict[Cell, int] = dict.fromkeys(told, 0)
        for cell, value in zip(inner, values, strict=True):
            row, column = cell
            table[cell] = value
            for total in ((row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
                table[total] += value
        if all(each in (None, table[cell]) for cell, each in told.items()):
            yield table


@given(TABLES)
@example({("A", "x"): 1, ("A", "y"): 1})
@example({("A", "x"): 1, ("A", "y"): 4, ("B", "x"): 4, ("B", "y"): 4})
@example({("A", "x"): 2, ("A", "y"): 2, ("B", "x"): 4, ("B", "z"): 1})
@settings(max_examples=40, deadline=None)
def test_every_withheld_count_could_be_many_others(counts: dict[Cell, int]) -> None:
    told = suppressed(counts, k=K)
    whole = {cell: value for cell, value in suppressed(counts, k=1).items() if value is not None}
    withheld = {cell for cell, value in told.items() if value is None}
    small = {cell for cell, value in whole.items() if value < K}
    assert small <= withheld
    assert all(told[cell] == whole[cell] for cell in told.keys() - withheld)
    possible: dict[Cell, set[int]] = {cell: set() for cell in withheld}
    for table in fitting(told):
        for cell in withheld:
            possible[cell].add(table[cell])
    for cell in withheld:
        assert len(possible[cell]) > 1, cell
    for cell in small:
        assert max(possible[cell]) - min(possible[cell]) >= K - 1, cell
        assert max(possible[cell]) >= K, cell


def test_what_hides_nothing_is_told_and_zeros_are_not_listed() -> None:
    told = suppressed({("A", "x"): 10, ("B", "x"): 400, ("B", "y"): 0})
    assert told == {
        ("A", "x"): 10,
        ("A", TOTAL): 10,
        ("B", "x"): 400,
        ("B", TOTAL): 400,
        (TOTAL, "x"): 410,
        (TOTAL, TOTAL): 410,
    }


def test_as_little_as_possible_is_withheld() -> None:
    counts = {(row, column): 1000 for row in "ABC" for column in COLUMNS}
    told = suppressed(counts | {("A", "x"): 4, ("A", "y"): 20, ("B", "x"): 30, ("B", "y"): 40})
    withheld = {cell for cell, value in told.items() if value is None}
    assert withheld == {("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")}


def test_a_cell_withheld_elsewhere_is_hidden_as_well_as_a_small_one() -> None:
    counts = {(row, column): 50 for row in ROWS for column in COLUMNS}
    told = suppressed(counts, also=[("A", "x"), ("Z", "z")])
    assert told["A", "x"] is None
    assert sum(value is None for value in told.values()) == 4
    assert ("Z", "z") not in told


@pytest.mark.parametrize("count", [1, 9])
def test_alone_it_takes_its_totals_along(count: int) -> None:
    assert set(suppressed({("A", "x"): count}).values()) == {None}
