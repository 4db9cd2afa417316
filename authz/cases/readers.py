"""Who read a record before it was corrected: from the audit log, by the record's keyed hash (ruling 20)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.actors import ActorKind
from authz.audit.tables import audit_leaf
from authz.outbox import Notice, outbox


async def readers_of(
    connection: AsyncConnection, subjects: Collection[str], records: Collection[str]
) -> set[str]:
    """Clients that were given any of these records of a subject; the person's own reads are not among them.

    All of the one subject's events are read, in the order of the log.
    """
    column = audit_leaf.c
    query = select(column.leaf_index, column.payload).where(column.subject.in_(subjects))
    asked: dict[int, dict[str, Any]] = {}
    found: set[str] = set()
    for row in await connection.execute(query.order_by(column.leaf_index)):
        event: dict[str, Any] = orjson.loads(row.payload) if row.payload else {}
        if event.get("phase") == "INTENT":
            asked[row.leaf_index] = event["agent"]
        elif event.get("phase") == "OUTCOME":
            agent = asked.get(event["intentIndex"])
            given = {each for read in event["entity"] for each in read["recordHashes"]}
            if agent and agent["operatorRole"] != ActorKind.PERSON and not given.isdisjoint(records):
                found.add(agent["clientId"])
    return found


async def untold(connection: AsyncConnection, notices: Sequence[Notice]) -> list[Notice]:
    """Of notices about records those that nobody has been given yet."""
    column = outbox.c
    pointers = [notice.pointer for notice in notices]
    query = select(column.recipient, column.kind, column.pointer).where(column.pointer.in_(pointers))
    told = {tuple(row) for row in await connection.execute(query)}
    return [each for each in notices if (each.to.ref, each.kind.value, each.pointer) not in told]
