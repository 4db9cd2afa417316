"""What an engine must offer, and which engine a URL means."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import ArgumentError

from connectors.errors import ManifestError
from connectors.sql.mariadb import MariaDB
from connectors.sql.mssql import SQLServer
from connectors.sql.oracle import Oracle
from connectors.sql.pool import Connection
from connectors.sql.postgresql import PostgreSQL
from connectors.sql.sqlite import SQLite
from connectors.sql.statement import Parameters


class DialectName(StrEnum):
    """Engines by the names that URLs give them."""

    ORACLE = "oracle"
    MSSQL = "mssql"
    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    SQLITE = "sqlite"


DIALECTS: Final[Mapping[DialectName, Dialect]] = {
    DialectName.ORACLE: Oracle.dialect,
    DialectName.MSSQL: SQLServer.dialect,
    DialectName.POSTGRESQL: PostgreSQL.dialect,
    DialectName.MYSQL: MariaDB.dialect,
    DialectName.SQLITE: SQLite.dialect,
}
"""What statements can be compiled for, also without the driver."""


class Engine(Protocol):
    """A kind of database: its dialect, its sessions, and how it explains itself."""

    @property
    def ping(self) -> str:
        """A statement that asks nothing."""
        ...

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for."""
        ...

    @property
    def connections(self) -> int | None:
        """The most connections that make sense, where the engine itself limits them."""
        ...

    async def connect(self) -> Connection:
        """A read-only, autocommit session with a statement timeout; raises the driver's exceptions."""
        ...

    async def scanned(self, connection: Connection, sql: str, parameters: Parameters) -> list[str]:
        """Tables that the statement would read from end to end, by the database's own plan."""
        ...

    async def writable(self, connection: Connection) -> str | None:
        """Why the account could write, by its own grants; None when it cannot."""
        ...


def engine_for(url: str, deadline_ms: int) -> Engine:
    """The engine a URL means; raises ManifestError `MANIFEST_URL` without repeating the URL."""
    try:
        parsed: URL = make_url(url)
    except ArgumentError:
        raise ManifestError("MANIFEST_URL", "url", "not a URL") from None
    deadline = deadline_ms / 1000
    match parsed.get_backend_name():
        case "sqlite" if parsed.database:
            return SQLite(parsed.database, deadline)
        case "postgresql" | "postgres":
            return PostgreSQL(parsed, deadline)
        case "mysql" | "mariadb":
            return MariaDB(parsed, deadline)
        case "oracle" if parsed.database:
            return Oracle(parsed, deadline)
        case "mssql" if parsed.database:
            return SQLServer(parsed, deadline)
    raise ManifestError(
        "MANIFEST_URL",
        "url",
        "use sqlite:///file, postgresql://…, mariadb://…, oracle://… or mssql://… with a database",
    )
