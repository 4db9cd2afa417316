"""What reviewers have to look at: rows of sampled reads and of alarms, and what was found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.calendar import add_working_days
from authz.moments import millis, moment
from authz.review.tables import review_item, review_result
from catalogue.values import CHINA_TIME

SAMPLE_DAYS: Final = 20
"""Working days that a sampled read may wait for its review."""
ALARM_DAYS: Final = 3
EVIDENCE: Final = 50
"""Events that an alarm names; its number counts all of them."""
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class ItemKind(StrEnum):
    """What an item is."""

    SAMPLE = "SAMPLE"
    SEQUENTIAL_IDS = "SEQUENTIAL_IDS"
    FAILED_CONFIRMATIONS = "FAILED_CONFIRMATIONS"
    NIGHT_BURST = "NIGHT_BURST"
    MANY_DENIALS = "MANY_DENIALS"


ALARMS: Final = frozenset(ItemKind) - {ItemKind.SAMPLE}


class Finding(StrEnum):
    """What a review comes to: a closed list."""

    IN_ORDER = "IN_ORDER"
    """The case exists and needed what was read."""
    EXPLAINED = "EXPLAINED"
    """Unusual, and the reason holds."""
    CASE_NOT_FOUND = "CASE_NOT_FOUND"
    PURPOSE_UNCLEAR = "PURPOSE_UNCLEAR"
    EXCESSIVE = "EXCESSIVE"
    """More than the case needed."""
    MISUSE = "MISUSE"
    """Without basis; goes to who supervises the organization."""


class ItemState(StrEnum):
    """How an item stands."""

    OPEN = "OPEN"
    OVERDUE = "OVERDUE"
    REVIEWED = "REVIEWED"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to review."""

    id: str
    kind: ItemKind
    period: str
    """The month of a sample (2026-10), the hour of an alarm (2026-10-07T22)."""
    client_id: str
    organization: str
    operator: str
    number: int
    """How many events it is about."""
    evidence: tuple[int, ...]
    """Indexes of audit events."""
    made_at: datetime
    due_at: datetime
    finding: Finding | None = None
    """The newest."""
    announced: bool = True

    def state(self, now: datetime) -> ItemState:
        """Whether somebody has looked, and whether they are late."""
        if self.finding is not None:
            return ItemState.REVIEWED
        return ItemState.OVERDUE if self.due_at < now else ItemState.OPEN


@dataclass(frozen=True, slots=True)
class Result:
    """One entry of what was found; changes are new entries."""

    number: int
    finding: Finding
    reviewer: str
    note: str
    at: datetime


def due(made_at: datetime, working_days: int) -> datetime:
    """The end of the last working day of the term."""
    last = add_working_days(made_at.astimezone(CHINA_TIME).date(), working_days)
    return datetime(last.year, last.month, last.day, tzinfo=CHINA_TIME) + timedelta(days=1)


def put(connection: Connection, found: Item) -> bool:
    """Keep an item; of one that is there already, what grew. Tells whether it is new."""
    known = connection.execute(select(review_item.c.id).where(review_item.c.id == found.id)).first()
    row = {
        "id": found.id,
        "kind": found.kind,
        "period": found.period,
        "client_id": found.client_id,
        "organization": found.organization,
        "operator": found.operator,
        "number": found.number,
        "evidence": orjson.dumps(found.evidence[:EVIDENCE]).decode(),
        "made_at": millis(found.made_at),
        "due_at": millis(found.due_at),
        "announced": found.announced,
    }
    grown = {name: row[name] for name in ("number", "evidence")}
    kept = _INSERT[connection.dialect.name](review_item).values(row)
    connection.execute(kept.on_conflict_do_update(index_elements=[review_item.c.id], set_=grown))
    return known is None


async def items(
    connection: AsyncConnection, kinds: Collection[ItemKind] = (), *, announced: bool | None = None
) -> list[Item]:
    """Items of some kinds or all, the oldest due first."""
    newest = (
        select(review_result.c.item_id, func.max(review_result.c.number).label("number"))
        .group_by(review_result.c.item_id)
        .subquery()
    )
    query = (
        select(review_item, review_result.c.result)
        .outerjoin(newest, newest.c.item_id == review_item.c.id)
        .outerjoin(
            review_result,
            (review_result.c.item_id == review_item.c.id) & (review_result.c.number == newest.c.number),
        )
        .order_by(review_item.c.due_at, review_item.c.id)
    )
    if kinds:
        query = query.where(review_item.c.kind.in_(kinds))
    if announced is not None:
        query = query.where(review_item.c.announced.is_(announced))
    rows = await connection.execute(query)
    return [_item(row, Finding(row.result) if row.result else None) for row in rows]


async def item(connection: AsyncConnection, item_id: str) -> Item | None:
    """One item by its id."""
    row = (await connection.execute(select(review_item).where(review_item.c.id == item_id))).first()
    if row is None:
        return None
    given = await results(connection, item_id)
    return _item(row, given[-1].finding if given else None)


async def results(connection: AsyncConnection, item_id: str) -> Sequence[Result]:
    """What was found, the first first."""
    query = select(review_result).where(review_result.c.item_id == item_id).order_by(review_result.c.number)
    return [
        Result(row.number, Finding(row.result), row.reviewer, row.note, moment(row.recorded_at))
        for row in await connection.execute(query)
    ]


async def add_result(connection: AsyncConnection, item_id: str, result: Result) -> None:
    """Append what was found; the key refuses two that are recorded at once."""
    row = {
        "item_id": item_id,
        "number": result.number,
        "result": result.finding,
        "reviewer": result.reviewer,
        "note": result.note,
        "recorded_at": millis(result.at),
    }
    await connection.execute(insert(review_result).values(row))


async def announce(connection: AsyncConnection, item_id: str) -> bool:
    """Mark an item as told; whether it was not yet."""
    told = (
        update(review_item)
        .where(review_item.c.id == item_id, review_item.c.announced.is_(False))
        .values(announced=True)
    )
    return (await connection.execute(told)).rowcount == 1


def _item(row: Row[Any], finding: Finding | None) -> Item:
    return Item(
        id=row.id,
        kind=ItemKind(row.kind),
        period=row.period,
        client_id=row.client_id,
        organization=row.organization,
        operator=row.operator,
        number=row.number,
        evidence=tuple(orjson.loads(row.evidence)),
        made_at=moment(row.made_at),
        due_at=moment(row.due_at),
        finding=finding,
        announced=row.announced,
    )
