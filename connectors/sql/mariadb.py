"""MariaDB and MySQL by asyncmy: read-only sessions, statement timeout, out-of-band KILL QUERY."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import Any, Final

import asyncmy
from asyncmy.constants.CLIENT import MULTI_STATEMENTS
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import Dialect

from connectors.errors import SourceRubbish
from connectors.sql.aliases import tables_called
from connectors.sql.faults import Foreign
from connectors.sql.pool import Connection
from connectors.sql.statement import Parameters, Rows

_ABORT_SECONDS: Final = 1.0
_READING: Final = frozenset({"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "PROCESS"})


class MariaDB:
    """A MariaDB or MySQL database, or one that speaks its protocol."""

    connections: Final = None
    ping: Final = "SELECT 1"
    dialect: Final[Dialect] = mysql.dialect(paramstyle="format")

    def __init__(self, url: URL, deadline: float) -> None:
        self._deadline = deadline
        self._login: dict[str, Any] = {
            "host": url.host or "127.0.0.1",
            "port": url.port or 3306,
            "user": url.username,
            "password": url.password or "",
            "db": url.database,
            "unix_socket": url.query.get("unix_socket"),
            "charset": url.query.get("charset", "utf8mb4"),
        }

    async def connect(self) -> Connection:
        """Times are the departments' own; servers too old for a setting do without it."""
        opened = await self._opened()
        connection = _Connection(opened, self)
        try:
            for setting in session(opened.get_server_info(), self._deadline):
                await connection.tell(setting)
        except BaseException:
            opened.close()
            raise
        return connection

    async def _opened(self) -> asyncmy.Connection:
        """A login that takes one statement at a time: the driver asks for several, and gives no choice."""
        opened = asyncmy.Connection(**self._login, autocommit=True)  # type: ignore[no-untyped-call]
        opened._client_flag &= ~MULTI_STATEMENTS  # type: ignore[attr-defined]  # noqa: SLF001
        await opened.connect()
        return opened

    async def kill(self, thread: int) -> None:
        """Stop the query of a session by a connection of its own."""
        async with asyncio.timeout(_ABORT_SECONDS):
            opened = await self._opened()
            try:
                async with opened.cursor() as cursor:
                    await cursor.execute(f"KILL QUERY {thread:d}")
            finally:
                await opened.ensure_closed()

    async def scanned(self, connection: Connection, sql: str, parameters: Parameters) -> list[str]:
        """Tables read whole for which the optimizer knows no index (small tables are read whole anyway)."""
        plan = await connection.fetch(f"EXPLAIN {sql}", parameters)
        called = tables_called(sql)
        rows = sorted(plan, key=lambda row: int(str(row[0] or 0)))
        counts = Counter(str(row[2]).casefold() for row in rows)
        met: Counter[str] = Counter()
        found = []
        for _, _, name, kind, possible_keys, *_ in rows:
            alias = str(name).casefold()
            tables = called.get(alias, (str(name),))
            # selects are numbered in the order of the text, so the plan's second `a` is the second one there
            table = tables[met[alias]] if len(tables) == counts[alias] else "`, `".join(dict.fromkeys(tables))
            met[alias] += 1
            if kind in ("ALL", "index") and possible_keys is None and not alias.startswith("<"):
                found.append(table)
        return found

    async def writable(self, connection: Connection) -> str | None:
        """The first privilege in SHOW GRANTS that is more than reading."""
        for (grant,) in await connection.fetch("SHOW GRANTS", ()):
            listed = re.match(r"GRANT (.+?) ON ", str(grant))
            privileges = re.sub(r"\([^)]*\)", "", listed[1]).split(",") if listed else []
            for privilege in privileges:
                if privilege.strip() not in _READING:
                    return f"the account holds {privilege.strip()}"
        return None


def session(server: str, deadline: float) -> list[str]:
    """What a session sets on a server of this version; `deadline` in seconds."""
    # warnings are not kept: the driver would log them, and their text may hold a key
    settings = ["SET SESSION max_error_count = 0, time_zone = '+08:00'"]
    maria = re.search(r"(\d+)\.(\d+)\.\d+-MariaDB", server, re.IGNORECASE)
    found = maria or re.match(r"(\d+)\.(\d+)", server)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version >= ((10, 0) if maria else (5, 6)):
        settings.append("SET SESSION TRANSACTION READ ONLY")
    if maria and version >= (10, 1):
        settings.append(f"SET SESSION max_statement_time = {deadline:.3f}")
    elif not maria and version >= (5, 7):
        settings.append(f"SET SESSION max_execution_time = {deadline * 1000:.0f}")
    return settings


class _Connection:
    def __init__(self, opened: asyncmy.Connection, engine: MariaDB) -> None:
        self._opened = opened
        self._engine = engine
        self._thread: int = opened.thread_id()

    async def fetch(self, sql: str, parameters: Parameters, trace: str = "") -> Rows:
        """Parameters are escaped by the driver, in utf8mb4, where no multi-byte character ends in a quote."""
        async with self._opened.cursor() as cursor:
            await cursor.execute(f"/* trace={trace} */ {sql}" if trace else sql, parameters)
            if cursor.description is None:
                # whoever answered without a table, such as a firewall of databases, did not look for rows
                raise Foreign(SourceRubbish, "SHAPE")
            found: Rows = await cursor.fetchall()
            return found

    async def tell(self, setting: str) -> None:
        """A statement that answers nothing."""
        async with self._opened.cursor() as cursor:
            await cursor.execute(setting)

    async def columns(self, sql: str) -> tuple[str, ...]:
        """Names from the cursor's description."""
        async with self._opened.cursor() as cursor:
            await cursor.execute(sql)
            return tuple(column[0] for column in cursor.description)

    async def abort(self) -> None:
        """Kill the query, then cut the line."""
        try:
            await self._engine.kill(self._thread)
        finally:
            self._opened.close()

    async def close(self) -> None:
        """Say goodbye to the server."""
        await self._opened.ensure_closed()
