"""`source introspect` as an engineer runs it: a draft, no secret said, and its records in the graph."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from catalogue.identifiers import SubjectKey
from gateway.app import create_app
from gateway.deployment import deploy
from gateway.settings import load_settings
from tests.support.commands import command
from tests.support.databases import Database, throwaway
from tests.support.http import served
from tests.support.processes import Home, ask
from tests.support.strangers import CANARIES, OTHERS, PINYIN, TESTED, fill_commented
from tests.support.unhurried import unhurried

MINE = """{ me { person { administration { administrativePenalties {
  state reason records { documentNo fineBand determinedOn provenance { system } } } } } } }"""


async def test_from_an_unknown_database_to_records_in_the_graph(police_home: Home, tmp_path: Path) -> None:
    async with throwaway("sqlite", tmp_path) as database:
        await PINYIN.fill(database)
        manifest = police_home.sources / "culture.yaml"
        options = ("--source", "culture", "--out", manifest, "-c", police_home.config)
        drafted = await command("source", "introspect", database.url, *options)
        assert drafted.code == 0, drafted.err
        assert "1 record types drafted: P-FG-03" in drafted.err
        # the one edit: the system's name
        text = manifest.read_text("utf-8")
        named = re.sub(r"system: .*", "system: {zh: 文化执法系统, en: Culture enforcement}", text)
        manifest.write_text(unhurried(named), "utf-8")
        environment = police_home.environment | {"CULTURE_URL": database.url}
        check = await command("source", "check", "culture", "-c", police_home.config, env=environment)
        assert check.code == 0, check.out
        settings = load_settings(police_home.config, environ={})
        async with served(create_app(deploy(settings, environment))) as url:
            token = police_home.token("citizen-app", SubjectKey.person(TESTED))
            reply = await ask(url, MINE, token=token)
    section = reply.data["me"]["person"]["administration"]["administrativePenalties"]
    assert section["state"] == "OK"
    assert section["records"] == [
        {
            "documentNo": f"测文罚〔{year}〕0号",
            "fineBand": "≤1000元",
            "determinedOn": f"{year}-03-04",
            "provenance": {"system": "文化执法系统"},
        }
        for year in (2025, 2024)
    ]
    assert not [value for value in CANARIES if value in drafted.out + drafted.err + check.out + text]


async def test_without_a_file_the_draft_goes_to_standard_output(tmp_path: Path) -> None:
    async with throwaway("sqlite", tmp_path) as database:
        await PINYIN.fill(database)
        plain = await command("source", "introspect", database.url, cwd=tmp_path)
        told = await command(
            "source", "introspect", database.url, "--json", "-t", "t_xzcf_2024", cwd=tmp_path
        )
    assert "records:\n  P-FG-03:" in plain.out
    assert told.json["records"] == {"P-FG-03": "T_XZCF_2024"}
    assert told.json["passedOver"] == {}
    assert not any(person in plain.out + plain.err for person in OTHERS)


async def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    out.write_text("mine", "utf-8")
    result = await command("source", "introspect", "sqlite:///x.db", "--out", out)
    result.refused("FILE_EXISTS", "--force")
    assert out.read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["postgresql://reader:hunter2@127.0.0.1/x"], "URL_HOLDS_PASSWORD"),
        ([], "URL_MISSING"),
        (["--url-env", "NOBODY_SET_THIS"], "URL_MISSING"),
        (["hunter2"], "MANIFEST_URL"),
        (["sqlite:///nowhere.db"], "MANIFEST_URL"),
        (["postgresql://reader@127.0.0.1:1/x"], "SOURCE_UNAVAILABLE"),
        (["sqlite:///x.db", "--department", "QQ"], "DEPARTMENT_UNKNOWN"),
    ],
)
async def test_what_cannot_be_looked_at_is_one_line(arguments: list[str], code: str, tmp_path: Path) -> None:
    result = await command("source", "introspect", *arguments, cwd=tmp_path)
    result.refused(code)
    assert "hunter2" not in result.err


@pytest.mark.postgresql
async def test_a_password_comes_by_variable_and_is_not_repeated(tmp_path: Path) -> None:
    async with throwaway("postgresql", tmp_path) as database:
        await fill_commented(database)
        role = f"reader_{database.url.rpartition('_')[2]}"
        await database.execute(
            f"CREATE ROLE {role} LOGIN PASSWORD 'hunter2'",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        )
        try:
            url = database.url_as(role, "hunter2")
            result = await command(
                "source", "introspect", "--url-env", "FIRE_URL", cwd=tmp_path, env={"FIRE_URL": url}
            )
        finally:
            await drop(database, role)
    assert "E-XF-01" in result.out
    assert "url: ${FIRE_URL}" in result.out
    assert "hunter2" not in result.out + result.err


async def drop(database: Database, role: str) -> None:
    await database.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
