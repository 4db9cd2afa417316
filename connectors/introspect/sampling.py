"""Tables with their samples looked at: shapes and codes stay, cells go.

The sample is read through the connector's own session, so it is read-only, ends by itself at the
server, and sees the cells as the gateway will see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.engine.interfaces import Dialect

from catalogue.identifiers import KeyKind, clean
from connectors.errors import SourceError, SourceTimeout
from connectors.introspect.described import Column, Table
from connectors.introspect.shapes import Shape, Words, shape_of, transpose, words_of
from connectors.introspect.vocabulary import by_comment, by_name, of_another, vocabulary
from connectors.manifest import RecordSource
from connectors.shapes import Join, Key
from connectors.sql.engine import Engine
from connectors.sql.faults import translated
from connectors.sql.pool import Connection
from connectors.sql.statement import Rows, Statements

SAMPLE: Final = 200
"""Rows of a table that are looked at."""
_ANY: Final = KeyKind.CITIZEN_ID
KEY_BY_NAME: Final = 0.75
_SAY_NOTHING: Final = frozenset({"id", "xh", "guid", "uuid", "pk", "seq", "rowid", "bh", "code", "no"})
"""Names that every table has: two of them being equal is no reason to join."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One place that records may come from."""

    table: Table
    columns: tuple[Column, ...]
    """Its own, and those of the joined table that tell whose a record is, as `table.column`."""
    shapes: Mapping[str, Shape]
    words: Mapping[str, Words]
    rows: int
    union: tuple[str, ...] = ()
    """Tables of the same shape, this one among them."""
    join: Join | None = None
    join_declared: bool = True
    """Whether the database declares the join as a foreign key; else it was guessed from names."""

    def key_columns(self, kind: KeyKind) -> tuple[str, ...]:
        """Columns that hold the subject's key, the likeliest first: by cells, then empty ones by name."""
        found = []
        for column in self.columns:
            shape, named = self.shapes[column.name], self.named_as_key(column.name, kind)
            holds = kind in shape.kinds if shape.filled else named >= KEY_BY_NAME
            if holds and not of_another(column.name, column.comment):
                found.append((bool(shape.filled), named, shape.keys[kind], column.name))
        return tuple(name for *_, name in sorted(found, reverse=True))

    def named_as_key(self, column: str, kind: KeyKind) -> float:
        """How well the name alone says that the column holds the subject's number."""
        return by_name(column, vocabulary().fields["citizenId" if kind is KeyKind.CITIZEN_ID else "uscc"])

    @property
    def kinds(self) -> tuple[KeyKind, ...]:
        """Kinds of key that the place can be asked by."""
        return tuple(kind for kind in KeyKind if self.key_columns(kind))


async def knock(engine: Engine) -> None:
    """Connect and leave; raises the SourceError that says why the database lets nobody in."""
    await (await _connected(engine)).close()


async def _connected(engine: Engine) -> Connection:
    try:
        return await engine.connect()
    except Exception as error:
        raise translated("introspect", error, connected=False) from error


async def look(engine: Engine, tables: Sequence[Table]) -> list[Seen]:
    """Every table with its sample; one that the account may not read has no rows. Raises SourceError."""
    connection = await _connected(engine)
    try:
        seen = [await _look_at(engine.dialect, connection, table) for table in tables]
    finally:
        with suppress(Exception):
            await connection.close()
    return [_joined(one, seen) for one in _unions(seen)]


async def _look_at(dialect: Dialect, connection: Connection, table: Table) -> Seen:
    readable = [column for column in table.columns if column.kind != "binary" and _nameable(column.name)]
    rows, columns = await _sample(dialect, connection, table.name, readable)
    cells = dict(zip((column.name for column in columns), transpose(rows, len(columns)), strict=True))
    shapes = {name: shape_of(each) for name, each in cells.items()}
    seen = Seen(table, tuple(columns), shapes, {}, len(rows))
    keys = [name for kind in KeyKind for name in seen.key_columns(kind)]
    owners = [_owner(cells, keys, index) for index in range(len(rows))]
    words = {name: words_of(each, owners) for name, each in cells.items() if shapes[name].is_code}
    return replace(seen, words=words)


def _owner(cells: Mapping[str, Sequence[object]], keys: Iterable[str], row: int) -> object:
    """Whose a row is; without a key all rows count as one subject's, so that no longer word is said."""
    return tuple(clean(str(cells[name][row] or "")) for name in keys)


def _nameable(name: str) -> bool:
    """Whether a manifest can name the column."""
    return all(sign.isprintable() and sign not in " \"'`;." for sign in name)


async def _sample(
    dialect: Dialect, connection: Connection, table: str, columns: list[Column]
) -> tuple[Rows, list[Column]]:
    """Rows of the columns that the account may read."""
    if not columns:
        return [], []
    try:
        return await _fetch(dialect, connection, table, columns), columns
    except SourceTimeout:
        # each of its columns would take as long again
        return [], columns
    except SourceError:
        readable = []
    for column in columns:
        with suppress(Exception):
            await _fetch(dialect, connection, table, [column])
            readable.append(column)
    if not readable or len(readable) == len(columns):
        return [], columns
    return await _fetch(dialect, connection, table, readable), readable


async def _fetch(dialect: Dialect, connection: Connection, table: str, columns: list[Column]) -> Rows:
    names = tuple(column.name for column in columns)
    record = RecordSource(table=table, keys={_ANY: Key(columns=names[:1])}, identity=names, fields={})
    (statement,) = Statements(record, dialect).samples(names)
    try:
        return await connection.fetch(statement.sql, statement.bind((), SAMPLE))
    except SourceError:
        raise
    except Exception as error:
        raise translated("introspect", error, connected=True) from error


def _unions(seen: Sequence[Seen]) -> list[Seen]:
    """Tables of one shape whose names differ in their number only, as one place."""
    groups: dict[tuple[str, tuple[str, ...]], list[Seen]] = {}
    for one in seen:
        stem = one.table.name.rstrip("0123456789")
        numbered = stem != one.table.name
        groups.setdefault((stem if numbered else one.table.name, one.table.shape), []).append(one)
    found = []
    for group in groups.values():
        fullest = max(group, key=lambda one: one.rows)
        names = tuple(sorted(one.table.name for one in group)) if len(group) > 1 else ()
        found.append(replace(fullest, union=names))
    return found


def _joined(child: Seen, seen: Sequence[Seen]) -> Seen:
    """A place without a key of its own, joined to the one table that knows whose its records are."""
    if child.kinds:
        return child
    parents = {one.table.name: one for one in seen if one.kinds and one.table.name != child.table.name}
    for key in child.table.foreign_keys:
        if key.table in parents:
            on = dict(zip(key.columns, key.to, strict=True))
            return _with_parent(child, parents[key.table], on, declared=True)
    mine = {column.name.casefold(): column.name for column in child.columns}
    for parent in parents.values():
        for column in parent.columns:
            if column.name.casefold() in mine and _unique(parent, column.name):
                on = {mine[column.name.casefold()]: column.name}
                return _with_parent(child, parent, on, declared=False)
    return child


def _unique(parent: Seen, column: str) -> bool:
    if column.casefold() in _SAY_NOTHING:
        return False
    if parent.table.primary_key:
        return parent.table.primary_key == (column,)
    shape = parent.shapes[column]
    return shape.filled == shape.rows == shape.distinct > 1 and not shape.dates


def _with_parent(child: Seen, parent: Seen, on: Mapping[str, str], *, declared: bool) -> Seen:
    names = [name for kind in parent.kinds for name in parent.key_columns(kind)]
    named = [(_is_name(column), column.name) for column in parent.columns]
    names += [name for score, name in sorted(named, reverse=True)[:1] if score >= KEY_BY_NAME]
    borrowed = {f"{parent.table.name}.{name}": name for name in dict.fromkeys(names)}
    by_own = {column.name: column for column in parent.columns}
    return replace(
        child,
        columns=(*child.columns, *(replace(by_own[own], name=full) for full, own in borrowed.items())),
        shapes={**child.shapes, **{full: parent.shapes[own] for full, own in borrowed.items()}},
        join=Join(table=parent.table.name, on=dict(on)),
        join_declared=declared,
    )


def _is_name(column: Column) -> float:
    if of_another(column.name, column.comment):
        return 0.0
    words = vocabulary()
    return max(by_name(column.name, words.roles["name"]), by_comment(column.comment, words.labels["name"]))
