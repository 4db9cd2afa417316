"""What may happen once: the `jti` of client assertions (RFC 7523) and of DPoP proofs (RFC 9449).

The store remembers a digest until the thing would be refused for its age anyway. Requests
that come together share a transaction, and each gets its own answer; whoever asks has been
told only after it is durable, so no process of the gateway takes the same thing again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

import structlog
from sqlalchemy import BigInteger, Column, LargeBinary, Table, delete, insert, select

from authz.errors import StoreUnavailable
from authz.store import Store, metadata

LARGEST_BATCH: Final = 256

used_once: Final = Table(
    "used_once",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("until", BigInteger, nullable=False, index=True),
)
_log: Final = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What can be used up."""

    ASSERTION = "assertion"
    PROOF = "proof"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that must not happen twice before `until` (seconds since the epoch)."""

    kind: Kind
    owner: str
    """The client, or the thumbprint of the key."""
    name: str
    """Its `jti`."""
    until: float

    @property
    def digest(self) -> bytes:
        """What is stored: it says nothing of who came or why."""
        parts = b"".join(
            len(raw).to_bytes(4, "big") + raw
            for raw in (part.encode("utf-8", "surrogatepass") for part in (self.kind, self.owner, self.name))
        )
        return hashlib.sha256(parts).digest()


class Replayed(Exception):
    """Something was used before; nothing of what came with it has been used up."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class _Pending:
    uses: Sequence[Use]
    replayed: asyncio.Future[Use | None]


class OnceOnly:
    """The uses of all processes that share a store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._waiting: list[_Pending] = []
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def spend(self, *uses: Use) -> None:
        """Use all of them, or none if one was used before.

        Raises Replayed for that, StoreUnavailable when it cannot be known.
        """
        pending = _Pending(uses, asyncio.get_running_loop().create_future())
        self._waiting.append(pending)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="once-only")
        replayed = await pending.replayed
        if replayed is not None:
            raise Replayed(replayed.kind)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            try:
                replayed = await self._commit(batch)
            except Exception as error:  # whatever the store did, nobody may be let in
                _log.error("once_only_failed", error=type(error).__name__)
                for pending in batch:
                    if not pending.replayed.done():
                        pending.replayed.set_exception(StoreUnavailable())
            else:
                for pending, found in zip(batch, replayed, strict=True):
                    if not pending.replayed.done():
                        pending.replayed.set_result(found)

    async def _commit(self, batch: Sequence[_Pending]) -> list[Use | None]:
        """What was used before, if anything, of each; in one transaction, and writers take turns."""
        wanted = [{use.digest: use for use in pending.uses} for pending in batch]
        known = select(used_once.c.digest).where(
            used_once.c.digest.in_([digest for uses in wanted for digest in uses])
        )
        async with self._store.writing() as connection:
            await connection.execute(delete(used_once).where(used_once.c.until < int(self._clock())))
            used = set((await connection.execute(known)).scalars())
            replayed, rows = [], []
            for uses in wanted:
                found = next((use for digest, use in uses.items() if digest in used), None)
                replayed.append(found)
                if found is None:
                    used |= uses.keys()
                    rows += [{"digest": each, "until": int(use.until) + 1} for each, use in uses.items()]
            if rows:
                await connection.execute(insert(used_once), rows)
        return replayed
