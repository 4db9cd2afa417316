"""Batched writing of one department's database on SQLite, PostgreSQL or MariaDB, chosen by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from sqlalchemy import MetaData, Table, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from .columns import Cell, Row

BATCH = 2_000
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "mariadb": "mariadb+asyncmy"}


class Writer:
    """One department's database while it is written: tables first, rows in batches, indexes last."""

    def __init__(self, url: URL, metadata: MetaData) -> None:
        self.url = _with_driver(url)
        self.rows = 0
        self._metadata = metadata
        self._engine: AsyncEngine = create_async_engine(self.url)
        self._pending: dict[Table, list[dict[str, Cell]]] = {table: [] for table in metadata.sorted_tables}

    async def __aenter__(self) -> Self:
        await self._recreate_database()
        async with self._engine.begin() as connection:
            for table in self._metadata.sorted_tables:
                await connection.execute(CreateTable(table))
        return self

    async def __aexit__(self, fault: type[BaseException] | None, *_: object) -> None:
        if fault is None:
            await self._finish()
        await self._engine.dispose()

    async def add(self, row: Row) -> None:
        """Take one row; write its table's batch when that is full."""
        table, values = row
        pending = self._pending[table]
        pending.append(values)
        if len(pending) >= BATCH:
            await self._flush(table)

    async def _flush(self, table: Table) -> None:
        rows, self._pending[table] = self._pending[table], []
        if not rows:
            return
        names = [column.name for column in table.columns]
        whole = [{name: row.get(name) for name in names} for row in rows]
        self.rows += len(rows)
        async with self._engine.begin() as connection:
            if self.url.get_backend_name() == "postgresql":
                await _copy(connection, table, whole)
            else:
                await connection.execute(table.insert(), whole)

    async def _finish(self) -> None:
        for table in self._metadata.sorted_tables:
            await self._flush(table)
        async with self._engine.begin() as connection:
            for table in self._metadata.sorted_tables:
                for index in table.indexes:
                    await connection.execute(CreateIndex(index))
            if self.url.get_backend_name() == "postgresql":  # the others plan well without statistics
                await connection.execute(text("ANALYZE"))

    async def _recreate_database(self) -> None:
        if self.url.get_backend_name() == "sqlite":
            if self.url.database is None:
                raise ValueError("a department's SQLite database is a file")
            for suffix in ("", "-wal", "-shm"):
                _remove(self.url.database + suffix)
            return
        await recreate_database(self.url)


async def recreate_database(url: URL) -> None:
    """Make the database anew, whatever was in it."""
    name = _quoted(url)
    if url.get_backend_name() == "mariadb":
        # Collations of real departments are wider than their keys; the connector compares normalized keys.
        charset = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        await _administer(url, f"CREATE OR REPLACE DATABASE {name} {charset}")
    else:
        await _administer(url, f"DROP DATABASE IF EXISTS {name}")
        await _administer(url, f"CREATE DATABASE {name}")


async def drop_database(url: URL) -> None:
    """Drop a PostgreSQL or MariaDB database."""
    await _administer(url, f"DROP DATABASE {_quoted(url)}")


async def _administer(url: URL, statement: str) -> None:
    home = "postgres" if url.get_backend_name() == "postgresql" else "mysql"
    engine = create_async_engine(_with_driver(url).set(database=home), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def _copy(connection: AsyncConnection, table: Table, rows: list[dict[str, Cell]]) -> None:
    raw = await connection.get_raw_connection()
    names = list(rows[0])
    records = [tuple(row.values()) for row in rows]
    driver: Any = raw.driver_connection
    await driver.copy_records_to_table(table.name, records=records, columns=names)


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _with_driver(url: URL) -> URL:
    return url.set(drivername=_DRIVERS[url.get_backend_name()])


def _quoted(url: URL) -> str:
    quote = '"' if url.get_backend_name() == "postgresql" else "`"
    return f"{quote}{url.database}{quote}"


def parse(url: str) -> URL:
    """A URL of one of the three engines; raises ValueError for another."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in _DRIVERS:
        raise ValueError("the county is written to SQLite, PostgreSQL or MariaDB")
    return parsed
