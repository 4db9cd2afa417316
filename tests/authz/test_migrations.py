"""A store gets its tables by revisions alone, and they make what the program defines."""

import asyncio
import importlib
import pkgutil

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import authz
from authz import migrations
from authz.audit.leaves import canonical
from authz.audit.merkle import leaf_hash
from authz.errors import ConfigurationError
from authz.store import Store, metadata
from tests.support.databases import Database
from tests.support.revisions import HEAD
from tests.support.tampering import chained, fill, set_up_chain, verified

for _module in pkgutil.walk_packages(authz.__path__, "authz."):
    if not _module.name.startswith("authz.migrations."):
        importlib.import_module(_module.name)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_revisions_make_the_tables_that_are_defined(own_database: Database) -> None:
    assert metadata.tables.keys() >= {"audit_leaf", "audit_checkpoint", "consent_use"}
    async with Store(own_database.url) as store:
        assert await store.upgrade() == (None, HEAD)
        assert await store.upgrade() == (HEAD, HEAD)
        async with store.reading() as connection:
            assert await connection.run_sync(_differences) == []


async def test_stores_that_start_together_are_set_up_once(own_database: Database) -> None:
    async def start() -> None:
        async with Store(own_database.url) as store:
            await store.prepare()

    await asyncio.gather(*(start() for _ in range(4)))
    assert await own_database.fetch("SELECT version_num FROM alembic_version") == [(HEAD,)]


@pytest.mark.parametrize("version", [None, "0001"])
async def test_a_chain_becomes_a_tree_that_verifies_and_goes_on(
    own_database: Database, version: str | None
) -> None:
    await set_up_chain(own_database, version)
    await chained(own_database, 2_100)
    async with Store(own_database.url) as store:
        with pytest.raises(ConfigurationError) as refused:
            await store.prepare()
        assert refused.value.code == "STORE_OUTDATED"
        assert "db upgrade" in refused.value.message
        assert await store.upgrade() == (version, HEAD)
        async with store.reading() as connection:
            assert await connection.run_sync(_differences) == []
    await fill(own_database)
    found = await verified(own_database)
    assert (found.leaves, found.fault, found.signed) == (2_106, None, 2_106)
    with pytest.raises(Exception, match="append-only"):
        await own_database.execute("UPDATE audit_leaf SET subject = NULL")


async def test_an_altered_chain_stays_as_it_is(own_database: Database) -> None:
    await set_up_chain(own_database, "0001")
    await chained(own_database, 5)
    payload = canonical({"phase": "COUNTS"})
    await own_database.insert("audit_leaf", [(5, None, payload, leaf_hash(payload), bytes(32))])
    async with Store(own_database.url) as store:
        with pytest.raises(ConfigurationError) as refused:
            await store.upgrade()
    assert refused.value.code == "STORE_DAMAGED"
    assert "Event 5 " in refused.value.message
    assert await own_database.fetch("SELECT version_num FROM alembic_version") == [("0001",)]
    assert len(await own_database.fetch("SELECT chain_hash FROM audit_leaf")) == 6


async def test_a_store_of_a_newer_gateway_is_refused(own_database: Database) -> None:
    async with Store(own_database.url) as store:
        await store.prepare()
        await own_database.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(ConfigurationError) as refused:
            await store.prepare()
    assert refused.value.code == "STORE_UNKNOWN"


async def test_an_empty_store_is_not_taken_for_a_log(own_database: Database) -> None:
    async with Store(own_database.url) as store:
        with pytest.raises(ConfigurationError) as refused:
            await store.require_current()
        assert refused.value.code == "STORE_EMPTY"
        await store.prepare()
        await store.require_current()


def test_a_folder_with_a_percent_sign_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "__file__", "/srv/100%/migrations/__init__.py")
    assert migrations._config().get_main_option("script_location") == "/srv/100%/migrations"
