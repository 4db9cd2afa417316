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
from connectors.trial import Step, Trace, form, synthetic, tried
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
        (Decimal("200.00"), "“999.99”"),
        (date(2026, 3, 4), "“9999-99-99”"),
        (PartialDate.parse("2026-03"), "“9999-99”"),
        (("罚款", "警告"), "[“文文”, “文文”]"),
        (b"\xb2\xe2", "2 bytes"),
        ("x" * 41, f"“{'a' * 40}… (41 characters)”"),
        ("ЖéI", "“文文A”"),
    ],
)
def test_a_form_tells_how_it_is_written_and_not_what(value: object, shown: str) -> None:
    assert form(value) == shown
