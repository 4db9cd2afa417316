"""Whether an answer is the one that a receipt is bound to: by its nonce, its statement and its own items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from authz.receipts.receipt import Receipt, digest_of


def bears_out(receipt: Receipt, answer: object) -> bool:
    """Whether the JSON of an answer holds the statement of this receipt, and shows what it states.

    The statement may stand anywhere in it, under the names that the graph gives; results of record
    types beside it have to be those of the statement.
    """
    return any(_bears_out(receipt, found, around) for found, around in _receipts(answer, {}))


def _bears_out(receipt: Receipt, found: Mapping[str, Any], around: Mapping[str, Any]) -> bool:
    try:
        if digest_of(found["nonce"], found["statement"]) != receipt.result_sha256:
            return False
        stated = json.loads(found["statement"])
        subjects = [around, *(around.get("related") or ())]
        return all(_shows(shown, told) for shown, told in zip(subjects, stated["subjects"], strict=False))
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _shows(shown: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    results = {item["recordType"]: item["result"] for item in told["items"]}
    truths = {one["code"]: one["value"] for one in told["predicates"]}
    items = [item for item in shown.get("items") or () if {"recordType", "result"} <= item.keys()]
    predicates = [one for one in shown.get("predicates") or () if {"code", "value"} <= one.keys()]
    return all(results.get(item["recordType"]) == item["result"] for item in items) and all(
        truths.get(one["code"]) == one["value"] for one in predicates
    )


def _receipts(
    node: object, around: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Objects that hold a nonce and a statement, each with the object around it."""
    if isinstance(node, dict):
        if isinstance(node.get("nonce"), str) and isinstance(node.get("statement"), str):
            yield node, around
        for inner in node.values():
            yield from _receipts(inner, node)
    elif isinstance(node, list):
        for inner in node:
            yield from _receipts(inner, around)
