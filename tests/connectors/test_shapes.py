"""What a manifest may not say about shapes, and what it is told to write instead."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from connectors.manifest import RecordSource

JOIN = {"table": "d", "on": {"id": "id"}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"query": "SELECT a FROM t", "table": None}, "write `SELECT {columns} FROM …`"),
        ({"fields": {"a": {"column": "a", "value": "b"}}}, "exactly one of `column`, `columns`, `firstOf`"),
        ({"fields": {"a": {"firstOf": [{"column": "a"}], "decode": ["trim"]}}}, "into each origin"),
        ({"fields": {"a": {"firstOf": [{"column": "a", "collect": True}]}}}, "collect one column"),
        ({"fields": {"a": {"columns": ["a", "b"], "collect": True}}}, "go with one `column`"),
        ({"fields": {"a": {"column": "d.a", "collect": True}}, "join": [JOIN]}, "`collect` needs `identity`"),
        ({"join": [JOIN, JOIN]}, "give each its own by `as`"),
        ({"join": [{"table": "d", "on": {}}]}, "at least 1 item"),
        ({"unpack": {"column": "c", "rows": ";", "as": ["x", "y"]}}, "need `cells`"),
        ({"unpack": {"column": "c", "rows": ";", "as": ["k"]}}, "`k` comes out of `unpack`"),
        ({"where": [{"column": "a", "op": "="}]}, "NULL is asked by `is null`"),
        ({"where": [{"column": "a", "op": "is null", "value": 1}]}, "takes no `value`"),
    ],
)
def test_a_mistake_is_answered_by_what_to_write(changes: dict[str, object], told: str) -> None:
    record = {
        "table": "t",
        "keys": {"CITIZEN_ID": {"columns": ["k"]}},
        "fields": {"a": {"column": "a"}},
        **changes,
    }
    with pytest.raises(ValidationError, match=told.replace("{", r"\{")):
        RecordSource.model_validate({name: part for name, part in record.items() if part is not None})
