"""What may happen once: the `jti` of client and operator assertions (RFC 7523) and of DPoP proofs (RFC 9449).

The store remembers a digest until the thing would be refused for its age anyway. Requests
that come together share a transaction, and each gets its own answer; whoever asks has been
told only after it is durable, so no process of the gateway takes the same thing again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import TracebackType
from typing import Final, Self, TypeVar

import structlog
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, bindparam, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from authz.audit import Entry, Ledger, settle
from authz.errors import AccessDenied, StoreUnavailable, Unauthenticated
from authz.prepared import Prepared
from authz.store import Store, metadata

LARGEST_BATCH: Final = 256

used_once: Final = Table(
    "used_once",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("until", BigInteger, nullable=False, index=True),
)
_KNOWN: Final = select(used_once.c.digest).where(used_once.c.digest.in_(bindparam("digests", expanding=True)))
_FORGET: Final = Prepared(delete(used_once).where(used_once.c.until < bindparam("now")))
_NOTE: Final = Prepared(insert(used_once))
_Made = TypeVar("_Made")
_log: Final = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What can be used up."""

    ASSERTION = "assertion"
    PROOF = "proof"
    EXPORT = "export"
    OPERATOR = "operator"
    CHUNK = "chunk"


_REPLAYED: Final = ("DPOP_PROOF", "The DPoP proof was used before. Make one for every request.")
_VOUCHED_BEFORE: Final = (
    "OPERATOR_ASSERTION",
    "The operator assertion does not hold: it was used before; make one for every request.",
)


class Replayed(AccessDenied):
    """Something was used before; nothing of what came with it has been used up."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(*(_VOUCHED_BEFORE if kind is Kind.OPERATOR else _REPLAYED))
        self.kind = kind


class _Used(Ledger["Use"]):
    """Which of a batch were used before."""

    def __init__(self, connection: Connection, entries: Sequence[Use]) -> None:
        self._connection = connection
        given = {"digests": [use.digest for use in entries]}
        self._known = set(connection.execute(_KNOWN, given).scalars())
        self._new: dict[bytes, int] = {}

    def check(self, entry: Use) -> None:
        if entry.digest in self._known or entry.digest in self._new:
            raise Replayed(entry.kind)

    def enter(self, entry: Use) -> None:
        self._new[entry.digest] = int(entry.until) + 1

    def close(self) -> None:
        if self._new:
            rows = [{"digest": digest, "until": until} for digest, until in self._new.items()]
            _NOTE.run(self._connection, rows)


@dataclass(frozen=True)
class Use(Entry):
    """One thing that must not happen twice before `until` (seconds since the epoch)."""

    kind: Kind
    owner: str
    """The client, or the thumbprint of the key."""
    name: str
    """Its `jti`."""
    until: float

    ledger = _Used

    @cached_property
    def digest(self) -> bytes:
        """What is stored: it says nothing of who came or why."""
        parts = b"".join(
            len(raw).to_bytes(4, "big") + raw
            for raw in (part.encode("utf-8", "surrogatepass") for part in (self.kind, self.owner, self.name))
        )
        return hashlib.sha256(parts).digest()


@dataclass(frozen=True, slots=True)
class _Pending:
    uses: Sequence[Use]
    settled: asyncio.Future[None]


class Ticket:
    """What was let in and is not used up yet: by the intent of the read, or before any other answer.

    Used up together with the intent, a proof or an operator assertion, a use of a consent and their
    leaf are one transaction (ruling 20). Whatever happens instead, no answer leaves before `spend`.
    """

    def __init__(self, once: OnceOnly, use: Use) -> None:
        self._once = once
        self._use = use
        self._spent = False
        self._replayed = False
        self._spending = asyncio.Lock()

    async def spend(self) -> None:
        """Use it up by itself, unless that has happened or an intent under way does it.

        Raises Unauthenticated DPOP_PROOF or Replayed, StoreUnavailable.
        """
        async with self._spending:
            if self._spent:
                return
            try:
                await self._once.spend(self._use)
            except Replayed:
                self._refused()  # by another copy: what is answered from here on is the refusal
                if self._use.kind is Kind.PROOF:
                    raise Unauthenticated(*_REPLAYED) from None
                raise
            self._spent = True

    async def settle(self) -> None:
        """As `spend`, and raises Replayed again where an intent found out that another copy was first."""
        await self.spend()
        if self._replayed:
            raise Replayed(self._use.kind)

    async def look(self) -> None:
        """Raise Unauthenticated DPOP_PROOF if it was used before, without using it up."""
        if await self._once.known(self._use):
            raise Unauthenticated(*_REPLAYED)

    async def with_intent(self, write: Callable[[Sequence[Use]], Awaitable[_Made]]) -> _Made:
        """Write one intent, and use it up in its transaction if none has before.

        The other intents of the request wait until it is known whether this copy came first:
        where it did not, `write` raises Replayed, and no intent of the copy is let through.
        """
        async with self._spending:
            if self._replayed:
                raise Replayed(self._use.kind)
            if not self._spent:
                try:
                    made = await write((self._use,))
                except Replayed:
                    self._refused()
                    raise
                self._spent = True
                return made
        return await write(())

    def _refused(self) -> None:
        self._spent = self._replayed = True


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
        await pending.settled

    async def known(self, use: Use) -> bool:
        """Whether it was used before; raises StoreUnavailable when it cannot be known."""
        try:
            found = await self._store.read(
                lambda connection: connection.execute(_KNOWN, {"digests": [use.digest]}).first()
            )
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable from error
        return found is not None

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            try:
                refusals = await self._commit(batch)
            except Exception as error:  # whatever the store did, nobody may be let in
                _log.error("once_only_failed", error=type(error).__name__)
                for pending in batch:
                    if not pending.settled.done():
                        pending.settled.set_exception(StoreUnavailable())
            else:
                for pending, refusal in zip(batch, refusals, strict=True):
                    if pending.settled.done():
                        continue
                    if refusal is None:
                        pending.settled.set_result(None)
                    else:
                        pending.settled.set_exception(refusal)

    async def _commit(self, batch: Sequence[_Pending]) -> list[AccessDenied | None]:
        """Why each was refused, if it was; in one transaction."""

        def use_up(connection: Connection) -> list[AccessDenied | None]:
            _FORGET.run(connection, [{"now": int(self._clock())}])
            return settle(connection, [pending.uses for pending in batch])

        return await self._store.write(use_up)
