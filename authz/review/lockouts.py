"""Who may not read for now, and how that ends.

Failed confirmations lock an operator, and too many of them the client; ids in sequence suspend
the client until two people of the review have looked at it. Only time or a reviewer unlocks.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.review import quota, sequences
from authz.review.tables import client_lock, confirmation_failure, millis, moment
from authz.review.terms import Lockout

FAILURES_SHOWN: Final = 50


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


async def fail(
    connection: AsyncConnection, client_id: str, operator: str, leaf_index: int | None, now: datetime
) -> None:
    """Count a subject that could not be confirmed."""
    row = {"client_id": client_id, "operator": operator, "failed_at": millis(now), "leaf_index": leaf_index}
    await connection.execute(insert(confirmation_failure).values(row))


async def failures(
    connection: AsyncConnection, client_id: str, operator: str | None, terms: Lockout, now: datetime
) -> tuple[int, list[int]]:
    """How many in the window, of one operator or (None) of all, and the intents of the newest."""
    column = confirmation_failure.c
    since = millis(now - timedelta(minutes=terms.window_minutes))
    wanted = [column.client_id == client_id, column.failed_at > since]
    if operator is not None:
        wanted.append(column.operator == operator)
    number = (await connection.execute(select(func.count()).where(*wanted))).scalar_one()
    newest = (
        select(column.leaf_index)
        .where(*wanted, column.leaf_index.is_not(None))
        .order_by(column.id.desc())
        .limit(FAILURES_SHOWN)
    )
    return int(number), sorted((await connection.execute(newest)).scalars())


async def lock(
    connection: AsyncConnection,
    client_id: str,
    operator: str,
    cause: Cause,
    now: datetime,
    until: datetime | None,
) -> str | None:
    """Lock a client or an operator of it; None where that holds already."""
    question, given = quota.any_lock(client_id, operator, now)
    if (await connection.execute(question, given)).first() is not None and cause.lifters == 1:
        return None
    if cause is Cause.SEQUENTIAL_IDS and await _suspended(connection, client_id):
        return None
    row = {
        "id": f"lk_{secrets.token_hex(8)}",
        "client_id": client_id,
        "operator": operator,
        "cause": cause,
        "since": millis(now),
        "until": None if until is None else millis(until),
    }
    await connection.execute(insert(client_lock).values(row))
    return str(row["id"])


async def _suspended(connection: AsyncConnection, client_id: str) -> bool:
    column = client_lock.c
    held = select(column.id).where(
        column.client_id == client_id,
        column.cause == Cause.SEQUENTIAL_IDS,
        column.lifted_at.is_(None),
    )
    return (await connection.execute(held)).first() is not None


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
