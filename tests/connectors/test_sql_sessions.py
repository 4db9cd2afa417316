"""Sessions on real servers: read-only, timed out, cancelled, killed; no driver's text gets out."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from catalogue.identifiers import SubjectKey
from connectors.errors import ConnectionDied, SourceBusy, SourceError, SourceTimeout, SourceUnavailable
from connectors.manifest import Manifest
from connectors.protocol import Ask
from connectors.sql import SqlSource
from tests.support.databases import Database, throwaway
from tests.support.small_catalogue import PENALTY_TABLE, PERSON, manifest_of, penalty_source, small_catalogue

SLOW = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000)"
    " SELECT max(i) FROM n)",
    "postgresql": "pg_sleep(60)::text",
    "mysql": "benchmark(500000000, md5('x'))",
}
RUNNING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'credit-subject-gateway' AND state = 'active'",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database()"
    " AND info LIKE '%benchmark(%' AND id <> connection_id()",
}
SESSIONS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'credit-subject-gateway'",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}


@asynccontextmanager
async def source_of(database: Database, **changes: object) -> AsyncIterator[SqlSource]:
    source = SqlSource(manifest(database, **changes), small_catalogue(), database.url)
    try:
        yield source
    finally:
        await source.close()


def manifest(database: Database, **changes: object) -> Manifest:
    """`P-TT-01` quick, `P-TT-02` a query that would run for a minute."""
    slow = {
        "query": f"SELECT {{columns}} FROM (SELECT id_no, {SLOW[engine(database)]} AS slow FROM penalty) s",
        "keys": {"CITIZEN_ID": {"columns": ["id_no"]}},
        "fields": {"address": {"column": "slow"}},
    }
    return manifest_of({"P-TT-01": penalty_source(), "P-TT-02": slow}, **changes)


def engine(database: Database) -> str:
    return "mysql" if database.engine == "mariadb" else database.engine


async def filled(database: Database) -> None:
    await database.execute(PENALTY_TABLE)
    await database.insert("penalty", [(PERSON, "罚1号", "", "", "2025-01-02")])


QUICK = Ask("P-TT-01", frozenset({"documentNo"}), (SubjectKey.person(PERSON),), "t1")
ENDLESS = Ask("P-TT-02", frozenset({"address"}), (SubjectKey.person(PERSON),), "t2")


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 -- the condition is on a server
            await asyncio.sleep(0.01)  # the server is asked again until it says so


async def test_a_session_cannot_write_whatever_the_account_may(database: Database) -> None:
    await filled(database)
    async with source_of(database) as source:
        for statement in ("DELETE FROM penalty", "CREATE TABLE copied (a int)"):
            with pytest.raises(SourceUnavailable):
                await source._pool.fetch(statement, ())
    assert await database.fetch("SELECT count(*) FROM penalty") == [(1,)]


async def test_the_server_itself_ends_a_statement_at_the_deadline(database: Database) -> None:
    await filled(database)
    async with source_of(database, deadlineMs=150) as source:
        with pytest.raises(SourceTimeout) as caught:
            await source.fetch(ENDLESS)
        assert not isinstance(caught.value.__cause__, TimeoutError)
        assert len((await source.fetch(QUICK)).rows[QUICK.keys[0]]) == 1


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
async def test_cancelling_leaves_no_query_on_the_server(dialect: str, server: Database) -> None:
    await filled(server)

    async def running() -> bool:
        return bool(await server.fetch(RUNNING[dialect]))

    async def ended() -> bool:
        return not await running()

    async with source_of(server, deadlineMs=60_000, pool=1) as source:
        asking = asyncio.create_task(source.fetch(ENDLESS))
        await eventually(running)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await eventually(ended)
        # the aborted connection has given its place back
        assert len((await source.fetch(QUICK)).rows[QUICK.keys[0]]) == 1


async def test_cancelling_interrupts_sqlite_and_frees_its_thread(sqlite: Database) -> None:
    await filled(sqlite)
    async with source_of(sqlite, deadlineMs=60_000) as source:
        asking = asyncio.create_task(source.fetch(ENDLESS))
        await eventually(source_is_asked(source))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(10):
            assert len((await source.fetch(QUICK)).rows[QUICK.keys[0]]) == 1


def source_is_asked(source: SqlSource) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return source._pool._slots.locked()

    return asked


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
async def test_a_killed_connection_died_once_and_is_replaced(dialect: str, server: Database) -> None:
    await filled(server)
    async with source_of(server) as source:
        await asyncio.gather(*(source.fetch(QUICK) for _ in range(3)))
        for row in await server.fetch(SESSIONS[dialect]):
            if dialect == "mysql":
                await server.execute(f"KILL {row[0]}")
        with pytest.raises(ConnectionDied):
            await source.fetch(QUICK)
        assert len((await source.fetch(QUICK)).rows[QUICK.keys[0]]) == 1


async def test_at_most_the_pool_s_size_of_connections_is_open(postgresql: Database) -> None:
    await filled(postgresql)
    async with source_of(postgresql, pool=2) as source:
        await asyncio.gather(*(source.fetch(QUICK) for _ in range(20)))
        found = await postgresql.fetch(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'credit-subject-gateway'"
        )
    assert found == [(2,)]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/none.db",
        pytest.param("postgresql://nobody:secret-word@127.0.0.1:1/none", marks=pytest.mark.postgresql),
        pytest.param("mariadb://nobody:secret-word@127.0.0.1:1/none", marks=pytest.mark.mariadb),
    ],
)
async def test_a_server_that_is_not_there_is_unavailable_and_keeps_the_secret(url: str) -> None:
    source = SqlSource(manifest_of({"P-TT-01": penalty_source()}), small_catalogue(), url)
    with pytest.raises(SourceUnavailable) as caught:
        await source.ping()
    await source.close()
    assert not isinstance(caught.value, ConnectionDied)
    assert str(caught.value) == "tt-test: SOURCE_UNAVAILABLE"


@pytest.mark.mariadb
async def test_a_refused_login_says_so(mariadb: Database) -> None:
    source = SqlSource(
        manifest_of({"P-TT-01": penalty_source()}), small_catalogue(), mariadb.url_as("nobody", "wrong")
    )
    with pytest.raises(SourceUnavailable, match="LOGIN"):
        await source.ping()
    await source.close()


def spoil(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be taken for one" * 40)


async def test_a_file_that_is_no_database_is_an_error_and_not_silence(sqlite: Database) -> None:
    spoil(Path(sqlite.url.removeprefix("sqlite:///")))
    async with source_of(sqlite) as source:
        with pytest.raises(SourceError, match="SOURCE_RUBBISH"):
            await source.fetch(QUICK)


async def test_a_file_locked_by_its_department_is_busy(sqlite: Database) -> None:
    await filled(sqlite)
    writer = sqlite3.connect(sqlite.url.removeprefix("sqlite:///"), isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        async with source_of(sqlite, deadlineMs=50) as source:
            with pytest.raises(SourceBusy):
                await source.fetch(QUICK)
    finally:
        writer.close()


@pytest.mark.mariadb
async def test_server_warnings_do_not_carry_keys_into_the_log(
    mariadb: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await mariadb.execute(PENALTY_TABLE.replace("id_no varchar(40)", "id_no bigint"))
    await mariadb.insert("penalty", [(1, "", "", "", "")])
    canary = SubjectKey.person("99010120120615004X")
    with caplog.at_level(logging.DEBUG):
        async with source_of(mariadb) as source:
            await source.fetch(Ask("P-TT-01", frozenset(), (canary,)))
    assert "2012061500" not in caplog.text


@pytest.mark.postgresql
async def test_a_key_column_of_a_type_that_holds_no_keys_is_drift(postgresql: Database) -> None:
    await postgresql.execute(PENALTY_TABLE.replace("id_no varchar(40)", "id_no bigint"))
    async with source_of(postgresql) as source:
        with pytest.raises(SourceError) as caught:
            await source.fetch(QUICK)
    assert str(caught.value) == "tt-test: COLUMN_TYPE"


@pytest.fixture
async def server(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    name = "mariadb" if dialect == "mysql" else dialect
    async with throwaway(name, tmp_path_factory.mktemp("db")) as found:
        yield found


async def test_the_statements_of_an_hour_are_counted_and_pings_are_not(database: Database) -> None:
    await database.execute(PENALTY_TABLE)
    source = SqlSource(
        manifest_of({"P-TT-01": penalty_source()}, quotaPerHour=2), small_catalogue(), database.url
    )
    question = Ask("P-TT-01", frozenset(), (SubjectKey.person(PERSON),))
    try:
        await source.fetch(question)
        await source.ping()
        await source.fetch(question)
        with pytest.raises(SourceBusy) as used:
            await source.fetch(question)
        await source.ping()
    finally:
        await source.close()
    assert used.value.reason == "QUOTA_HOUR"
