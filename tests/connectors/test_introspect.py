"""Databases never seen before, on three engines: drafted, checked and asked, with no value shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue, Label
from connectors.errors import ManifestError, SourceError
from connectors.introspect import Address, Introspection, Request, introspect
from connectors.introspect.described import ForeignKey
from connectors.introspect.reflection import reading_engine, reflect
from connectors.introspect.sampling import look
from connectors.introspect.shapes import shape_of, words_of
from connectors.introspect.vocabulary import by_comment, by_name, codes_in, of_another, status_of
from connectors.protocol import Ask, Row, Source
from connectors.registry import load_sources
from connectors.sql.engine import Engine, engine_for
from tests.support.databases import Database, throwaway
from tests.support.strangers import (
    CANARIES,
    COMMENTED,
    COMPANY,
    OTHERS,
    PINYIN,
    STANDARD,
    TESTED,
    Stranger,
    fill_commented,
)
from tests.support.unhurried import unhurried

ENGINES = {
    "pinyin": pytest.param(PINYIN, id="sqlite"),
    "comments": pytest.param(COMMENTED, id="postgresql", marks=pytest.mark.postgresql),
    "standard": pytest.param(STANDARD, id="mariadb", marks=pytest.mark.mariadb),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@asynccontextmanager
async def unknown(stranger: Stranger, folder: Path) -> AsyncIterator[Database]:
    async with throwaway(stranger.engine, folder) as database:
        await (fill_commented(database) if stranger is COMMENTED else stranger.fill(database))
        yield database


async def drafted(database: Database, catalogue: Catalogue, **more: Any) -> Introspection:
    return await introspect(Request(database.url, "stranger", "STRANGER_URL", **more), catalogue)


def opened(text: str, database: Database, catalogue: Catalogue, folder: Path) -> Source:
    """The draft as a source, as the gateway would load it."""
    sources = folder / "sources"
    sources.mkdir()
    (sources / "stranger.yaml").write_text(unhurried(text), "utf-8")
    return load_sources(sources, catalogue, {"STRANGER_URL": database.url})["stranger"]


async def asked(source: Source, code: str, key: SubjectKey, *fields: str) -> tuple[Row, ...]:
    try:
        return (await source.fetch(Ask(code, frozenset(fields), (key,)))).rows[key]
    finally:
        await source.close()


@pytest.mark.parametrize("stranger", ENGINES.values())
async def test_a_draft_is_free_of_values_and_of_the_url(
    stranger: Stranger, tmp_path: Path, catalogue: Catalogue
) -> None:
    async with unknown(stranger, tmp_path) as database:
        found = await drafted(database, catalogue)
    assert not [value for value in (*CANARIES, database.url) if value in found.text]
    assert "url: ${STRANGER_URL}\n" in found.text
    assert found.unsure == found.text.count("# unsure:") + found.text.count("; unsure:")


async def test_pinyin_initials_without_comments(tmp_path: Path, catalogue: Catalogue) -> None:
    async with unknown(PINYIN, tmp_path) as database:
        found = await drafted(database, catalogue)
        source = opened(found.text, database, catalogue, tmp_path)
        levels = {finding.level for finding in await source.check()}
        rows = await asked(
            source, "P-FG-03", SubjectKey.person(OTHERS[0]), "fineBand", "determinedOn", "documentNo"
        )
    assert found.records == {"P-FG-03": "T_XZCF_2024"}
    assert "union: [T_XZCF_2024, T_XZCF_2025]" in found.text
    assert "forms: [NORMAL, LOWER, DIGITS_15]" in found.text
    assert "error" not in levels
    told = sorted((str(row.values["determinedOn"]), row.values["fineBand"]) for row in rows)
    assert told == [("2024-05-06", "1000元–1万"), ("2025-05-06", "1000元–1万")]
    assert found.passed_over == {
        "SYS_MENU": "no citizen id or USCC, and no way to one",
        "T_XZCF_BAK": "history, backup or test by its name",
    }


async def test_a_soft_deleted_row_stays_out(tmp_path: Path, catalogue: Catalogue) -> None:
    async with unknown(PINYIN, tmp_path) as database:
        source = opened((await drafted(database, catalogue)).text, database, catalogue, tmp_path)
        assert await asked(source, "P-FG-03", SubjectKey.person(OTHERS[2]), "documentNo") == ()


@pytest.mark.postgresql
async def test_comments_say_all_and_the_key_is_in_another_table(tmp_path: Path, catalogue: Catalogue) -> None:
    async with unknown(COMMENTED, tmp_path) as database:
        found = await drafted(database, catalogue)
        # the one thing a person has to know: what code 3 means
        text = found.text.replace("'2': REVOKED", "'2': REVOKED, '3': SUPERSEDED")
        source = opened(text, database, catalogue, tmp_path)
        findings = {finding.code for finding in await source.check() if finding.level == "error"}
        rows = await asked(source, "E-XF-01", SubjectKey.entity(COMPANY), "documentNo", "behaviour")
    assert found.records == {"E-XF-01": "xf_jl"}
    assert "USCC: {columns: [dw.c1]}" in found.text
    assert "dw.c4" not in found.text  # the legal representative's number is nobody's key here
    assert not findings
    assert [row.values["documentNo"] for row in rows] == ["测消罚〔2026〕1号", "测消罚〔2026〕2号"]
    assert [row.controls["status"] for row in rows] == ["ACTIVE", "REVOKED"]


@pytest.mark.mariadb
async def test_standard_element_names_joined_without_a_constraint(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    async with unknown(STANDARD, tmp_path) as database:
        found = await drafted(database, catalogue)
        source = opened(found.text, database, catalogue, tmp_path)
        rows = await asked(
            source, "P-RS-03", SubjectKey.person(TESTED), "participationState", "startedOn", "scheme"
        )
    assert "join: [{table: ac01, on: {aac001: aac001}}] # unsure: no foreign key" in found.text
    assert "must not be mapped: insuringOrganization" in found.text
    assert [(str(row.values["startedOn"]), row.values["participationState"]) for row in rows] == [
        ("2018-06", "参保缴费"),
        ("2018-09", "暂停缴费"),
    ]


async def test_a_status_whose_codes_nobody_explains_answers_nothing(
    sqlite: Database, tmp_path: Path, catalogue: Catalogue
) -> None:
    await sqlite.execute(
        "CREATE TABLE t_xzcf (id INTEGER PRIMARY KEY, xdr_zjhm TEXT, xdr_mc TEXT, cfjdswh TEXT, cfjdrq TEXT,"
        " zt TEXT)"
    )
    await sqlite.insert("t_xzcf", [(1, TESTED, "测试甲", "测罚1号", "2026-01-02", "7")])
    found = await drafted(sqlite, catalogue)
    source = opened(found.text, sqlite, catalogue, tmp_path)
    codes = {finding.code for finding in await source.check()}
    key = SubjectKey.person(TESTED)
    answer = await source.fetch(Ask("P-FG-03", frozenset({"documentNo"}), (key,)))
    await source.close()
    assert "rows with 7 are rejected until you map or filter them" in found.text
    assert "ROWS_ALL_REJECTED" in codes
    assert (answer.rows[key], [one.reason for one in answer.rejects[key]]) == ((), ["CODE_UNKNOWN"])


async def test_rows_written_again_and_numbers_in_either_column(
    sqlite: Database, tmp_path: Path, catalogue: Catalogue
) -> None:
    """As the 双公示 front database does: corrections are new rows, persons stand in the USCC column."""
    await sqlite.execute(
        "CREATE TABLE t_xzcf (ID TEXT, CF_XDR_MC TEXT, CF_XDR_SHXYM TEXT, CF_XDR_ZJHM TEXT, CF_WSH TEXT,"
        " CF_JDRQ TEXT, SJC TEXT, PRIMARY KEY (ID, SJC))"
    )
    rows = [
        ("a1", "测试甲", TESTED, "", "测罚1号", "2026-01-02", "2026-01-03 08:00:00"),
        ("a1", "测试甲", TESTED, "", "测罚1号", "2026-01-05", "2026-01-06 08:00:00"),
        ("a2", "测试有限公司", COMPANY, None, "测罚2号", "2026-01-02", "2026-01-03 08:00:00"),
    ]
    await sqlite.insert("t_xzcf", rows)
    found = await drafted(sqlite, catalogue)
    source = opened(found.text, sqlite, catalogue, tmp_path)
    (row,) = await asked(source, "P-FG-03", SubjectKey.person(TESTED), "determinedOn")
    assert "version: {by: [ID], latest: SJC} # unsure:" in found.text
    assert "CITIZEN_ID: {columns: [CF_XDR_SHXYM, CF_XDR_ZJHM]}" in found.text
    assert str(row.values["determinedOn"]) == "2026-01-05"


async def test_an_adverse_table_without_a_date_is_a_comment_only(
    sqlite: Database, catalogue: Catalogue
) -> None:
    await sqlite.execute(
        "CREATE TABLE t_xzcf (id INTEGER PRIMARY KEY, xdr_zjhm TEXT, xdr_mc TEXT, cfjdswh TEXT, cflb TEXT)",
        "CREATE TABLE t_lsxx (id INTEGER PRIMARY KEY, sfzh TEXT, xm TEXT, zyzh TEXT, cfrq TEXT, zyjg TEXT)",
    )
    await sqlite.insert("t_xzcf", [(1, TESTED, "测试甲", "测罚1号", "罚款")])
    await sqlite.insert("t_lsxx", [(1, TESTED, "测试甲", "1990120", "2026-01-02", "测试律所")])
    found = await drafted(sqlite, catalogue)
    assert found.refused.keys() == {"P-FG-03"}
    assert "MANIFEST_CONTROL_MISSING" in found.refused["P-FG-03"]
    assert "  # P-FG-03:" in found.text


async def test_a_database_without_subjects_is_an_error(sqlite: Database, catalogue: Catalogue) -> None:
    await sqlite.execute("CREATE TABLE menu (id INTEGER PRIMARY KEY, title TEXT)")
    with pytest.raises(ManifestError) as error:
        await drafted(sqlite, catalogue)
    assert error.value.code == "INTROSPECT_NOTHING"


async def test_names_and_comments_stay_within_their_line(database: Database, catalogue: Catalogue) -> None:
    evil = "e\nheaders: {X: y}\n#\x1b]0;x\x07\u202e\u2028"
    mark = "`" if database.engine == "mariadb" else '"'
    await database.execute(
        f"CREATE TABLE {mark}{evil}{mark} (a integer)",
        f"CREATE TABLE t_xzcf (sfzh varchar(18), xm varchar(40), wsh varchar(60), cfsy varchar(200),"
        f" cfrq date, {mark}c{evil}{mark} integer)",
    )
    if database.engine == "postgresql":
        await database.execute(
            f"COMMENT ON TABLE t_xzcf IS '{evil}'", f"COMMENT ON COLUMN t_xzcf.wsh IS '{evil}'"
        )
    if database.engine == "mariadb":
        await database.execute(f"ALTER TABLE t_xzcf COMMENT '{evil}'")
    found = await drafted(database, catalogue, department="FG")
    assert found.records == {"P-FG-03": "t_xzcf"}
    assert all(line.isprintable() for line in found.text.removesuffix("\n").split("\n"))
    assert "headers" not in yaml.safe_load(found.text)
    assert "\\x1b" in found.text


async def test_nothing_found_is_said_on_one_line(sqlite: Database, catalogue: Catalogue) -> None:
    await sqlite.execute('CREATE TABLE "menu\x1b[2J\n" (id INTEGER PRIMARY KEY)')
    with pytest.raises(ManifestError) as error:
        await drafted(sqlite, catalogue)
    assert error.value.message.isprintable()


async def test_a_database_that_is_not_there_says_no_url(catalogue: Catalogue) -> None:
    with pytest.raises(SourceError) as error:
        await drafted(Database("postgresql", "postgresql://reader:hunter2@127.0.0.1:1/x"), catalogue)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("stranger", ENGINES.values())
async def test_nothing_is_written(stranger: Stranger, tmp_path: Path, catalogue: Catalogue) -> None:
    async with unknown(stranger, tmp_path) as database:
        before = await contents(database, stranger)
        await drafted(database, catalogue)
        assert await contents(database, stranger) == before


async def contents(database: Database, stranger: Stranger) -> object:
    """Every row of every table; of a file, its bytes as well."""
    if database.engine == "sqlite":
        return bytes_of(database)
    tables = [statement.split()[2] for statement in stranger.tables if statement.startswith("CREATE TABLE")]
    return [await database.fetch(f"SELECT * FROM {table} ORDER BY 1") for table in tables]


def bytes_of(database: Database) -> bytes:
    return Path(database.url.removeprefix("sqlite:///")).read_bytes()


@pytest.mark.parametrize(
    ("engine", "asked", "limit"),
    [
        pytest.param("postgresql", "SHOW statement_timeout", "30s", marks=pytest.mark.postgresql),
        pytest.param("mariadb", "SELECT @@max_statement_time", 30, marks=pytest.mark.mariadb),
    ],
)
async def test_what_the_catalogue_is_asked_ends_at_the_server(
    engine: str, asked: str, limit: object, tmp_path: Path
) -> None:
    async with throwaway(engine, tmp_path) as database:
        reading = reading_engine(make_url(database.url))
        async with reading.connect() as connection:
            assert await connection.scalar(text(asked)) == limit
        await reading.dispose()


class Counting:
    """An engine that counts the statements of its connections."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.dialect, self.statements = engine, engine.dialect, 0

    async def connect(self) -> Counting:
        self.opened = await self.engine.connect()
        return self

    async def fetch(self, *question: Any) -> Any:
        self.statements += 1
        return await self.opened.fetch(*question)

    async def close(self) -> None:
        await self.opened.close()


@pytest.mark.postgresql
async def test_a_view_that_takes_too_long_is_asked_once(postgresql: Database) -> None:
    await postgresql.execute(
        "CREATE TABLE t (id integer, a text, b text)",
        "INSERT INTO t VALUES (1, '', '')",
        "CREATE VIEW slow AS SELECT id, a, b, pg_sleep(60)::text AS c FROM t",
    )
    tables = [table for table in await reflect(make_url(postgresql.url)) if table.name == "slow"]
    engine = Counting(engine_for(postgresql.url, 50))
    (seen,) = await look(engine, tables)
    assert (seen.rows, engine.statements) == (0, 1)


async def test_the_session_that_reflects_cannot_write(database: Database) -> None:
    engine = reading_engine(make_url(database.url))
    try:
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
                await connection.execute(text("CREATE TABLE left_behind (id integer)"))
    finally:
        await engine.dispose()


@pytest.mark.postgresql
async def test_an_account_that_may_read_some_columns_only(postgresql: Database, catalogue: Catalogue) -> None:
    await fill_commented(postgresql)
    role = postgresql.url.rsplit("/", 1)[1]
    await postgresql.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader'",
        f"GRANT SELECT ON dw TO {role}",
        f"GRANT SELECT (jl_id, dw_id, f1, f2, f3) ON xf_jl TO {role}",
    )
    try:
        reader = Database("postgresql", postgresql.url_as(role, "reader"))
        found = await drafted(reader, catalogue)
    finally:
        await postgresql.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert "documentNo: {column: f1" in found.text
    assert "column: f4" not in found.text


@pytest.mark.mariadb
async def test_column_grants_of_mariadb_are_enough(mariadb: Database, catalogue: Catalogue) -> None:
    await mariadb.execute(
        "CREATE TABLE t_xzcf (id INT PRIMARY KEY, sfzh VARCHAR(18) COMMENT '身份证号', xm VARCHAR(40),"
        " cfjdswh VARCHAR(60), cfrq DATE, lxdh VARCHAR(20))",
        "CREATE TABLE t_dh (id INT PRIMARY KEY, cf_id INT, FOREIGN KEY (cf_id) REFERENCES t_xzcf (id))",
        f"INSERT INTO t_xzcf VALUES (1, '{TESTED}', '测试甲', '测罚1号', '2026-01-02', '1')",
    )
    user = mariadb.url.rsplit("/", 1)[1]
    await mariadb.execute(
        f"CREATE USER {user} IDENTIFIED BY 'reader'",
        f"GRANT SELECT (id, sfzh, xm, cfjdswh, cfrq) ON {user}.t_xzcf TO {user}",
    )
    try:
        found = await drafted(Database("mariadb", mariadb.url_as(user, "reader")), catalogue)
    finally:
        await mariadb.execute(f"DROP USER {user}")
    assert found.records == {"P-FG-03": "t_xzcf"}
    assert "determinedOn: {column: cfrq" in found.text
    assert ("identity: [id]" in found.text, "lxdh" in found.text) == (True, False)
    described = {table.name: table for table in await reflect(make_url(mariadb.url))}
    assert described["t_dh"].foreign_keys == (ForeignKey(("cf_id",), "t_xzcf", ("id",)),)


@pytest.mark.postgresql
async def test_schemas_are_named_and_several_can_be_given(postgresql: Database, catalogue: Catalogue) -> None:
    columns = "id int PRIMARY KEY, sfzh text, xm text, cfjdswh text, cfrq date"
    await postgresql.execute(
        "CREATE SCHEMA assist",
        'CREATE SCHEMA "社会组织"',
        f"CREATE TABLE assist.t_xzcf ({columns})",
        f"INSERT INTO assist.t_xzcf VALUES (1, '{TESTED}', '测试甲', '测罚1号', '2026-01-02')",
        'CREATE TABLE "社会组织"."社会组织登记" (id int PRIMARY KEY, "统一代码" text, "名称" text,'
        ' "法定代表人" text, "成立日期" date, "年检结果" text)',
        f"""INSERT INTO "社会组织"."社会组织登记"
        VALUES (1, '{COMPANY}', '测试协会', '测试甲', '2020-01-02', '合格')""",
    )
    with pytest.raises(ManifestError) as error:
        await drafted(postgresql, catalogue)
    assert "assist, 社会组织: give --schema" in error.value.message
    found = await drafted(postgresql, catalogue, schemas=("assist", "社会组织"), department="MZ")
    assert found.records["P-FG-03"] == "assist.t_xzcf"
    assert found.records["E-MZ-01"] == "社会组织.社会组织登记"
    assert "legalRepresentative: {column: 法定代表人}" in found.text


async def test_a_draft_of_one_type_that_lacks_something_is_still_written(
    sqlite: Database, catalogue: Catalogue
) -> None:
    await sqlite.execute(
        "CREATE TABLE t_xzcf (id INTEGER PRIMARY KEY, xdr_zjhm TEXT, xdr_mc TEXT, cfjdswh TEXT, cflb TEXT)"
    )
    await sqlite.insert("t_xzcf", [(1, TESTED, "测试甲", "测罚1号", "罚款")])
    found = await drafted(sqlite, catalogue)
    assert (found.records, found.refused.keys()) == ({}, {"P-FG-03"})
    assert "  # P-FG-03:" in found.text


async def test_tables_that_nothing_fits_are_told_with_the_nearest_types(
    sqlite: Database, catalogue: Catalogue
) -> None:
    await sqlite.execute("CREATE TABLE t_zz (id INTEGER PRIMARY KEY, sfzh TEXT, xm TEXT, qwe TEXT)")
    await sqlite.insert("t_zz", [(1, TESTED, "测试甲", "x")])
    with pytest.raises(ManifestError) as error:
        await drafted(sqlite, catalogue)
    assert re.search(r"nearest, of 1\.2 that are needed: [PE]-[A-Z]{2}-\d{2} \d\.\d", error.value.message)


@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        ([TESTED, COMPANY, TESTED.ljust(19)], {KeyKind.CITIZEN_ID, KeyKind.USCC}),
        (["MA9TE001-4", "MA9TE0014", ""], {KeyKind.USCC}),
        (["990100000000013", "990100000000048"], set()),
        (["1", "2", TESTED], set()),
        ([None, ""], set()),
    ],
)
def test_keys_are_known_by_their_check_digits(cells: list[object], kinds: set[KeyKind]) -> None:
    assert set(shape_of(cells).kinds) == kinds


def test_only_words_that_three_subjects_share_are_said() -> None:
    cells = ["注销", "注销", "注销", "测试甲", "测试甲", "测试甲", "7", TESTED]
    found = words_of(cells, [1, 2, 3, 4, 4, 4, 5, 6])
    assert (found.said, found.unsaid) == (("注销", "7"), 2)


@pytest.mark.parametrize(
    ("column", "score"),
    [("CF_WSH", 0.9), ("wenshuhao", 0.95), ("wsh", 0.9), ("ORDER_WSH", 0.75), ("gxsj", 0.0)],
)
def test_names_are_read_as_habits_and_pinyin(column: str, score: float) -> None:
    assert by_name(column, ("wsh", "cfwsh"), Label(zh="文书号", en="Number")) == score


def test_english_names_and_comments() -> None:
    label = Label(zh="处罚决定日期", en="Date of the penalty")
    assert by_name("penalty_date", (), label, "determinedOn") > 0.5
    assert by_comment("处罚决定日期（必填）", ["处罚决定日期"]) == 1
    assert by_comment("处罚日期", ["处罚决定日期"]) > 0.5


def test_codes_in_comments_and_what_they_mean() -> None:
    codes = codes_in("1 发布 2 屏蔽 3 撤销 9 测试数据")
    assert {code: status_of(word) for code, word in codes.items()} == {
        "1": "ACTIVE",
        "2": "SEALED",
        "3": "REVOKED",
        "9": None,
    }
    assert status_of("未撤销") is None


@pytest.mark.parametrize(
    ("column", "comment", "another"),
    [
        ("FDDBR_SFZH", "", True),
        ("sfzh", "经办人身份证", True),
        ("sfzh", "", False),
        ("XDR_ZJHM", "相对人证件", False),
    ],
)
def test_other_people_s_numbers_are_no_keys(column: str, comment: str, another: bool) -> None:
    assert of_another(column, comment) is another


def test_an_address_shows_no_password() -> None:
    address = Address.of("mariadb://reader:hunter2@db/housing_2024")
    assert "hunter2" not in str(address) + repr(address)
    assert (address.name, address.has_password) == ("housing-2024", True)
    assert address.with_password("other").secret == "mariadb://reader:other@db/housing_2024"
