"""Revoked access tokens (RFC 7009): one list in the store, known to every process within `FRESH`.

A process asks the store for what is new when a token is presented and its last look is
older than `FRESH`; concurrent requests share that look. A store that does not answer means
no answer: nobody can say then that a token still holds.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import StoreUnavailable
from authz.store import Store, metadata

FRESH: Final = 0.25
"""Seconds for which a look at the store holds; a revocation must bite within one second (ruling 19)."""
PATIENCE: Final = 2.0
"""Seconds to wait for the store; a look holds from its beginning, however long it took."""

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
        self._timer = timer
        self._until: dict[bytes, int] = {}
        self._last = 0
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

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
        self._looked = float("-inf")

    async def refresh(self) -> None:
        """Learn what was revoked until at most `FRESH` ago; raises StoreUnavailable."""
        if self._is_fresh():
            return
        async with self._looking:
            if not self._is_fresh():
                await self._look()

    def _is_fresh(self) -> bool:
        return self._timer() - self._looked < FRESH

    async def _look(self) -> None:
        began = self._timer()
        new = select(revoked_token).where(revoked_token.c.number > self._last)
        try:
            async with asyncio.timeout(PATIENCE), self._store.reading() as connection:
                rows = (await connection.execute(new.order_by(revoked_token.c.number))).all()
        except (SQLAlchemyError, OSError, TimeoutError):
            raise StoreUnavailable from None
        if rows:
            now = self._clock()
            self._until = {digest: until for digest, until in self._until.items() if until >= now}
            self._until |= {row.digest: row.until for row in rows}
            self._last = rows[-1].number
        self._looked = began


async def revoke_within(connection: AsyncConnection, name: str, until: float) -> None:
    """Revoke, in a transaction under way, every token of a `jti`, a grant or a consent."""
    row = {"digest": _digest(name), "until": int(until) + 1}
    await connection.execute(insert(revoked_token), row)


def _digest(token_id: str) -> bytes:
    return hashlib.sha256(token_id.encode("utf-8", "surrogatepass")).digest()
