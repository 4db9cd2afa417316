"""The log as people ask about it: one operation of an intent and its outcome, or a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import select

from authz.audit.leaves import Leaf
from authz.audit.tables import audit_leaf
from authz.store import Store

_NEAR: Final = 200
"""Events about the same subject among which an outcome is looked for."""
_EVENT: Final = select(audit_leaf.c.payload, audit_leaf.c.subject)
UNANSWERED: Final = "UNANSWERED"
"""The result of an intent without an outcome: it was cancelled or its process ended, or it is under way."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Who asked for what on which basis, and how it ended. Never a value."""

    index: int
    """Of the intent or the refusal, for `audit prove`."""
    at: datetime
    result: str
    codes: tuple[str, ...]
    kind: str
    subject: str | None
    """The subject's audit reference."""
    organization: str
    organization_name: str
    client: str
    operator: str
    basis: str | None
    scenario: str | None
    legal_basis: str | None
    case_no: str | None
    purpose: str | None
    fields: dict[str, list[str]]
    """Asked for, by record type."""
    returned: int
    """Records that left."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which operations are asked about; what is None does not matter. Both days are inclusive."""

    organization: str | None = None
    scenario: str | None = None
    subject: str | None = None
    result: str | None = None
    since: date | None = None
    until: date | None = None

    def matches(self, found: Operation) -> bool:
        """Whether this operation is meant."""
        told = (found.organization, found.scenario, found.subject, found.result)
        asked = (self.organization, self.scenario, self.subject, self.result)
        if any(want not in (None, have) for want, have in zip(asked, told, strict=True)):
            return False
        day = found.at.date()
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


async def operations(leaves: AsyncIterator[Leaf]) -> AsyncIterator[Operation]:
    """Operations in the order of their outcomes; those without one come last."""
    intents: dict[int, dict[str, Any]] = {}
    async for leaf in leaves:
        if leaf.payload is None:
            continue
        event: dict[str, Any] = leaf.event
        if event["phase"] == "INTENT":
            intents[leaf.index] = event
        elif event["phase"] == "DENIAL":
            yield _operation(leaf.index, event, {"result": "DENY", "codes": event["codes"]})
        elif event["phase"] == "OUTCOME" and event["intentIndex"] in intents:
            index = event["intentIndex"]
            yield _operation(index, intents.pop(index), event)
    for index, event in intents.items():
        yield _operation(index, event, {"result": UNANSWERED, "codes": ()})


async def operation_at(store: Store, index: int) -> Operation | None:
    """The operation that an intent or a refusal at this index began; None for any other event."""
    column = audit_leaf.c
    async with store.reading() as connection:
        row = (await connection.execute(_EVENT.where(column.leaf_index == index))).first()
        asked = orjson.loads(row.payload) if row and row.payload else {"phase": None}
        if asked["phase"] == "DENIAL":
            return _operation(index, asked, {"result": "DENY", "codes": asked["codes"]})
        if row is None or asked["phase"] != "INTENT":
            return None
        later = _EVENT.where(column.leaf_index > index, column.subject == row.subject)
        rows = await connection.execute(later.order_by(column.leaf_index).limit(_NEAR))
        events = [orjson.loads(each.payload) for each in rows if each.payload]
    ended = next((event for event in events if event.get("intentIndex") == index), None)
    return _operation(index, asked, ended or {"result": UNANSWERED, "codes": ()})


def _operation(index: int, asked: dict[str, Any], ended: dict[str, Any]) -> Operation:
    agent, basis = asked["agent"], asked.get("authorization", {})
    return Operation(
        index=index,
        at=datetime.fromisoformat(asked["recordedAt"]),
        result=ended["result"],
        codes=tuple(ended["codes"]),
        kind=asked["kind"],
        subject=asked["subject"]["auditRef"],
        organization=agent["orgUscc"],
        organization_name=agent["orgName"],
        client=agent["clientId"],
        operator=agent["operatorRef"],
        basis=basis.get("basis"),
        scenario=basis.get("scenarioCode"),
        legal_basis=basis.get("legalBasisId"),
        case_no=basis.get("caseNo"),
        purpose=basis.get("purposeText"),
        fields={read["recordType"]: read["fields"] for read in asked.get("entity", ())},
        returned=sum(read["returned"] for read in ended.get("entity", ())),
    )
