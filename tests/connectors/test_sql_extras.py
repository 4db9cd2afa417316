"""Oracle and SQL Server, for which there is no server here: their SQL as text, their faults, their doors."""

from __future__ import annotations

import builtins
import socket

import pytest
from sqlalchemy.engine import make_url

from catalogue.identifiers import KeyKind, SubjectKey
from connectors.errors import ConnectionDied, ManifestError, SourceError, SourceTimeout, SourceUnavailable
from connectors.guard import guarded
from connectors.manifest import RecordSource
from connectors.protocol import Ask
from connectors.sql import SqlSource, mssql, oracle
from connectors.sql.engine import engine_for
from connectors.sql.faults import Foreign, translated
from connectors.sql.statement import Statements
from tests.support.small_catalogue import PERSON, manifest_of, penalty_source, small_catalogue

URLS = {"oracle": "oracle://gw:s3cret@{}:{}/psb", "mssql": "mssql://gw:s3cret@{}:{}/court"}
CITIZEN = KeyKind.CITIZEN_ID


def statements(dialect, **record):
    content = {"keys": {"CITIZEN_ID": {"columns": ["GMSFHM"]}}, "fields": {"name": {"column": "XM"}}} | record
    engine = engine_for(URLS[dialect].format("db", 1), 800)
    return Statements(RecordSource.model_validate(content), engine.dialect)


def one_line(sql):
    return " ".join(sql.split())


def test_oracle_binds_by_name_and_fetches_first_rows():
    statement = statements("oracle", table="GA.T_CZRK").by_keys(CITIZEN, ["XM"], 2)
    assert one_line(statement.sql) == (
        'SELECT "GA"."T_CZRK"."XM" FROM "GA"."T_CZRK"'
        ' WHERE "GA"."T_CZRK"."GMSFHM" IN (:key0, :key1, :key2, :key3) FETCH FIRST :limit ROWS ONLY'
    )
    assert statement.bind(["a", "b"], 7) == {"key0": "a", "key1": "b", "key2": "b", "key3": "b", "limit": 7}


def test_sql_server_takes_the_top_and_compares_keys_as_varchar():
    statement = statements("mssql", table="dbo.T_人").by_keys(CITIZEN, ["XM"], 1)
    assert one_line(statement.sql) == (
        "SELECT TOP (%(limit)s) dbo.[T_人].[XM] FROM dbo.[T_人]"
        " WHERE dbo.[T_人].[GMSFHM] IN (CAST(%(key0)s AS VARCHAR(64)))"
    )
    assert statement.bind(["a"], 7) == {"key0": "a", "limit": 7}
    wide = {"CITIZEN_ID": {"columns": ["GMSFHM"], "forms": ["NORMAL", "FULL_WIDTH"]}}
    assert "IN (%(key0)s)" in statements("mssql", table="t", keys=wide).by_keys(CITIZEN, ["XM"], 1).sql


@pytest.mark.parametrize(
    ("dialect", "head", "tail"),
    [
        ("oracle", "SELECT", "FETCH FIRST :limit ROWS ONLY"),
        ("mssql", "SELECT TOP (%(limit)s) u.", ") AS u"),
    ],
)
def test_the_limit_of_a_union_holds_for_all_its_branches(dialect, head, tail):
    sql = one_line(statements(dialect, union=["t_2024", "t_2025"]).by_keys(CITIZEN, ["XM"], 1).sql)
    assert sql.startswith(head)
    assert sql.endswith(tail)
    assert sql.count("key0") == 2
    assert sql.count("limit") == 1
    assert "UNION ALL" in sql


@pytest.mark.parametrize("dialect", URLS)
def test_the_newest_rows_come_first_in_sql_that_both_understand(dialect):
    made = statements(dialect, table="t", version={"by": ["ID"], "latest": "GXSJ"})
    sql = one_line(made.by_keys(CITIZEN, ["GMSFHM", "GXSJ"], 1, newest_by="GXSJ").sql)
    assert "IS NULL" not in sql.partition("ORDER BY")[2].partition("CASE WHEN")[0]
    assert "IS NULL) THEN 1 ELSE 0 END, " in sql
    assert sql.count(":") + sql.count("%(") == 2  # one key and the limit
    assert "DESC" in sql


@pytest.mark.parametrize(("dialect", "most"), [("oracle", 1000), ("mssql", 2100)])
def test_no_statement_has_more_parameters_than_the_server_takes(dialect, most):
    keys = {"CITIZEN_ID": {"columns": ["A", "B"]}}
    made = statements(dialect, union=["t1", "t2"], keys=keys)
    largest = made.by_keys(CITIZEN, ["XM"], made.most_keys(CITIZEN))
    assert 100 < len(largest.names) <= most
    assert largest.sql.count("key0") == 4


def test_literals_of_the_filter_keep_every_character():
    where = [{"column": "ZT", "op": "not in", "value": ["注销%", 9, True]}]
    sql = one_line(statements("mssql", table="t", where=where).by_keys(CITIZEN, ["XM"], 1).sql)
    assert "NOT IN (N'注销%%', 9, 1)" in sql
    sql = one_line(statements("oracle", table="t", where=where).by_keys(CITIZEN, ["XM"], 1).sql)
    assert "NOT IN ('注销%', 9, 1)" in sql


@pytest.mark.parametrize(
    ("dialect", "raw"), [("oracle", "utl_raw.cast_to_raw("), ("mssql", "AS VARBINARY(max)")]
)
def test_text_of_another_charset_is_read_as_bytes(dialect, raw):
    fields = {"name": {"column": "XM", "decode": [{"charset": "gb18030"}]}}
    assert raw in statements(dialect, table="t", fields=fields).by_keys(CITIZEN, ["XM"], 1).sql


@pytest.mark.parametrize("dialect", URLS)
def test_a_fixed_query_is_a_table_there_too(dialect):
    query = "SELECT {columns} FROM t WHERE z = 'a:b'"
    sql = one_line(statements(dialect, query=query).by_keys(CITIZEN, ["XM"], 1).sql)
    assert "z = 'a:b'" in sql
    assert "{columns}" not in sql


def test_sessions_are_read_only_and_bounded():
    assert oracle.TRANSACTION == "SET TRANSACTION READ ONLY"
    assert mssql.session(0.8) == ("SET LOCK_TIMEOUT 800", "SET NOCOUNT ON")
    engine = mssql.SQLServer(make_url(URLS["mssql"].format("db", 1433)), 0.8)
    assert (engine._login["readonly"], engine._login["timeout"], engine._login["autocommit"]) == (
        True,
        0.8,
        True,
    )
    assert oracle.Oracle(make_url(URLS["oracle"].format("db", 1)), 0.8)._milliseconds == 800


def named(module, error):
    with pytest.raises(Foreign) as raised, module._named(module._driver()):
        raise error
    return translated("psb", raised.value, connected=True)


@pytest.mark.parametrize(("code", "fault"), oracle.FAULTS.items())
def test_oracle_s_codes_become_our_errors(code, fault):
    driver = oracle._driver()

    class Detail:
        full_code = code

    error = named(oracle, driver.DatabaseError(Detail()))
    assert (type(error), error.reason) == (fault[0], fault[1] or fault[0].code)


@pytest.mark.parametrize(("number", "fault"), mssql.FAULTS.items())
def test_sql_server_s_numbers_become_our_errors(number, fault):
    failure = mssql._driver().OperationalError("key 990101198001010014")
    failure.number = number
    error = named(mssql, failure)
    assert (type(error), error.reason) == (fault[0], fault[1] or fault[0].code)
    assert PERSON not in str(error)


def test_sql_server_s_timeouts_and_lost_lines_are_told_apart():
    driver = mssql._driver()
    assert isinstance(named(mssql, driver.TimeoutError("x")), SourceTimeout)
    assert isinstance(named(mssql, driver.ClosedConnectionError()), ConnectionDied)
    assert type(named(mssql, driver.Error("x"))) is SourceUnavailable


@pytest.mark.parametrize("dialect", URLS)
async def test_a_server_that_is_not_there_is_unavailable_and_keeps_the_secret(dialect):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = URLS[dialect].format("127.0.0.1", taken.getsockname()[1])
        source = SqlSource(manifest_of({"P-TT-01": penalty_source()}), small_catalogue(), url)
        with pytest.raises(SourceError) as down:
            await source.ping()
        await source.close()
    assert isinstance(down.value, SourceUnavailable)
    assert "s3cret" not in str(down.value)


@pytest.mark.parametrize("dialect", URLS)
async def test_a_server_that_hangs_is_given_up_at_the_deadline(dialect):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = URLS[dialect].format("127.0.0.1", silent.getsockname()[1])
        manifest = manifest_of({"P-TT-01": penalty_source()}, deadlineMs=1000)
        source = SqlSource(manifest, small_catalogue(), url)
        with pytest.raises(SourceError):
            await guarded(source, manifest).fetch(Ask("P-TT-01", frozenset(), (SubjectKey.person(PERSON),)))
        await source.close()


@pytest.mark.parametrize(("dialect", "module"), [("oracle", "oracledb"), ("mssql", "pytds")])
def test_without_its_driver_the_manifest_says_what_to_install(dialect, module, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == module:
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ManifestError) as refused:
        engine_for(URLS[dialect].format("db", 1), 800)
    assert refused.value.code == "MANIFEST_DRIVER"
    assert f"[{dialect}]" in refused.value.message
