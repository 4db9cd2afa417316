"""Oracle 12.1 and later by oracledb (thin mode): read-only transactions, calls broken off at the deadline.

Needs `pip install credit-subject-gateway[oracle]`. Oracle has no read-only session before 23ai, so
that each question is a transaction of its own, set read only before and rolled back behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.dialects.oracle.base import OracleDialect
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

from connectors.errors import (
    ConnectionDied,
    ManifestError,
    SourceBusy,
    SourceDrift,
    SourceError,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.sql.faults import ACCESS, LOGIN, Foreign
from connectors.sql.pool import Connection
from connectors.sql.statement import Parameters, Rows

if TYPE_CHECKING:
    import oracledb

SESSION: Final = ("ALTER SESSION SET TIME_ZONE = '+08:00'",)
TRANSACTION: Final = "SET TRANSACTION READ ONLY"
_PLANNING: Final = "ALTER SESSION SET OPTIMIZER_INDEX_COST_ADJ = 1"
"""Small tables are read whole whatever indexes they have, unless indexes cost nothing."""
_PLAN: Final = "SELECT object_name FROM plan_table WHERE operation = 'TABLE ACCESS' AND options = 'FULL'"
_MAY_WRITE: Final = """
SELECT privilege FROM (
  SELECT privilege FROM session_privs
  UNION ALL SELECT privilege FROM user_tab_privs
  UNION ALL SELECT 'OWNS TABLES' FROM user_tables)
WHERE REGEXP_LIKE(privilege, '^(INSERT|UPDATE|DELETE|ALTER|DROP|TRUNCATE|OWNS|CREATE ANY)')
FETCH FIRST 1 ROWS ONLY
"""

FAULTS: Final[dict[str, tuple[type[SourceError], str | None]]] = {
    **dict.fromkeys(("ORA-01013", "ORA-00040", "DPY-4024"), (SourceTimeout, None)),
    **dict.fromkeys(("ORA-00942", "ORA-00904", "ORA-04043"), (SourceDrift, None)),
    **dict.fromkeys(("ORA-00932", "ORA-01722"), (SourceDrift, "COLUMN_TYPE")),
    **dict.fromkeys(("ORA-00018", "ORA-00020", "ORA-02391", "ORA-12516"), (SourceBusy, None)),
    **dict.fromkeys(("ORA-01031", "ORA-41900"), (SourceUnavailable, ACCESS)),
    **dict.fromkeys(("ORA-01017", "ORA-28000", "ORA-28001"), (SourceUnavailable, LOGIN)),
    **dict.fromkeys(
        ("ORA-00028", "ORA-02396", "ORA-03113", "ORA-03114", "DPY-1001", "DPY-4011"), (ConnectionDied, None)
    ),
}


class Oracle:
    """An Oracle database: `oracle://user:password@host:1521/service`."""

    connections: Final = None
    ping: Final = "SELECT 1 FROM dual"
    dialect: Final[Dialect] = OracleDialect(paramstyle="named")

    def __init__(self, url: URL, deadline: float) -> None:
        self._driver = _driver()
        self._milliseconds = max(1, round(deadline * 1000))
        self._login: dict[str, Any] = {
            "host": url.host or "127.0.0.1",
            "port": url.port or 1521,
            "service_name": url.database,
            "user": url.username,
            "password": url.password,
            "protocol": url.query.get("protocol", "tcp"),
            "tcp_connect_timeout": deadline,
        }

    async def connect(self) -> Connection:
        """A session whose calls the driver breaks off at the deadline, on the server as well."""
        with _named(self._driver):
            opened = await self._driver.connect_async(**self._login)
        try:
            opened.call_timeout = self._milliseconds
            opened.module = "credit-subject-gateway"
            with _named(self._driver):
                for setting in SESSION:
                    await opened.execute(setting)
        except BaseException:
            await opened.close()
            raise
        return _Connection(self._driver, opened)

    async def scanned(self, connection: Connection, sql: str, parameters: Parameters) -> list[str]:
        """Tables with a full scan in the plan; the plan table is the session's own and is rolled back."""
        assert isinstance(connection, _Connection)  # noqa: S101 -- this engine's own
        return await connection.planned(sql)

    async def writable(self, connection: Connection) -> str | None:
        """The first privilege that is more than reading."""
        rows = await connection.fetch(_MAY_WRITE, {})
        return f"the account may {rows[0][0]}" if rows else None


class _Connection:
    def __init__(self, driver: Any, opened: oracledb.AsyncConnection) -> None:  # noqa: ANN401 -- a module
        self._driver = driver
        self._opened = opened

    async def fetch(self, sql: str, parameters: Parameters, trace: str = "") -> Rows:
        """Exact numbers, whole texts; nothing is left open behind."""
        traced = f"/* trace={trace} */ {sql}" if trace else sql
        with _named(self._driver):
            await self._opened.execute(TRANSACTION)
            named = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
            rows: Rows = await self._opened.fetchall(
                traced, named or None, fetch_lobs=False, fetch_decimals=True
            )
            await self._opened.rollback()
            return rows

    async def columns(self, sql: str) -> tuple[str, ...]:
        """Names from the cursor's description; unquoted names are upper case there."""
        with _named(self._driver):
            async with self._opened.cursor() as cursor:
                await cursor.execute(sql)
                return tuple(column[0] for column in cursor.description or ())

    async def planned(self, sql: str) -> list[str]:
        """Tables that the statement would read from end to end."""
        with _named(self._driver):
            await self._opened.execute(_PLANNING)
            await self._opened.execute(f"EXPLAIN PLAN FOR {sql}")
            rows = await self._opened.fetchall(_PLAN)
            await self._opened.rollback()
            return [str(row[0]) for row in rows]

    async def abort(self) -> None:
        """Break the running call off on the server, then close."""
        try:
            self._opened.cancel()
        finally:
            await self._opened.close()

    async def close(self) -> None:
        """Say goodbye to the server."""
        await self._opened.close()


@contextmanager
def _named(driver: Any) -> Iterator[None]:  # noqa: ANN401 -- a module
    """The driver's exceptions as faults; their text may hold a key and stays in `__cause__`."""
    try:
        yield
    except driver.Error as error:
        code = getattr(error.args[0], "full_code", "") if error.args else ""
        raise Foreign(*FAULTS.get(code, (SourceUnavailable, None))) from error


def _driver() -> Any:  # noqa: ANN401 -- a module
    try:
        import oracledb
    except ImportError:
        message = "Oracle needs its driver: pip install 'credit-subject-gateway[oracle]'"
        raise ManifestError("MANIFEST_DRIVER", "url", message) from None
    return oracledb
