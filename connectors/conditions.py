"""The manifest's row filter where the source cannot filter itself; NULL behaves as in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.decoders.text import token
from connectors.manifest import Condition


def holds(conditions: Iterable[Condition], row: Mapping[str, object]) -> bool:
    """Whether all conditions hold; values are compared as text, for JSON types vary."""
    return all(_holds(condition, row.get(condition.column)) for condition in conditions)


def _holds(condition: Condition, cell: object) -> bool:
    if condition.op == "is null":
        return cell is None
    if condition.op == "is not null":
        return cell is not None
    if cell is None:
        return condition.op.startswith("null or")
    among = token(cell) in {token(value) for value in condition.values}
    return among if condition.op in ("=", "in", "null or") else not among
