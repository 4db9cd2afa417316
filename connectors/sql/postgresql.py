"""PostgreSQL by asyncpg: read-only by session default, statement timeout, `= any($1)`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

from connectors.sql.pool import Connection
from connectors.sql.statement import Parameters, Rows

_ABORT_SECONDS: Final = 1.0

_MAY_WRITE: Final = """
SELECT EXISTS (
  SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^(pg_|information_schema)'
  AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
"""


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
            "application_name": "credit-subject-gateway",
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


class _Connection:
    def __init__(self, opened: asyncpg.Connection) -> None:
        self._opened = opened
        self._prepared: dict[str, Any] = {}

    async def fetch(self, sql: str, parameters: Parameters, trace: str = "") -> Rows:
        """With a trace the text is new each time and is parsed again; without, it is prepared once."""
        if trace:
            traced: Rows = await self._opened.fetch(f"/* trace={trace} */ {sql}", *parameters)
            return traced
        statement = self._prepared.get(sql)
        if statement is None:
            statement = self._prepared[sql] = await self._opened.prepare(sql)
        rows: Rows = await statement.fetch(*parameters)
        return rows

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
