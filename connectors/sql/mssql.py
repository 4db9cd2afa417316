"""SQL Server 2012 and later by python-tds: read-only intent, a lock timeout, cancelled by attention.

Needs `pip install credit-subject-gateway[mssql]`. The driver blocks, so that each session has a
thread. SQL Server has no statement timeout of its own: the driver sends an attention at the
deadline, which ends the statement there; a cancelled question cuts the line, which does as well.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from sqlalchemy.dialects.mssql.base import MSDialect
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

T = TypeVar("T")

_MAY_WRITE: Final = """
SELECT TOP (1) permission_name FROM fn_my_permissions(NULL, 'DATABASE')
WHERE permission_name IN ('INSERT', 'UPDATE', 'DELETE', 'ALTER', 'CONTROL', 'EXECUTE')
"""

FAULTS: Final[dict[int, tuple[type[SourceError], str | None]]] = {
    **dict.fromkeys((1222, 3617), (SourceTimeout, None)),
    **dict.fromkeys((207, 208, 2760), (SourceDrift, None)),
    **dict.fromkeys((206, 245, 402, 8114), (SourceDrift, "COLUMN_TYPE")),
    **dict.fromkeys((10928, 10929, 17809, 40501), (SourceBusy, None)),
    **dict.fromkeys((229, 230, 262, 916), (SourceUnavailable, ACCESS)),
    **dict.fromkeys((4060, 18452, 18456, 18487, 18488), (SourceUnavailable, LOGIN)),
    **dict.fromkeys((596, 6005, 10054, 64), (ConnectionDied, None)),
}


def session(deadline: float) -> tuple[str, ...]:
    """What every session is told first."""
    return (f"SET LOCK_TIMEOUT {max(1, round(deadline * 1000)):d}", "SET NOCOUNT ON")


class SQLServer:
    """A SQL Server database: `mssql://user:password@host:1433/database`."""

    connections: Final = None
    ping: Final = "SELECT 1"
    dialect: Final[Dialect] = MSDialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]

    def __init__(self, url: URL, deadline: float) -> None:
        self._driver = _driver()
        self._deadline = deadline
        self._address = (url.host or "127.0.0.1", url.port or 1433)
        self._login: dict[str, Any] = {
            "dsn": self._address[0],
            "database": url.database,
            "user": url.username,
            "password": url.password or "",
            "cafile": url.query.get("cafile"),
            "timeout": deadline,
            "login_timeout": max(1, round(deadline)),
            "appname": "credit-subject-gateway",
            "autocommit": True,
            "readonly": True,
            "disable_connect_retry": True,
        }

    async def connect(self) -> Connection:
        """On a socket of ours, so that a cancelled question can cut it."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="mssql")
        try:
            line, opened = await asyncio.wrap_future(thread.submit(self._open))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return _Connection(self._driver, line, opened, thread)

    def _open(self) -> tuple[socket.socket, Any]:
        line = socket.create_connection(self._address, timeout=self._deadline)
        try:
            with _named(self._driver):
                opened = self._driver.connect(sock=line, **self._login)
                with opened.cursor() as cursor:
                    for setting in session(self._deadline):
                        cursor.execute(setting)
        except BaseException:
            line.close()
            raise
        return line, opened

    async def scanned(self, connection: Connection, sql: str, parameters: Parameters) -> list[str]:
        """Tables that the plan scans; needs SHOWPLAN."""
        await connection.fetch("SET SHOWPLAN_TEXT ON", {})
        try:
            rows = await connection.fetch(sql, parameters)
        finally:
            await connection.fetch("SET SHOWPLAN_TEXT OFF", {})
        steps = [str(row[0]) for row in rows]
        scans = [step for step in steps if "Table Scan(" in step or "Index Scan(" in step]
        return sorted({step.partition("OBJECT:(")[2].partition(")")[0] for step in scans})

    async def writable(self, connection: Connection) -> str | None:
        """The first permission that is more than reading."""
        rows = await connection.fetch(_MAY_WRITE, {})
        return f"the account holds {rows[0][0]}" if rows else None


class _Connection:
    def __init__(
        self,
        driver: Any,  # noqa: ANN401 -- a module
        line: socket.socket,
        opened: Any,  # noqa: ANN401 -- untyped
        thread: ThreadPoolExecutor,
    ) -> None:
        self._driver = driver
        self._line = line
        self._opened = opened
        self._thread = thread

    async def fetch(self, sql: str, parameters: Parameters, trace: str = "") -> Rows:
        """All rows, read in the session's own thread."""
        traced = f"/* trace={trace} */ {sql}" if trace else sql
        return await self._run(lambda: self._asked(traced, parameters)[0])

    async def columns(self, sql: str) -> tuple[str, ...]:
        """Names from the cursor's description."""
        return await self._run(lambda: self._asked(sql, {})[1])

    def _asked(self, sql: str, parameters: Parameters) -> tuple[Rows, tuple[str, ...]]:
        with _named(self._driver), self._opened.cursor() as cursor:
            cursor.execute(sql, parameters or ())
            described = cursor.description or ()
            rows: Rows = cursor.fetchall() if described else []
            return rows, tuple(column[0] for column in described)

    async def abort(self) -> None:
        """Cut the line: the server ends what it was doing for it, and our thread its waiting."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        self._thread.shutdown(wait=False)

    async def close(self) -> None:
        """Say goodbye to the server."""
        try:
            await self._run(self._opened.close)
        finally:
            self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._thread.submit(work))


@contextmanager
def _named(driver: Any) -> Iterator[None]:  # noqa: ANN401 -- a module
    """The driver's exceptions as faults; their text may hold a key and stays in `__cause__`."""
    try:
        yield
    except driver.TimeoutError as error:
        raise Foreign(SourceTimeout) from error
    except driver.ClosedConnectionError as error:
        raise Foreign(ConnectionDied) from error
    except driver.Error as error:
        number = getattr(error, "number", 0)
        raise Foreign(*FAULTS.get(number, (SourceUnavailable, None))) from error


def _driver() -> Any:  # noqa: ANN401 -- a module
    try:
        import pytds
    except ImportError:
        message = "SQL Server needs its driver: pip install 'credit-subject-gateway[mssql]'"
        raise ManifestError("MANIFEST_DRIVER", "url", message) from None
    return pytds
