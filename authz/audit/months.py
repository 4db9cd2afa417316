"""A calendar month (Asia/Shanghai) of the log, found by bisection: its cost grows with the month alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.leaves import Leaf, read_leaves
from authz.audit.tables import audit_leaf
from authz.store import Store
from catalogue.values import CHINA_TIME

_MARGIN: Final = 5_000
"""Events about the turn of a month that may stand out of order, for clocks differ."""
_MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


def bounds_of(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month in China, and of the next; raises ValueError."""
    if not _MONTH.fullmatch(month):
        raise ValueError("a month is written 2026-10")
    start = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=CHINA_TIME)
    following = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=CHINA_TIME)
    return start, following


async def events_around(
    store: Store, start: datetime, end: datetime
) -> AsyncIterator[tuple[Leaf, dict[str, Any], datetime]]:
    """Events and when they were recorded, from a little before the start to a little after the end."""
    async with store.reading() as connection:
        first = max(0, await _first_since(connection, start) - _MARGIN)
        after = await _first_since(connection, end) + _MARGIN
    async for leaf in read_leaves(store, first):
        if leaf.index >= after:
            return
        if leaf.payload is not None:
            event = leaf.event
            yield leaf, event, _at(event)


async def _first_since(connection: AsyncConnection, moment: datetime) -> int:
    """About where a moment begins in the log, by bisection."""
    last = (await connection.execute(select(func.max(audit_leaf.c.leaf_index)))).scalar()
    low, high = 0, 0 if last is None else int(last) + 1
    while low < high:
        middle = (low + high) // 2
        column = audit_leaf.c.leaf_index
        query = (
            select(column, audit_leaf.c.payload)
            .where(column >= middle, column < high, audit_leaf.c.payload.is_not(None))
            .order_by(column)
            .limit(1)
        )
        row = (await connection.execute(query)).first()
        if row is None or _at(orjson.loads(row.payload)) >= moment:
            high = middle
        else:
            low = int(row.leaf_index) + 1
    return low


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["recordedAt"])
