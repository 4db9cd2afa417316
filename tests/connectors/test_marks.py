"""A mark leads a department to its row, and nobody else to a person."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from catalogue.identifiers import SubjectKey
from connectors.marks import mark, markable
from connectors.protocol import Ask
from connectors.sql import SqlSource
from tests.support.databases import Database
from tests.support.small_catalogue import (
    COMPANY,
    PERSON,
    manifest_of,
    penalty_source,
    small_catalogue,
)

TABLE = (
    "CREATE TABLE penalty (id_no TEXT, document_no TEXT, reason TEXT, authority TEXT, decided TEXT, bh TEXT)"
)


PERSONAL = ["", "\x1f", PERSON, f"A\x1f{PERSON}", "92990101MA9TE0017J", "13800138000"]


@pytest.mark.parametrize("identity", PERSONAL)
def test_what_leads_to_a_person_has_no_mark(identity: str) -> None:
    assert mark(identity) is None


def test_a_mark_is_what_the_department_computes() -> None:
    assert mark("1001") == hashlib.sha256(b"1001").hexdigest()[:16]
    assert mark(COMPANY) is not None


@pytest.mark.parametrize(
    ("identity", "marked"), [(["bh"], True), (["id_no"], False), (["bh", "id_no"], False), ([], False)]
)
def test_only_declared_columns_beside_the_key_mark_a_row(identity: list[str], marked: bool) -> None:
    manifest = manifest_of({"P-TT-01": penalty_source(identity=identity)})
    assert markable(manifest.records["P-TT-01"]) is marked


@pytest.mark.parametrize(("identity", "found"), [(["bh"], mark("77")), (["id_no"], None)])
async def test_a_rejected_row_carries_its_mark(sqlite: Database, identity: list[str], found: Any) -> None:
    await sqlite.execute(TABLE)
    await sqlite.insert("penalty", [(PERSON, "罚1号", "", "", "before the flood", "77")])
    source = SqlSource(
        manifest_of({"P-TT-01": penalty_source(identity=identity)}), small_catalogue(), sqlite.url
    )
    key = SubjectKey.person(PERSON)
    answer = await source.fetch(Ask("P-TT-01", frozenset({"documentNo"}), (key,)))
    await source.close()
    ((reject,),) = answer.rejects.values()
    assert (reject.reason, reject.column, reject.mark) == ("DATE_FORMAT", "decided", found)
