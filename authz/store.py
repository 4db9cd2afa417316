"""The gateway's own store: SQLite (one machine, zero services) or PostgreSQL. Never a record of a department.

Everything written here is durable when `writing()` returns: SQLite in WAL mode with
`synchronous=FULL`, PostgreSQL with `synchronous_commit` on.
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from sqlite3 import OperationalError
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

from sqlalchemy import MetaData, Table, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from authz.errors import ConfigurationError

metadata: Final = MetaData()
"""Tables of the store; the modules that own them register here."""

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_ONE_WRITER: Final = {
    "sqlite": "BEGIN IMMEDIATE",
    # the lock ends with the transaction; its number only has to be ours
    "postgresql": "SELECT pg_advisory_xact_lock(4107282860161)",
}
_DURABLE: Final = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")


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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.engine.dispose()

    async def create(self, *tables: Table) -> None:
        """Create the tables that do not exist yet, with their triggers; safe beside other processes."""
        async with self.writing() as connection:
            await connection.run_sync(metadata.create_all, tables=tables)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """The only writing transaction in the whole store; durable when it has been left without error."""
        async with self.engine.begin() as connection:
            await connection.exec_driver_sql(self._one_writer)
            yield connection
        self._check_same_file()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that waits for no writer."""
        async with self.engine.connect() as connection:
            yield connection

    async def ping(self) -> None:
        """One round trip; raises what the database raises."""
        async with self.reading() as connection:
            await connection.exec_driver_sql("SELECT 1")
        self._check_same_file()

    def _check_same_file(self) -> None:
        """A deleted or replaced SQLite file still takes writes through an open handle, and loses them."""
        if self._url.get_backend_name() != "sqlite":
            return
        found = os.stat(str(self._url.database))
        identity = (found.st_dev, found.st_ino)
        if self._file not in (None, identity):
            raise OSError(errno.ESTALE, "the store is not the file that was opened")
        self._file = identity


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
    # no isolation level: `writing()` says BEGIN itself, and reads need no transaction
    engine = create_async_engine(url, connect_args={"timeout": patience, "isolation_level": None})
    event.listen(engine.sync_engine, "connect", partial(_make_durable, patience))
    return engine


def _make_durable(patience: float, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    until = monotonic() + patience
    for pragma in _DURABLE:
        while True:
            try:
                cursor.execute(pragma)
                break
            except OperationalError:
                # SQLite does not wait for the switch to WAL that another process makes at this moment
                if monotonic() > until:
                    raise
                sleep(0.01)
    cursor.close()
