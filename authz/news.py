"""Wakes whoever waits for news in the store, whichever process they come from.

PostgreSQL tells by NOTIFY with every commit; SQLite is asked four times a second whether another
connection has written (`data_version`). A wake-up is a hint and never the news: who is woken reads
the store from a cursor of their own, so nothing is lost by a hint that got lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self

from asyncpg import PostgresError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.tables import audit_leaf
from authz.outbox import Recipient, RecipientKind, outbox
from authz.store import CHANGED, Store

_POLL: Final = 0.25
"""Seconds between two looks at a SQLite file."""
_HEARTBEAT: Final = 5.0
"""Seconds after which a silent PostgreSQL connection is asked whether it is still there."""
_PAUSE: Final = 0.05
"""Seconds between two looks at what changed, however many commits there are."""
_PAGE: Final = 5_000
"""Changes a look tells apart; after more, everybody is woken."""
_UNREACHABLE: Final = (SQLAlchemyError, PostgresError, OSError, TimeoutError)


class News:
    """One watcher a process, at work while anybody waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[asyncio.Event, frozenset[Recipient]] = {}
        self._somebody = asyncio.Event()
        self._notice = self._leaf = -1
        self._watching: asyncio.Task[None] | None = None
        self.stopped = False
        """Whether nobody is to wait any more, because the process is about to end."""

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch(), name="news")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    def stop(self) -> None:
        """Send everybody home; they come back to another process, with their cursors."""
        self.stopped = True
        self._wake(None)

    @contextmanager
    def waiting(self, parties: Iterable[Recipient]) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be something new for one of the parties."""
        woken = asyncio.Event()
        self._waiting[woken] = frozenset(parties)
        self._somebody.set()
        try:
            yield woken
        finally:
            del self._waiting[woken]
            if not self._waiting:
                self._somebody.clear()

    async def _watch(self) -> None:
        while True:
            await self._somebody.wait()
            with suppress(*_UNREACHABLE):
                await self._watch_while_reachable()
            # whoever waits finds out by themselves that the store cannot be reached
            self._wake(None)
            await asyncio.sleep(_POLL)

    async def _watch_while_reachable(self) -> None:
        async with self._store.reading() as connection, _commits(connection) as commits:
            self._notice, self._leaf = await newest(connection)
            self._wake(None)
            while self._waiting:
                await commits()
                self._wake(await self._changed(connection))
                await asyncio.sleep(_PAUSE)

    async def _changed(self, connection: AsyncConnection) -> frozenset[Recipient] | None:
        """For whom there is news since the last look; None where there is too much to tell."""
        notices = (
            await connection.execute(
                select(outbox.c.number, outbox.c.recipient_kind, outbox.c.recipient)
                .where(outbox.c.number > self._notice)
                .order_by(outbox.c.number)
                .limit(_PAGE)
            )
        ).all()
        leaves = (
            await connection.execute(
                select(audit_leaf.c.leaf_index, audit_leaf.c.subject)
                .where(audit_leaf.c.leaf_index > self._leaf)
                .order_by(audit_leaf.c.leaf_index)
                .limit(_PAGE)
            )
        ).all()
        if _PAGE in (len(notices), len(leaves)):
            self._notice, self._leaf = await newest(connection)
            return None
        await connection.rollback()  # PostgreSQL tells nothing to a connection inside a transaction
        self._notice = notices[-1].number if notices else self._notice
        self._leaf = leaves[-1].leaf_index if leaves else self._leaf
        told = {Recipient(RecipientKind(row.recipient_kind), row.recipient) for row in notices}
        read = {Recipient(RecipientKind.PERSON, row.subject) for row in leaves if row.subject}
        return frozenset(told | read)

    def _wake(self, changed: frozenset[Recipient] | None) -> None:
        for woken, parties in self._waiting.items():
            if changed is None or not parties.isdisjoint(changed):
                woken.set()


async def newest(connection: AsyncConnection) -> tuple[int, int]:
    """The last number in the outbox and the last index in the audit log; 0 and -1 for none."""
    notice = (await connection.execute(select(func.max(outbox.c.number)))).scalar()
    leaf = (await connection.execute(select(func.max(audit_leaf.c.leaf_index)))).scalar()
    await connection.rollback()
    return notice or 0, -1 if leaf is None else leaf


@asynccontextmanager
async def _commits(connection: AsyncConnection) -> AsyncIterator[Callable[[], Any]]:
    """A coroutine function that returns once something was committed, or might have been."""
    if connection.dialect.name == "sqlite":
        seen = await _data_version(connection)

        async def next_commit() -> None:
            nonlocal seen
            version = seen
            while version == seen:
                await asyncio.sleep(_POLL)
                version = await _data_version(connection)
            seen = version

        yield next_commit
        return
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - it has just been connected
    told = asyncio.Event()

    def ring(*_: object) -> None:
        told.set()

    async def notified() -> None:
        try:
            async with asyncio.timeout(_HEARTBEAT):
                await told.wait()
        except TimeoutError:
            await driver.execute("SELECT 1")
        told.clear()

    await driver.add_listener(CHANGED, ring)
    driver.add_termination_listener(ring)
    try:
        yield notified
    finally:
        driver.remove_termination_listener(ring)
        with suppress(*_UNREACHABLE):
            await driver.remove_listener(CHANGED, ring)


async def _data_version(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql("PRAGMA data_version")).scalar_one())
