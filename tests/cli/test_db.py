"""`credit-gateway db upgrade`, and what other commands say of a store of another version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from authz.store import Store
from tests.cli.conftest import started
from tests.support.commands import command
from tests.support.databases import Database
from tests.support.processes import Home, free_port, serving
from tests.support.revisions import HEAD
from tests.support.tampering import chained, set_up_chain


async def _older(file: Path) -> None:
    """A store as a gateway from before the tree left it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    database = Database("sqlite", f"sqlite:///{file}")
    await set_up_chain(database, None)
    await chained(database, 5)


async def test_an_outdated_store_is_refused_until_it_is_upgraded(home: Home) -> None:
    await _older(home.store)
    for arguments in (("serve",), ("audit", "verify"), ("audit", "show")):
        result = await command(*arguments, "-c", home.config, env={"PORT": str(free_port())})
        result.refused("STORE_OUTDATED", "back it up", "credit-gateway db upgrade")
    upgraded = await command("db", "upgrade", "--json", "-c", home.config)
    assert upgraded.json == {"before": None, "after": HEAD}
    again = await command("db", "upgrade", "-c", home.config)
    assert (again.code, again.out) == (0, f"the store is at revision {HEAD} already\n")
    verified = await command("audit", "verify", "--json", "-c", home.config)
    assert (verified.json["leaves"], verified.json["fault"]) == (5, None)


async def test_serve_sets_up_a_new_store(home: Home) -> None:
    home.set(sources=str(home.folder / "none"))
    (home.folder / "none").mkdir()
    with serving(home):
        async with Store(f"sqlite:///{home.store}") as store:
            await store.require_current()


async def test_a_newer_store_and_none_at_all_are_refused(home: Home) -> None:
    await command("db", "upgrade", "-c", home.config)
    with closing(sqlite3.connect(home.store)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
    (await command("serve", "-c", home.config, env={"PORT": str(free_port())})).refused(
        "STORE_UNKNOWN", "newer"
    )
    home.set(store=f"postgresql://postgres@127.0.0.1:{free_port()}/none")
    result = await command("db", "upgrade", "-c", home.config)
    result.refused("STORE_UNAVAILABLE", "address")


@pytest.mark.parametrize("keys", ["kept", "lacking"])
async def test_the_demo_upgrades_what_an_older_one_left(tmp_path: Path, keys: str) -> None:
    state = tmp_path / "state"
    await _older(state / "gateway.db")
    if keys == "lacking":
        with started(tmp_path / "first"):
            pass
        text = (tmp_path / "first" / "keys.yaml").read_text().splitlines()
        at = next(number for number, line in enumerate(text) if "checkpointSigning" in line)
        (state / "keys.yaml").touch(0o600)
        (state / "keys.yaml").write_text("\n".join([*text[:at], *text[at + 2 :]]))
    with started(state) as demo:
        verified = await command("audit", "verify", "--json", "-c", demo.config)
    assert (verified.json["leaves"], verified.json["fault"]) == (5, None)


async def test_what_is_due_is_counted_first_and_erased_when_told(home: Home) -> None:
    await command("db", "upgrade", "-c", home.config)
    counted = await command("db", "retain", "--json", "-c", home.config)
    assert counted.code == 0, counted.err
    tables = {"rights_case", "record_mark", "check_receipt", "check_outcome", "outbox"}
    assert counted.json == {"applied": False, "rows": dict.fromkeys(tables, 0)}
    erased = await command("db", "retain", "--apply", "-c", home.config)
    assert (erased.code, erased.out.count("erased")) == (0, len(tables))
