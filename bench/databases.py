"""The two engines by their raw drivers: as little as the benchmark needs of each."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import asyncmy
import asyncpg
from sqlalchemy.engine import URL, make_url

from bench.tables import MARIADB, POSTGRESQL, SOURCES, Cell, Table

SERVERS: Final = {
    POSTGRESQL: ("BENCH_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432"),
    MARIADB: ("BENCH_MARIADB_URL", "mariadb://root@127.0.0.1:3306"),
}
HOME: Final = {POSTGRESQL: "postgres", MARIADB: "mysql"}
PREFIX: Final = ("BENCH_DATABASES", "credit_bench")


class Database(Protocol):
    """One connection."""

    async def execute(self, sql: str) -> None: ...

    async def fetch(self, sql: str) -> Sequence[Sequence[Any]]: ...

    async def insert(self, table: Table, rows: list[tuple[Cell, ...]]) -> None: ...


def server(engine: str, environ: Mapping[str, str] = os.environ) -> URL:
    """Where an engine's server is: a variable, or this machine."""
    return make_url(environ.get(*SERVERS[engine]))


def urls(persons: int, environ: Mapping[str, str] = os.environ) -> dict[str, URL]:
    """Each source's own database; another prefix or number of persons is another database."""
    return {
        source: server(engine, environ).set(database=f"{environ.get(*PREFIX)}_{persons}_{source}")
        for source, engine in SOURCES.items()
    }


@asynccontextmanager
async def connected(url: URL) -> AsyncIterator[Database]:
    """A connection to the URL's database, or to its server's own where it names none."""
    engine = url.get_backend_name()
    url = url if url.database else url.set(database=HOME[engine])
    database = _PostgreSQL(url) if engine == POSTGRESQL else _MariaDB(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


class _PostgreSQL:
    def __init__(self, url: URL) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def open(self) -> None:
        self._connection = await asyncpg.connect(self._dsn)

    async def close(self) -> None:
        await self._connection.close()

    async def execute(self, sql: str) -> None:
        await self._connection.execute(sql)

    async def fetch(self, sql: str) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] = await self._connection.fetch(sql)
        return rows

    async def insert(self, table: Table, rows: list[tuple[Cell, ...]]) -> None:
        await self._connection.copy_records_to_table(table.name, records=rows, columns=table.names)


class _MariaDB:
    def __init__(self, url: URL) -> None:
        self._url = url

    async def open(self) -> None:
        url = self._url
        self._connection = await asyncmy.connect(
            host=url.host or "127.0.0.1",
            port=url.port or 3306,
            user=url.username or "root",
            password=url.password or "",
            db=url.database,
            charset="utf8mb4",
            autocommit=True,
            init_command="SET SESSION max_error_count = 0",
        )

    async def close(self) -> None:
        await self._connection.ensure_closed()

    async def execute(self, sql: str) -> None:
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql)

    async def fetch(self, sql: str) -> Sequence[Sequence[Any]]:
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql)
            rows: Sequence[Sequence[Any]] = await cursor.fetchall()
            return rows

    async def insert(self, table: Table, rows: list[tuple[Cell, ...]]) -> None:
        marks = ", ".join(["%s"] * len(table.names))
        async with self._connection.cursor() as cursor:
            await cursor.executemany(
                f"INSERT INTO {table.name} ({', '.join(table.names)}) VALUES ({marks})", rows
            )
