"""Without the log there is no read: every way a store can fail, on real stores."""

import asyncio
import signal
import socket
import sqlite3
import sys
import threading
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from authz.audit import AuditLog, Count
from authz.errors import AuditUnavailable, ConfigurationError
from authz.store import Store
from tests.support.audit_logs import KEYS, ORIGIN, audit_log, intent, outcome
from tests.support.databases import Database

ROOT = Path(__file__).parents[2]


def _path(database: Database) -> Path:
    return Path(str(make_url(database.url).database))


async def test_a_killed_process_leaves_the_intent_without_an_outcome(own_database: Database) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.audit_child",
        own_database.url,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout
    assert await asyncio.wait_for(child.stdout.readline(), 30) == b"0\n"
    child.send_signal(signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL
    async with audit_log(own_database.url) as log:
        assert [leaf.event["phase"] async for leaf in log.read()] == ["INTENT"]
        assert (await log.verify()).fault is None
        assert (await log.intent(intent())).index == 1


async def test_a_log_that_is_not_running_takes_nothing(own_database: Database) -> None:
    async with Store(own_database.url) as store:
        log = AuditLog(store, KEYS, ORIGIN)
        with pytest.raises(AuditUnavailable):
            await log.intent(intent())
        async with log:
            ref = await log.intent(intent())
        with pytest.raises(AuditUnavailable):
            await log.outcome(ref, outcome())


async def test_what_waits_when_the_log_stops_is_written(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        calls = [asyncio.create_task(log.intent(intent())) for _ in range(5)]
        await asyncio.sleep(0)
    assert sorted(ref.index for ref in await asyncio.gather(*calls)) == [0, 1, 2, 3, 4]


class Holder:
    """Another program that holds the store's writer lock."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def __aenter__(self) -> None:
        if self.database.engine == "sqlite":
            self.file = sqlite3.connect(_path(self.database), isolation_level=None)
            self.file.execute("BEGIN IMMEDIATE")
        else:
            url = make_url(self.database.url).set(drivername="postgresql")
            self.connection = await asyncpg.connect(url.render_as_string(hide_password=False))
            await self.connection.execute("BEGIN; LOCK TABLE audit_leaf IN ACCESS EXCLUSIVE MODE")

    async def __aexit__(self, *_: object) -> None:
        if self.database.engine == "sqlite":
            self.file.close()
        else:
            await self.connection.close()


async def test_a_locked_store_means_no_answer_and_then_recovers(own_database: Database) -> None:
    async with audit_log(own_database.url, store_patience=1.0) as log:
        ref = await log.intent(intent())
        async with Holder(own_database):
            with pytest.raises(AuditUnavailable):
                await log.outcome(ref, outcome())
        await log.outcome(ref, outcome())
        assert (await log.verify()).leaves == 2


async def test_waiting_is_bounded_in_number_and_in_time(own_database: Database) -> None:
    async with audit_log(own_database.url, store_patience=30.0, capacity=2, patience=0.2) as log:
        async with Holder(own_database):
            calls = asyncio.gather(*(log.intent(intent()) for _ in range(10)), return_exceptions=True)
            answers = await asyncio.wait_for(calls, 60)
        assert all(isinstance(answer, AuditUnavailable) for answer in answers)
    async with audit_log(own_database.url) as log:
        assert (await log.verify()).leaves < 10, "those beyond the bound never reached the writer"


async def test_counts_outlive_a_failed_flush(own_database: Database) -> None:
    async with audit_log(own_database.url, store_patience=1.0) as log:
        log.public_read(["E-SC-01"])
        async with Holder(own_database):
            with pytest.raises(AuditUnavailable):
                await log.flush()
        await log.flush()
        (leaf,) = [leaf async for leaf in log.read()]
        assert leaf.event["counts"] == {Count.PUBLIC_READ: {"E-SC-01": 1}}


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_removed_sqlite_file_takes_no_more_events(sqlite: Database, replaced: bool) -> None:
    async with audit_log(sqlite.url) as log:
        await log.intent(intent())
        _path(sqlite).rename(_path(sqlite).with_suffix(".gone"))
        if replaced:
            _path(sqlite).touch()
        for _ in range(2):
            with pytest.raises(AuditUnavailable):
                await log.intent(intent())


async def test_a_store_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_bytes(b"not a database " * 100)
    before = set(threading.enumerate())
    for url in (f"sqlite:///{rubbish}", f"sqlite:///{tmp_path}"):
        with pytest.raises(ConfigurationError, match="STORE_UNAVAILABLE"):
            async with audit_log(url):
                pass
    # aiosqlite does not wait for the thread of a connection that failed, which still reports to this loop
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=60)


@pytest.mark.postgresql
async def test_a_database_that_does_not_exist_stops_the_start(postgresql: Database) -> None:
    with pytest.raises(ConfigurationError, match="STORE_UNAVAILABLE"):
        async with audit_log(f"{postgresql.url}_none"):
            pass


async def test_a_closed_port_stops_the_start() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ConfigurationError, match="STORE_UNAVAILABLE"):
        async with audit_log(f"postgresql://postgres@127.0.0.1:{port}/none"):
            pass


@pytest.mark.postgresql
async def test_a_terminated_backend_is_replaced_and_the_chain_goes_on(postgresql: Database) -> None:
    async with audit_log(postgresql.url) as log:
        ref = await log.intent(intent())
        await postgresql.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await log.outcome(ref, outcome())
        verified = await log.verify()
        assert (verified.leaves, verified.fault) == (2, None)


@pytest.mark.postgresql
async def test_a_dropped_table_means_no_answer(postgresql: Database) -> None:
    async with audit_log(postgresql.url) as log:
        ref = await log.intent(intent())
        await postgresql.execute("DROP TABLE audit_leaf")
        with pytest.raises(AuditUnavailable):
            await log.outcome(ref, outcome())
        with pytest.raises(AuditUnavailable):
            await log.verify()
        with pytest.raises(AuditUnavailable):
            [leaf async for leaf in log.read()]
