"""Statements that every read runs, compiled once and handed to SQLite's driver as they are.

SQLAlchemy writes them and knows the types. Executing them by it costs some 40 µs each, several times
what SQLite needs, and a group commit has a dozen. On PostgreSQL, and where the driver is another, it
executes them as any other.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, UpdateBase
from sqlalchemy.dialects import sqlite

_DIALECT: Final = sqlite.dialect()
_Given = Mapping[str, Any]


class _Text(NamedTuple):
    """A statement as SQLite takes it, and what makes its parameters of those that are given."""

    sql: str
    parameters: Callable[[_Given], Sequence[Any]]


class Prepared:
    """One statement. Raises SQLAlchemyError or sqlite3.Error, which the store makes one."""

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self._texts: dict[tuple[str, ...], _Text] = {}
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]
        results = [column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in columns]
        self._results = results if any(results) else None

    def all(self, connection: Connection, **given: Any) -> Sequence[Any]:  # noqa: ANN401 - as SQLAlchemy's
        """All rows, by the names of their columns."""
        driver = _driver(connection)
        if driver is None:
            return connection.execute(self._statement, given).all()
        text = self._text(given)
        found = driver.execute(text.sql, text.parameters(given)).fetchall()
        return [self._row._make(self._read(cells)) for cells in found]

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of the rows."""
        driver = _driver(connection)
        if driver is None:
            connection.execute(self._statement, rows)
            return
        text = self._text(rows[0])
        driver.executemany(text.sql, map(text.parameters, rows))

    def _read(self, cells: Sequence[Any]) -> Sequence[Any]:
        if self._results is None:
            return cells
        return [read(cell) if read else cell for read, cell in zip(self._results, cells, strict=True)]

    def _text(self, given: Mapping[str, Any]) -> _Text:
        names = tuple(given)
        found = self._texts.get(names)
        if found is None:
            columns = None if isinstance(self._statement, Select) else list(names)
            compiled: Any = self._statement.compile(dialect=_DIALECT, column_keys=columns)
            binds = [compiled.binds[name] for name in compiled.positiontup]
            found = self._texts[names] = _Text(str(compiled), _parameters(binds, names))
        return found


def _parameters(
    binds: Sequence[BindParameter[Any]], names: Collection[str]
) -> Callable[[_Given], Sequence[Any]]:
    """What orders parameters: those given, as their types have them, among the statement's own."""
    own: list[Any] = []
    given: list[tuple[int, str, Callable[[Any], Any]]] = []
    for place, bind in enumerate(binds):
        process = bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) or _as_it_is
        own.append(None if bind.key in names else process(bind.value))
        if bind.key in names:
            given.append((place, bind.key, process))
    if len(given) == len(binds) > 1 and all(process is _as_it_is for _, _, process in given):
        return itemgetter(*[name for _, name, _ in given])

    def parameters(row: _Given) -> Sequence[Any]:
        made = own.copy()
        for place, name, process in given:
            made[place] = process(row[name])
        return made

    return parameters


def _as_it_is(value: object) -> object:
    return value


def _driver(connection: Connection) -> sqlite3.Connection | None:
    found = connection.connection.driver_connection
    return found if isinstance(found, sqlite3.Connection) else None
