"""The gateway's own store: SQLite (one machine, zero services) or PostgreSQL. Never a record of a department.

Everything written here is durable when `writing()` returns: SQLite in WAL mode with
`synchronous=FULL`, PostgreSQL with `synchronous_commit` on.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

from asyncpg import PostgresError
from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from authz import migrations
from authz.errors import ConfigurationError

metadata: Final = MetaData()
"""Tables of the store; the modules that own them register here, and authz/migrations makes them."""

CHANGED: Final = "credit_gateway_store"
"""The PostgreSQL channel on which every commit of a writer is told."""
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_ONE_WRITER: Final = {
    "sqlite": "BEGIN IMMEDIATE",
    # the lock ends with the transaction; its number only has to be ours. NOTIFY waits for the commit
    "postgresql": f"SELECT pg_advisory_xact_lock(4107282860161), pg_notify('{CHANGED}', '')",
}
_ON_CONNECT: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what has been erased is overwritten
)
_Made = TypeVar("_Made")
_TRIES: Final = 25
_PAUSE: Final = 0.02
"""Seconds; at the very first start only."""
_HINTS: Final = {
    migrations.State.EMPTY: "The store is empty: is it the right one? The first `serve` sets up a new one.",
    migrations.State.OUTDATED: (
        "The store is of an older gateway. Stop all gateways, back it up, run `credit-gateway db upgrade`."
    ),
    migrations.State.UNKNOWN: "The store is of a newer gateway. Run that one, or restore a backup.",
}


class Store:
    """One database of the gateway's own, shared by all its processes.

    `url` is `sqlite:///path` or `postgresql://…`; `patience` is seconds to wait for a
    connection, a lock or a statement.
    """

    def __init__(self, url: str, *, patience: float = 5.0) -> None:
        self._url = _checked(url)
        self._one_writer = _ONE_WRITER[self._url.get_backend_name()]
        self._file: tuple[int, int] | None = None
        self.engine = _engine(self._url, patience)
        self._threads: tuple[_SqliteThread, _SqliteThread] | None = None
        if self._file_based:
            writer = _SqliteThread(self._url, patience, self._one_writer)
            self._threads = writer, _SqliteThread(self._url, patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for thread in self._threads or ():
            await thread.close()
        await self.engine.dispose()

    async def prepare(self) -> None:
        """Set up an empty store; raises ConfigurationError for one that this gateway cannot work on."""
        if await self._state() is migrations.State.EMPTY:
            await self.upgrade()
        await self.require_current()

    async def require_current(self) -> None:
        """Raise ConfigurationError unless the store is one of this version of the gateway."""
        found = await self._state()
        if found is not migrations.State.CURRENT:
            raise ConfigurationError(f"STORE_{found}", "store", _HINTS[found])

    async def upgrade(self) -> tuple[str | None, str | None]:
        """Bring the tables to what this gateway needs, in one transaction; safe beside other processes.

        Returns the revisions before and after; raises ConfigurationError.
        """
        with _reachable():
            async with self.writing() as connection:
                before = await connection.run_sync(migrations.revision_of)
                await connection.run_sync(migrations.upgrade)
                return before, await connection.run_sync(migrations.revision_of)

    async def _state(self) -> migrations.State:
        with _reachable():
            async with self.reading() as connection:
                return await connection.run_sync(migrations.state)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """The only writing transaction in the whole store; durable when it has been left without error."""
        async with self.engine.begin() as connection:
            await connection.exec_driver_sql(self._one_writer)
            yield connection
        self._check_same_file()

    async def write(self, work: Callable[[Connection], _Made]) -> _Made:
        """As `writing`, for a plain function: on SQLite all of its statements are one hop to a thread."""
        if self._threads is None:
            async with self.writing() as connection:
                return await connection.run_sync(work)
        made = await self._threads[0].run(work)
        self._check_same_file()
        return made

    async def read(self, work: Callable[[Connection], _Made]) -> _Made:
        """As `reading`, for a plain function; likewise."""
        if self._threads is None:
            async with self.reading() as connection:
                return await connection.run_sync(work)
        found = await self._threads[1].run(work)
        self._check_same_file()
        return found

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that waits for no writer; what it read counts when it has been left without error."""
        async with self.engine.connect() as connection:
            yield connection
        self._check_same_file()

    async def ping(self) -> None:
        """One round trip; raises what the database raises."""
        async with self.reading() as connection:
            await connection.exec_driver_sql("SELECT 1")

    @property
    def _file_based(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _check_same_file(self) -> None:
        """A deleted or replaced SQLite file still takes writes through an open handle, and loses them."""
        if not self._file_based:
            return
        found = os.stat(str(self._url.database))
        identity = (found.st_dev, found.st_ino)
        if self._file not in (None, identity):
            raise OSError(errno.ESTALE, "the store is not the file that was opened")
        self._file = identity


class _SqliteThread:
    """One connection in a thread of its own, where work queues; `begin` is its first statement."""

    def __init__(self, url: URL, patience: float, begin: str = "") -> None:
        self._begin = begin
        self._engine: Engine = create_engine(_existing(url, "sqlite"), **_sqlite_options(patience))
        event.listen(self._engine, "connect", _set_up)
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, "store")

    async def run(self, work: Callable[[Connection], _Made]) -> _Made:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[Connection], _Made]) -> _Made:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                if self._begin:
                    self._connection.exec_driver_sql(self._begin)
                return work(self._connection)
        except sqlite3.Error as error:  # of what is prepared, which goes past SQLAlchemy
            raise DatabaseError(None, None, error) from error

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._dispose)
        self._thread.shutdown(wait=False)

    def _dispose(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


@contextmanager
def _reachable() -> Iterator[None]:
    """What goes wrong before the store is in use, as one error that says what to do."""
    try:
        yield
    except (SQLAlchemyError, PostgresError, OSError) as error:
        raise ConfigurationError(
            "STORE_UNAVAILABLE",
            "store",
            "The store cannot be used. Check its address, its rights and its disk.",
        ) from error


def _checked(text: str) -> URL:
    """The URL with the driver we use; refusals never show it, for it may hold a password."""
    try:
        url = make_url(text)
        driver = _DRIVERS[url.get_backend_name()]
    except (ArgumentError, KeyError):
        raise ConfigurationError(
            "STORE_URL", "store", "Give `sqlite:///path/to/file` or `postgresql://user@host/database`."
        ) from None
    if driver == _DRIVERS["sqlite"] and (not url.database or ":memory:" in url.database):
        raise ConfigurationError("STORE_MEMORY", "store", "The log must outlive a restart: name a file.")
    return url.set(drivername=driver)


def _engine(url: URL, patience: float) -> AsyncEngine:
    if url.get_backend_name() == "postgresql":
        limits = {"synchronous_commit": "on", "lock_timeout": str(int(patience * 1000))}
        return create_async_engine(
            url,
            pool_pre_ping=True,
            connect_args={"timeout": patience, "command_timeout": patience, "server_settings": limits},
        )
    file = Path(str(url.database))
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch(0o600)  # SQLite's own files beside it get the same mode
    engine = create_async_engine(_existing(url, url.drivername), **_sqlite_options(patience))
    event.listen(engine.sync_engine, "connect", _set_up)
    return engine


def _existing(url: URL, driver: str) -> URL:
    """A file that was taken away is missed, and not made anew, empty (`mode=rw`)."""
    return url.set(
        drivername=driver,
        database=f"file:{quote(str(url.database))}",
        query={"mode": "rw", "uri": "true"},
    )


def _sqlite_options(patience: float) -> dict[str, Any]:
    # no isolation level: `writing()` says BEGIN itself, and reads need no transaction
    return {"connect_args": {"timeout": patience, "isolation_level": None}}


def _set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    try:
        cursor = connection.cursor()
        for pragma in _ON_CONNECT:
            _execute(cursor, pragma)
        cursor.close()
    except BaseException:
        # SQLAlchemy would drop it without waiting for its thread, which then reports to nobody
        connection.close()
        raise


def _execute(cursor: DBAPICursor, pragma: str) -> None:
    """Run a pragma; a new file turns to WAL once, and SQLite lets nobody wait for that."""
    for _ in range(_TRIES):
        try:
            cursor.execute(pragma)
            return
        except sqlite3.OperationalError as busy:
            if busy.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_PAUSE)
    cursor.execute(pragma)
