"""What a read left out: PARTIAL in the answer, a count in the metrics, a ticket for the steward."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from authz.audit.leaves import read_leaves
from authz.store import Store
from catalogue.identifiers import SubjectKey
from connectors.marks import mark
from connectors.sql.links import LINKS_PER_KEY
from gateway.app import create_app
from gateway.deployment import deploy
from gateway.settings import load_settings
from tests.support.authz_parties import person
from tests.support.commands import command
from tests.support.databases import Database, throwaway
from tests.support.http import served
from tests.support.processes import METRICS_TOKEN, Home, Reply, ask
from tests.support.strangers import TESTED
from tests.support.unhurried import UNHURRIED_MS

NAME = "测试甲"
MINE = """{ me { person { administration { administrativePenalties {
  state reason records { documentNo } } } } } }"""
MANIFEST: dict[str, Any] = {
    "source": "culture",
    "department": "WL",
    "system": {"zh": "文化执法系统", "en": "Culture enforcement"},
    "contact": "0914-6000000",
    "connector": "sql",
    "deadlineMs": UNHURRIED_MS,
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
    tickets = {each["row"]: each["ticket"] for each in listed.json}
    for reason, blamed, row in TICKETS:
        assert f"  {f'{reason} {blamed}'.rstrip()}, 2×, " in text.out
        assert f"    {tickets[mark(row)]} {mark(row)}\n" in text.out
    assert max(map(len, text.out.splitlines())) <= 80
    for value in (TESTED, NAME, "同号他人", "before the flood", "测罚"):
        assert value not in listed.out + sheet.out + text.out
    store = (connected.folder / "gateway.db").read_bytes()
    assert not any(value.encode() in store for value in ("before the flood", "同号他人", "测罚2号"))


async def test_a_ticket_that_is_closed_leaves_the_list_and_stays_in_the_log(
    connected: Home, tmp_path: Path
) -> None:
    async with throwaway("sqlite", tmp_path) as database:
        await filled(database)
        await read(connected, database)
        before = await reported(connected, database)
        environment = connected.environment | {"CULTURE_URL": database.url}
        (closed,) = (each for each in before if each["reason"] == "DATE_FORMAT")
        line = ("source", "report", "-c", connected.config, "--close", closed["ticket"], "--by", "op-0012")
        (await command(*line, env=environment)).refused("REASON_REQUIRED")
        (await command(*line, "--reason", f"of {TESTED}", env=environment)).refused("PERSONAL_LITERAL")
        assert await reported(connected, database) == before
        done = await command(*line, "--reason", "date corrected", env=environment)
        (await command(*line, "--reason", "again", env=environment)).refused("TICKET_UNKNOWN")
        left = await reported(connected, database)
        await read(connected, database)
        again = await reported(connected, database)
    assert done.code == 0, done.err
    assert left == [each for each in before if each != closed]
    assert {each["ticket"] for each in again} == {each["ticket"] for each in before}
    async with Store(f"sqlite:///{connected.folder}/gateway.db") as store:
        events = [leaf.event async for leaf in read_leaves(store)]
    (event,) = (each for each in events if each.get("act") == "TICKET_CLOSED")
    assert event["reviewer"] == {"clientId": "cli", "operatorRef": "op-0012"}
    assert event["about"] == {
        "column": "rq",
        "fault": "DATE_FORMAT",
        "reason": "date corrected",
        "recordType": "P-FG-03",
        "row": mark("C2"),
        "source": "culture",
        "ticketId": closed["ticket"],
    }


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


async def reported(home: Home, database: Database) -> Any:
    environment = home.environment | {"CULTURE_URL": database.url}
    return (await command("source", "report", "-c", home.config, "--json", env=environment)).json


async def test_a_row_that_confirms_nobody_becomes_a_ticket_of_the_authority(
    connected: Home, tmp_path: Path
) -> None:
    police = Database("sqlite", connected.environment["COUNTY_PSB_URL"])
    await police.execute(f"UPDATE T_CZRK_JBXX SET RYZT = '77' WHERE GMSFHM = '{TESTED}'")
    async with throwaway("sqlite", tmp_path) as database:
        await filled(database)
        reply, _ = await read(connected, database)
        (told,) = await reported(connected, database)
    assert reply.codes == ["SUBJECT_NOT_CONFIRMED"]
    assert (told["source"], told["recordType"]) == ("psb", "P-GA-01")
    assert (told["reason"], told["column"]) == ("CODE_UNKNOWN", "RYZT")
    assert (told["row"], told["count"]) == (mark("1001"), 1)


async def test_an_authority_that_changed_its_columns_gets_a_ticket_too(
    connected: Home, tmp_path: Path
) -> None:
    police = Database("sqlite", connected.environment["COUNTY_PSB_URL"])
    await police.execute("ALTER TABLE T_CZRK_JBXX RENAME COLUMN XM TO XINGMING")
    nowhere = Database("sqlite", f"sqlite:///{tmp_path}/none.db")
    await read(connected, nowhere)
    (told,) = await reported(connected, nowhere)
    assert (told["source"], told["recordType"], told["reason"]) == ("psb", "P-GA-01", "SOURCE_DRIFT")


async def test_a_person_of_more_numbers_than_are_read_has_no_section_that_is_whole(
    connected: Home, tmp_path: Path
) -> None:
    police = Database("sqlite", connected.environment["COUNTY_PSB_URL"])
    former = [(person(number).value, TESTED, "20200101", "1") for number in range(LINKS_PER_KEY + 1)]
    await police.insert("T_GMSFHM_GZ", former)
    async with throwaway("sqlite", tmp_path) as database:
        await filled(database)
        await database.execute("DELETE FROM cf WHERE bh <> 'C1'")
        reply, _ = await read(connected, database)
        (told,) = await reported(connected, database)
    section = reply.data["me"]["person"]["administration"]["administrativePenalties"]
    assert (section["state"], section["reason"]) == ("PARTIAL", "LINK_CAP")
    assert section["records"] == [{"documentNo": "测罚1号"}]
    assert (told["source"], told["reason"], told["row"]) == ("psb", "LINK_CAP", "")


async def test_bad_rows_of_a_delivered_file_are_reported_by_line(police_home: Home, tmp_path: Path) -> None:
    drop = police_home.sources / "drop"
    drop.mkdir()
    lines = ["编号,证件号,文号,日期", f"1,{TESTED},测罚1号,2026-03-04", "2,9.90101E+17,测罚2号,2026-03-05"]
    (drop / "CF_20241101_ALL.csv").write_text("\r\n".join([*lines, "3,短", ""]), "gb18030")
    fields = {
        "documentNo": {"column": "文号"},
        "determinedOn": {"column": "日期", "decode": ["date"]},
    }
    record = {
        "file": {"files": "CF_{date}_{kind}.csv", "record": ["编号"]},
        "keys": {"CITIZEN_ID": {"columns": ["证件号"]}},
        "fields": fields,
    }
    manifest = MANIFEST | {"connector": "file", "url": "file://drop", "records": {"P-FG-03": record}}
    path = police_home.sources / "culture.yaml"
    path.write_text(yaml.safe_dump(manifest, allow_unicode=True), "utf-8")
    nowhere = Database("sqlite", "sqlite:///unused.db")
    reply, _ = await read(police_home, nowhere, times=2)
    listed = await reported(police_home, nowhere)
    assert reply.data["me"]["person"]["administration"]["administrativePenalties"]["state"] == "OK"
    assert {(each["row"], each["reason"], each["column"], each["count"]) for each in listed} == {
        ("CF_20241101_ALL.csv:3", "KEY_INVALID", "证件号", 1),
        ("CF_20241101_ALL.csv:4", "CELLS", "", 1),
    }
    assert "9.90101" not in str(listed)


async def test_nothing_to_correct(connected: Home, tmp_path: Path) -> None:
    environment = connected.environment | {"CULTURE_URL": "sqlite:///unused.db"}
    upgraded = await command("db", "upgrade", "-c", connected.config)
    assert upgraded.code == 0, upgraded.err
    report = ("source", "report", "-c", connected.config)
    assert "Nothing to correct" in (await command(*report, env=environment)).out
    (await command(*report[:2], "nobody", *report[2:], env=environment)).refused("SOURCE_UNKNOWN", "culture")


FIRM = "91990100MA9TE00142"
REGISTER: dict[str, Any] = {
    "source": "register",
    "department": "SC",
    "system": {"zh": "登记库", "en": "Register"},
    "contact": "0914-6000000",
    "connector": "sql",
    "deadlineMs": UNHURRIED_MS,
    "url": "${REGISTER_URL}",
    "identity": {"ENTERPRISE": "E-SC-01"},
    "records": {
        "E-SC-01": {
            "table": "qy",
            "keys": {"USCC": {"columns": ["dm"]}},
            "identity": ["bh"],
            "fields": {"uscc": {"column": "dm", "decode": ["uscc"]}, "name": {"column": "mc"}},
            "controls": {"status": {"column": "zt", "decode": [{"codes": {"1": "ACTIVE", "9": "REVOKED"}}]}},
        }
    },
}
ENTERPRISE = """query Firm($uscc: String!) { enterprise(uscc: $uscc) {
  displayName registration { marketEntityRegistration { state reason records { name } } } } }"""
ONE, TWO = ("R1", FIRM, "茶艺研究会", "1"), ("R2", FIRM, "棋类协会", "1")


@pytest.mark.parametrize(
    ("rows", "name", "reason", "tickets"),
    [
        ([ONE], "茶艺研究会", None, set()),
        ([ONE, (*TWO[:3], "9")], "茶艺研究会", None, set()),
        ([ONE, ("R2", FIRM, " 茶艺研究会", "1")], "茶艺研究会", None, set()),
        ([ONE, TWO], None, "IDENTITY_CONFLICT", {("IDENTITY_CONFLICT", "R1"), ("IDENTITY_CONFLICT", "R2")}),
        ([ONE, (*TWO[:3], "7")], None, "IDENTITY_CONFLICT", {("CODE_UNKNOWN", "R2")}),
    ],
    ids=["one", "a revoked one beside", "one name twice", "two names", "one that cannot be read"],
)
async def test_nobody_is_confirmed_by_a_register_that_is_not_sure(
    police_home: Home,
    tmp_path: Path,
    rows: list[tuple[str, ...]],
    name: str | None,
    reason: str | None,
    tickets: set[tuple[str, str]],
) -> None:
    path = police_home.sources / "register.yaml"
    path.write_text(yaml.safe_dump(REGISTER, allow_unicode=True), "utf-8")
    async with throwaway("sqlite", tmp_path) as database:
        await database.execute("CREATE TABLE qy (bh TEXT PRIMARY KEY, dm TEXT, mc TEXT, zt TEXT)")
        await database.insert("qy", rows)
        environment = police_home.environment | {"REGISTER_URL": database.url}
        settings = load_settings(police_home.config, environ={})
        async with served(create_app(deploy(settings, environment))) as url:
            reply = await ask(url, ENTERPRISE, {"uscc": FIRM})
        listed = await command("source", "report", "--json", "-c", police_home.config, env=environment)
    firm = reply.data["enterprise"]
    section = firm["registration"]["marketEntityRegistration"]
    assert (firm["displayName"], section["reason"]) == (name, reason)
    assert section["state"] == ("UNAVAILABLE" if reason else "OK")
    assert {(each["reason"], each["row"]) for each in listed.json} == {
        (why, mark(row)) for why, row in tickets
    }
    if reason:
        assert {error["extensions"]["code"] for error in reply.body["errors"]} == {"IDENTITY_CONFLICT"}
