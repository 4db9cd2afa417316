"""The monthly sample (domain.md §4.6): 1 % of each organization's reads, at least 20, or all if fewer.

Which reads it takes follows from the log alone. The seed is the tree head up to and with the
month's last event, once a signed checkpoint covers it; each read's lot is a hash of the seed,
the organization and the event's own hash, and the lowest lots are drawn. Nobody can choose,
for every event of the month is in the seed, and anybody with the log can draw again.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.leaves import Leaf, read_leaves
from authz.audit.tables import audit_leaf
from authz.review.events import Use, use_of
from authz.store import Store
from catalogue.values import CHINA_TIME

LEAST: Final = 20
_SHARE: Final = 100
"""One in so many."""
_MARGIN: Final = 5_000
"""Events about the turn of a month that may stand out of order, for clocks differ."""
_MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One read of the sample."""

    index: int
    use: Use


@dataclass(frozen=True, slots=True)
class Draw:
    """The sample of one month, and what it was drawn by."""

    month: str
    size: int
    """Events up to and with the month's last."""
    root: bytes
    """The tree head of that size: the seed."""
    reads: dict[str, int]
    """How many there were, by organization (USCC)."""
    drawn: tuple[Drawn, ...]


def bounds_of(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month in China, and of the next; raises ValueError."""
    if not _MONTH.fullmatch(month):
        raise ValueError("a month is written 2026-10")
    start = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=CHINA_TIME)
    following = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=CHINA_TIME)
    return start, following


def size_of(reads: int) -> int:
    """How many of so many reads are looked at."""
    return min(reads, max(LEAST, -(-reads // _SHARE)))


async def draw(store: Store, month: str) -> Draw | None:
    """Draw a month's sample from the log; None where the month has no event."""
    start, end = bounds_of(month)
    lots: dict[str, list[tuple[bytes, Drawn]]] = defaultdict(list)
    last: Leaf | None = None
    found: list[tuple[Leaf, Use]] = []
    async for leaf, at in _around(store, start, end):
        if at >= end:
            continue
        last = leaf
        use = use_of(leaf.payload)
        if at >= start and use is not None and use.reviewed and not use.denied:
            found.append((leaf, use))
    if last is None:
        return None
    for leaf, use in found:
        lots[use.organization].append((lot(last.root, use.organization, leaf), Drawn(leaf.index, use)))
    drawn = [one for mine in lots.values() for _, one in sorted(mine, key=_by_lot)[: size_of(len(mine))]]
    reads = {organization: len(mine) for organization, mine in sorted(lots.items())}
    return Draw(month, last.index + 1, last.root, reads, tuple(sorted(drawn, key=lambda one: one.index)))


def lot(root: bytes, organization: str, leaf: Leaf) -> bytes:
    """The lot of one read: SHA-256 over seed, organization and the event's hash."""
    return hashlib.sha256(root + organization.encode() + leaf.leaf_hash).digest()


def _by_lot(entry: tuple[bytes, Drawn]) -> bytes:
    return entry[0]


async def _around(store: Store, start: datetime, end: datetime) -> AsyncIterator[tuple[Leaf, datetime]]:
    """Events from a little before the month to a little after it."""
    async with store.reading() as connection:
        first = max(0, await _first_since(connection, start) - _MARGIN)
        after = await _first_since(connection, end) + _MARGIN
    async for leaf in read_leaves(store, first):
        if leaf.index >= after:
            return
        if leaf.payload is not None:
            yield leaf, _at(leaf.payload)


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
        if row is None or _at(row.payload) >= moment:
            high = middle
        else:
            low = int(row.leaf_index) + 1
    return low


def _at(payload: bytes) -> datetime:
    return datetime.fromisoformat(orjson.loads(payload)["recordedAt"])


def organizations(drawn: Iterable[Drawn]) -> dict[str, int]:
    """How many were drawn, by organization."""
    counted: dict[str, int] = defaultdict(int)
    for one in drawn:
        counted[one.use.organization] += 1
    return dict(sorted(counted.items()))
