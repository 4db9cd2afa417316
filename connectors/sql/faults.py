"""Drivers' exceptions to `connectors.errors`: the only place that knows them.

A driver's text may hold a key or a value, so it stays in `__cause__` and is never copied.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from asyncmy import errors as mysql
from asyncpg import exceptions as postgresql

from connectors.errors import (
    ConnectionDied,
    SourceBusy,
    SourceDrift,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)

ACCESS: Final = "ACCESS"
"""Reason: the account may not read what the manifest names."""
LOGIN: Final = "LOGIN"
"""Reason: the source refuses the account."""


class Foreign(Exception):
    """A fault that an engine with an optional driver has named itself."""

    def __init__(self, kind: type[SourceError], reason: str | None = None) -> None:
        super().__init__(reason or kind.code)
        self.fault = (kind, reason)


_Fault = tuple[type[SourceError], str | None]
_DIED: Final[_Fault] = (ConnectionDied, None)
_REFUSED: Final[_Fault] = (SourceRubbish, "STATEMENT")
"""A living server could not carry out this one statement, such as a view that stumbles over a row."""
_UNKNOWN: Final[_Fault] = (SourceUnavailable, None)

_POSTGRESQL: Final[tuple[tuple[tuple[type[Exception], ...], _Fault], ...]] = (
    ((postgresql.QueryCanceledError,), (SourceTimeout, None)),
    (
        (
            postgresql.UndefinedTableError,
            postgresql.UndefinedColumnError,
            postgresql.InvalidSchemaNameError,
        ),
        (SourceDrift, None),
    ),
    # a key or filter value that the column's type cannot be compared with
    (
        (postgresql.DataError, postgresql.UndefinedFunctionError, postgresql.DatatypeMismatchError),
        (SourceDrift, "COLUMN_TYPE"),
    ),
    ((postgresql.TooManyConnectionsError,), (SourceBusy, None)),
    (
        (postgresql.InsufficientPrivilegeError, postgresql.ReadOnlySQLTransactionError),
        (SourceUnavailable, ACCESS),
    ),
    ((postgresql.InvalidAuthorizationSpecificationError,), (SourceUnavailable, LOGIN)),
    (
        (
            postgresql.PostgresConnectionError,
            postgresql.OperatorInterventionError,
            postgresql.InterfaceError,
            # the driver and a server that hung up lost step with each other
            postgresql.InternalClientError,
        ),
        _DIED,
    ),
    ((postgresql.InsufficientResourcesError, postgresql.PostgresSystemError), _UNKNOWN),
    ((postgresql.PostgresError,), _REFUSED),
)

_MYSQL_OUT_OF: Final = frozenset({1021, 1037, 1038, 1041, 1135})
"""Disk, memory, threads."""
_MYSQL: Final[dict[int, _Fault]] = {
    1792: (SourceUnavailable, ACCESS),
    **dict.fromkeys((1969, 3024, 1317), (SourceTimeout, None)),
    **dict.fromkeys((1146, 1054, 1356), (SourceDrift, None)),
    **dict.fromkeys((1040, 1203, 1226), (SourceBusy, None)),
    # 1345: the plan of a view is only for those who may read the tables below it
    **dict.fromkeys((1142, 1143, 1345, 1370), (SourceUnavailable, ACCESS)),
    **dict.fromkeys((1044, 1045, 1698), (SourceUnavailable, LOGIN)),
    **dict.fromkeys((0, 1053, 1927, 2003, 2006, 2013, 2055), _DIED),
}

_SQLITE: Final[dict[int, _Fault]] = {
    sqlite3.SQLITE_ERROR: _REFUSED,
    sqlite3.SQLITE_READONLY: (SourceUnavailable, ACCESS),
    sqlite3.SQLITE_INTERRUPT: (SourceTimeout, None),
    sqlite3.SQLITE_BUSY: (SourceBusy, None),
    sqlite3.SQLITE_LOCKED: (SourceBusy, None),
    sqlite3.SQLITE_NOTADB: (SourceRubbish, None),
    sqlite3.SQLITE_CORRUPT: (SourceRubbish, None),
    sqlite3.SQLITE_AUTH: (SourceUnavailable, ACCESS),
}


def translated(source: str, error: Exception, *, connected: bool) -> SourceError:
    """The SourceError for a driver's exception; a connection that never was did not die."""
    if isinstance(error, SourceError):
        return error
    kind, reason = _fault(error)
    if not connected and (kind is ConnectionDied or (kind, reason) == _REFUSED):
        kind, reason = SourceUnavailable, None
    return kind(source, reason)


def _fault(error: Exception) -> _Fault:
    if isinstance(error, Foreign):
        return error.fault
    if isinstance(error, TimeoutError):
        return (SourceTimeout, None)
    if isinstance(error, mysql.MySQLError):
        code = error.args[0] if error.args else 0
        answered = isinstance(code, int) and 1_000 <= code not in _MYSQL_OUT_OF and code // 1_000 != 2
        return _MYSQL.get(code, _REFUSED if answered else _UNKNOWN)
    if isinstance(error, sqlite3.Error):
        return _sqlite_fault(error)
    for kinds, fault in _POSTGRESQL:
        if isinstance(error, kinds):
            return fault
    if isinstance(error, UnicodeDecodeError):
        return (SourceRubbish, "CHARSET")
    if isinstance(error, ValueError | OverflowError):
        # a cell that the driver has no value for: the server is well
        return (SourceRubbish, "UNREADABLE")
    return _DIED if isinstance(error, OSError) else _UNKNOWN


def _sqlite_fault(error: sqlite3.Error) -> _Fault:
    # SQLite has no code of its own for a missing name
    if str(error).startswith(("no such table", "no such column")):
        return (SourceDrift, None)
    if str(error).startswith("Could not decode"):
        return (SourceRubbish, "CHARSET")
    return _SQLITE.get(getattr(error, "sqlite_errorcode", 0), _UNKNOWN)
