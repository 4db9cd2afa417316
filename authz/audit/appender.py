"""The one writer of the log in a process: concurrent appends share a transaction (group commit).

Processes that share a store take turns by the store's writer lock, and each reads the head
of the chain inside its own transaction, so the index has no gaps and the chain no forks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import structlog
from sqlalchemy import insert, select

from authz.audit.leaves import GENESIS, audit_leaf, chain_hash, leaf_hash
from authz.errors import AuditUnavailable
from authz.store import Store

LARGEST_BATCH: Final = 256

_HEAD: Final = (
    select(audit_leaf.c.leaf_index, audit_leaf.c.chain_hash).order_by(audit_leaf.c.leaf_index.desc()).limit(1)
)
_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Pending:
    payload: bytes
    subject: str | None
    index: asyncio.Future[int]


class Appender:
    """Appends payloads durably; `capacity` bounds how many wait, `patience` (seconds) how long."""

    def __init__(self, store: Store, *, capacity: int, patience: float) -> None:
        self._store = store
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

    async def append(self, payload: bytes, subject: str | None) -> int:
        """The index of the leaf, once it is durable; raises AuditUnavailable."""
        if self._writer is None:
            raise AuditUnavailable
        pending = _Pending(payload, subject, asyncio.get_running_loop().create_future())
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
            first = await self._commit(batch)
        except Exception as error:  # whatever the store did, nothing may be answered
            _log.error("audit_append_failed", error=type(error).__name__, leaves=len(batch))
            for pending in batch:
                if not pending.index.done():
                    pending.index.set_exception(AuditUnavailable())
        else:
            for index, pending in enumerate(batch, first):
                if not pending.index.done():
                    pending.index.set_result(index)

    async def _commit(self, batch: list[_Pending]) -> int:
        async with self._store.writing() as connection:
            head = (await connection.execute(_HEAD)).first()
            first, chain = (head.leaf_index + 1, head.chain_hash) if head else (0, GENESIS)
            rows = []
            for index, pending in enumerate(batch, first):
                leaf = leaf_hash(pending.payload)
                chain = chain_hash(chain, leaf)
                rows.append(
                    {
                        "leaf_index": index,
                        "subject": pending.subject,
                        "payload": pending.payload,
                        "leaf_hash": leaf,
                        "chain_hash": chain,
                    }
                )
            await connection.execute(insert(audit_leaf), rows)
        return int(first)
