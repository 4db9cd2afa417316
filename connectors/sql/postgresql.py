"""PostgreSQL by asyncpg: read-only by session default, statement timeout, `= any($1)`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from functools import partial
from itertools import count
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

from connectors.sql.pool import Connection
from connectors.sql.statement import Parameters, Rows

APPLICATION: Final = "credit-subject-gateway"
_ABORT_SECONDS: Final = 1.0
_PREPARED_KEPT: Final = 128
"""Statements that one session keeps at the server; the oldest gives way."""
_TRACED: Final = (
    "SELECT r.* FROM ({sql}) r WHERE (SELECT set_config('application_name', ${trace}, false)) <> ''"
)
"""A comment that differs each time would be parsed and planned each time, a round trip more."""

_MAY_WRITE: Final = """
SELECT EXISTS (
  SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^(pg_|information_schema)'
  AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
"""


_MOMENTS: Final[Mapping[str, Callable[[str], object]]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamptz": datetime.fromisoformat,
    "time": time.fromisoformat,
    "timetz": time.fromisoformat,
}
"""Types that can say more than Python's, such as the year 20231 of a slip of the pen, or 24:00."""


class PostgreSQL:
    """A PostgreSQL database, or one that speaks its protocol."""

    connections: Final = None
    ping: Final = "SELECT 1"
    # without the asyncpg dialect's bind casts, which would turn CHAR(18) keys into text and lose the index
    dialect: Final[Dialect] = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]

    def __init__(self, url: URL, deadline: float) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._deadline = deadline

    async def connect(self) -> Connection:
        """Times are the departments' own: Asia/Shanghai."""
        settings = {
            "application_name": APPLICATION,
            "default_transaction_read_only": "on",
            "statement_timeout": str(round(self._deadline * 1000)),
            "timezone": "Asia/Shanghai",
        }
        opened = await asyncpg.connect(self._dsn, statement_cache_size=0, server_settings=settings)
        return _Connection(opened)

    async def scanned(self, connection: Connection, sql: str, parameters: Parameters) -> list[str]:
        """Relations read whole although that is discouraged (small tables are read whole otherwise)."""
        await connection.fetch("SELECT set_config('enable_seqscan', 'off', false)", [])
        rows = await connection.fetch(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        plan = json.loads(str(rows[0][0]))[0]["Plan"]
        return sorted({str(node["Relation Name"]) for node in _nodes(plan) if _reads_whole(node)})

    async def writable(self, connection: Connection) -> str | None:
        """Whether any table outside the system schemas may be written."""
        rows = await connection.fetch(_MAY_WRITE, [])
        return "the account may write tables of this database" if rows[0][0] else None


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _reads_whole(node: Mapping[str, Any]) -> bool:
    # where sequential scans are discouraged, an index may be walked from end to end instead
    walked = str(node["Node Type"]).startswith("Index") and "Index Cond" not in node
    return node["Node Type"] == "Seq Scan" or walked


def _moment(read: Callable[[str], object], text: str) -> object:
    """The moment, or its text where it is none."""
    try:
        return read(text)
    except ValueError:
        return text


class _Connection:
    def __init__(self, opened: asyncpg.Connection) -> None:
        self._opened = opened
        self._prepared: dict[str, PreparedStatement] = {}
        self._numbers = count(1)
        self._as_written = False

    async def fetch(self, sql: str, parameters: Parameters, trace: str = "") -> Rows:
        """Once more, with moments as they are written, where a row has one that Python has not."""
        try:
            return await self._fetch(sql, parameters, trace)
        except (ValueError, OverflowError) as error:
            if self._as_written or isinstance(error, asyncpg.InterfaceError | UnicodeError):
                raise
        await self._read_as_written()
        return await self._fetch(sql, parameters, trace)

    async def _read_as_written(self) -> None:
        """From now on one such cell rejects its own row; slower, so only where there was one."""
        self._as_written = True
        self._prepared.clear()
        for name, read in _MOMENTS.items():
            await self._opened.set_type_codec(
                name, schema="pg_catalog", format="text", encoder=str, decoder=partial(_moment, read)
            )

    async def _fetch(self, sql: str, parameters: Parameters, trace: str) -> Rows:
        """Prepared once; a trace becomes the session's application name as the statement starts."""
        if trace:
            sql = _TRACED.format(sql=sql, trace=len(parameters) + 1)
            parameters = [*parameters, f"{APPLICATION}/{trace}"]
        statement = self._prepared.get(sql) or await self._prepare(sql)
        try:
            rows: Rows = await statement.fetch(*parameters)
        except (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError):
            # the department has changed the table since
            statement = await self._prepare(sql)
            rows = await statement.fetch(*parameters)
        return rows

    async def _prepare(self, sql: str) -> PreparedStatement:
        self._prepared.pop(sql, None)
        if len(self._prepared) >= _PREPARED_KEPT:
            del self._prepared[next(iter(self._prepared))]
        # without a name and a cache of its own, the driver would have it parsed each time
        name = f"gateway_{next(self._numbers)}"
        statement = self._prepared[sql] = await self._opened.prepare(sql, name=name)
        return statement

    async def columns(self, sql: str) -> tuple[str, ...]:
        """Names from the prepared statement, executed because privileges are checked only then."""
        statement = await self._opened.prepare(sql)
        await statement.fetch()
        return tuple(column.name for column in statement.get_attributes())

    async def abort(self) -> None:
        """A cancelled fetch has sent a cancel request; closing waits for it, then the line is cut."""
        try:
            await self._opened.close(timeout=_ABORT_SECONDS)
        finally:
            self._opened.terminate()

    async def close(self) -> None:
        """Say goodbye to the server."""
        await self._opened.close(timeout=_ABORT_SECONDS)
