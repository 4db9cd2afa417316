import sqlite3
from pathlib import Path
from threading import Timer

import pytest

from authz.audit.tables import audit_leaf
from authz.errors import ConfigurationError
from authz.store import Store
from tests.support.databases import Database


@pytest.mark.parametrize(
    ("code", "url"),
    [
        ("STORE_URL", "mysql://root:hidden@127.0.0.1/x"),
        ("STORE_URL", "hidden"),
        ("STORE_URL", ""),
        ("STORE_MEMORY", "sqlite://"),
        ("STORE_MEMORY", "sqlite:///:memory:"),
    ],
)
def test_a_store_that_cannot_serve_is_refused_without_its_password(code: str, url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Store(url)
    assert refused.value.code == code
    assert "hidden" not in str(refused.value)


async def test_sqlite_survives_a_power_cut(sqlite: Database) -> None:
    async with Store(sqlite.url) as store, store.writing() as connection:
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2, "FULL"


@pytest.mark.postgresql
async def test_postgresql_survives_a_power_cut(postgresql: Database) -> None:
    await postgresql.execute(
        "ALTER ROLE CURRENT_USER IN DATABASE " + _name(postgresql) + " SET synchronous_commit = off"
    )
    async with Store(postgresql.url) as store, store.writing() as connection:
        assert (await connection.exec_driver_sql("SHOW synchronous_commit")).scalar() == "on"


def _name(database: Database) -> str:
    return database.url.rpartition("/")[2]


async def test_the_folder_of_a_new_store_is_made(tmp_path: Path) -> None:
    async with Store(f"sqlite:///{tmp_path}/var/lib/store.db") as store:
        await store.prepare()
    assert (tmp_path / "var/lib/store.db").exists()


async def test_a_failed_transaction_leaves_nothing(own_database: Database) -> None:
    async with Store(own_database.url) as store:
        await store.prepare()
        row = {"leaf_index": 0, "payload": b"", "leaf_hash": b"", "root": b""}

        async def write_and_fail() -> None:
            async with store.writing() as connection:
                await connection.execute(audit_leaf.insert(), row)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await write_and_fail()
    assert await own_database.fetch("SELECT * FROM audit_leaf") == []


async def test_a_new_file_becomes_durable_while_another_process_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for statement in ("CREATE TABLE t (a)", "BEGIN", "SELECT * FROM t"):
        reader.execute(statement)
    async with Store(f"sqlite:///{path}", patience=0.01) as store:
        # it turns to WAL once nobody reads, and SQLite itself lets nobody wait for that
        Timer(0.1, reader.close).start()
        await store.prepare()
        async with store.reading() as connection:
            assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
