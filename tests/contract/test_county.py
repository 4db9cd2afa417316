"""The contract over every manifest of the demo county: each record type, on its own database or service."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import pytest_asyncio
import yaml
from sqlalchemy import make_url

from catalogue.identifiers import IdentifierError, KeyKind, SubjectKey
from catalogue.model import Role
from catalogue.strict_yaml import StrictLoader
from connectors.errors import SourceDrift, SourceError
from connectors.protocol import Ask, Source
from connectors.registry import load_sources
from connectors.sql.pool import Pool
from examples.county.tax_service import BUSY_WITH
from resolvers.context import Report
from resolvers.fetching import fetch_all
from tests.support.county import COUNTY, cast, serving_tax, write_county
from tests.support.questions import catalogue
from tests.support.unhurried import UNHURRIED_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANIFESTS = {
    path.stem: yaml.load(path.read_text("utf-8"), StrictLoader)
    for path in sorted((COUNTY / "sources").glob("*.yaml"))
}
TYPES = [(name, code) for name, content in MANIFESTS.items() for code in content["records"]]
IN_DATABASES = [(name, code) for name, code in TYPES if name != "tax"]
NOBODY = {
    KeyKind.CITIZEN_ID: SubjectKey(KeyKind.CITIZEN_ID, "11010519491231002X"),
    KeyKind.USCC: SubjectKey(KeyKind.USCC, "91350100M000100Y43"),
}
EVIL = ("' OR '1'='1", '"; DROP TABLE t; --', "') OR 1=1 --", "%", "{keys}", "\\")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def county(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, dict[str, Source]]]:
    """The county's sources and where their files are."""
    folder = tmp_path_factory.mktemp("contract-county")
    variables = await write_county(folder)
    (folder / "sources").mkdir()
    for name, content in MANIFESTS.items():
        unpaced = {key: value for key, value in content.items() if key != "ratePerSecond"}
        text = yaml.safe_dump(unpaced | {"deadlineMs": UNHURRIED_MS}, allow_unicode=True)
        (folder / "sources" / f"{name}.yaml").write_text(text, "utf-8")
    async with serving_tax(folder) as tax:
        sources = load_sources(folder / "sources", catalogue(), variables | {"COUNTY_TAX_URL": tax})
        yield folder, sources
        for source in sources.values():
            await source.close()


def ask(source: Source, code: str, *keys: SubjectKey, trace: str = "") -> Ask:
    """Every field of the type for those keys that it can be asked by."""
    kinds = source.key_kinds(code)
    known = tuple(dict.fromkeys(key for key in keys if key.kind in kinds))
    return Ask(code, frozenset(catalogue().record_types[code].field_by_name), known, trace)


def everyone(source: Source, code: str) -> Ask:
    """But the one whom the tax bureau is always too busy for."""
    return ask(source, code, *(key for key in cast().values() if key.value != BUSY_WITH))


@pytest.mark.parametrize(("name", "code"), TYPES)
async def test_who_is_not_there_gets_an_empty_answer(county: Any, name: str, code: str) -> None:
    source = county[1][name]
    question = ask(source, code, *NOBODY.values())
    answer = await source.fetch(question)
    assert answer.rows == dict.fromkeys(question.keys, ())
    assert not answer.rejects


@pytest.mark.parametrize(("name", "code"), TYPES)
async def test_rows_name_the_subject_that_they_are_given_to(county: Any, name: str, code: str) -> None:
    source = county[1][name]
    answer = await source.fetch(everyone(source, code))
    for key, rows in answer.rows.items():
        for row in rows:
            held = row.controls.get(Role.KEY)
            read = SubjectKey.person if key.kind is KeyKind.CITIZEN_ID else SubjectKey.entity
            with suppress(IdentifierError):  # a short form names nobody by itself
                assert held is None or read(str(held)) == key
    assert {len(rows) == len({row.identity for row in rows}) for rows in answer.rows.values()} <= {True}


@pytest.mark.parametrize(("name", "code"), TYPES)
async def test_alone_and_together_are_the_same_answer(county: Any, name: str, code: str) -> None:
    source = county[1][name]
    whole = everyone(source, code)
    together = await source.fetch(whole)
    for key in whole.keys[::5]:
        alone = await source.fetch(ask(source, code, key))
        assert alone.rows[key] == together.rows[key]
        assert alone.rejects.get(key) == together.rejects.get(key)


@pytest.mark.parametrize(("name", "code"), TYPES)
async def test_no_key_is_more_than_a_value(county: Any, name: str, code: str) -> None:
    source = county[1][name]
    before = await source.fetch(everyone(source, code))
    for kind in source.key_kinds(code):
        for text in EVIL:
            key = SubjectKey(kind, text.ljust(18, "0"))
            with suppress(SourceError):
                assert (await source.fetch(ask(source, code, key, trace=text))).rows == {key: ()}
    assert (await source.fetch(everyone(source, code))).rows == before.rows


@pytest.mark.parametrize(("name", "code"), TYPES)
async def test_only_what_is_asked_is_read(county: Any, name: str, code: str) -> None:
    source = county[1][name]
    every = catalogue().record_types[code].field_by_name
    key = next(iter(everyone(source, code).keys))
    for field in sorted(MANIFESTS[name]["records"][code]["fields"])[:3]:
        rows = (await source.fetch(Ask(code, frozenset({field}), (key,)))).rows[key]
        assert all(row.values.keys() == {field} for row in rows)
        assert field in every


@pytest.mark.parametrize(("name", "code"), IN_DATABASES)
async def test_a_table_that_has_gone_is_drift_and_not_silence(
    county: Any, name: str, code: str, tmp_path: Path
) -> None:
    folder, sources = county
    path = Path(copy(folder / f"{name}.db", tmp_path))
    url = make_url(f"sqlite:///{path}").render_as_string(hide_password=False)
    variables = {f"COUNTY_{other.upper()}_URL": "sqlite:///unused.db" for other in MANIFESTS}
    variables |= {f"COUNTY_{name.upper()}_URL": url, "COUNTY_TAX_URL": "http://127.0.0.1:1"}
    with closing(sqlite3.connect(path)) as opened:
        for (table,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            opened.execute(f'ALTER TABLE "{table}" RENAME TO "gone_{table}"')
    broken = load_sources(folder / "sources", catalogue(), variables)[name]
    with pytest.raises(SourceDrift):
        await broken.fetch(everyone(sources[name], code))
    await broken.close()


async def test_a_hundred_subjects_over_eight_types_are_eight_statements(
    county: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = county[1]
    types = [
        (name, code) for name, code in IN_DATABASES if KeyKind.CITIZEN_ID in sources[name].key_kinds(code)
    ][:8]
    people = [SubjectKey(KeyKind.CITIZEN_ID, f"99010119{number:08d}0X") for number in range(100)]
    statements: list[str] = []
    fetch = Pool.fetch

    async def counted(pool: Pool, sql: str, parameters: Any, trace: str = "") -> Any:
        statements.append(sql)
        return await fetch(pool, sql, parameters, trace)

    monkeypatch.setattr(Pool, "fetch", counted)
    asks = {code: ask(sources[name], code, *people) for name, code in types}
    fetched = await fetch_all(asks, {code: (sources[name],) for name, code in types}, Report())
    assert len(statements) == len(asks) == 8
    assert all(len(found.answers[0][1].rows) == 100 for found in fetched.values())
