"""`credit-gateway audit`: an auditor without any code of ours finds what was done to a log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from authz.keys import generate_keys
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import audit_log, intent, outcome
from tests.support.commands import command
from tests.support.processes import Home

LONG_AGO = datetime(2010, 3, 1, 10, 0, tzinfo=CHINA_TIME)


@pytest.fixture
async def home(home: Home) -> Home:
    """A deployment whose log has four operations: two long ago, one now, one under way."""
    url = f"sqlite:///{home.store}"
    for when, number in ((LONG_AGO, 2), (datetime.now(CHINA_TIME), 1)):
        async with audit_log(url, keys=home.keys, clock=lambda when=when: when) as log:
            for serial in range(number):
                await log.outcome(await log.intent(intent(serial + 1)), outcome())
    async with audit_log(url, keys=home.keys) as log:
        await log.intent(intent())
    return home


@pytest.fixture
def store(home: Home) -> Iterator[sqlite3.Connection]:
    """The store in the hands of somebody with all rights."""
    with closing(sqlite3.connect(home.store, isolation_level=None)) as opened:
        for (trigger,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            opened.execute(f"DROP TRIGGER {trigger}")
        yield opened


async def test_a_whole_log(home: Home) -> None:
    text = await command("audit", "verify", "-c", home.config)
    assert text.code == 0
    assert "7 events are whole, 7 of them signed by 3 checkpoints, 0 erased" in text.out
    found = (await command("audit", "verify", "--json", "-c", home.config)).json
    assert found.pop("head") in text.out
    assert found == {"leaves": 7, "fault": None, "signed": 7, "checkpoints": 3, "erased": 0}


async def test_an_altered_byte_is_located(home: Home, store: sqlite3.Connection) -> None:
    store.execute("UPDATE audit_leaf SET payload = replace(payload, 'S02', 'S03') WHERE leaf_index = 4")
    text = await command("audit", "verify", "-c", home.config)
    assert text.code == 1
    assert text.err == "LEAF event 4 was altered\n"
    assert text.out == "4 events before it are whole\n"
    json = await command("audit", "verify", "--json", "-c", home.config)
    assert json.code == 1
    assert json.json["fault"] == {"kind": "LEAF", "index": 4, "message": "event 4 was altered"}


async def test_a_kept_checkpoint_finds_a_log_that_was_cut_with_its_own(
    home: Home, store: sqlite3.Connection, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.jws"
    kept.write_text((await command("audit", "checkpoint", "-c", home.config)).out)
    store.execute("DELETE FROM audit_leaf WHERE leaf_index > 3")
    store.execute("DELETE FROM audit_checkpoint WHERE size > 4")
    assert (await command("audit", "verify", "-c", home.config)).code == 0
    cut = await command("audit", "verify", "--checkpoint", kept, "-c", home.config)
    assert (cut.code, cut.err) == (1, "TAIL event 4 and those behind it were signed, and are gone\n")


async def test_a_checkpoint_of_somebody_else(home: Home, tmp_path: Path) -> None:
    async with audit_log(f"sqlite:///{tmp_path}/other.db", keys=generate_keys()) as log:
        await log.intent(intent())
        await log.sign()
        other = await log.checkpoint()
        assert other
    kept, rubbish = tmp_path / "kept.jws", tmp_path / "rubbish.jws"
    kept.write_text(other.statement)
    rubbish.write_bytes(b"\xff")
    for file, code in (
        (kept, "CHECKPOINT_INVALID"),
        (rubbish, "FILE_UNREADABLE"),
        (tmp_path / "none", "FILE_UNREADABLE"),
    ):
        (await command("audit", "verify", "--checkpoint", file, "-c", home.config)).refused(code)


async def test_show_lists_operations_and_filters_them(home: Home) -> None:
    everything = (await command("audit", "show", "--json", "-c", home.config)).json
    assert [(each["index"], each["result"], each["returned"]) for each in everything] == [
        (0, "PERMIT", 2),
        (2, "PERMIT", 2),
        (4, "PERMIT", 2),
        (6, "UNANSWERED", 0),
    ]
    first = everything[0]
    assert (first["scenario"], first["case_no"], first["fields"]) == (
        "S02",
        "ZC-2026-0001",
        {"P-FY-01": ["caseNo", "court"]},
    )

    async def indexes(*options: str) -> list[int]:
        shown = await command("audit", "show", "--json", *options, "-c", home.config)
        return [each["index"] for each in shown.json]

    assert await indexes("--result", "UNANSWERED") == [6]
    assert await indexes("--until", "2010-03-01") == [0, 2]
    assert await indexes("--since", "2010-03-02") == [4, 6]
    assert await indexes("--scenario", "S03") == []
    assert await indexes("--organization", first["organization"], "--limit", "2") == [4, 6]
    assert await indexes("--subject", everything[1]["subject"]) == [2]
    table = (await command("audit", "show", "-c", home.config)).out
    assert "ZC-2026-0001" in table
    assert "P-FY-01" in table
    assert "row-17" not in table


async def test_erasing_says_what_it_would_do_and_does_it_on_demand(home: Home) -> None:
    asked = await command("audit", "erase", "-c", home.config)
    assert (asked.code, asked.out.startswith("4 events"), "--apply" in asked.out) == (0, True, True)
    assert (await command("audit", "verify", "--json", "-c", home.config)).json["erased"] == 0
    done = await command("audit", "erase", "--before", "2026-01-01", "--apply", "--json", "-c", home.config)
    assert done.json == {"before": "2026-01-01", "events": 4, "applied": True}
    verified = (await command("audit", "verify", "--json", "-c", home.config)).json
    assert (verified["leaves"], verified["erased"], verified["fault"]) == (8, 4, None)
    shown = (await command("audit", "show", "--json", "-c", home.config)).json
    assert [each["index"] for each in shown] == [4, 6]
    proof = (await command("audit", "prove", "0", "-c", home.config)).json
    assert (proof["leaf"], proof["size"]) == (None, 8)
    early = await command("audit", "erase", "--before", "2999-01-01", "-c", home.config)
    early.refused("RETENTION_NOT_OVER")


async def test_a_checkpoint_can_be_written_now(home: Home, store: sqlite3.Connection) -> None:
    store.execute("DELETE FROM audit_checkpoint")
    (await command("audit", "checkpoint", "-c", home.config)).refused("NOTHING_SIGNED", "--new")
    (await command("audit", "prove", "0", "-c", home.config)).refused("NOTHING_SIGNED", "--new")
    signed = (await command("audit", "checkpoint", "--new", "--json", "-c", home.config)).json
    assert signed["size"] == 7
    assert signed["keyId"] == home.keys.checkpoint_key.kid
    printed = (await command("audit", "checkpoint", "-c", home.config)).out
    assert printed == f"{signed['checkpoint']}\n"


async def test_what_cannot_be_proven(home: Home) -> None:
    (await command("audit", "prove", "7", "-c", home.config)).refused("LEAF_NOT_SIGNED", "signs 7 events")
    (await command("audit", "prove-growth", "8", "-c", home.config)).refused("SIZE_NOT_SIGNED", "1 to 7")


async def test_the_public_keys_are_public(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "keys.json"
    await command("audit", "keys", "--out", out, "-c", home.config)
    (key,) = orjson.loads(out.read_bytes())["keys"]
    assert key["kid"] == home.keys.checkpoint_key.kid
    assert "d" not in key


async def test_an_empty_store_is_not_called_whole(home: Home) -> None:
    home.set(store="sqlite:///misspelt.db")
    (await command("audit", "verify", "-c", home.config)).refused("STORE_EMPTY", "is it the right one?")
