"""Driver connections behind a semaphore, statements prepared where the driver can: the cheapest way known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import asyncmy
import asyncpg
from sqlalchemy.engine import URL

from bench.tables import POSTGRESQL

Rows = Sequence[Sequence[Any]]
SIZE: Final = 4
"""As many connections as a manifest gives a source by default."""


class Pool(Protocol):
    """Connections to one source."""

    async def open(self) -> None: ...

    async def fetch(self, sql: str, *values: str) -> Rows: ...

    async def close(self) -> None: ...


def pool(url: URL) -> Pool:
    """A pool for the URL's engine."""
    return PostgreSQLPool(url) if url.get_backend_name() == POSTGRESQL else MariaDBPool(url)


class PostgreSQLPool:
    """asyncpg with one prepared statement per connection and text."""

    def __init__(self, url: URL) -> None:
        self._dsn = url.render_as_string(hide_password=False)
        self._idle: list[tuple[asyncpg.Connection, dict[str, Any]]] = []
        self._slots = asyncio.Semaphore(SIZE)

    async def open(self) -> None:
        self._idle = [(await asyncpg.connect(self._dsn), {}) for _ in range(SIZE)]

    async def fetch(self, sql: str, *values: str) -> Rows:
        async with self._slots:
            opened = self._idle.pop()
            try:
                connection, prepared = opened
                statement = prepared.get(sql)
                if statement is None:
                    statement = prepared[sql] = await connection.prepare(sql)
                rows: Rows = await statement.fetch(list(values))
                return rows
            finally:
                self._idle.append(opened)

    async def close(self) -> None:
        for connection, _ in self._idle:
            await connection.close()


class MariaDBPool:
    """asyncmy, autocommit."""

    def __init__(self, url: URL) -> None:
        self._login = {
            "host": url.host or "127.0.0.1",
            "port": url.port or 3306,
            "user": url.username or "root",
            "password": url.password or "",
            "db": url.database,
            "charset": "utf8mb4",
            "autocommit": True,
        }
        self._idle: list[asyncmy.Connection] = []
        self._slots = asyncio.Semaphore(SIZE)

    async def open(self) -> None:
        self._idle = [await asyncmy.connect(**self._login) for _ in range(SIZE)]

    async def fetch(self, sql: str, *values: str) -> Rows:
        async with self._slots:
            connection = self._idle.pop()
            try:
                async with connection.cursor() as cursor:
                    await cursor.execute(sql, values)
                    rows: Rows = await cursor.fetchall()
                    return rows
            finally:
                self._idle.append(connection)

    async def close(self) -> None:
        for connection in self._idle:
            await connection.ensure_closed()
