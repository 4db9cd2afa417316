import pytest
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.dialects.postgresql.base import PGDialect

from catalogue.identifiers import KeyKind
from connectors.errors import ManifestError
from connectors.manifest import RecordSource
from connectors.sql.statement import Statements, bucket

DIALECTS = {
    "postgresql": PGDialect(paramstyle="numeric_dollar"),
    "mysql": mysql.dialect(paramstyle="format"),
    "sqlite": sqlite.dialect(),
}
CITIZEN = KeyKind.CITIZEN_ID


def statements(dialect: str, **record: object) -> Statements:
    content = {
        "keys": {"CITIZEN_ID": {"columns": ["id_no"]}},
        "fields": {"name": {"column": "name"}},
        **record,
    }
    return Statements(RecordSource.model_validate(content), DIALECTS[dialect])


def one_line(sql: str) -> str:
    return " ".join(sql.split())


@pytest.mark.parametrize(
    ("dialect", "quote", "match", "limit"),
    [
        ("postgresql", '"', "= ANY ($1)", "LIMIT $2"),
        ("mysql", "`", "IN (%s, %s, %s, %s)", "LIMIT %s"),
        ("sqlite", '"', "IN (?, ?, ?, ?)", "LIMIT ? OFFSET ?"),
    ],
)
def test_identifiers_are_quoted_and_keys_are_binds(dialect: str, quote: str, match: str, limit: str) -> None:
    statement = statements(dialect, table="GA.T_人").by_keys(CITIZEN, ["name"], 3)
    table = "|GA|.|T_人|".replace("|", quote)
    expected = f"SELECT {table}.name FROM {table} WHERE {table}.id_no {match} {limit}"
    assert one_line(statement.sql) == expected


def test_short_key_lists_are_padded_with_their_last_key() -> None:
    statement = statements("sqlite", table="t").by_keys(CITIZEN, ["name"], 3)
    assert statement.bind(["a", "b", "c"], 7) == ["a", "b", "c", "c", 7, 0]


def test_postgresql_takes_all_keys_as_one_array() -> None:
    statement = statements("postgresql", table="t").by_keys(CITIZEN, ["name"], 3)
    assert statement.bind(["a", "b", "c"], 7) == [["a", "b", "c"], 7]


def test_key_counts_share_few_statements() -> None:
    assert [bucket(n) for n in (1, 2, 4, 5, 17, 100, 257, 1200)] == [1, 4, 4, 16, 64, 256, 512, 2048]


def test_several_key_columns_are_joined_by_or() -> None:
    keys = {"CITIZEN_ID": {"columns": ["uscc", "id_no"]}}
    postgres = statements("postgresql", table="t", keys=keys).by_keys(CITIZEN, ["name"], 1)
    assert "WHERE t.uscc = ANY ($1) OR t.id_no = ANY ($2) LIMIT" in one_line(postgres.sql)
    assert postgres.bind(["a"], 7) == [["a"], ["a"], 7]
    maria = statements("mysql", table="t", keys=keys).by_keys(CITIZEN, ["name"], 1)
    assert "WHERE t.uscc IN (%s) OR t.id_no IN (%s) LIMIT" in one_line(maria.sql)
    assert maria.bind(["a"], 7) == ["a", "a", 7]


def test_every_branch_of_a_union_filters_by_key_and_the_limit_holds_for_all() -> None:
    found = statements("sqlite", union=["t_2023", "t_2024"]).by_keys(CITIZEN, ["name"], 1)
    sql = one_line(found.sql)
    assert sql.count("UNION ALL") == 1
    assert "t_2023.id_no IN (?)" in sql
    assert "t_2024.id_no IN (?)" in sql
    assert sql.count("LIMIT") == 1
    assert found.bind(["a"], 7) == ["a", "a", 7, 0]


def test_joined_tables_are_named_by_their_columns() -> None:
    record = {
        "table": "opa",
        "join": [{"table": "base", "on": {"PRIPID": "PRIPID"}}],
        "keys": {"CITIZEN_ID": {"columns": ["base.CERNO"]}},
        "fields": {"name": {"column": "SPECAUSE"}, "who": {"column": "base.ENTNAME"}},
    }
    sql = one_line(statements("mysql", **record).by_keys(CITIZEN, ["SPECAUSE", "base.ENTNAME"], 1).sql)
    assert "FROM opa INNER JOIN base ON opa.`PRIPID` = base.`PRIPID`" in sql
    assert sql.startswith("SELECT opa.`SPECAUSE`, base.`ENTNAME`")
    assert "base.`CERNO` IN (%s)" in sql


def test_a_column_of_a_table_that_is_not_joined_is_refused() -> None:
    with pytest.raises(ManifestError, match="MANIFEST_TABLE_UNKNOWN other"):
        statements("sqlite", table="t", fields={"name": {"column": "other.name"}})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"op": "=", "value": "0"}, "t.zt IN ('0')"),
        ({"op": "!=", "value": 9}, "(t.zt NOT IN ('9'))"),
        ({"op": "in", "value": ["1", "O'Neil"]}, "t.zt IN ('1', 'O''Neil')"),
        ({"op": "not in", "value": [8, 9]}, "(t.zt NOT IN ('8', '9'))"),
        ({"op": "is null"}, "t.zt IS NULL"),
        ({"op": "is not null"}, "t.zt IS NOT NULL"),
        ({"op": "null or", "value": False}, "(t.zt IS NULL OR t.zt IN ('0'))"),
        ({"op": "null or not", "value": "9"}, "(t.zt IS NULL OR (t.zt NOT IN ('9')))"),
    ],
)
def test_row_filters_become_conditions_with_literals_of_the_manifest(
    condition: dict[str, object], expected: str
) -> None:
    found = statements("postgresql", table="t", where=[{"column": "zt", **condition}])
    assert f"WHERE {expected} AND t.id_no" in one_line(found.by_keys(CITIZEN, ["name"], 1).sql)


@pytest.mark.parametrize(("dialect", "expected"), [("mysql", "t.zt IN (1)"), ("sqlite", "t.zt IN (1)")])
def test_numbers_and_booleans_stay_numbers_outside_postgresql(dialect: str, expected: str) -> None:
    found = statements(dialect, table="t", where=[{"column": "zt", "op": "=", "value": True}])
    assert expected in one_line(found.by_keys(CITIZEN, ["name"], 1).sql)


def test_a_fixed_query_keeps_its_own_colons_and_percent_signs() -> None:
    query = "SELECT {columns} FROM x WHERE b::text LIKE '测%' AND c = '12:30';"
    found = statements("postgresql", query=query).by_keys(CITIZEN, ["name"], 1)
    asked = query[:-1].replace("{columns}", "id_no, name")
    assert f"FROM ({asked}) AS q" in one_line(found.sql)
    maria = statements("mysql", query=query).by_keys(CITIZEN, ["name"], 1)
    assert "LIKE '测%' AND c = '12:30'" in maria.sql % tuple(maria.bind(["k"], 1))


def test_columns_of_undeclared_charset_are_read_as_bytes() -> None:
    fields = {"name": {"column": "name", "decode": [{"charset": "gb18030"}, "trim"]}}
    maria = statements("mysql", table="t", fields=fields).by_keys(CITIZEN, ["name", "id_no"], 1)
    assert one_line(maria.sql).startswith("SELECT CAST(t.name AS BINARY) AS name, t.id_no FROM")
    postgres = statements("postgresql", table="t", fields=fields).by_keys(CITIZEN, ["name"], 1)
    assert one_line(postgres.sql).startswith("SELECT t.name FROM")


def test_sqlite_gets_no_more_parameters_than_it_takes_unless_built_otherwise() -> None:
    keys = {"CITIZEN_ID": {"columns": ["a", "b"]}}
    made = statements("sqlite", union=["t1", "t2"], keys=keys)
    largest = made.by_keys(CITIZEN, ["name"], made.most_keys(CITIZEN))
    assert 4_000 < len(largest.order) <= 32_766
