"""Sessions on real servers: read-only, timed out, cancelled, killed; no driver's text gets out."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from catalogue.identifiers import SubjectKey
from catalogue.model import Role
from catalogue.values import OPEN_ENDED, PartialDate
from connectors.errors import (
    ConnectionDied,
    SourceBusy,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.manifest import Manifest
from connectors.protocol import Ask
from connectors.sql import SqlSource
from connectors.sql.mariadb import session
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
    " AND application_name = 'credit-subject-gateway/t2' AND state = 'active'",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database()"
    " AND info LIKE '/* trace=t2 */%benchmark(%' AND id <> connection_id()",
}
"""Queries under way that say who asked."""
SESSIONS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'credit-subject-gateway%'",
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


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
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


async def test_a_session_takes_one_statement_at_a_time(database: Database) -> None:
    await filled(database)
    writable = "SET SESSION TRANSACTION READ WRITE; DELETE FROM penalty; -- "
    query = f"SELECT {{columns}} FROM penalty) q; {writable}"
    smuggled = penalty_source(table=None, query=query)
    source = SqlSource(manifest_of({"P-TT-01": smuggled}), small_catalogue(), database.url)
    try:
        for question in (source.fetch(QUICK), source._pool.fetch(f"SELECT 1; {writable}", ())):
            with pytest.raises(SourceError):
                await question
    finally:
        await source.close()
    assert await database.fetch("SELECT count(*) FROM penalty") == [(1,)]


async def test_the_server_itself_ends_a_statement_at_the_deadline(database: Database) -> None:
    await filled(database)
    async with source_of(database, deadlineMs=1_000) as source:
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
        async with asyncio.timeout(60):
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


@pytest.mark.parametrize(
    ("server", "settings"),
    [
        ("5.5.62", []),
        ("5.6.51", ["SET SESSION TRANSACTION READ ONLY"]),
        ("8.0.36", ["SET SESSION TRANSACTION READ ONLY", "SET SESSION max_execution_time = 800"]),
        ("5.5.5-10.0.38-MariaDB", ["SET SESSION TRANSACTION READ ONLY"]),
        (
            "10.11.6-MariaDB-log",
            ["SET SESSION TRANSACTION READ ONLY", "SET SESSION max_statement_time = 0.800"],
        ),
    ],
)
def test_a_session_is_set_to_what_its_server_knows(server: str, settings: list[str]) -> None:
    """MySQL is not among the servers here."""
    assert session(server, 0.8)[1:] == settings


async def test_at_most_the_pool_s_size_of_connections_is_open(postgresql: Database) -> None:
    await filled(postgresql)
    async with source_of(postgresql, pool=2) as source:
        await asyncio.gather(*(source.fetch(QUICK) for _ in range(20)))
        found = await postgresql.fetch(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'credit-subject-gateway%'"
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


async def test_a_file_is_looked_at_in_its_own_thread(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(sqlite)
    looked: list[threading.Thread] = []
    stat = Path.stat

    def watched(path: Path, **more: bool) -> os.stat_result:
        looked.append(threading.current_thread())
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", watched)
    async with source_of(sqlite) as source:
        for _ in range(2):
            await source.fetch(QUICK)
    assert looked
    assert threading.main_thread() not in looked


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


@pytest.mark.mariadb
async def test_an_answer_without_a_table_is_none(mariadb: Database) -> None:
    async with source_of(mariadb) as source:
        with pytest.raises(SourceRubbish) as nothing:
            await source._pool.fetch("DO 1", ())
    assert nothing.value.reason == "SHAPE"


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("date", "20231-01-01"),
        ("date", "0044-03-15 BC"),
        ("timestamp", "20231-01-01 10:00"),
        ("timestamptz", "0001-01-01 00:00+08"),
        ("time", "24:00"),
    ],
)
async def test_a_moment_that_python_cannot_hold_rejects_its_own_row(
    postgresql: Database, kind: str, cell: str
) -> None:
    await postgresql.execute(PENALTY_TABLE.replace("decided varchar(20)", f"decided {kind}"))
    for document, moment in (("1", f"'{cell}'"), ("2", "NULL"), ("3", "'2024-03-01 10:00'")):
        await postgresql.execute(f"INSERT INTO penalty VALUES ('{PERSON}', '{document}', '', '', {moment})")
    plain = ["2"] if kind == "time" else ["2", "3"]
    async with source_of(postgresql) as source:
        for trace in ("", "t1"):
            answer = await source.fetch(replace(QUICK, trace=trace))
            rows = answer.rows[QUICK.keys[0]]
            assert [row.values["documentNo"] for row in rows] == plain
            assert {reject.column for reject in answer.rejects[QUICK.keys[0]]} == {"decided"}


@pytest.mark.postgresql
async def test_no_end_and_the_last_second_of_the_calendar_are_open_ended(postgresql: Database) -> None:
    await postgresql.execute(PENALTY_TABLE.replace("decided varchar(20)", "decided timestamptz"))
    for moment in ("infinity", "9999-12-31 23:59:59+00"):
        await postgresql.execute(f"INSERT INTO penalty VALUES ('{PERSON}', '', '', '', '{moment}')")
    async with source_of(postgresql) as source:
        answer = await source.fetch(QUICK)
    found = [row.controls[Role.DETERMINED_ON] for row in answer.rows[QUICK.keys[0]]]
    assert found == [OPEN_ENDED, OPEN_ENDED]


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
async def test_days_that_the_server_makes_of_moments_are_those_of_china(
    dialect: str, server: Database
) -> None:
    """A view of the department that casts a moment to a day: whose day is the session's time zone."""
    kind, made = (
        ("timestamptz", "to_timestamp") if dialect == "postgresql" else ("timestamp", "from_unixtime")
    )
    await server.execute(
        f"CREATE TABLE moments (id_no varchar(18), at {kind} NOT NULL)",
        f"INSERT INTO moments VALUES ('{PERSON}', {made}(1735761600))",  # 20:00 UTC on the first
        "CREATE VIEW days AS SELECT id_no, CAST(at AS date) AS decided FROM moments",
    )
    record = penalty_source(table="days", fields={})
    source = SqlSource(manifest_of({"P-TT-01": record}), small_catalogue(), server.url)
    try:
        (row,) = (await source.fetch(QUICK)).rows[QUICK.keys[0]]
    finally:
        await source.close()
    assert row.controls[Role.DETERMINED_ON] == PartialDate.of(2025, 1, 2)


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


@pytest.mark.postgresql
async def test_a_table_that_was_changed_is_read_anew(postgresql: Database) -> None:
    """Statements stay prepared, but not longer than the columns are what they were."""
    await filled(postgresql)
    async with source_of(postgresql, pool=1) as source:
        for width in (50, 60, 70):
            answer = await source.fetch(QUICK)
            assert len(answer.rows[QUICK.keys[0]]) == 1
            await postgresql.execute(f"ALTER TABLE penalty ALTER document_no TYPE varchar({width})")
        await postgresql.execute("ALTER TABLE penalty ALTER document_no TYPE text")
        assert len((await source.fetch(QUICK)).rows[QUICK.keys[0]]) == 1


@pytest.mark.postgresql
async def test_a_session_keeps_few_statements_however_many_column_sets_are_asked(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sql.postgresql._PREPARED_KEPT", 3)
    await filled(postgresql)
    async with source_of(postgresql, pool=1) as source:
        for number in range(8):
            await source._pool.fetch(f"SELECT {number} WHERE $1 <> ''", ("x",))
        (kept,) = await source._pool.fetch("SELECT count(*) FROM pg_prepared_statements", ())
    assert 0 < int(str(kept[0])) <= 4
