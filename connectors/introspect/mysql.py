"""What MariaDB and MySQL say of themselves, by information_schema.

SQLAlchemy asks by SHOW CREATE TABLE, which an account is refused that may read some columns of a table only.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sqlalchemy import Connection, text

from connectors.introspect.described import Column, ForeignKey, Table, commented

_COLUMNS: Final = text("""
SELECT c.table_name, t.table_comment, t.table_type, c.column_name, c.data_type, c.column_comment, c.column_key
FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = COALESCE(:own, DATABASE()) ORDER BY c.table_name, c.ordinal_position""")
_FOREIGN: Final = text("""
SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
FROM information_schema.key_column_usage
WHERE table_schema = COALESCE(:own, DATABASE()) AND referenced_table_schema = table_schema
ORDER BY table_name, constraint_name, ordinal_position""")
_KINDS: Final = {
    **dict.fromkeys(("date", "datetime", "timestamp", "time"), "date"),
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), "number"),
    **dict.fromkeys(("decimal", "float", "double"), "number"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "binary"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), "text"),
    **dict.fromkeys(("enum", "set"), "text"),
}


def tables(connection: Connection, schema: str | None) -> list[Table]:
    """Every table and view of which the account may read a column, by name."""
    columns: dict[str, list[Column]] = defaultdict(list)
    keys: dict[str, list[str]] = defaultdict(list)
    comments: dict[str, str] = {}
    for table, said, kind, name, declared, comment, key in connection.execute(_COLUMNS, {"own": schema}):
        columns[table].append(Column(name, _KINDS.get(declared.lower(), "other"), commented(name, comment)))
        keys[table] += [name] if key == "PRI" else []
        # a view's comment is VIEW
        comments[table] = commented(table, said if kind == "BASE TABLE" else "")
    foreign = _foreign(connection, schema)
    prefix = f"{schema}." if schema else ""
    return [
        Table(prefix + name, tuple(found), comments[name], tuple(keys[name]), foreign.get(name, ()))
        for name, found in columns.items()
    ]


def _foreign(connection: Connection, schema: str | None) -> dict[str, tuple[ForeignKey, ...]]:
    parts: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for table, constraint, column, to, referred in connection.execute(_FOREIGN, {"own": schema}):
        parts[table, constraint, to].append((column, referred))
    prefix = f"{schema}." if schema else ""
    found: dict[str, tuple[ForeignKey, ...]] = defaultdict(tuple)
    for (table, _, to), pairs in parts.items():
        own, referred_columns = zip(*pairs, strict=True)
        found[table] += (ForeignKey(own, prefix + to, referred_columns),)
    return found
