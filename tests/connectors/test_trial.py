"""A trial shows how each cell was read, as forms; only subjects that do not exist are tried."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from catalogue.identifiers import SubjectKey
from catalogue.values import PartialDate
from connectors.guard import guarded
from connectors.marks import mark
from connectors.protocol import Source
from connectors.sql import SqlSource
from connectors.trial import FEWEST, Reading, Step, Trace, form, sampled, synthetic, tried
from tests.support.authz_parties import person
from tests.support.databases import Database
from tests.support.small_catalogue import (
    COMPANY,
    OTHER,
    PENALTY_TABLE,
    PERSON,
    manifest_of,
    penalty_source,
    small_catalogue,
)

REAL = "11010519491231002X"
"""Printed in GB 11643-1999 itself; of a region that has people."""
TYPE = small_catalogue().record_types["P-TT-01"]


async def opened(database: Database) -> Source:
    await database.execute(PENALTY_TABLE, "CREATE INDEX penalty_id_no ON penalty (id_no)")
    await database.insert(
        "penalty",
        [
            (PERSON, "测罚[2026]1号", "占道", "测试局", "2026年3月4日"),
            (PERSON, "测罚2号", "占道", "测试局", "before the flood"),
            (OTHER, "测罚3号", "占道", "测试局", "2026-03-05"),
        ],
    )
    manifest = manifest_of({"P-TT-01": penalty_source(identity=["document_no"])})
    return guarded(SqlSource(manifest, small_catalogue(), database.url), manifest)


async def test_every_step_is_shown_and_no_value(database: Database) -> None:
    source = await opened(database)
    found = await tried(source, TYPE, SubjectKey.person(PERSON))
    again = await tried(source, TYPE, SubjectKey.person(OTHER))
    await source.close()
    assert (len(found.rows), found.records, found.rejects) == (2, 1, ("decided: DATE_FORMAT",))
    traces = {row: {trace.attribute: trace for trace in read} for row, read in found.rows}
    good, bad = traces[mark("测罚[2026]1号") or ""], traces[mark("测罚2号") or ""]
    assert good["determinedOn"] == Trace(
        "determinedOn", "decided", "“9999年9月9日”", (Step("date", "“9999-99-99”"),)
    )
    assert bad["determinedOn"].steps == (Step("date", "✗ DATE_FORMAT"),)
    assert len(again.rows) == 1  # nothing of the first subject is left
    assert not any(value in repr(found) for value in (PERSON, "2026", "占道", "before", "测罚"))


async def test_a_row_that_names_somebody_else_too_is_not_shown(sqlite: Database) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.insert("penalty", [(PERSON, "测罚1号", "占道", REAL, "2026-03-04")])
    keys = {"CITIZEN_ID": {"columns": ["id_no", "authority"]}}
    manifest = manifest_of({"P-TT-01": penalty_source(keys=keys)})
    source = SqlSource(manifest, small_catalogue(), sqlite.url)
    found = await tried(source, TYPE, SubjectKey.person(PERSON))
    await source.close()
    assert (found.rows, found.records, found.rejects) == ((), 0, ("row: KEY_CONFLICT",))


async def test_nobody_who_exists_is_tried(database: Database) -> None:
    source = await opened(database)
    with pytest.raises(ValueError, match="test region"):
        await tried(source, TYPE, SubjectKey.person(REAL))
    await source.close()


async def of_many(database: Database, subjects: int, rows_each: int) -> Source:
    await database.execute(PENALTY_TABLE)
    rows = [
        (
            person(at % subjects + 1).value,
            "91350100M000100Y43" if at % 2 else "９１３５０１００ＭＡ０１００Ｙ４３１",
            "12"[at % 5 == 0],
            "元万里",
            "2026年3月4日" if at % 4 else "before the flood",
        )
        for at in range(subjects * rows_each)
    ]
    await database.insert("penalty", [*rows, (COMPANY, "企罚1号", "9", "局", "2026")])
    record = penalty_source()
    codes = {"codes": {"1": "ACTIVE", "2": "REVOKED"}}
    record["controls"]["status"] = {"column": "reason", "decode": [codes]}
    manifest = manifest_of({"P-TT-01": record})
    return guarded(SqlSource(manifest, small_catalogue(), database.url), manifest)


async def test_a_sample_tells_forms_of_columns_and_neither_values_nor_rows(database: Database) -> None:
    source = await of_many(database, 2 * FEWEST, 1)
    found = await sampled(source, "P-TT-01", 200)
    await source.close()
    by: dict[str, list[Reading]] = {}
    for each in found.readings:
        by.setdefault(each.trace.attribute, []).append(each)
    assert (found.rows, found.refused) == (20, 5)
    refused, read = by["determinedOn"]
    assert (refused.trace.steps, refused.count) == ((Step("date", "✗ DATE_FORMAT"),), 5)
    steps = (Step("date", "“9999-99-99”"),)
    assert read == Reading(Trace("determinedOn", "decided", "“9999年9月9日”", steps), 15)
    # what share of the records is revoked is a statistic
    assert by["status"] == [Reading(Trace("status", "reason", "“9”", (Step("codes", "a word"),)), 20)]
    # where its letters stand would tell of a known number whether it is there
    assert [(each.trace.cell, each.count) for each in by["documentNo"]] == [("“18 mixed”", 20)]
    trimmed = (Step("trim", "“文文文”"),)
    assert by["authority"] == [Reading(Trace("authority", "authority", "“文文文”", trimmed), 20)]
    assert not any(value in repr(found) for value in ("9901", "2026", "before", "京", "REVOKED", "万"))


async def test_of_a_few_subjects_a_sample_tells_nothing_not_even_that_they_are_there(
    sqlite: Database,
) -> None:
    source = await of_many(sqlite, FEWEST - 1, 4)
    few = await sampled(source, "P-TT-01", 200)
    await sqlite.execute("DELETE FROM penalty")
    assert few == await sampled(source, "P-TT-01", 200)
    assert (few.rows, few.readings) == (0, ())
    await source.close()


@pytest.mark.parametrize(
    ("key", "is_synthetic"),
    [
        (SubjectKey.person(PERSON), True),
        (SubjectKey.person(REAL), False),
        (SubjectKey.entity(COMPANY), True),
        (SubjectKey.entity("91350100M000100Y43"), False),
    ],
)
def test_the_test_region(key: SubjectKey, is_synthetic: bool) -> None:
    assert synthetic(key) is is_synthetic


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true or false"),
        ("测试甲 a1B２", "“文文文 a9A９”"),
        ("0.5万元", "“9.9万元”"),
        ("万元日", "“文文文”"),
        ("\ue000\U000323b0", "“文文”"),
        (Decimal("200.00"), "“999.99”"),
        (date(2026, 3, 4), "“9999-99-99”"),
        (PartialDate.parse("2026-03"), "“9999-99”"),
        (("罚款", "警告"), "[“文文”, “文文”]"),
        (b"\xb2\xe2", "2 bytes"),
        ("x" * 41, f"“{'a' * 40}… (41 characters)”"),
        ("ЖéI", "“文文A”"),
        ("\x1b[2J\n\u202e", "“\\x1b[9A\\n\\u202e”"),
    ],
)
def test_a_form_tells_how_it_is_written_and_not_what(value: object, shown: str) -> None:
    assert form(value) == shown
