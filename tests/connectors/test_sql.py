"""Reading on SQLite, PostgreSQL and MariaDB: what is asked, what comes back, and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from stdnum.cn import uscc

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.loader import load_catalogue
from connectors.errors import SourceDrift
from connectors.protocol import Answer, Ask
from connectors.sql import SqlSource
from tests.support.databases import Database
from tests.support.small_catalogue import (
    COMPANY,
    MINOR,
    OTHER,
    PENALTY_TABLE,
    PERSON,
    manifest_of,
    penalty_source,
    small_catalogue,
)

ALL = frozenset({"documentNo", "reason", "authority"})
Open = Callable[..., SqlSource]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Builds sources and closes them."""
    sources: list[SqlSource] = []

    def build(database: Database, record: dict[str, Any] | None = None, **changes: Any) -> SqlSource:
        manifest = manifest_of({"P-TT-01": record or penalty_source()}, **changes)
        sources.append(SqlSource(manifest, small_catalogue(), database.url))
        return sources[-1]

    yield build
    for source in sources:
        await source.close()


def ask(*people: str, fields: frozenset[str] = ALL, trace: str = "") -> Ask:
    keys = tuple(SubjectKey.entity(one) if one == COMPANY else SubjectKey.person(one) for one in people)
    return Ask("P-TT-01", fields, keys, trace)


def documents(answer: Answer, person: str) -> list[object]:
    return sorted(str(row.values["documentNo"]) for row in answer.rows[SubjectKey.person(person)])


def penalty(person: str, number: object, decided: str = "2025-01-02") -> tuple[object, ...]:
    return (person, f"罚{number}号", "事由", "测试局", decided)


async def test_rows_come_decoded_by_subject_and_silence_is_an_empty_tuple(
    database: Database, opened: Open
) -> None:
    await database.execute(PENALTY_TABLE)
    await database.insert("penalty", [penalty(PERSON, 1), penalty(PERSON, 2), penalty(MINOR, 3)])
    answer = await opened(database).fetch(ask(PERSON, OTHER))
    assert documents(answer, PERSON) == ["罚1号", "罚2号"]
    assert answer.rows[SubjectKey.person(OTHER)] == ()
    assert SubjectKey.person(MINOR) not in answer.rows
    assert answer.fetched_at.tzinfo is not None


async def test_every_legacy_form_of_a_key_is_found_in_one_query(database: Database, opened: Open) -> None:
    await database.execute(PENALTY_TABLE.replace("id_no varchar(40)", "id_no char(18)"))
    await database.insert("penalty", [penalty("990101751231002".ljust(18), 1), penalty(OTHER, 2)])
    await database.insert("penalty", [penalty(MINOR.lower(), 3)])
    forms = ["NORMAL", "LOWER", "DIGITS_15", "PADDED"]
    record = penalty_source(keys={"CITIZEN_ID": {"columns": ["id_no"], "forms": forms}})
    answer = await opened(database, record).fetch(ask(OTHER, MINOR))
    assert documents(answer, OTHER) == ["罚1号", "罚2号"]
    assert documents(answer, MINOR) == ["罚3号"]


async def test_undeclared_forms_are_not_asked_for(sqlite: Database, opened: Open) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.insert("penalty", [penalty("990101751231002", 1)])
    answer = await opened(sqlite).fetch(ask(OTHER))
    assert documents(answer, OTHER) == []


@pytest.mark.mariadb
async def test_a_collation_wider_than_the_key_hands_nothing_to_the_wrong_subject(
    mariadb: Database, opened: Open
) -> None:
    await mariadb.execute(PENALTY_TABLE + " COLLATE utf8mb4_general_ci")
    lookalike = COMPANY.replace("A", "Å")
    await mariadb.insert("penalty", [penalty(lookalike, 1), penalty(COMPANY, 2)])
    found = await mariadb.fetch(f"SELECT count(*) FROM penalty WHERE id_no = '{COMPANY}'")
    assert found == [(2,)], "the collation must find the lookalike, or this test proves nothing"
    record = penalty_source(keys={"USCC": {"columns": ["id_no"]}})
    answer = await opened(mariadb, record).fetch(ask(COMPANY))
    assert [row.values["documentNo"] for row in answer.rows[SubjectKey.entity(COMPANY)]] == ["罚2号"]


async def test_both_kinds_of_key_are_answered_at_once(database: Database, opened: Open) -> None:
    await database.execute(PENALTY_TABLE)
    await database.insert("penalty", [penalty(PERSON, 1), penalty(COMPANY, 2)])
    keys = {kind: {"columns": ["id_no"]} for kind in ("CITIZEN_ID", "USCC")}
    answer = await opened(database, penalty_source(keys=keys)).fetch(ask(PERSON, COMPANY))
    assert {key.value: len(rows) for key, rows in answer.rows.items()} == {PERSON: 1, COMPANY: 1}


async def test_a_kind_of_key_the_source_cannot_be_asked_by_is_not_silence(
    sqlite: Database, opened: Open
) -> None:
    source = opened(sqlite)
    assert source.key_kinds("P-TT-01") == {KeyKind.CITIZEN_ID}
    with pytest.raises(SourceDrift, match="KEY_KIND"):
        await source.fetch(ask(COMPANY))


async def test_the_statement_names_the_asked_columns_and_the_controls_and_no_other(
    database: Database, opened: Open
) -> None:
    sql = opened(database).explain("P-TT-01", {"documentNo"})
    head = sql[: sql.index("FROM")]
    assert {name for name in ("id_no", "document_no", "decided") if name in head} == {
        "id_no",
        "document_no",
        "decided",
    }
    assert "reason" not in sql
    assert "authority" not in sql


@pytest.mark.postgresql
async def test_postgresql_saw_just_that_statement_and_who_asked(postgresql: Database, opened: Open) -> None:
    await postgresql.execute(PENALTY_TABLE)
    source = opened(postgresql)
    await source.fetch(ask(PERSON, fields=frozenset({"documentNo"}), trace="batch-7 */; DROP"))
    (seen,) = await postgresql.fetch(
        "SELECT query, application_name FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'credit-subject-gateway%'"
    )
    assert source.explain("P-TT-01", {"documentNo"}) in seen[0]
    assert seen[1] == "credit-subject-gateway/batch-7DROP"


async def test_a_key_is_a_value_and_never_sql(database: Database, opened: Open) -> None:
    await database.execute(PENALTY_TABLE)
    await database.insert("penalty", [penalty(PERSON, 1)])
    evil = [
        SubjectKey(KeyKind.CITIZEN_ID, text) for text in ("' OR '1'='1", "\\' OR 1=1 -- ", "%s", "x'); --")
    ]
    answer = await opened(database).fetch(Ask("P-TT-01", ALL, tuple(evil)))
    assert set(answer.rows.values()) == {()}
    assert await database.fetch("SELECT count(*) FROM penalty") == [(1,)]


async def test_year_tables_are_read_as_one(database: Database, opened: Open) -> None:
    for year in (2023, 2024):
        await database.execute(PENALTY_TABLE.replace("penalty", f"penalty_{year}"))
        await database.insert(f"penalty_{year}", [penalty(PERSON, year)])
    record = penalty_source(table=None, union=["penalty_2023", "penalty_2024"])
    answer = await opened(database, record).fetch(ask(PERSON))
    assert documents(answer, PERSON) == ["罚2023号", "罚2024号"]


async def test_a_joined_table_may_hold_the_key(database: Database, opened: Open) -> None:
    await database.execute(
        PENALTY_TABLE, "CREATE TABLE person (pid varchar(40), id_no varchar(18), state varchar(2))"
    )
    await database.insert("penalty", [penalty("P1", 1), penalty("P2", 2), penalty("P3", 3)])
    await database.insert("person", [("P1", PERSON, "10"), ("P2", OTHER, "10"), ("P3", PERSON, "99")])
    record = penalty_source(
        join=[{"table": "person", "on": {"id_no": "pid"}}],
        keys={"CITIZEN_ID": {"columns": ["person.id_no"]}},
        where=[{"column": "person.state", "op": "!=", "value": "99"}],
    )
    answer = await opened(database, record).fetch(ask(PERSON, OTHER))
    assert documents(answer, PERSON) == ["罚1号"]
    assert documents(answer, OTHER) == ["罚2号"]


async def test_a_fixed_query_of_the_department_is_a_table(database: Database, opened: Open) -> None:
    await database.execute(PENALTY_TABLE)
    await database.insert("penalty", [penalty(PERSON, 1), penalty(PERSON, 2)])
    record = penalty_source(table=None, query="SELECT {columns} FROM penalty WHERE document_no LIKE '%2号'")
    answer = await opened(database, record).fetch(ask(PERSON))
    assert documents(answer, PERSON) == ["罚2号"]


async def test_soft_deleted_rows_stay_behind_and_null_means_not_deleted(
    database: Database, opened: Open
) -> None:
    await database.execute(PENALTY_TABLE.replace("decided", "zt int, is_del smallint, decided"))
    rows = [(1, 1, None), (2, 1, 0), (3, 1, 1), (4, 9, 0)]
    await database.insert(
        "penalty", [(PERSON, f"罚{n}号", "", "", zt, gone, "2025-01-02") for n, zt, gone in rows]
    )
    filters = [
        {"column": "zt", "op": "!=", "value": 9},
        {"column": "is_del", "op": "null or", "value": 0},
    ]
    answer = await opened(database, penalty_source(where=filters)).fetch(ask(PERSON))
    assert documents(answer, PERSON) == ["罚1号", "罚2号"]


async def test_a_hundred_subjects_are_one_statement(database: Database, opened: Open) -> None:
    await database.execute(PENALTY_TABLE)
    people = people_of(100)
    await database.insert("penalty", [penalty(key.value, n) for n, key in enumerate(people)])
    source = opened(database)
    await source.fetch(Ask("P-TT-01", ALL, people))  # prepares the statement
    sent = await record_statements(source)
    answer = await source.fetch(Ask("P-TT-01", ALL, people, trace="t"))
    assert [len(answer.rows[key]) for key in people] == [1] * 100
    assert await sent() == 1


async def test_a_hundred_entities_in_every_form_are_one_statement(database: Database, opened: Open) -> None:
    """Twelve forms of a code with letters, a hundred times: more than a thousand physical keys."""
    await database.execute(PENALTY_TABLE)
    bodies = [f"9199010{number % 10}MA9TE{number:03d}X" for number in range(100)]
    firms = [SubjectKey.entity(body + uscc.calc_check_digit(body)) for body in bodies]
    await database.insert("penalty", [penalty(f"{key.value.lower()}\t", n) for n, key in enumerate(firms)])
    forms = ["NORMAL", "LOWER", "TRAILING_SPACE", "FULL_WIDTH"]
    source = opened(database, penalty_source(keys={"USCC": {"columns": ["id_no"], "forms": forms}}))
    await source.fetch(Ask("P-TT-01", ALL, tuple(firms)))  # prepares the statement
    sent = await record_statements(source)
    answer = await source.fetch(Ask("P-TT-01", ALL, tuple(firms), trace="t"))
    assert [len(answer.rows[key]) for key in firms] == [1] * 100
    assert await sent() == 1


async def test_amounts_are_exact_from_the_column_to_the_record(database: Database) -> None:
    amounts = ["90071992547409.93", "0.10", "1234567890123456.7891"]
    kind = "TEXT" if database.engine == "sqlite" else "numeric(24, 4)"
    await database.execute(f"CREATE TABLE fines (id varchar(18), wh varchar(20), je {kind}, rq varchar(10))")
    values = ", ".join(f"('{COMPANY}', '{n}', '{text}', '2025-01-02')" for n, text in enumerate(amounts))
    await database.execute(f"INSERT INTO fines VALUES {values}")
    record = {
        "table": "fines",
        "keys": {"USCC": {"columns": ["id"]}},
        "identity": ["wh"],
        "fields": {"fineAmount": {"column": "je", "decode": ["money"]}},
        "controls": {"determinedOn": {"column": "rq", "decode": ["date"]}},
    }
    source = SqlSource(manifest_of({"E-FG-03": record}), load_catalogue(), database.url)
    key = SubjectKey.entity(COMPANY)
    answer = await source.fetch(Ask("E-FG-03", frozenset({"fineAmount"}), (key,)))
    await source.close()
    found = {row.identity: row.values["fineAmount"] for row in answer.rows[key]}
    assert found == {str(n): Decimal(text) for n, text in enumerate(amounts)}


async def test_a_key_column_of_a_kind_that_is_not_asked_stays_unnamed(
    database: Database, opened: Open
) -> None:
    keys = {"CITIZEN_ID": {"columns": ["id_no"]}, "USCC": {"columns": ["authority"]}}
    by_person, by_code = opened(database, penalty_source(keys=keys)).explain("P-TT-01", ()).split(";")
    assert "authority" not in by_person
    assert "id_no" not in by_code


async def test_row_caps_hold_for_each_subject_and_not_for_the_batch(database: Database, opened: Open) -> None:
    await database.execute(PENALTY_TABLE)
    await database.insert("penalty", [penalty(PERSON, n) for n in range(40)])
    await database.insert("penalty", [penalty(OTHER, n) for n in range(3)])
    answer = await opened(database, rowCap=5).fetch(ask(PERSON, OTHER, MINOR))
    assert len(answer.rows[SubjectKey.person(PERSON)]) == 5
    assert documents(answer, OTHER) == ["罚0号", "罚1号", "罚2号"]
    assert answer.rows[SubjectKey.person(MINOR)] == ()
    assert answer.truncated == {SubjectKey.person(PERSON)}


async def test_the_cap_never_cuts_the_newer_version_of_a_row_that_is_kept(
    database: Database, opened: Open
) -> None:
    await database.execute(PENALTY_TABLE.replace("decided", "sjc varchar(20), decided"))
    versions = [(number, stamp) for stamp in ("2024", "2025", "2026") for number in range(10)]
    rows = [(PERSON, f"罚{n}号", f"版{stamp}", "", stamp, "2025-01-02") for n, stamp in versions]
    await database.insert("penalty", rows)
    record = penalty_source(version={"by": ["document_no"], "latest": "sjc"})
    answer = await opened(database, record, rowCap=6).fetch(ask(PERSON))
    assert {row.values["reason"] for row in answer.rows[SubjectKey.person(PERSON)]} == {"版2026"}
    assert answer.truncated == {SubjectKey.person(PERSON)}


async def test_column_sets_beyond_sixteen_never_widen_a_question(sqlite: Database, opened: Open) -> None:
    await sqlite.execute(PENALTY_TABLE)
    source = opened(sqlite)
    reader = source.readers["P-TT-01"]
    for number in range(40):
        reader.statement(frozenset({"documentNo", f"unused{number}"} & ALL), KeyKind.CITIZEN_ID, 1)
    assert "reason" not in source.explain("P-TT-01", {"documentNo"})


@pytest.mark.parametrize("missing", ["table", "column"])
async def test_a_source_that_changed_says_drift_without_naming_values(
    database: Database, opened: Open, missing: str
) -> None:
    if missing == "column":
        await database.execute(PENALTY_TABLE.replace("reason", "grund"))
    with pytest.raises(SourceDrift) as caught:
        await opened(database).fetch(ask(PERSON))
    assert str(caught.value) == "tt-test: SOURCE_DRIFT"


@pytest.mark.mariadb
async def test_gbk_bytes_in_a_latin1_table_and_zero_dates_are_read(mariadb: Database, opened: Open) -> None:
    await mariadb.execute(
        "CREATE TABLE penalty (id_no varchar(36), document_no varchar(200), reason varchar(200),"
        " authority varchar(80), decided date) DEFAULT CHARSET=latin1"
    )
    reason = "虚假宣传".encode("gb18030").hex()
    await mariadb.execute(
        "SET STATEMENT sql_mode='' FOR INSERT INTO penalty VALUES "
        f"('{PERSON}', 'A1', CAST(x'{reason}' AS BINARY), '', '0000-00-00'),"
        f"('{PERSON}', 'A2', CAST(x'{reason}' AS BINARY), '', '2018-06-01')"
    )
    fields = {
        "documentNo": {"column": "document_no"},
        "reason": {"column": "reason", "decode": [{"charset": "gb18030"}, "trim"]},
    }
    answer = await opened(mariadb, penalty_source(fields=fields)).fetch(ask(PERSON))
    rows = {row.values["documentNo"]: row for row in answer.rows[SubjectKey.person(PERSON)]}
    assert {row.values["reason"] for row in rows.values()} == {"虚假宣传"}
    assert sorted(str(value) for row in rows.values() for value in row.controls.values()) == [
        "2018-06-01",
        "None",
    ]


def people_of(count: int) -> tuple[SubjectKey, ...]:
    from stdnum.iso7064 import mod_11_2

    bodies = (f"99010119800101{number:03d}" for number in range(count))
    return tuple(SubjectKey.person(body + mod_11_2.calc_check_digit(body)) for body in bodies)


async def record_statements(source: SqlSource) -> Callable[[], Any]:
    """Counts what reaches the server over the source's one idle connection."""
    engine = source.engine.dialect.name
    driver = source._pool._idle[0]._opened
    seen: list[object] = []
    if engine == "sqlite":
        driver.set_trace_callback(seen.append)

    async def selects() -> int:
        if engine == "sqlite":
            return len(seen)
        if engine == "postgresql":
            # a statement of ours is planned each time that it runs
            count = (
                "SELECT sum(generic_plans + custom_plans) FROM pg_prepared_statements"
                " WHERE parameter_types <> '{}'"
            )
            return int(str((await source._pool.fetch(count, ()))[0][0] or 0))
        rows = await source._pool.fetch("SHOW SESSION STATUS LIKE 'Com_select'", ())
        return int(str(rows[0][1]))

    before = await selects()

    async def since() -> int:
        return await selects() - before

    return since
