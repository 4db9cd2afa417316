"""The one writer of the log in a process: concurrent appends share a transaction (group commit).

Processes that share a store take turns by the store's writer lock, and each reads the head
of the tree inside its own transaction, so the index has no gaps and the tree no forks. The
tree grows, and is signed for, in the transaction that writes the leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeAlias

import structlog
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.checkpoints import EVERY, Notary
from authz.audit.merkle import Frontier, leaf_hash
from authz.audit.tables import audit_leaf, audit_subtree
from authz.audit.tree import TreeDamaged, frontier_of, hashes_between, head_of, root_at
from authz.errors import AccessDenied, AuditUnavailable
from authz.store import Store

LARGEST_BATCH: Final = 256

_NEARBY: Final = 1_024
"""Leaves of other processes that are caught up on by reading their hashes alone."""
_log: Final = structlog.get_logger(__name__)


Within: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
"""A change of the store that is made in the leaf's own transaction: both are durable, or neither.

It raises AccessDenied to refuse: then there is no leaf either, and the batch goes on without it.
"""


@dataclass(frozen=True, slots=True)
class _Pending:
    payload: bytes
    subject: str | None
    within: Within | None
    index: asyncio.Future[int]


class Appender:
    """Appends payloads durably; `capacity` bounds how many wait, `patience` (seconds) how long."""

    def __init__(
        self,
        store: Store,
        notary: Notary,
        clock: Callable[[], datetime],
        *,
        capacity: int,
        patience: float,
    ) -> None:
        self._store = store
        self._notary = notary
        self._clock = clock
        self._tree: Frontier | None = None
        self._patience = patience
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue(capacity)
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_forever(), name="audit-appender")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            # whoever waits has given up by then
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._queue.join()
            writer.cancel()
            await asyncio.wait([writer])

    async def append(self, payload: bytes, subject: str | None, within: Within | None = None) -> int:
        """The index of the leaf, once it and `within` are durable.

        Raises AuditUnavailable, or the AccessDenied by which `within` refused.
        """
        if self._writer is None:
            raise AuditUnavailable
        pending = _Pending(payload, subject, within, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(self._patience):
                await self._queue.put(pending)
                return await pending.index
        except TimeoutError:
            raise AuditUnavailable from None

    async def _write_forever(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < LARGEST_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._settle(batch)
            for _ in batch:
                self._queue.task_done()

    async def _settle(self, batch: list[_Pending]) -> None:
        """Write a batch and tell each waiter; those who have left are not told."""
        try:
            settled = await self._commit(batch)
        except Exception as error:  # whatever the store did, nothing may be answered
            _log.error("audit_append_failed", error=type(error).__name__, leaves=len(batch))
            for pending in batch:
                if not pending.index.done():
                    pending.index.set_exception(AuditUnavailable())
        else:
            for pending, outcome in zip(batch, settled, strict=True):
                if pending.index.done():
                    continue
                if isinstance(outcome, AccessDenied):
                    pending.index.set_exception(outcome)
                else:
                    pending.index.set_result(outcome)

    async def _commit(self, batch: list[_Pending]) -> list[int | AccessDenied]:
        """For each of the batch the index of its leaf, or how it was refused."""
        known, self._tree = self._tree, None
        settled: list[int | AccessDenied] = []
        async with self._store.writing() as connection:
            tree = await self._caught_up(connection, known)
            first, rows, subtrees = tree.size, [], []
            for pending in batch:
                try:
                    await _make(pending.within, connection)
                except AccessDenied as refusal:
                    settled.append(refusal)
                    continue
                settled.append(tree.size)
                leaf = leaf_hash(pending.payload)
                subtrees += tree.append(leaf)
                rows.append(
                    {
                        "leaf_index": tree.size - 1,
                        "subject": pending.subject,
                        "payload": pending.payload,
                        "leaf_hash": leaf,
                        "root": tree.root,
                    }
                )
            if rows:
                await connection.execute(insert(audit_leaf), rows)
            if subtrees:
                await connection.execute(insert(audit_subtree), [asdict(each) for each in subtrees])
            if first // EVERY != tree.size // EVERY:
                await self._notary.write(connection, tree.size, tree.root, self._clock())
        self._tree = tree
        return settled

    async def _caught_up(self, connection: AsyncConnection, known: Frontier | None) -> Frontier:
        """The tree as it stands; raises TreeDamaged, for nothing may grow from a log that was altered."""
        size, root = await head_of(connection)
        if known and 0 <= size - known.size <= _NEARBY:
            for leaf in await hashes_between(connection, (known.size, size)) if size > known.size else ():
                known.append(leaf)
            if known.root == root:
                return known
        tree = await frontier_of(connection, size)
        newest = await self._notary.newest(connection)
        signed = newest is None or (
            newest.size <= size and newest.root == await root_at(connection, newest.size)
        )
        if tree.root != root or not signed:
            raise TreeDamaged
        return tree


def together(changes: Sequence[Within]) -> Within | None:
    """Several changes as one: all of them or none; None for no change."""

    async def make(connection: AsyncConnection) -> None:
        for change in changes:
            await change(connection)

    return make if changes else None


async def _make(change: Within | None, connection: AsyncConnection) -> None:
    """Make a change, or nothing of it."""
    if change is not None:
        async with connection.begin_nested():
            await change(connection)
