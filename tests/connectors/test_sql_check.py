"""`source check` finds each deliberate defect and never shows a value."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.identifiers import SubjectKey
from connectors.protocol import Ask, Finding
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


async def check(database: Database, record: dict[str, Any], url: str | None = None) -> list[Finding]:
    source = SqlSource(manifest_of({"P-TT-01": record}), small_catalogue(), url or database.url)
    try:
        return await source.check()
    finally:
        await source.close()


async def filled(database: Database, *, index: bool = True) -> None:
    await database.execute(PENALTY_TABLE)
    if index:
        await database.execute("CREATE INDEX penalty_id_no ON penalty (id_no)")
    rows = [(person, "罚1号", "事由", "测试局", "2025-01-02") for person in (PERSON, OTHER)]
    await database.insert("penalty", rows)


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


async def test_a_sound_source_has_no_error(database: Database) -> None:
    await filled(database)
    found = await check(database, penalty_source())
    # the tests' account owns its database, which is worth a warning and no more
    assert {finding.code for finding in found} <= {"ACCOUNT_CAN_WRITE", "COLUMNS_HASH", "ROWS_SAMPLED"}
    assert {finding.level for finding in found} <= {"warning", "info"}


async def test_a_missing_column_is_named_by_manifest_path_with_the_nearest_name(database: Database) -> None:
    await filled(database)
    fields = {"documentNo": {"column": "documentno"}, "reason": {"column": "reason"}}
    found = by_code(await check(database, penalty_source(fields=fields)))["MANIFEST_COLUMN_MISSING"]
    assert found.where == "tt-test.records.P-TT-01.fields.documentNo"
    assert "`documentno`" in found.message
    assert "did you mean `document_no`?" in found.message


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"keys": {"CITIZEN_ID": {"columns": ["sfz"]}}}, "keys.CITIZEN_ID.columns"),
        ({"controls": {"determinedOn": {"column": "jdrq", "decode": ["date"]}}}, "controls.determinedOn"),
        ({"where": [{"column": "zt", "op": "is null"}]}, "where"),
        ({"identity": ["id"]}, "identity"),
        ({"version": {"by": ["document_no"], "latest": "sjc"}}, "version"),
    ],
)
async def test_every_part_of_a_manifest_that_names_a_column_is_checked(
    sqlite: Database, change: dict[str, Any], path: str
) -> None:
    await filled(sqlite)
    found = by_code(await check(sqlite, penalty_source(**change)))["MANIFEST_COLUMN_MISSING"]
    assert found.where == f"tt-test.records.P-TT-01.{path}"


async def test_a_missing_table_is_an_error(database: Database) -> None:
    found = by_code(await check(database, penalty_source()))
    assert found["MANIFEST_TABLE_MISSING"].level == "error"


@pytest.mark.parametrize("current", [None, "newer", "new"])
async def test_tables_of_linked_numbers_are_looked_at_too(database: Database, current: str | None) -> None:
    await filled(database)
    if current:
        await database.execute(f"CREATE TABLE corrected (old varchar(18), {current} varchar(18))")
    aliases = [{"table": "corrected", "former": "old", "current": "new"}]
    found = await check(database, penalty_source(aliases=aliases))
    ours = [(one.code, one.where) for one in found if "aliases" in one.where]
    code = "KEY_NOT_INDEXED" if current == "new" else "MANIFEST_TABLE_MISSING"
    assert ours == [(code, "tt-test.records.P-TT-01.aliases.0")]


async def test_a_key_without_an_index_is_seen_in_the_database_s_own_plan(database: Database) -> None:
    await filled(database, index=False)
    found = by_code(await check(database, penalty_source()))["KEY_NOT_INDEXED"]
    assert found.where == "tt-test.records.P-TT-01.keys.CITIZEN_ID"
    assert "`penalty`" in found.message


async def test_a_small_table_that_the_planner_would_rather_read_whole_has_its_index_seen(
    database: Database,
) -> None:
    await filled(database)
    await database.execute("ANALYZE TABLE penalty" if database.engine == "mariadb" else "ANALYZE")
    assert "KEY_NOT_INDEXED" not in by_code(await check(database, penalty_source()))


async def test_a_padded_key_column_still_uses_its_index(database: Database) -> None:
    await database.execute(
        PENALTY_TABLE.replace("id_no varchar(40)", "id_no char(18)"),
        "CREATE INDEX penalty_id_no ON penalty (id_no)",
    )
    await database.insert("penalty", [("990101751231002".ljust(18), "罚1号", "", "", "2025-01-02")])
    keys = {"CITIZEN_ID": {"columns": ["id_no"], "forms": ["NORMAL", "DIGITS_15", "PADDED"]}}
    assert "KEY_NOT_INDEXED" not in by_code(await check(database, penalty_source(keys=keys)))


async def test_a_column_that_holds_no_keys_is_an_error(database: Database) -> None:
    await filled(database)
    keys = {"CITIZEN_ID": {"columns": ["document_no"]}}
    found = by_code(await check(database, penalty_source(keys=keys)))["KEY_NOT_RECOGNIZED"]
    assert (found.level, "2 of 2" in found.message) == ("error", True)


async def test_rows_that_cannot_be_decoded_are_counted_and_not_shown(database: Database) -> None:
    await filled(database)
    await database.insert("penalty", [(PERSON, "罚9号", "", "", "canary-date")])
    findings = await check(database, penalty_source())
    found = by_code(findings)["ROWS_REJECTED"]
    assert found.message.startswith("1 of 3 sampled rows cannot be decoded (decided:")
    assert not any("canary" in finding.message or PERSON in finding.message for finding in findings)


async def test_an_empty_table_is_only_worth_knowing(database: Database) -> None:
    await database.execute(PENALTY_TABLE, "CREATE INDEX penalty_id_no ON penalty (id_no)")
    found = by_code(await check(database, penalty_source()))
    assert found["SOURCE_EMPTY"].level == "info"


async def test_a_field_that_must_never_be_mapped_is_an_error(sqlite: Database) -> None:
    await filled(sqlite)
    record = penalty_source()
    source = SqlSource(manifest_of({"P-TT-01": record}), small_catalogue(), sqlite.url)
    never = small_catalogue().record_types["P-TT-01"].never_mapped[0].name
    reader = source.readers["P-TT-01"]
    mapped = {**reader.record.fields, never: reader.record.fields["reason"]}
    reader.record = reader.record.model_copy(update={"fields": mapped})
    found = by_code(await source.check())["MANIFEST_NEVER_MAPPED"]
    await source.close()
    assert found.where == "tt-test.records.P-TT-01.fields.ethnicity"


async def test_the_column_hash_changes_with_the_source_and_only_then(sqlite: Database) -> None:
    await filled(sqlite)
    before = by_code(await check(sqlite, penalty_source()))["COLUMNS_HASH"]
    assert by_code(await check(sqlite, penalty_source()))["COLUMNS_HASH"] == before
    await sqlite.execute("ALTER TABLE penalty ADD COLUMN added varchar(9)")
    assert by_code(await check(sqlite, penalty_source()))["COLUMNS_HASH"] != before


async def test_a_source_that_is_down_is_one_finding(sqlite: Database) -> None:
    (found,) = await check(sqlite, penalty_source(), "sqlite:////nowhere/none.db")
    assert (found.level, found.code) == ("error", "SOURCE_UNAVAILABLE")


@pytest.mark.postgresql
async def test_postgresql_grants_tell_whether_the_account_may_write(postgresql: Database) -> None:
    await filled(postgresql)
    role = postgresql.url.rsplit("/", 1)[1]
    await postgresql.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader'", f"GRANT SELECT ON penalty TO {role}"
    )
    try:
        assert "ACCOUNT_CAN_WRITE" in by_code(await check(postgresql, penalty_source()))
        reader = by_code(await check(postgresql, penalty_source(), postgresql.url_as(role, "reader")))
        assert "ACCOUNT_CAN_WRITE" not in reader
        assert reader["ACCOUNT_READ_ONLY"].level == "info"
        await postgresql.execute(f"GRANT UPDATE ON penalty TO {role}")
        writer = by_code(await check(postgresql, penalty_source(), postgresql.url_as(role, "reader")))
        assert "ACCOUNT_CAN_WRITE" in writer
    finally:
        await postgresql.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.mariadb
async def test_mariadb_grants_tell_whether_the_account_may_write(mariadb: Database) -> None:
    await filled(mariadb)
    user = mariadb.url.rsplit("/", 1)[1]
    await mariadb.execute(
        f"CREATE USER {user} IDENTIFIED BY 'reader'", f"GRANT SELECT ON {user}.penalty TO {user}"
    )
    try:
        assert "ACCOUNT_CAN_WRITE" in by_code(await check(mariadb, penalty_source()))
        url = mariadb.url_as(user, "reader")
        assert by_code(await check(mariadb, penalty_source(), url)).keys() >= {"ACCOUNT_READ_ONLY"}
        await mariadb.execute(f"GRANT UPDATE (reason) ON {user}.penalty TO {user}")
        assert "UPDATE" in by_code(await check(mariadb, penalty_source(), url))["ACCOUNT_CAN_WRITE"].message
    finally:
        await mariadb.execute(f"DROP USER {user}")


@pytest.mark.mariadb
async def test_a_view_whose_plan_the_account_may_not_see_is_checked_for_all_else(mariadb: Database) -> None:
    await filled(mariadb)
    await mariadb.execute("CREATE VIEW shown AS SELECT * FROM penalty")
    user = mariadb.url.rsplit("/", 1)[1]
    await mariadb.execute(
        f"CREATE USER {user} IDENTIFIED BY 'reader'", f"GRANT SELECT ON {user}.shown TO {user}"
    )
    try:
        found = by_code(await check(mariadb, penalty_source(table="shown"), mariadb.url_as(user, "reader")))
    finally:
        await mariadb.execute(f"DROP USER {user}")
    assert found["KEY_INDEX_UNKNOWN"].level == "warning"
    assert "2 of 2" in found["ROWS_SAMPLED"].message
    assert not [each for each in found.values() if each.level == "error"]


@pytest.mark.postgresql
async def test_an_account_that_may_read_only_some_columns_is_checked_by_those(postgresql: Database) -> None:
    await filled(postgresql)
    role = postgresql.url.rsplit("/", 1)[1]
    await postgresql.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader'",
        f"GRANT SELECT (id_no, document_no, reason, decided) ON penalty TO {role}",
    )
    try:
        found = await check(postgresql, penalty_source(), postgresql.url_as(role, "reader"))
        missing = [finding.where for finding in found if finding.code == "MANIFEST_COLUMN_MISSING"]
        assert missing == ["tt-test.records.P-TT-01.fields.authority"]
    finally:
        await postgresql.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


async def test_an_index_is_needed_on_the_joined_table_s_key_too(database: Database) -> None:
    await filled(database)
    await database.execute("CREATE TABLE person (pid varchar(40) PRIMARY KEY, sfz varchar(18))")
    await database.insert("person", [("P1", PERSON), ("P2", OTHER)])
    record = penalty_source(
        join=[{"table": "person", "on": {"id_no": "pid"}}], keys={"CITIZEN_ID": {"columns": ["person.sfz"]}}
    )
    assert "`person`" in by_code(await check(database, record))["KEY_NOT_INDEXED"].message
    await database.execute("CREATE INDEX person_sfz ON person (sfz)")
    assert "KEY_NOT_INDEXED" not in by_code(await check(database, record))


WIDE_KEYS = PENALTY_TABLE.replace("id_no varchar(40)", "id_no {kind}")
NO_PAD = {
    "sqlite": "varchar(20)",
    "postgresql": "varchar(20)",
    "mariadb": "varchar(20) COLLATE utf8mb4_nopad_bin",
}


async def keyed(database: Database, kind: str, *keys: str) -> None:
    await database.execute(WIDE_KEYS.format(kind=kind), "CREATE INDEX penalty_id_no ON penalty (id_no)")
    await database.insert("penalty", [(key, "罚1号", "事由", "测试局", "2025-01-02") for key in keys])


@pytest.mark.parametrize(
    ("stored", "forms", "said"),
    [
        (
            PERSON + "  ",
            ["NORMAL", "TRAILING_SPACE"],
            "filled up with blanks, which no question finds; declare PADDED",
        ),
        (MINOR.lower() + "  ", ["NORMAL", "TRAILING_SPACE"], "declare LOWER, PADDED and `padTo: 20`"),
        (MINOR.lower(), ["NORMAL"], "declare LOWER"),
        (OTHER[:6] + OTHER[8:17], ["NORMAL"], "declare DIGITS_15"),
        (PERSON[:6] + " " + PERSON[6:], ["NORMAL"], "no form covers"),
    ],
    ids=["two blanks", "two blanks and lower case", "lower case", "15 digits", "blank in between"],
)
async def test_a_number_that_no_declared_form_finds_is_an_error(
    database: Database, stored: str, forms: list[str], said: str
) -> None:
    await keyed(database, NO_PAD[database.engine], OTHER, stored)
    found = await check(database, penalty_source(keys={"CITIZEN_ID": {"columns": ["id_no"], "forms": forms}}))
    lost = by_code(found)["KEY_FORM_UNREACHABLE"]
    assert (lost.level, said in lost.message, "`penalty.id_no`" in lost.message) == ("error", True, True)
    assert stored.strip() not in "".join(finding.message for finding in found)


async def test_numbers_filled_up_to_the_column_s_length_are_found_once_it_is_declared(
    database: Database,
) -> None:
    await keyed(database, NO_PAD[database.engine], PERSON + "  ")
    keys = {"CITIZEN_ID": {"columns": ["id_no"], "forms": ["NORMAL", "PADDED"], "padTo": 20}}
    assert "KEY_FORM_UNREACHABLE" not in by_code(await check(database, penalty_source(keys=keys)))
    person = SubjectKey.person(PERSON)
    source = SqlSource(manifest_of({"P-TT-01": penalty_source(keys=keys)}), small_catalogue(), database.url)
    answer = await source.fetch(Ask("P-TT-01", frozenset({"documentNo"}), (person,)))
    await source.close()
    assert len(answer.rows[person]) == 1


@pytest.mark.mariadb
async def test_a_form_that_the_collation_finds_anyway_is_no_error(mariadb: Database) -> None:
    await keyed(mariadb, "varchar(20) COLLATE utf8mb4_general_ci", MINOR.lower() + "  ")
    assert "KEY_FORM_UNREACHABLE" not in by_code(await check(mariadb, penalty_source()))


async def test_every_table_of_a_union_is_sampled_from_both_ends(database: Database) -> None:
    for year in (2023, 2024):
        table = PENALTY_TABLE.replace("penalty", f"penalty_{year}")
        await database.execute(table.replace("id_no varchar(40)", "id int PRIMARY KEY, id_no varchar(40)"))
    old = [(number, PERSON, "罚1号", "", "", "2023-01-02") for number in range(300)]
    await database.insert("penalty_2023", old)
    new = [(number, PERSON, "罚1号", "", "", "2024-01-02") for number in range(500)]
    await database.insert("penalty_2024", [*new[:-1], (499, PERSON, "罚9号", "", "", "canary")])
    record = penalty_source(table=None, union=["penalty_2023", "penalty_2024"], identity=["id"])
    found = await check(database, record)
    sampled = [finding.message for finding in found if finding.code == "ROWS_SAMPLED"]
    assert sampled == [
        "`penalty_2023`: decoded 300 of 300 sampled rows",
        "`penalty_2024`: decoded 399 of 400 sampled rows",
    ]
    assert by_code(found)["ROWS_REJECTED"].message.startswith("1 of 700 sampled rows")


async def test_a_code_far_from_the_sample_is_found(database: Database) -> None:
    await filled(database)
    await database.insert("penalty", [(PERSON, "罚1号", "1", "测试局", "2025-01-02")] * 400)
    await database.insert("penalty", [(PERSON, "罚1号", "7", "测试局", "2025-01-02")])
    await database.insert("penalty", [(PERSON, "罚1号", "1", "测试局", "2025-01-02")] * 400)
    status = {"column": "reason", "decode": ["trim", {"codes": {"1": "ACTIVE", "事由": "ACTIVE"}}]}
    date = {"column": "decided", "decode": ["date"]}
    found = await check(database, penalty_source(controls={"determinedOn": date, "status": status}))
    assert by_code(found)["CODES_UNKNOWN"].message == "`reason` holds codes that `codes` lacks: 7"


async def test_codes_of_another_kind_of_subject_in_the_same_table_are_none_of_this_type_s(
    database: Database,
) -> None:
    await keyed(database, "varchar(20)", PERSON, COMPANY)
    await database.execute(f"UPDATE penalty SET reason = '8' WHERE id_no = '{COMPANY}'")
    await database.execute(f"UPDATE penalty SET reason = '7' WHERE id_no = '{PERSON}'")
    status = {"column": "reason", "decode": ["trim", {"codes": {"1": "ACTIVE"}}]}
    found = await check(database, penalty_source(controls={"status": status}))
    assert by_code(found)["CODES_UNKNOWN"].message == "`reason` holds codes that `codes` lacks: 7"


async def test_why_no_key_was_found_is_told_in_words(database: Database) -> None:
    keys = [PERSON, COMPANY, "", "9.90101E+17", PERSON[:-1] + "5", "无"]
    await keyed(database, "varchar(20)", *keys)
    told = by_code(await check(database, penalty_source()))["KEY_NOT_RECOGNIZED"]
    assert told.level == "info"
    assert set(told.message.partition(": ")[2].split(", ")) == {
        "1 of another kind of subject",
        "1 empty",
        "1 in scientific notation",
        "1 with a wrong check digit",
        "1 too short or too long",
    }


async def test_a_field_that_rejects_rows_found_by_a_short_number_is_warned_of(sqlite: Database) -> None:
    await filled(sqlite)
    record = penalty_source(
        keys={"USCC": {"columns": ["id_no"], "forms": ["NORMAL", "ORGANIZATION_CODE"]}},
        fields={"documentNo": {"column": "id_no", "decode": ["uscc"]}},
    )
    found = by_code(await check(sqlite, record))["FIELD_REJECTS_KEY"]
    assert found.where == "tt-test.records.P-TT-01.fields.documentNo"


@pytest.mark.postgresql
async def test_a_query_that_the_account_may_not_run_is_one_error(postgresql: Database) -> None:
    await filled(postgresql)
    role = postgresql.url.rsplit("/", 1)[1]
    await postgresql.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader'",
        f"GRANT SELECT (id_no, document_no, authority, decided) ON penalty TO {role}",
    )
    query = "SELECT {columns} FROM (SELECT * FROM penalty) p"
    try:
        url = postgresql.url_as(role, "reader")
        found = await check(postgresql, penalty_source(table=None, query=query), url)
        (error,) = [finding for finding in found if finding.level == "error"]
        assert (error.code, "the query does not run: ACCESS" in error.message) == (
            "MANIFEST_TABLE_MISSING",
            True,
        )
    finally:
        await postgresql.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.mariadb
async def test_tables_are_named_whatever_a_query_calls_them_and_joined_ones_are_looked_at(
    mariadb: Database,
) -> None:
    await filled(mariadb, index=False)
    await mariadb.execute("CREATE TABLE review (pid varchar(40), grade varchar(9))")
    await mariadb.insert("review", [(PERSON, "A"), (OTHER, "B")])
    query = "SELECT {columns} FROM (SELECT a.* FROM penalty a) u"
    found = await check(mariadb, penalty_source(table=None, query=query))
    assert "`penalty`" in by_code(found)["KEY_NOT_INDEXED"].message
    record = penalty_source(
        join=[{"table": "review", "as": "kh", "on": {"id_no": "pid"}, "optional": True}],
        fields={"reason": {"column": "kh.grade"}},
    )
    told = {finding.message for finding in await check(mariadb, record) if finding.code == "KEY_NOT_INDEXED"}
    assert [table for table in ("penalty", "review") if any(f"`{table}`" in each for each in told)] == [
        "penalty",
        "review",
    ]
