"""Shapes that departments' tables have, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from catalogue.identifiers import SubjectKey
from connectors.marks import mark
from connectors.protocol import Answer, Ask, Reject
from connectors.sql import SqlSource
from tests.support.databases import Database
from tests.support.small_catalogue import (
    COMPANY,
    OTHER,
    PERSON,
    manifest_of,
    penalty_source,
    small_catalogue,
)

Open = Callable[..., SqlSource]
ALL = frozenset({"documentNo", "reason", "authority", "behaviours"})
HEADER = "CREATE TABLE penalty (pk int, id_no varchar(18), document_no varchar(60), decided varchar(20))"


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Builds sources that read `penalty` with these changes, and closes them."""
    sources: list[SqlSource] = []

    def build(database: Database, **changes: Any) -> SqlSource:
        fields = {"documentNo": {"column": "document_no"}, **changes.pop("fields", {})}
        record = penalty_source(**{"identity": ["pk"], "fields": fields, **changes})
        sources.append(SqlSource(manifest_of({"P-TT-01": record}), small_catalogue(), database.url))
        return sources[-1]

    yield build
    for source in sources:
        await source.close()


async def asked(source: SqlSource, *people: str, fields: frozenset[str] = ALL) -> Answer:
    keys = tuple(SubjectKey.entity(one) if one == COMPANY else SubjectKey.person(one) for one in people)
    return await source.fetch(Ask("P-TT-01", fields, keys))


def column(answer: Answer, name: str, person: str = PERSON) -> list[object]:
    rows = sorted(answer.rows[SubjectKey.person(person)], key=lambda row: row.identity)
    return [row.values[name] for row in rows]


async def headers(database: Database, *rows: tuple[object, ...]) -> None:
    await database.execute(HEADER)
    await database.insert("penalty", [(*row, "2025-01-02") for row in rows])


# Joins


DETAILS = [{"table": "detail", "on": {"pk": "hid"}, "optional": True}]


async def test_details_of_one_record_become_a_list(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "A"), (2, PERSON, "B"), (3, OTHER, "C"))
    await database.execute("CREATE TABLE detail (hid int, code varchar(20))")
    await database.insert("detail", [(1, "03"), (1, "01"), (1, "03"), (3, "02")])
    words = {"codes": {"01": "警告", "02": "罚款", "03": "没收"}}
    fields = {"behaviours": {"column": "detail.code", "collect": True, "decode": ["trim", words]}}
    source = opened(database, join=DETAILS, fields=fields)
    answer = await asked(source, PERSON, OTHER)
    assert column(answer, "documentNo") == ["A", "B"]
    assert column(answer, "behaviours") == [("没收", "警告"), None]
    assert column(answer, "behaviours", OTHER) == [("罚款",)]


async def test_details_of_one_record_become_one_text(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "A"), (2, PERSON, "B"))
    await database.execute("CREATE TABLE detail (hid int, code varchar(20))")
    await database.insert("detail", [(1, "03"), (1, "01"), (1, "03")])
    words = {"codes": {"01": "A1", "03": "A3"}}
    fields = {"reason": {"column": "detail.code", "collect": "；", "decode": ["trim", words]}}
    source = opened(database, join=DETAILS, fields=fields)
    assert column(await asked(source, PERSON), "reason") == ["A1；A3", None]


async def test_a_joined_table_that_nobody_asks_about_is_not_read(database: Database, opened: Open) -> None:
    fields = {"behaviours": {"column": "detail.code", "collect": True}}
    source = opened(database, join=DETAILS, fields=fields)
    assert "detail" not in source.explain("P-TT-01", {"documentNo"})
    assert "LEFT OUTER JOIN detail" in source.explain("P-TT-01", {"behaviours"})


async def test_a_record_without_a_row_in_an_inner_join_is_no_record(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "A"), (2, PERSON, "B"))
    await database.execute("CREATE TABLE detail (hid int, code varchar(20))")
    await database.insert("detail", [(1, "03")])
    fields = {"reason": {"column": "detail.code"}}
    source = opened(database, join=[{"table": "detail", "on": {"pk": "hid"}}], fields=fields)
    assert column(await asked(source, PERSON), "documentNo") == ["A"]


async def test_joined_rows_of_one_record_that_differ_reject_it(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "A"), (2, PERSON, "B"))
    await database.execute("CREATE TABLE detail (hid int, code varchar(20))")
    await database.insert("detail", [(1, "03"), (1, "01"), (2, "01"), (2, "01")])
    source = opened(database, join=DETAILS, fields={"reason": {"column": "detail.code"}})
    answer = await asked(source, PERSON)
    assert column(answer, "documentNo") == ["B"]
    assert answer.rejects == {SubjectKey.person(PERSON): (Reject("IDENTITY_REPEATED"),)}


async def test_a_withdrawal_in_a_table_of_its_own(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "A"), (2, PERSON, "B"))
    await database.execute("CREATE TABLE withdrawn (hid int, kind varchar(2), on_day varchar(20))")
    await database.insert("withdrawn", [(1, "9", "2025-02-03"), (2, "1", "2025-02-03")])
    join = {
        "table": "withdrawn", "as": "gone", "on": {"pk": "hid"}, "optional": True,
        "where": [{"column": "kind", "op": "!=", "value": "1"}],
    }  # fmt: skip
    status = {
        "firstOf": [
            {"value": "REVOKED", "when": [{"column": "gone.on_day", "op": "is not null"}]},
            {"value": "ACTIVE"},
        ]
    }
    controls = {"determinedOn": {"column": "decided", "decode": ["date"]}, "status": status}
    answer = await asked(opened(database, join=[join], controls=controls), PERSON)
    states = {
        row.values["documentNo"]: row.controls["status"] for row in answer.rows[SubjectKey.person(PERSON)]
    }
    assert states == {"A": "REVOKED", "B": "ACTIVE"}


# Attribute-value tables


async def test_attributes_in_rows_become_fields(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "A"), (2, PERSON, "B"))
    await database.execute("CREATE TABLE attr (rid int, name varchar(20), val varchar(200))")
    await database.insert(
        "attr", [(1, "事由", "无照"), (1, "机关", "市监"), (1, "民族", "x"), (2, "机关", "城管")]
    )
    join = {"table": "attr", "as": "ext", "on": {"pk": "rid"}, "pivot": {"attribute": "name", "value": "val"}}
    fields = {"reason": {"column": "ext.事由"}, "authority": {"column": "ext.机关"}}
    source = opened(database, join=[join], fields=fields)
    answer = await asked(source, PERSON)
    assert column(answer, "reason") == ["无照", None]
    assert column(answer, "authority") == ["市监", "城管"]
    only = source.explain("P-TT-01", {"authority"})
    assert "机关" in only
    assert "事由" not in only


async def test_the_key_itself_may_be_an_attribute(database: Database, opened: Open) -> None:
    await database.execute("CREATE TABLE attr (rid int, name varchar(20), val varchar(200))")
    await database.insert(
        "attr",
        [
            (1, "证件", PERSON),
            (1, "文号", "A"),
            (1, "日期", "2025-01-02"),
            (2, "证件", OTHER),
            (2, "文号", PERSON),
        ],
    )
    source = opened(
        database,
        table="attr",
        where=[{"column": "name", "op": "=", "value": "证件"}],
        join=[
            {
                "table": "attr",
                "as": "ext",
                "on": {"rid": "rid"},
                "pivot": {"attribute": "name", "value": "val"},
            }
        ],
        keys={"CITIZEN_ID": {"columns": ["val"]}},
        identity=["rid"],
        fields={"documentNo": {"column": "ext.文号"}},
        controls={"determinedOn": {"column": "ext.日期", "decode": ["date"]}},
    )
    answer = await asked(source, PERSON, OTHER)
    assert column(answer, "documentNo") == ["A"]
    assert column(answer, "documentNo", OTHER) == [PERSON]


# Code tables


async def test_a_code_table_of_the_source_gives_the_words(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "01"), (2, PERSON, None), (3, PERSON, ""), (4, OTHER, "77"))
    await database.execute("CREATE TABLE dm (dm varchar(20), mc varchar(200))")
    await database.insert("dm", [("01", "罚款"), ("02", "警告")])
    lookup = {"table": "dm", "code": "dm", "word": "mc"}
    source = opened(database, fields={"reason": {"column": "document_no", "lookup": lookup}})
    answer = await asked(source, PERSON, OTHER)
    assert column(answer, "reason") == ["罚款", None, None]
    assert answer.rows[SubjectKey.person(OTHER)] == ()
    assert answer.rejects == {SubjectKey.person(OTHER): (Reject("CODE_UNKNOWN", "document_no", mark("4")),)}
    assert "dm" not in source.explain("P-TT-01", {"documentNo"}).replace("document_no", "")


# Several records, or several values, in one cell


@pytest.mark.parametrize("split", ["split", {"split": {"width": 2}}])
async def test_a_code_table_of_the_source_serves_cells_of_several_codes(
    database: Database, opened: Open, split: Any
) -> None:
    cells = ["01,02", " 02 、 01", None, "", "02"] if split == "split" else ["0102", "0201", None, "", "02"]
    await headers(database, *((number, PERSON, cell) for number, cell in enumerate(cells)))
    unknown = "01;77" if split == "split" else "0177"
    await database.insert("penalty", [(6, OTHER, unknown, "2025-01-02"), (7, OTHER, "03", "2025-01-02")])
    await database.execute("CREATE TABLE dm (dm varchar(20), mc varchar(200))")
    await database.insert("dm", [("01", "罚款（元）"), ("02", "警告"), ("03", "拘留"), ("03", "扣留")])
    lookup = {"table": "dm", "code": "dm", "word": "mc"}
    words = {"column": "document_no", "lookup": lookup, "decode": ["trim", split, "fullwidth"]}
    source = opened(database, fields={"behaviours": words})
    answer = await asked(source, PERSON, OTHER)
    assert "FROM dm" in source.explain("P-TT-01", {"behaviours"})
    assert "FROM dm" not in source.explain("P-TT-01", {"documentNo"})
    assert column(answer, "behaviours") == [("罚款(元)", "警告"), ("警告", "罚款(元)"), None, None, ("警告",)]
    assert answer.rows[SubjectKey.person(OTHER)] == ()
    told = {(one.reason, one.column, one.mark) for one in answer.rejects[SubjectKey.person(OTHER)]}
    assert told == {("CODE_UNKNOWN", "document_no", mark(number)) for number in ("6", "7")}
    reported = {one.code: one.message for one in await source.check()}
    assert "2 of 7 sampled rows" in reported["ROWS_REJECTED"]
    await database.execute("ALTER TABLE dm RENAME COLUMN mc TO cm")
    assert "MANIFEST_TABLE_MISSING" in {one.code for one in await source.check()}


async def test_a_packed_cell_holds_several_records(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "2019:A;2020：B"), (2, OTHER, "2021:A；2022"), (3, OTHER, None))
    unpack = {"column": "document_no", "rows": ";", "cells": ":", "as": ["year", "grade"]}
    fields = {"documentNo": {"column": "year"}, "reason": {"column": "grade"}}
    answer = await asked(opened(database, unpack=unpack, fields=fields), PERSON, OTHER)
    assert column(answer, "documentNo") == ["2019", "2020"]
    assert column(answer, "reason") == ["A", "B"]
    assert len({row.identity for row in answer.rows[SubjectKey.person(PERSON)]}) == 2
    assert column(answer, "documentNo", OTHER) == [None]
    assert answer.rejects == {SubjectKey.person(OTHER): (Reject("UNPACK", "document_no", mark("2")),)}


async def test_a_newer_version_replaces_all_that_an_older_one_packed(
    database: Database, opened: Open
) -> None:
    await database.execute(HEADER)
    await database.insert("penalty", [(1, PERSON, "a;b", "2024-01-01"), (1, PERSON, "b", "2025-01-01")])
    source = opened(
        database,
        unpack={"column": "document_no", "rows": ";", "as": ["part"]},
        version={"by": ["pk"], "latest": "decided"},
        fields={"documentNo": {"column": "part"}},
    )
    assert column(await asked(source, PERSON), "documentNo") == ["b"]


# Alternatives


async def test_each_alternative_has_its_own_chain_and_condition(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "20250102"), (2, PERSON, "未定"), (3, PERSON, None))
    known = [{"column": "document_no", "op": "!=", "value": "未定"}]
    late = [{"column": "pk", "op": "in", "value": [2, 3]}]
    dated = {
        "firstOf": [
            {"column": "document_no", "decode": ["date"], "when": known},
            {"column": "decided", "decode": ["date"], "when": late},
        ]
    }
    source = opened(database, controls={"determinedOn": dated})
    rows = (await asked(source, PERSON)).rows[SubjectKey.person(PERSON)]
    assert {row.identity: str(row.controls["determinedOn"]) for row in rows} == {
        "1": "2025-01-02",
        "2": "2025-01-02",
        "3": "2025-01-02",
    }


# Unions and queries


async def test_tables_of_a_union_may_name_their_columns_otherwise(database: Database, opened: Open) -> None:
    await headers(database, (1, PERSON, "A"))
    await database.execute("CREATE TABLE shops (nr int, cert varchar(18), doc varchar(60))")
    await database.insert("shops", [(2, PERSON, "B")])
    shops = {"pk": "nr", "id_no": "cert", "document_no": "doc", "decided": {"value": "2024-05-06"}}
    source = opened(
        database,
        table=None,
        union=["penalty", {"table": "shops", "columns": {**shops, "reason": None}}],
        where=[{"column": "decided", "op": "!=", "value": "1999-01-01"}],
    )
    rows = (await asked(source, PERSON, fields=frozenset({"documentNo"}))).rows[SubjectKey.person(PERSON)]
    assert {row.values["documentNo"]: str(row.controls["determinedOn"]) for row in rows} == {
        "A": "2025-01-02",
        "B": "2024-05-06",
    }


async def test_a_fixed_query_names_only_what_is_asked(database: Database, opened: Open) -> None:
    fields = {"reason": {"column": "secret"}}
    source = opened(database, table=None, query="SELECT {columns} FROM penalty WHERE pk > 0", fields=fields)
    assert "secret" not in source.explain("P-TT-01", {"documentNo"})
    assert source.explain("P-TT-01", {"reason"}).count("secret") == 2


# A charset that the database does not know of


@pytest.mark.mariadb
async def test_all_text_of_a_source_may_be_in_another_charset(mariadb: Database) -> None:
    await mariadb.execute(HEADER + " DEFAULT CHARSET=latin1")
    reason, wrong = "虚假宣传".encode("gbk").hex(), "ff"
    await mariadb.execute(
        f"INSERT INTO penalty VALUES (1, '{PERSON}', CAST(x'{reason}' AS BINARY), '2025-01-02'),"
        f" (2, '{PERSON}', CAST(x'{wrong}' AS BINARY), '2025-01-02'), (3, '{PERSON}', 'C', '2025-01-02')"
    )
    chosen = [{"column": "document_no", "op": "in", "value": ["虚假宣传", "C"]}]
    for where, rejects in (chosen, ()), ([], (Reject("CHARSET", "document_no", mark("2")),)):
        record = penalty_source(
            identity=["pk"], fields={"documentNo": {"column": "document_no"}}, where=where
        )
        source = SqlSource(manifest_of({"P-TT-01": record}, charset="gbk"), small_catalogue(), mariadb.url)
        answer = await asked(source, PERSON, fields=frozenset({"documentNo"}))
        await source.close()
        assert column(answer, "documentNo") == ["虚假宣传", "C"]
        assert answer.rejects.get(SubjectKey.person(PERSON), ()) == rejects
