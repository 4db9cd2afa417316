"""`source check` finds each deliberate defect and never shows a value."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.protocol import Finding
from connectors.sql import SqlSource
from tests.support.databases import Database
from tests.support.small_catalogue import (
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
    assert {finding.code for finding in found} <= {"ACCOUNT_CAN_WRITE", "COLUMNS_HASH"}
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
        assert "ACCOUNT_CAN_WRITE" not in by_code(await check(mariadb, penalty_source(), url))
        await mariadb.execute(f"GRANT UPDATE (reason) ON {user}.penalty TO {user}")
        assert "UPDATE" in by_code(await check(mariadb, penalty_source(), url))["ACCOUNT_CAN_WRITE"].message
    finally:
        await mariadb.execute(f"DROP USER {user}")


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
