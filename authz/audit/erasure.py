"""Payloads end with their retention; the hashes stay, so everything proven stays provable.

An erasure is an event of the log itself and names the leaves it emptied, so that a payload that
merely vanished is found. The database lets a payload go only after its own `retentionUntil`,
whoever asks (authz/migrations); the event of an erasure has none and stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.appender import Act
from authz.audit.leaves import read_leaves
from authz.audit.tables import audit_leaf
from authz.store import Store

BATCH: Final = 1_000
"""Leaves emptied in one transaction, so that gateways beside it need not wait."""


async def expired(store: Store, before: date) -> AsyncIterator[list[int]]:
    """Leaves whose retention ended before a day, in batches."""
    batch: list[int] = []
    async for leaf in read_leaves(store):
        if leaf.payload is None:
            continue
        until = leaf.event["retentionUntil"]
        if until is not None and date.fromisoformat(str(until)) < before:
            batch.append(leaf.index)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def emptied(indexes: Sequence[int]) -> Act:
    """The change that erases payload and subject of some leaves."""

    async def erase(connection: AsyncConnection) -> None:
        chosen = audit_leaf.c.leaf_index.in_(indexes)
        await connection.execute(update(audit_leaf).where(chosen).values(payload=None, subject=None))

    return erase


def erasure_event(before: date, indexes: Sequence[int]) -> dict[str, object]:
    """What the log says of an erasure; `ranges` are first and last indexes."""
    starts = [indexes[0], *(after for before_, after in pairwise(indexes) if after > before_ + 1)]
    ends = [*(before_ for before_, after in pairwise(indexes) if after > before_ + 1), indexes[-1]]
    return {
        "before": before.isoformat(),
        "leaves": len(indexes),
        "ranges": [list(each) for each in zip(starts, ends, strict=True)],
        "retentionUntil": None,
    }


class Erasures:
    """Whether every missing payload is explained by an erasure event that came after it."""

    def __init__(self) -> None:
        self.erased = 0
        self._open: list[tuple[int, int]] = []

    def found(self, index: int) -> None:
        """A leaf without a payload."""
        self.erased += 1
        if self._open and self._open[-1][1] == index - 1:
            self._open[-1] = (self._open[-1][0], index)
        else:
            self._open.append((index, index))

    def told(self, index: int, event: Mapping[str, object]) -> None:
        """A leaf with an event, maybe that of an erasure."""
        if event.get("phase") != "ERASURE":
            return
        ranges = event["ranges"]
        for first, last in ranges if isinstance(ranges, list) else ():
            if last < index:
                self._open = [rest for each in self._open for rest in _without(each, first, last)]

    def unexplained(self) -> int | None:
        """The first leaf whose payload is gone without a word, if there is one."""
        return self._open[0][0] if self._open else None


def _without(span: tuple[int, int], first: int, last: int) -> list[tuple[int, int]]:
    """What is left of a closed range."""
    start, end = span
    if last < start or end < first:
        return [span]
    left = [(start, first - 1)] if start < first else []
    right = [(last + 1, end)] if last < end else []
    return left + right
