"""Whether an answer is the one that a receipt is bound to: by its nonce, its statement and its own items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from authz.receipts.receipt import Receipt, digest_of

_HEAD: Final = frozenset({"caseNo", "checkId", "completeness", "scenario"})
_SUBJECT: Final = frozenset({"subjectRef"})


def bears_out(receipt: Receipt, answer: object) -> bool:
    """Whether the JSON of an answer holds the statement of this receipt, and shows what it states.

    The statement may stand anywhere in it, under the names that the graph gives; case, subjects
    and results of record types beside it have to be those of the statement.
    """
    return any(_bears_out(receipt, found, around) for found, around in _receipts(answer, {}))


def _bears_out(receipt: Receipt, found: Mapping[str, Any], around: Mapping[str, Any]) -> bool:
    try:
        if digest_of(found["nonce"], found["statement"]) != receipt.result_sha256:
            return False
        stated = json.loads(found["statement"])
        main, *others = stated["subjects"]
        related = around["related"] if "related" in around else [{} for _ in others]
        pairs = [(around, main), *zip(related, others, strict=True)]
        return _same(around, stated, _HEAD) and all(_shows(shown, told) for shown, told in pairs)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _shows(shown: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    if not _same(shown, told, _SUBJECT):
        return False
    results = {item["recordType"]: item["result"] for item in told["items"]}
    truths = {one["code"]: one["value"] for one in told["predicates"]}
    items = [item for item in shown.get("items") or () if {"recordType", "result"} <= item.keys()]
    predicates = [one for one in shown.get("predicates") or () if {"code", "value"} <= one.keys()]
    return all(results.get(item["recordType"]) == item["result"] for item in items) and all(
        truths.get(one["code"]) == one["value"] for one in predicates
    )


def _same(shown: Mapping[str, Any], told: Mapping[str, Any], names: Set[str]) -> bool:
    """Whether what is shown under these names, of which not all need be, is what was stated."""
    return all(shown[name] == told[name] for name in names & shown.keys())


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
