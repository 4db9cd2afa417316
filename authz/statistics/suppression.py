"""Which cells of a table are withheld, so that no arithmetic on the others brings one back (ruling 34).

A count below `K` is withheld (primary suppression), and so many others with it that every such
count could be lower or higher by at least `K - 1` in all, whatever is added or subtracted
(complementary suppression). A cell can move when others of its row and column make up for it, so
what can move with it is a closed path through the table, which is a cycle in the graph whose
nodes are rows and columns and whose edges are cells. Of all such paths the one is taken that
withholds least. Where nothing else is left, totals go too.

Zeros are never withheld, and an attacker may know that: a withheld cell moves no lower than one.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Final, TypeAlias

K: Final = 10
"""The least count that is told."""
TOTAL: Final = ""
"""The row and the column of totals."""
Cell: TypeAlias = tuple[str, str]
"""Row and column."""
_UNBOUNDED: Final = 1 << 60
_Node: TypeAlias = tuple[bool, str]
"""Whether it is a row, and which."""


def suppressed(counts: Mapping[Cell, int], also: Collection[Cell] = (), k: int = K) -> dict[Cell, int | None]:
    """The cells that are not zero with their totals, None for those withheld; `also` are withheld anyway."""
    table = _with_totals(counts)
    withheld = {cell for cell, count in table.items() if count < k} | (table.keys() & set(also))
    for cell in sorted(withheld):
        down = _moved(table, withheld, cell, -min(k, table[cell]) + 1)
        _moved(table, withheld, cell, k - 1 - down)
    return {cell: None if cell in withheld else table[cell] for cell in sorted(table)}


def _with_totals(counts: Mapping[Cell, int]) -> dict[Cell, int]:
    table: Counter[Cell] = Counter()
    for (row, column), count in counts.items():
        for cell in ((row, column), (row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            table[cell] += count
    return {cell: count for cell, count in table.items() if count}


def _moved(table: Mapping[Cell, int], withheld: set[Cell], cell: Cell, by: int) -> int:
    """Withhold what it takes for a cell to move so far, up or down; by how much it can in the end."""
    values, left = dict(table), abs(by)
    while left and (path := _path(values, withheld, cell, up=by > 0)):
        step = min(left, *(_room(values, each, forth=forth) for each, forth in path))
        for each, forth in path:
            values[each] += step if _rises(each, forth=forth) else -step
            withheld.add(each)
        left -= step
    return abs(by) - left


def _path(
    values: Mapping[Cell, int], withheld: Collection[Cell], cell: Cell, *, up: bool
) -> list[tuple[Cell, bool]]:
    """The cells that move with one cell, each with its direction: those that tell least (Dijkstra)."""
    ends: tuple[_Node, _Node] = (True, cell[0]), (False, cell[1])
    goal, start = ends if _rises(cell, forth=True) is up else ends[::-1]
    edges = _edges(values, cell)
    queue: list[tuple[int, _Node, list[tuple[Cell, bool]]]] = [(0, start, [])]
    seen: set[_Node] = set()
    while queue:
        cost, node, path = heapq.heappop(queue)
        if node == goal:
            return path
        if node in seen:
            continue
        seen.add(node)
        for following, step in edges[node]:
            if following not in seen and _room(values, step[0], forth=step[1]):
                told = 0 if step[0] in withheld else values[step[0]]
                heapq.heappush(queue, (cost + told, following, [*path, step]))
    return []


def _edges(
    values: Mapping[Cell, int], without: Cell
) -> Mapping[_Node, list[tuple[_Node, tuple[Cell, bool]]]]:
    edges: defaultdict[_Node, list[tuple[_Node, tuple[Cell, bool]]]] = defaultdict(list)
    for cell in values:
        if cell != without:
            row, column = (True, cell[0]), (False, cell[1])
            edges[row].append((column, (cell, True)))
            edges[column].append((row, (cell, False)))
    return edges


def _rises(cell: Cell, *, forth: bool) -> bool:
    """Whether a cell grows when it is passed from its row to its column; a total stands on the other side."""
    return forth is not (cell.count(TOTAL) == 1)


def _room(values: Mapping[Cell, int], cell: Cell, *, forth: bool) -> int:
    """How far a cell can move that way."""
    return _UNBOUNDED if _rises(cell, forth=forth) else values[cell] - 1
