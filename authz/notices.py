"""What a party is told, from a cursor on: the outbox, and to a person also that somebody read their records.

Reads are taken from the audit log itself, so a person is told of no fewer than were recorded. One
that is delayed on a recorded basis is told when its delay ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from authz import outbox
from authz.audit.events import due_of
from authz.audit.leaves import read_leaves
from authz.audit.log import Phase
from authz.errors import StoreUnavailable
from authz.moments import millis, now_in_china
from authz.news import News, newest
from authz.outbox import NoticeKind, Recipient, RecipientKind
from authz.store import Store

_PAGE: Final = 100
_LONGEST_WAIT: Final = 3_600.0
"""Seconds without a look of one's own, whatever wakes or does not."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Up to where a party has been told."""

    notice: int
    """Number in the outbox."""
    leaf: int
    """Index in the audit log; -1 for none."""
    at: int
    """Milliseconds since the epoch: of the delayed reads below `leaf`, those due by then were told."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a party is told."""

    kind: NoticeKind
    pointer: str | None
    """None for a read: the person's own access log has it."""
    at: datetime
    position: Position
    """Go on from here."""


class Notices:
    """Tells a party what is new for as long as it listens."""

    def __init__(self, store: Store, news: News, clock: Callable[[], datetime] = now_in_china) -> None:
        self._store = store
        self._news = news
        self._clock = clock

    async def now(self) -> Position:
        """Where somebody stands who wants to be told of nothing that was before; raises StoreUnavailable."""
        try:
            async with self._store.reading() as connection:
                notice, leaf = await newest(connection)
        except (SQLAlchemyError, OSError):
            raise StoreUnavailable from None
        return Position(notice, leaf, millis(self._clock()))

    async def follow(self, parties: Sequence[Recipient], start: Position) -> AsyncGenerator[Told, None]:
        """What these parties are told after `start`, in order and at least once, until the process ends.

        Raises StoreUnavailable.
        """
        position = start
        with self._news.waiting(parties) as woken:
            while not self._news.stopped:
                woken.clear()
                news, position, due = await self._since(parties, position)
                for told in news:
                    yield told
                if not news:
                    await self._until(woken, due)

    async def _since(
        self, parties: Sequence[Recipient], start: Position
    ) -> tuple[list[Told], Position, datetime | None]:
        """A page of what is new, where it ends, and when a delayed read is due next."""
        try:
            async with self._store.reading() as connection:
                notices = await outbox.after(connection, start.notice, parties, _PAGE)
            persons = [party.ref for party in parties if party.kind is RecipientKind.PERSON]
            reads, due = await self._reads(persons, start) if persons else ([], None)
        except (SQLAlchemyError, OSError):
            raise StoreUnavailable from None
        position, news = start, []
        for notice in notices:
            position = replace(position, notice=notice.number)
            news.append(Told(notice.kind, notice.pointer, notice.at, position))
        for leaf, at, told_at in reads:
            position = replace(position, leaf=max(position.leaf, leaf), at=max(position.at, millis(told_at)))
            news.append(Told(NoticeKind.RECORDS_READ, None, at, position))
        return news, position, due

    async def _reads(
        self, subjects: Sequence[str], start: Position
    ) -> tuple[list[tuple[int, datetime, datetime]], datetime | None]:
        """Reads to tell of now, as (leaf, when it was, when it was due), and the next delay's end."""
        now = self._clock()
        due: datetime | None = None
        reads: list[tuple[int, datetime, datetime]] = []
        async for leaf in read_leaves(self._store, 0, subjects):
            event: dict[str, Any] = leaf.event
            if event["phase"] != Phase.INTENT or _own_look(event["authorization"]):
                continue
            at = datetime.fromisoformat(event["recordedAt"])
            delayed = due_of(event)
            if delayed is not None and delayed > now:
                due = min(due or delayed, delayed)
            elif leaf.index > start.leaf or (delayed is not None and millis(delayed) > start.at):
                reads.append((leaf.index, at, delayed or at))
        # what a delay held back goes by its end, so that a position between two of them loses neither
        reads.sort(key=lambda read: (1, read[0]) if read[0] > start.leaf else (0, millis(read[2])))
        return reads, due

    async def _until(self, woken: asyncio.Event, due: datetime | None) -> None:
        """Wait to be woken, or for the end of a delay."""
        seconds = _LONGEST_WAIT if due is None else (due - self._clock()).total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(seconds, 0.0), _LONGEST_WAIT)):
                await woken.wait()


def _own_look(authorization: Mapping[str, Any]) -> bool:
    """Whether the subject looked in person, which is no news to them."""
    return authorization["basis"] == "SELF" and "capacity" not in authorization
