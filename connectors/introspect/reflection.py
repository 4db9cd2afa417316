"""What a database says of itself: tables, columns, comments, keys. Reads its catalogue, never its rows.

SQLAlchemy's inspector asks in the dialect's own way, on one connection that can only read and
whose statements end by themselves.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Inspector, inspect, types
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from connectors.errors import ManifestError, SourceUnavailable
from connectors.introspect.described import Column, ForeignKey, Table, commented
from connectors.introspect.mysql import tables as mysql_tables
from connectors.shown import shown

SECONDS: Final = 30.0
"""A department's catalogue may be large; a question that takes longer is stopped at the server."""

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "mysql": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
    "oracle": "oracle+oracledb_async",
    "mssql": "mssql+aioodbc",
}

_MYSQL: Final = (
    "SET SESSION max_error_count = 0"
    f" /*M!100101 , max_statement_time = {SECONDS:.0f}, tx_read_only = 1 */"
    f" /*!50720 , max_execution_time = {SECONDS * 1000:.0f}, transaction_read_only = 1 */"
)
"""Each server takes the comment that is meant for it: MariaDB from 10.1 on, MySQL from 5.7.20 on."""


async def reflect(url: URL, schemas: Sequence[str] = ()) -> list[Table]:
    """Every table and view of the schemas, or of the account's own one, that the account sees, by name.

    Raises ManifestError MANIFEST_URL for a URL without a driver, INTROSPECT_NOTHING where there is no
    table, with the schemas that have some; SourceUnavailable otherwise.
    """
    engine = reading_engine(url)
    connected = False
    try:
        async with asyncio.timeout(SECONDS), engine.connect() as connection:
            connected = True
            found = [
                table for one in schemas or (None,) for table in await connection.run_sync(_tables_of, one)
            ]
            return found or await connection.run_sync(_elsewhere, schemas)
    except TimeoutError:
        raise SourceUnavailable("introspect", "DEADLINE") from None
    except (SQLAlchemyError, OSError) as error:
        if connected:
            raise SourceUnavailable("introspect", "CATALOGUE") from error
        raise SourceUnavailable("introspect", "CONNECT") from error
    finally:
        await engine.dispose()


def reading_engine(url: URL) -> AsyncEngine:
    """An engine whose sessions can only read; raises ManifestError MANIFEST_URL."""
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise ManifestError("MANIFEST_URL", "url", f"use one of {', '.join(_DRIVERS)}")
    try:
        return create_async_engine(_read_only(url.set(drivername=driver)), **_options(url))
    except (ImportError, SQLAlchemyError):
        raise ManifestError("MANIFEST_URL", "url", f"install the driver of {driver}") from None


def _read_only(url: URL) -> URL:
    if url.get_backend_name() != "sqlite":
        return url
    return url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})


def _options(url: URL) -> dict[str, Any]:
    """How each driver is told to open a session that can only read, with a time limit at the server."""
    arguments: dict[str, Mapping[str, Any]] = {
        "postgresql": {
            "server_settings": {
                "default_transaction_read_only": "on",
                "statement_timeout": str(round(SECONDS * 1000)),
                "application_name": "credit-subject-gateway",
            }
        },
        "mysql": {"init_command": _MYSQL},
        "mariadb": {"init_command": _MYSQL},
    }
    return {"poolclass": NullPool, "connect_args": dict(arguments.get(url.get_backend_name(), {}))}


def _tables_of(connection: Connection, schema: str | None) -> list[Table]:
    mysql = connection.dialect.name in ("mysql", "mariadb")
    return mysql_tables(connection, schema) if mysql else _tables(connection, schema)


def _elsewhere(connection: Connection, schemas: Sequence[str]) -> list[Table]:
    """No table was found: say which schemas have some."""
    inspector = inspect(connection)
    system = {"information_schema", "performance_schema", "mysql", "sys", *schemas}
    names = [name for name in inspector.get_schema_names() if name not in system]
    filled = [name for name in names if inspector.get_table_names(name) or inspector.get_view_names(name)]
    where = f"tables are in {', '.join(filled)}: give --schema" if filled else "no table at all"
    raise ManifestError("INTROSPECT_NOTHING", "schema", shown(where))


def _tables(connection: Connection, schema: str | None) -> list[Table]:
    inspector = inspect(connection)
    everything: Any = {"schema": schema, "kind": ObjectKind.ANY, "scope": ObjectScope.DEFAULT}
    with warnings.catch_warnings(action="ignore"):
        columns = inspector.get_multi_columns(**everything)
        keys = inspector.get_multi_pk_constraint(**everything)
        foreign = inspector.get_multi_foreign_keys(**everything)
    comments = _comments(inspector, everything)
    return [
        Table(
            name=_qualified(place),
            columns=tuple(map(_column, found)),
            comment=commented(place[1], comments.get(place)),
            primary_key=tuple(keys[place]["constrained_columns"] if place in keys else ()),
            foreign_keys=tuple(
                ForeignKey(
                    tuple(key["constrained_columns"]),
                    _qualified((key["referred_schema"] if schema else None, key["referred_table"])),
                    tuple(key["referred_columns"]),
                )
                for key in foreign.get(place, ())
            ),
        )
        for place, found in sorted(columns.items(), key=lambda item: item[0][1])
    ]


def _comments(inspector: Inspector, everything: Mapping[str, Any]) -> dict[tuple[str | None, str], str]:
    try:
        found = inspector.get_multi_table_comment(**everything)
    except NotImplementedError:
        return {}
    return {place: comment["text"] or "" for place, comment in found.items()}


def _qualified(place: tuple[str | None, str]) -> str:
    schema, name = place
    return f"{schema}.{name}" if schema else name


def _column(found: ReflectedColumn) -> Column:
    name = str(found["name"])
    return Column(name, _kind(found["type"]), commented(name, found.get("comment")))


def _kind(declared: types.TypeEngine[Any]) -> str:
    kinds: tuple[tuple[str, tuple[type[types.TypeEngine[Any]], ...]], ...] = (
        ("date", (types.Date, types.DateTime, types.Time)),
        ("boolean", (types.Boolean,)),
        ("number", (types.Numeric, types.Integer)),
        ("binary", (types.LargeBinary, types.BINARY, types.VARBINARY)),
        ("text", (types.String,)),
    )
    return next((kind for kind, family in kinds if isinstance(declared, family)), "other")
