"""双公示: a department's own database counts decisions by day; no subject and no decision leaves it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from catalogue.loader import load_catalogue
from connectors.errors import ManifestError, SourceRubbish, SourceTimeout
from connectors.guard import guarded
from connectors.manifest import Manifest
from connectors.protocol import Tallies
from connectors.rules import verify
from connectors.sql import SqlSource, counting
from connectors.sql.counting import Counting
from connectors.sql.engine import DIALECTS
from connectors.sql.reader import Reader
from tests.support.databases import Database
from tests.support.small_catalogue import COMPANY, manifest_of

CATALOGUE = load_catalogue()
OCTOBER = date(2026, 10, 1)
RECORD: dict[str, Any] = {
    "table": "cf",
    "keys": {"USCC": {"columns": ["dm"]}},
    "identity": ["id"],
    "version": {"by": ["id"], "latest": "sjc"},
    "fields": {
        "documentNo": {"column": "wh"},
        "name": {"column": "mc"},
        "uscc": {"column": "dm", "decode": ["uscc"]},
        "authority": {"column": "jg"},
        "determinedOn": {"column": "rq", "decode": ["date"]},
    },
    "publicity": {
        "publishedOn": {"column": "sjc", "first": 10},
        "department": {"column": "jg", "codes": {"市监局": "SC", "城管局": "ZJ"}},
        "where": [{"column": "lb", "op": "=", "value": "法人"}],
    },
}
ROWS = [
    ("1", "2026-10-12", "'2026-10-14 09:00:01'", "市监局", "法人"),
    ("1", "2026-10-12", "'2026-11-30 09:00:01'", "市监局", "法人"),  # withdrawn later: published in October
    ("2", "2026年10月12日", "'2026-10-14 17:30:00'", "市监局", "法人"),
    ("3", "2026/10/9", "NULL", "城管局", "法人"),
    ("4", "20261009", "'2026-11-02 00:00:00'", "其他单位", "法人"),
    ("5", "2026-10-32", "'2026-11-02 00:00:00'", "城管局", "法人"),
    ("6", "2026-10-12", "'2026-10-14 00:00:00'", "市监局", "自然人"),
    ("7", "2026-09-30", "'2026-10-14 00:00:00'", "市监局", "法人"),
    ("8", "2026-1-12", "'2026-10-14 00:00:00'", "市监局", "法人"),
]


def manifest(changes: Mapping[str, Any] | None = None, **of_record: Any) -> Manifest:
    publicity = RECORD["publicity"] | (changes or {})
    return manifest_of({"E-FG-03": RECORD | {"publicity": publicity} | of_record}, department="FG")


@pytest.fixture
async def filled(database: Database) -> Database:
    text, moment = "varchar(40)", "timestamp" if database.engine == "postgresql" else "datetime"
    await database.execute(
        f"CREATE TABLE cf (id {text}, dm {text}, mc {text}, wh {text}, jg {text}, lb {text}, rq {text},"
        f" sjc {moment} NULL)"
    )
    await database.execute(
        *(
            f"INSERT INTO cf VALUES ('{serial}', '{COMPANY}', '测试有限公司', '{serial}号', '{authority}',"
            f" '{kind}', '{determined}', {sent})"
            for serial, determined, sent, authority, kind in ROWS
        )
    )
    return database


async def counted(found: Database, written: Manifest) -> Tallies:
    source = guarded(SqlSource(written, CATALOGUE, found.url), written)
    try:
        return await source.tallies("E-FG-03", OCTOBER)
    finally:
        await source.close()


async def test_decisions_of_a_month_are_counted_by_department_and_days(filled: Database) -> None:
    found = await counted(filled, manifest())
    told = Counter(
        {(one.department, one.determined_on, one.published_on): one.decisions for one in found.tallies}
    )
    assert told == {
        ("SC", date(2026, 10, 12), date(2026, 10, 14)): 2,
        ("ZJ", date(2026, 10, 9), None): 1,
        ("", date(2026, 10, 9), date(2026, 11, 2)): 1,
    }
    assert found.unread == 1


async def test_without_a_column_they_are_the_source_s_own(filled: Database) -> None:
    found = await counted(filled, manifest({"department": None}))
    assert {one.department for one in found.tallies} == {"FG"}


async def test_cells_that_are_no_days_are_too_many_groups(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_GROUPS", 2)
    with pytest.raises(SourceRubbish) as refused:
        await counted(filled, manifest())
    assert refused.value.reason == "TOO_MANY_GROUPS"


async def test_the_count_has_a_deadline_of_its_own(sqlite: Database) -> None:
    await sqlite.execute(
        "CREATE VIEW cf AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n)"
        " SELECT id, '' dm, '' mc, '' wh, '' jg, '法人' lb, '2026-10-12' rq, NULL sjc FROM n"
    )
    with pytest.raises(SourceTimeout):
        await counted(sqlite, manifest({"deadlineMs": 100}))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_column_of_a_subject_or_a_decision_is_named_but_the_one_that_tells_versions_apart(
    dialect: Any,
) -> None:
    written = manifest()
    reader = Reader(written, DIALECTS[dialect], CATALOGUE.record_types["E-FG-03"], written.records["E-FG-03"])
    sql = Counting(written, DIALECTS[dialect], reader).explain(OCTOBER)
    assert set(re.findall(r"cf\W+(\w+)", sql)) - {"WHERE"} == {"id", "rq", "sjc", "jg", "lb"}
    outer = sql[: sql.index("(SELECT")]
    assert not re.search(r"\b(id|dm|mc|wh)\b", outer)


REFUSED: list[tuple[str, Manifest]] = [
    ("says more", manifest({"publishedOn": {"column": "dm"}})),
    ("says more", manifest({"publishedOn": {"column": "wh"}})),
    ("says more", manifest({"department": {"column": "mc", "codes": {"x": "SC"}}})),
    ("no department", manifest({"department": {"column": "jg", "codes": {"x": "QQ"}}})),
    ("decodes to a day", manifest({"publishedOn": {"column": "sjc", "decode": ["trim"]}})),
    (
        "from one `column`",
        manifest(fields={}, controls={"determinedOn": {"column": "rq", "decode": ["date"]}}),
    ),
    (
        "no law",
        manifest_of({"E-SC-04": RECORD | {"fields": {"listedOn": {"column": "rq", "decode": ["date"]}}}}),
    ),
]


@pytest.mark.parametrize(("why", "written"), REFUSED)
def test_a_count_that_could_tell_more_is_refused(why: str, written: Manifest) -> None:
    written = written.model_copy(update={"department": "FG"})
    with pytest.raises(ManifestError, match=why) as refused:
        verify(written, CATALOGUE)
    assert refused.value.code == "MANIFEST_PUBLICITY"


def test_the_law_sets_a_term_for_licences_and_penalties() -> None:
    verify(manifest(), CATALOGUE)
    assert {code for code, each in CATALOGUE.record_types.items() if each.clocks.publication.within} == {
        "E-FG-02",
        "E-FG-03",
        "P-FG-02",
    }
