"""Revoked access tokens (RFC 7009): one list in the store, known to every process in time.

Known as new as `authz.freshness` says; a store that does not answer means no answer.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    bindparam,
    delete,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import AuditUnavailable, StoreUnavailable
from authz.freshness import Freshness
from authz.prepared import Prepared
from authz.store import Store, metadata

LONGEST_TOKEN_SECONDS: Final = 3_600
"""Longer than any access token lives: how long it must be remembered that a grant or a consent ended."""

revoked_token: Final = Table(
    "revoked_token",
    metadata,
    # numbers rise with commits, because writers take turns: what is new is what is higher
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("until", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
_NEW: Final = Prepared(
    select(revoked_token).where(revoked_token.c.number > bindparam("known")).order_by(revoked_token.c.number)
)


class Revocations:
    """The list, as this process knows it."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._freshness = Freshness(store, self._learn, timer)
        self._until: dict[bytes, int] = {}
        self._last = 0

    def holds(self, token_id: str) -> bool:
        """Whether the token of this `jti` is known to be revoked; call `refresh` before."""
        return _digest(token_id) in self._until

    async def revoke(self, token_id: str, until: float) -> None:
        """Revoke a token that expires at `until` (seconds since the epoch); raises StoreUnavailable."""
        now = int(self._clock())
        try:
            async with self._store.writing() as connection:
                await connection.execute(delete(revoked_token).where(revoked_token.c.until < now))
                await revoke_within(connection, token_id, until)
        except (SQLAlchemyError, OSError):
            raise StoreUnavailable from None
        self._freshness.forget()

    async def refresh(self) -> None:
        """Learn what was revoked until this call, or until `FRESH` ago; raises StoreUnavailable."""
        try:
            await self._freshness.refresh()
        except AuditUnavailable:
            raise StoreUnavailable from None

    def _learn(self, connection: Connection) -> None:
        rows = _NEW.all(connection, known=self._last)
        if rows:
            now = self._clock()
            kept = {digest: until for digest, until in self._until.items() if until >= now}
            self._until = kept | {row.digest: row.until for row in rows}
            self._last = rows[-1].number


async def revoke_within(connection: AsyncConnection, name: str, until: float) -> None:
    """Revoke, in a transaction under way, every token of a `jti`, a grant or a consent."""
    row = {"digest": _digest(name), "until": int(until) + 1}
    await connection.execute(insert(revoked_token), row)


def _digest(token_id: str) -> bytes:
    return hashlib.sha256(token_id.encode("utf-8", "surrogatepass")).digest()
