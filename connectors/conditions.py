"""Conditions of a manifest on rows that were read; NULL behaves as in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.decoders.text import token
from connectors.shapes import Condition


def holds(conditions: Iterable[Condition], row: Mapping[str, object]) -> bool:
    """Whether all conditions hold; values are compared as text, for JSON types vary."""
    return all(holds_for(condition, row.get(condition.column)) for condition in conditions)


def holds_for(condition: Condition, cell: object) -> bool:
    """Whether one condition holds for the cell of its column."""
    if condition.op == "is null":
        return cell is None
    if condition.op == "is not null":
        return cell is not None
    if cell is None:
        return condition.op.startswith("null or")
    among = _plain(cell) in {_plain(value) for value in condition.values}
    return among if condition.op in ("=", "in", "null or") else not among


def _plain(value: object) -> str:
    """As text; a truth value as a bit, which is how most sources keep it."""
    return token(int(value) if isinstance(value, bool) else value)
