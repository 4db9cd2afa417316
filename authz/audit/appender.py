"""The one writer of the log in a process: concurrent appends share a transaction (group commit).

What many events count (quotas, uses of consents) is settled for the whole batch by its ledgers.
An act, which is rare and changes whatever it likes, has a transaction with its leaf alone.

Processes that share a store take turns by the store's writer lock, and each reads the head
of the tree inside its own transaction, so the index has no gaps and the tree no forks. The
tree grows, and is signed for, in the transaction that writes the leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from types import TracebackType
from typing import Final, Self, TypeAlias

import structlog
from sqlalchemy import Connection, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.checkpoints import EVERY, Notary
from authz.audit.ledgers import Entry, settle
from authz.audit.merkle import Frontier, leaf_hash
from authz.audit.tables import audit_leaf, audit_subtree
from authz.audit.tree import TreeDamaged, frontier_of, hashes_between, head_of, root_at
from authz.errors import AccessDenied, AuditUnavailable
from authz.prepared import Prepared
from authz.store import Store

LARGEST_BATCH: Final = 256

_NEARBY: Final = 1_024
"""Leaves of other processes that are caught up on by reading their hashes alone."""
_LEAVES: Final = Prepared(insert(audit_leaf))
_SUBTREES: Final = Prepared(insert(audit_subtree))
_log: Final = structlog.get_logger(__name__)


Act: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
"""A change of the store that is made in the leaf's own transaction: both are durable, or neither.

It raises AccessDenied to refuse: then there is no leaf either.
"""


@dataclass(frozen=True, slots=True)
class _Pending:
    payload: bytes
    subject: str | None
    entries: Sequence[Entry]
    act: Act | None
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

    async def append(
        self, payload: bytes, subject: str | None, entries: Sequence[Entry] = (), act: Act | None = None
    ) -> int:
        """The index of the leaf, once it and what comes with it are durable.

        Raises AuditUnavailable, or the AccessDenied by which an entry or the act was refused.
        """
        if self._writer is None:
            raise AuditUnavailable
        loop = asyncio.get_running_loop()
        pending = _Pending(payload, subject, entries, act, loop.create_future())
        try:
            self._queue.put_nowait(pending)
        except asyncio.QueueFull:
            raise AuditUnavailable from None
        given_up = loop.call_later(self._patience, _fail, pending)
        try:
            return await pending.index
        finally:
            given_up.cancel()

    async def _write_forever(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < LARGEST_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            for transaction in _transactions(batch):
                await self._settle(transaction)
            for _ in batch:
                self._queue.task_done()

    async def _settle(self, batch: list[_Pending]) -> None:
        """Write a batch and tell each waiter; those who have left are not told."""
        try:
            settled = await self._commit(batch)
        except Exception as error:  # whatever the store did, nothing may be answered
            _log.error("audit_append_failed", error=type(error).__name__, leaves=len(batch))
            for pending in batch:
                _fail(pending)
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
        act = batch[0].act
        if act is None:
            settled, tree = await self._store.write(partial(self._write, batch, known))
        else:
            try:
                async with self._store.writing() as connection:
                    await act(connection)
                    settled, tree = await connection.run_sync(partial(self._write, batch, known))
            except AccessDenied as refusal:
                self._tree = known
                return [refusal]
        self._tree = tree
        return settled

    def _write(
        self, batch: list[_Pending], known: Frontier | None, connection: Connection
    ) -> tuple[list[int | AccessDenied], Frontier]:
        """Settle the entries, and put a leaf into the tree for every event that is not refused."""
        tree = self._caught_up(connection, known)
        first, rows, subtrees = tree.size, [], []
        settled: list[int | AccessDenied] = []
        for pending, refusal in zip(batch, settle(connection, [each.entries for each in batch]), strict=True):
            settled.append(refusal or tree.size)
            if refusal:
                continue
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
            _LEAVES.run(connection, rows)
        if subtrees:
            _SUBTREES.run(connection, [asdict(each) for each in subtrees])
        if first // EVERY != tree.size // EVERY:
            self._notary.write(connection, tree.size, tree.root, self._clock())
        return settled, tree

    def _caught_up(self, connection: Connection, known: Frontier | None) -> Frontier:
        """The tree as it stands; raises TreeDamaged, for nothing may grow from a log that was altered."""
        size, root = head_of(connection)
        if known and 0 <= size - known.size <= _NEARBY:
            for leaf in hashes_between(connection, (known.size, size)) if size > known.size else ():
                known.append(leaf)
            if known.root == root:
                return known
        tree = frontier_of(connection, size)
        newest = self._notary.newest(connection)
        signed = newest is None or (newest.size <= size and newest.root == root_at(connection, newest.size))
        if tree.root != root or not signed:
            raise TreeDamaged
        return tree


def _fail(pending: _Pending) -> None:
    if not pending.index.done():
        pending.index.set_exception(AuditUnavailable())


def _transactions(batch: list[_Pending]) -> Iterator[list[_Pending]]:
    """What is committed together, in the order of the batch: every act with its leaf alone."""
    for alone, group in groupby(batch, key=lambda pending: pending.act is not None):
        together = list(group)
        yield from ([each] for each in together) if alone else [together]
