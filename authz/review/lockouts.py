"""Who may not read for now, and how that ends.

Failed confirmations lock an operator, and too many of them the client; ids in sequence suspend
the client until two people of the review have looked at it. Only time or a reviewer unlocks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import ClientLocked
from authz.given import given
from authz.ids import new_id
from authz.moments import millis, moment
from authz.prepared import Prepared
from authz.review import sequences
from authz.review.quota import seconds
from authz.review.tables import client_lock, confirmation_failure
from authz.review.terms import Lockout

FAILURES_SHOWN: Final = 50
_HELD: Final = Prepared(
    select(client_lock).where(
        client_lock.c.client_id.in_(given("clients")),
        client_lock.c.lifted_at.is_(None),
        or_(client_lock.c.until.is_(None), client_lock.c.until > bindparam("now")),
    )
)


class Cause(StrEnum):
    """Why somebody is locked."""

    FAILED_CONFIRMATIONS = "FAILED_CONFIRMATIONS"
    SEQUENTIAL_IDS = "SEQUENTIAL_IDS"

    @property
    def lifters(self) -> int:
        """How many different reviewers it takes to end it."""
        return 2 if self is Cause.SEQUENTIAL_IDS else 1


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock, past ones too."""

    id: str
    client_id: str
    operator: str
    """Empty for the whole client."""
    cause: Cause
    since: datetime
    until: datetime | None
    first_lifter: str | None
    """Who has agreed to end a suspension that takes two."""
    lifted_by: str | None
    lifted_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it still keeps somebody out."""
        return self.lifted_at is None and (self.until is None or self.until > now)


class Locks:
    """The locks on some clients that hold at a moment, read once."""

    def __init__(self, connection: Connection, clients: Collection[str], now: datetime) -> None:
        self._connection = connection
        self._now = now
        asked = [(one,) for one in clients]
        held = _HELD.all(connection, clients=asked, now=millis(now)) if clients else ()
        self._locks = [_lock(row) for row in held]

    def check(self, client_id: str, operator: str) -> None:
        """Raise ClientLocked where the client or this operator of it is locked."""
        held = self._on(client_id, operator)
        if held:
            waits = [seconds(millis(lock.until) - millis(self._now)) for lock in held if lock.until]
            raise ClientLocked(max(waits) if len(waits) == len(held) else None)

    def lock(self, client_id: str, operator: str, cause: Cause, until: datetime | None) -> str | None:
        """Lock a client or an operator of it; None where that holds already."""
        held = self._on(client_id, operator)
        if any(cause.lifters == 1 or lock.cause is cause for lock in held):
            return None
        row = {
            "id": new_id("lk", 64),
            "client_id": client_id,
            "operator": operator,
            "cause": cause,
            "since": millis(self._now),
            "until": None if until is None else millis(until),
        }
        self._connection.execute(insert(client_lock).values(row))
        made = Lock(str(row["id"]), client_id, operator, cause, self._now, until, None, None, None)
        self._locks.append(made)
        return str(row["id"])

    def _on(self, client_id: str, operator: str) -> list[Lock]:
        mine = (lock for lock in self._locks if lock.client_id == client_id)
        return [lock for lock in mine if lock.operator in ("", operator)]


def fail(
    connection: Connection, client_id: str, operator: str, leaf_index: int | None, now: datetime
) -> None:
    """Count a subject that could not be confirmed."""
    row = {"client_id": client_id, "operator": operator, "failed_at": millis(now), "leaf_index": leaf_index}
    connection.execute(insert(confirmation_failure).values(row))


def failures(
    connection: Connection, client_id: str, operator: str | None, terms: Lockout, now: datetime
) -> tuple[int, list[int]]:
    """How many in the window, of one operator or (None) of all, and the intents of the newest."""
    column = confirmation_failure.c
    since = millis(now - timedelta(minutes=terms.window_minutes))
    wanted = [column.client_id == client_id, column.failed_at > since]
    if operator is not None:
        wanted.append(column.operator == operator)
    number = connection.execute(select(func.count()).where(*wanted)).scalar_one()
    newest = (
        select(column.leaf_index)
        .where(*wanted, column.leaf_index.is_not(None))
        .order_by(column.id.desc())
        .limit(FAILURES_SHOWN)
    )
    return int(number), sorted(connection.execute(newest).scalars())


async def locks(connection: AsyncConnection) -> list[Lock]:
    """All of them, the newest first."""
    found = await connection.execute(
        select(client_lock).order_by(client_lock.c.since.desc(), client_lock.c.id)
    )
    return [_lock(row) for row in found]


async def find(connection: AsyncConnection, lock_id: str) -> Lock | None:
    """One lock by its id."""
    row = (await connection.execute(select(client_lock).where(client_lock.c.id == lock_id))).first()
    return None if row is None else _lock(row)


async def agree(connection: AsyncConnection, lock_id: str, reviewer: str) -> None:
    """Note the first of two who end a suspension."""
    await connection.execute(
        update(client_lock).where(client_lock.c.id == lock_id).values(first_lifter=reviewer)
    )


async def lift(connection: AsyncConnection, held: Lock, reviewer: str, now: datetime) -> None:
    """End it, and begin to count anew."""
    ended = update(client_lock).where(client_lock.c.id == held.id)
    await connection.execute(ended.values(lifted_by=reviewer, lifted_at=millis(now)))
    column = confirmation_failure.c
    forgotten = delete(confirmation_failure).where(column.client_id == held.client_id)
    if held.operator:
        forgotten = forgotten.where(column.operator == held.operator)
    await connection.execute(forgotten)
    if held.cause is Cause.SEQUENTIAL_IDS:
        await sequences.forget(connection, held.client_id)


async def expire(connection: AsyncConnection, now: datetime, kept: timedelta = timedelta(days=31)) -> None:
    """Remove failures that no window reaches."""
    old = confirmation_failure.c.failed_at <= millis(now - kept)
    await connection.execute(delete(confirmation_failure).where(old))


def _lock(row: Row[tuple[object, ...]]) -> Lock:
    return Lock(
        id=row.id,
        client_id=row.client_id,
        operator=row.operator,
        cause=Cause(row.cause),
        since=moment(row.since),
        until=None if row.until is None else moment(row.until),
        first_lifter=row.first_lifter,
        lifted_by=row.lifted_by,
        lifted_at=None if row.lifted_at is None else moment(row.lifted_at),
    )
