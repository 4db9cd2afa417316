"""`source check` finds each deliberate defect of one manifest, on every engine, and shows no value."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.commands import command
from tests.support.databases import Database, throwaway
from tests.support.processes import Home, settle

PERSON = "990101198001010014"
NAME = "嘉纳莉丝"
ID_KEY = {"CITIZEN_ID": {"columns": ["sfzh"]}}
STATUS = {"status": {"column": "zt", "decode": ["trim", {"codes": {"0": "ACTIVE"}}]}}

TABLES = (
    "CREATE TABLE typo (id INTEGER, sfzh VARCHAR(18), xm VARCHAR(50), case_no VARCHAR(50), zt VARCHAR(2),"
    " fbrq VARCHAR(20))",
    "CREATE TABLE unindexed (id INTEGER, sfzh VARCHAR(18), ah VARCHAR(50), zcrq VARCHAR(20), zt VARCHAR(2))",
    "CREATE TABLE no_keys (id INTEGER, sfzh VARCHAR(18), zsbh VARCHAR(50))",
    "CREATE TABLE empty_one (id INTEGER, sfzh VARCHAR(18), zch VARCHAR(50))",
    "CREATE TABLE sound (id INTEGER, sfzh VARCHAR(18), zsbh VARCHAR(50))",
    *(f"CREATE INDEX {table}_key ON {table} (sfzh)" for table in ("typo", "no_keys", "empty_one", "sound")),
    f"INSERT INTO typo VALUES (1, '{PERSON}', '{NAME}', 'x', '0', '2024-06-01')",
    f"INSERT INTO unindexed VALUES (1, '{PERSON}', 'x', 'before the flood', '9')",
    f"INSERT INTO unindexed VALUES (2, '{PERSON}', 'x', '2024-06-01', '9')",
    f"INSERT INTO no_keys VALUES (1, '{NAME}', 'x')",
    f"INSERT INTO sound VALUES (1, '{PERSON}', 'x')",
)
BROKEN: dict[str, Any] = {
    "source": "broken",
    "department": "FY",
    "system": {"zh": "错误示例", "en": "Deliberately broken"},
    "contact": "0914-6000000",
    "connector": "sql",
    "url": "${BROKEN_URL}",
    "records": {
        "P-FY-01": {
            "table": "typo",
            "keys": {"CITIZEN_ID": {"columns": ["sfzh", "zjhm"]}},
            "where": [{"column": "is_del", "op": "is null"}],
            "identity": ["pk"],
            "version": {"by": ["id"], "latest": "gxsj"},
            "fields": {
                "caseNo": {"column": "case_n"},
                "name": {"column": "xm"},
                "publishedOn": {"column": "fbrq", "decode": ["date"]},
            },
            "controls": {"status": {"column": "zhuangtai", "decode": ["trim"]}},
        },
        "P-FY-02": {
            "table": "unindexed",
            "keys": ID_KEY,
            "identity": ["id"],
            "fields": {"orderNo": {"column": "ah"}, "issuedOn": {"column": "zcrq", "decode": ["date"]}},
            "controls": STATUS,
        },
        "P-RS-01": {"table": "no_keys", "keys": ID_KEY, "fields": {"certificateNo": {"column": "zsbh"}}},
        "P-ZJ-01": {
            "table": "empty_one",
            "keys": ID_KEY,
            "fields": {"registrationNo": {"column": "zch"}},
            "controls": {"determinedOn": {"column": "zch", "decode": ["date"]}},
        },
        "P-MZ-02": {"table": "sound", "keys": ID_KEY, "fields": {"recordNo": {"column": "zsbh"}}},
        "P-SF-01": {
            "table": "nowhere",
            "keys": ID_KEY,
            "fields": {"licenceNo": {"column": "zsbh"}},
            "controls": {"determinedOn": {"column": "rdrq", "decode": ["date"]}},
        },
    },
}
EXPECTED = {
    ("warning", "ACCOUNT_CAN_WRITE", "broken.url"),
    ("error", "MANIFEST_COLUMN_MISSING", "broken.records.P-FY-01.fields.caseNo"),
    ("error", "MANIFEST_COLUMN_MISSING", "broken.records.P-FY-01.controls.status"),
    ("error", "MANIFEST_COLUMN_MISSING", "broken.records.P-FY-01.keys.CITIZEN_ID.columns"),
    ("error", "MANIFEST_COLUMN_MISSING", "broken.records.P-FY-01.where"),
    ("error", "MANIFEST_COLUMN_MISSING", "broken.records.P-FY-01.identity"),
    ("error", "MANIFEST_COLUMN_MISSING", "broken.records.P-FY-01.version"),
    ("warning", "KEY_NOT_INDEXED", "broken.records.P-FY-02.keys.CITIZEN_ID"),
    ("warning", "ROWS_REJECTED", "broken.records.P-FY-02"),
    ("error", "ROWS_ALL_REJECTED", "broken.records.P-FY-02"),
    ("error", "KEY_NOT_RECOGNIZED", "broken.records.P-RS-01.keys"),
    ("info", "SOURCE_EMPTY", "broken.records.P-ZJ-01"),
    ("error", "MANIFEST_TABLE_MISSING", "broken.records.P-SF-01"),
    ("warning", "CODES_UNKNOWN", "broken.records.P-FY-02"),
    ("info", "ROWS_SAMPLED", "broken.records.P-RS-01"),
    ("info", "ROWS_SAMPLED", "broken.records.P-FY-02"),
    ("info", "ROWS_SAMPLED", "broken.records.P-MZ-02"),
}
ENGINES = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


def deployed(folder: Path, url: str) -> Home:
    """A deployment whose only source is the broken one."""
    home = settle(folder, {"BROKEN_URL": url})
    for path in home.sources.glob("*.yaml"):
        path.unlink()
    (home.sources / "broken.yaml").write_text(yaml.safe_dump(BROKEN, allow_unicode=True), "utf-8")
    return home


@pytest.mark.parametrize("engine", ENGINES)
async def test_each_defect_is_found(engine: str, tmp_path: Path) -> None:
    async with throwaway(engine, tmp_path) as database:
        await database.execute(*TABLES)
        home = deployed(tmp_path / "home", database.url)
        check = ("source", "check", "-c", home.config)
        result, text = await asyncio.gather(
            command(*check, "--json", env=home.environment),
            command(*check, "broken", env=home.environment),
        )
    assert (result.code, text.code) == (1, 1)
    findings = result.json["broken"]
    named = {(each["level"], each["code"], each["where"]) for each in findings}
    assert {row for row in named if row[1] != "COLUMNS_HASH"} == EXPECTED
    sound = [each["code"] for each in findings if "P-MZ-02" in each["where"]]
    assert sound == ["COLUMNS_HASH", "ROWS_SAMPLED"]
    messages = {each["where"]: each["message"] for each in findings}
    assert "did you mean `case_no`?" in messages["broken.records.P-FY-01.fields.caseNo"]
    rejected = [each["message"] for each in findings if each["code"] == "ROWS_REJECTED"]
    assert sorted(message.partition("(")[2].partition(":")[0] for message in rejected) == ["zcrq", "zt"]
    for _, code, where in EXPECTED:
        assert code in text.out
        assert where.rpartition(".")[2] in text.out
    for value in (PERSON, NAME, "before the flood"):
        assert value not in result.out + result.err + text.out + text.err


async def test_a_database_that_does_not_answer_is_one_finding(tmp_path: Path) -> None:
    home = deployed(tmp_path / "home", "postgresql://nobody:hunter2@127.0.0.1:1/nothing")
    result = await command("source", "check", "-c", home.config, "--json", env=home.environment)
    assert result.code == 1
    (finding,) = result.json["broken"]
    assert (finding["level"], finding["code"]) == ("error", "SOURCE_UNAVAILABLE")
    assert "hunter2" not in result.out + result.err


@pytest.mark.postgresql
async def test_an_account_that_may_not_read_a_column(tmp_path: Path) -> None:
    async with throwaway("postgresql", tmp_path) as database:
        await database.execute(*TABLES)
        role = f"reader_{database.url.rpartition('_')[2]}"
        await reader(database, role)
        try:
            home = deployed(tmp_path / "home", database.url_as(role, "reader"))
            result = await command("source", "check", "-c", home.config, "--json", env=home.environment)
        finally:
            await database.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    found = {(each["code"], each["where"]) for each in result.json["broken"]}
    assert ("ACCOUNT_CAN_WRITE", "broken.url") not in found
    assert ("MANIFEST_COLUMN_MISSING", "broken.records.P-FY-02.fields.orderNo") in found
    assert ("MANIFEST_COLUMN_MISSING", "broken.records.P-FY-02.fields.issuedOn") not in found


async def reader(database: Database, role: str) -> None:
    await database.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader'",
        f"GRANT SELECT ON typo, no_keys, empty_one, sound TO {role}",
        f"GRANT SELECT (id, sfzh, zcrq, zt) ON unindexed TO {role}",
    )
