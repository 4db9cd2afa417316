"""What `extensions.sources` says of rows that were left out, and of whom it says nothing."""

from __future__ import annotations

import pytest

from catalogue.identifiers import SubjectKey
from connectors.protocol import Ask
from connectors.sql import SqlSource
from resolvers.context import Report
from resolvers.fetching import fetch_all
from tests.support.databases import Database
from tests.support.small_catalogue import (
    PENALTY_TABLE,
    PERSON,
    manifest_of,
    penalty_source,
    small_catalogue,
)

TYPE = "P-TT-01"


@pytest.mark.parametrize(
    ("decided", "confirmed", "told"),
    [
        ("before the flood", True, ("PARTIAL", "ROWS_REJECTED", 1)),
        # an unconfirmed number must not be told apart from one that nobody has (ruling 3)
        ("before the flood", False, ("OK", None, 0)),
        ("2026-01-02", True, ("OK", None, 0)),
    ],
)
async def test_rows_left_out_are_told_of_confirmed_subjects_only(
    sqlite: Database, decided: str, confirmed: bool, told: tuple[str, str | None, int]
) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.insert("penalty", [(PERSON, "罚1号", "", "", decided)])
    source = SqlSource(manifest_of({TYPE: penalty_source()}), small_catalogue(), sqlite.url)
    ask = Ask(TYPE, frozenset({"documentNo"}), (SubjectKey.person(PERSON),))
    report = Report()
    await fetch_all({TYPE: ask}, {TYPE: (source,)}, report, confirmed=confirmed)
    await source.close()
    (entry,) = report.sources
    assert (entry.state, entry.reason, entry.rejected) == told


async def test_the_row_cap_is_told_too(sqlite: Database) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.insert("penalty", [(PERSON, f"罚{n}号", "", "", "2026-01-02") for n in range(3)])
    source = SqlSource(manifest_of({TYPE: penalty_source(rowCap=2)}), small_catalogue(), sqlite.url)
    ask = Ask(TYPE, frozenset({"documentNo"}), (SubjectKey.person(PERSON),))
    report = Report()
    await fetch_all({TYPE: ask}, {TYPE: (source,)}, report)
    await source.close()
    (entry,) = report.sources
    assert (entry.state, entry.reason, entry.rejected) == ("PARTIAL", "ROW_CAP", 0)
