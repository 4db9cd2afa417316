"""What a read left out: PARTIAL in the answer, a count in the metrics, a ticket for the steward."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from catalogue.identifiers import SubjectKey
from connectors.marks import mark
from gateway.app import create_app
from gateway.deployment import deploy
from gateway.settings import load_settings
from tests.support.commands import command
from tests.support.databases import Database, throwaway
from tests.support.http import served
from tests.support.processes import METRICS_TOKEN, Home, Reply, ask
from tests.support.strangers import TESTED

NAME = "测试甲"
MINE = """{ me { person { administration { administrativePenalties {
  state reason records { documentNo } } } } } }"""
MANIFEST: dict[str, Any] = {
    "source": "culture",
    "department": "WL",
    "system": {"zh": "文化执法系统", "en": "Culture enforcement"},
    "contact": "0914-6000000",
    "connector": "sql",
    "url": "${CULTURE_URL}",
    "records": {
        "P-FG-03": {
            "table": "cf",
            "keys": {"CITIZEN_ID": {"columns": ["sfzh"]}},
            "identity": ["bh"],
            "fields": {
                "documentNo": {"column": "wh", "decode": ["documentNo"]},
                "name": {"column": "xm"},
                "determinedOn": {"column": "rq", "decode": ["date"]},
            },
        }
    },
}
ROWS = [
    ("C1", TESTED, NAME, "测罚1号", "2026-03-04"),
    ("C2", TESTED, NAME, "测罚2号", "before the flood"),
    ("C3", TESTED, "同号他人", "测罚3号", "2026-03-05"),
    ("C4", TESTED, NAME, "测罚4号", None),
]
TICKETS = {("DATE_FORMAT", "rq", "C2"), ("IDENTITY_CONFLICT", "", "C3"), ("CLOCK_MISSING", "", "C4")}


async def read(home: Home, database: Database, times: int = 1) -> tuple[Reply, str]:
    """The person looks at what the department holds; the answer, and the metrics behind it."""
    settings = load_settings(home.config, environ={})
    environment = home.environment | {"CULTURE_URL": database.url}
    async with served(create_app(deploy(settings, environment))) as url:
        for _ in range(times):
            reply = await ask(url, MINE, token=home.token("citizen-app", SubjectKey.person(TESTED)))
        return reply, await metrics(url)


async def metrics(url: str) -> str:
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{url}/metrics") as response:
        return await response.text()


async def filled(database: Database) -> None:
    await database.execute(
        "CREATE TABLE cf (bh TEXT PRIMARY KEY, sfzh TEXT, xm TEXT, wh TEXT, rq TEXT)",
        "CREATE INDEX cf_sfzh ON cf (sfzh)",
    )
    await database.insert("cf", ROWS)


@pytest.fixture
def connected(police_home: Home) -> Home:
    path = police_home.sources / "culture.yaml"
    path.write_text(yaml.safe_dump(MANIFEST, allow_unicode=True), "utf-8")
    return police_home


async def test_what_is_left_out_becomes_a_ticket(connected: Home, tmp_path: Path) -> None:
    async with throwaway("sqlite", tmp_path) as database:
        await filled(database)
        reply, counted = await read(connected, database, times=2)
        report = ("source", "report", "culture", "-c", connected.config)
        environment = connected.environment | {"CULTURE_URL": database.url}
        listed = await command(*report, "--json", env=environment)
        sheet = await command(*report, "--csv", env=environment)
        text = await command(*report, env=environment)
    section = reply.data["me"]["person"]["administration"]["administrativePenalties"]
    assert (section["state"], section["reason"]) == ("PARTIAL", "IDENTITY_CONFLICT")
    assert section["records"] == [{"documentNo": "测罚1号"}]
    (told,) = [each for each in reply.body["extensions"]["sources"] if each["source"] == "culture"]
    assert (told["state"], told["reason"], told["rejected"]) == ("PARTIAL", "ROWS_REJECTED", 1)
    assert 'gateway_rows_rejected_total{source="culture"} 2.0' in counted
    found = {(each["reason"], each["column"], each["row"]) for each in listed.json}
    assert found == {(reason, column, mark(row)) for reason, column, row in TICKETS}
    assert {(each["count"], each["department"], each["recordType"]) for each in listed.json} == {
        (2, "WL", "P-FG-03")
    }
    rows = list(csv.DictReader(io.StringIO(sheet.out.removeprefix("\ufeff"))))
    assert {(row["reason"], row["column"], row["row"]) for row in rows} == found
    assert all(reason in text.out for reason, _, _ in TICKETS)
    for value in (TESTED, NAME, "同号他人", "before the flood", "测罚"):
        assert value not in listed.out + sheet.out + text.out
    store = (connected.folder / "gateway.db").read_bytes()
    assert not any(value.encode() in store for value in ("before the flood", "同号他人", "测罚2号"))


async def test_a_source_that_changed_its_columns_becomes_a_ticket(connected: Home, tmp_path: Path) -> None:
    async with throwaway("sqlite", tmp_path) as database:
        await filled(database)
        await database.execute("ALTER TABLE cf RENAME COLUMN rq TO jdrq")
        reply, _ = await read(connected, database)
        out = tmp_path / "tickets.csv"
        environment = connected.environment | {"CULTURE_URL": database.url}
        report = ("source", "report", "--department", "WL", "--out", out, "-c", connected.config)
        result = await command(*report, env=environment)
    section = reply.data["me"]["person"]["administration"]["administrativePenalties"]
    assert section["state"] == "UNAVAILABLE"
    assert result.code == 0, result.err
    (row,) = csv.DictReader(io.StringIO(out.read_text("utf-8-sig")))
    assert (row["reason"], row["row"], row["count"]) == ("SOURCE_DRIFT", "", "1")


async def test_nothing_to_correct(connected: Home, tmp_path: Path) -> None:
    environment = connected.environment | {"CULTURE_URL": "sqlite:///unused.db"}
    upgraded = await command("db", "upgrade", "-c", connected.config)
    assert upgraded.code == 0, upgraded.err
    report = ("source", "report", "-c", connected.config)
    assert "Nothing to correct" in (await command(*report, env=environment)).out
    (await command(*report[:2], "nobody", *report[2:], env=environment)).refused("SOURCE_UNKNOWN", "culture")
