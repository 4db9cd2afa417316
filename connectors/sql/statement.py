"""One statement per (record type, column set, number of keys), compiled by SQLAlchemy once.

Nothing is built from strings: tables and columns are constructs quoted by the dialect, keys
are binds, and the values of the row filter are literals rendered by the dialect's types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    any_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.engine.interfaces import Dialect

from catalogue.identifiers import KeyKind
from connectors.columns import every_column
from connectors.manifest import RecordSource
from connectors.shapes import Column, KeyForm, Publicity
from connectors.sql.conditions import Conditions
from connectors.sql.forms import beginning, beginnings, bind, key, limited, raw
from connectors.sql.places import Opened, Place, places

_BINDS: Final = {"postgresql": 1 << 20, "sqlite": 32_000, "mssql": 2_000, "oracle": 1_000}
_FIRST: Final[ColumnElement[int]] = literal_column("0")
_LAST: Final[ColumnElement[int]] = literal_column("1")
_NAMED: Final = frozenset({"mssql", "oracle"})
"""Dialects whose parameters have names: a key is sent once, wherever it stands."""
_BINDS_ELSEWHERE: Final = 1 << 16
"""Binds that one statement can hold: each key takes one per key column and branch of a union."""

_DAY_LENGTH: Final = 32
"""Characters of a cell that holds a day, or the code of a department."""

_BUCKETS: Final = (1, 4, 16, 64, 256, *(1 << power for power in range(9, 21)))
"""Numbers of key binds. From 256 on they double: a hundred subjects should not be padded fourfold."""

Rows: TypeAlias = Sequence[Sequence[object]]
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]
"""In the statement's order, or by name."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Compiled SQL and how its parameters are filled."""

    sql: str
    arrays: int
    """Key arrays that lead the values (PostgreSQL), or 0 where each key is a value of its own."""
    size: int
    order: tuple[int, ...]
    """Indexes into the values: the arrays or the padded keys, then the limit, then zero."""
    names: tuple[str, ...] = ()
    """Names of the values where parameters are named (Oracle, SQL Server): each is sent once."""

    def bind(self, keys: Sequence[str], limit: int) -> Parameters:
        """Parameters in the statement's order or by name; short key lists repeat their last key."""
        if self.arrays:
            values: list[object] = [list(keys)] * self.arrays
        else:
            padding = [keys[-1]] * (self.size - len(keys)) if keys else []
            values = [*keys, *padding]
        values += (limit, 0)
        if self.names:
            return dict(zip(self.names, values, strict=False))
        return [values[index] for index in self.order]


class Statements:
    """Builds the statements of one record type for one dialect. Raises ManifestError."""

    def __init__(self, record: RecordSource, dialect: Dialect, charset: str | None = None) -> None:
        self._record = record
        self._dialect = dialect
        self._arrays = dialect.name == "postgresql"
        # PostgreSQL cannot hold bytes that its encoding forbids, and its cast reads backslashes
        self._binary = frozenset() if self._arrays else _binary_columns(record, charset)
        self._conditions = Conditions(dialect, charset)
        self._places = places(record, dialect, charset)
        self._filtered = tuple(condition.column for condition in record.where)

    def size(self, count: int) -> int:
        """The number of key binds in a statement for `count` keys; 0 where they travel as an array."""
        return 0 if self._arrays else bucket(count)

    def most_keys(self, kind: KeyKind) -> int:
        """Physical keys that one statement can ask for; larger questions are halved."""
        once = self._arrays or self._dialect.name in _NAMED
        places = 1 if once else len(self._record.keys[kind].columns) * len(self._places)
        budget = _BINDS.get(self._dialect.name, _BINDS_ELSEWHERE) // places
        return max(size for size in _BUCKETS if size <= budget)

    def by_keys(
        self, kind: KeyKind, columns: Sequence[str], count: int, *, newest_by: str | None = None
    ) -> Statement:
        """Rows of at most `count` keys; `newest_by` sorts, for the rare question that overflows."""
        names, size = self._record.keys[kind].columns, self.size(count)
        branches = []
        for place in self._places:
            opened = place.open((*columns, *names, *self._filtered))
            matches = (self._matches(opened, kind, name, number, size) for number, name in enumerate(names))
            branches.append(self._select(opened, columns).where(or_(*matches)))
        newest = columns.index(newest_by) if newest_by else None
        return self._compile(branches, len(names), size, newest=newest)

    def by_key_columns(self, kind: KeyKind, count: int = 1) -> list[Statement]:
        """Each key column's own table asked alone by so many keys, for `source check`."""
        size = self.size(count)
        found = []
        for place in self._places:
            for name in self._record.keys[kind].columns:
                opened = place.open([name])
                query = select(opened.column(name)).where(self._matches(opened, kind, name, 0, size))
                found.append(self._compile([query], 1, size))
        return found

    def samples(self, columns: Sequence[str], last_by: Sequence[str] = ()) -> list[Statement]:
        """Any rows of each place; with `last_by` those at the far end of its own columns of these names."""
        return [self._sample(place, columns, last_by) for place in self._places]

    def _sample(self, place: Place, columns: Sequence[str], last_by: Sequence[str]) -> Statement:
        opened = place.open((*columns, *last_by, *self._filtered))
        last = [opened.column(name).desc() for name in last_by if place.physical(name)]
        return self._compile([self._select(opened, columns).order_by(*last)], 0, 0)

    def words(self, column: str) -> list[Statement]:
        """Each place's different cells of one column."""
        opened = [place.open((column, *self._filtered)) for place in self._places]
        return [self._compile([self._select(place, [column]).distinct()], 0, 0) for place in opened]

    def counted(self, publicity: Publicity, determined: Column, month: date) -> Statement:
        """How many records have which days, of those whose decision is of the month, however it is written.

        Of several versions of a record the earliest days count: a withdrawal is no publication.
        """
        cells = [determined, publicity.published_on.column]
        cells += [publicity.department.column] if publicity.department else []
        by = self._record.version.by if self._record.version else self._record.identity
        branches = []
        for place in self._places:
            filters = (one.column for one in publicity.where)
            opened = place.open((*cells, *by, *self._filtered, *filters))
            texts: list[ColumnElement[str]] = [
                cast(opened.column(name), String(_DAY_LENGTH)) for name in cells
            ]
            starts = (
                beginning(self._dialect.name, texts[0], length).in_(map(self._conditions.literal, written))
                for length, written in beginnings(month).items()
            )
            texts[1] = beginning(self._dialect.name, texts[1], publicity.published_on.first or _DAY_LENGTH)
            named = [(func.min(cell) if by else cell).label(f"c{n}") for n, cell in enumerate(texts)]
            held = (self._conditions.of(opened.column(one.column), one) for one in publicity.where)
            query = self._select(opened, ()).add_columns(*named).where(*held, or_(*starts))
            branches.append(query.group_by(*map(opened.column, by)))
        rows = (union_all(*branches) if len(branches) > 1 else branches[0]).subquery("d")
        return self._compile([select(*rows.c, func.count()).group_by(*rows.c)], 0, 0)

    @property
    def names(self) -> tuple[str, ...]:
        """What each place is called: its table, or `query`."""
        return tuple(place.name for place in self._places)

    def probes(self, name: str | None = None) -> list[str]:
        """Per place, a query for no rows of one column, or of all that the place has."""
        found = []
        for place in self._places:
            opened = place.open([name] if name else every_column(self._record))
            query = select(opened.column(name) if name else text("*")).select_from(opened.origin)
            literal = {"render_postcompile": True}
            compiled = query.where(text("1 = 0")).compile(dialect=self._dialect, compile_kwargs=literal)
            found.append(str(compiled))
        return found

    def physical(self, place: int, name: str) -> str | None:
        """The column of the source that a logical one is there; None for a constant."""
        return self._places[place].physical(name)

    def _matches(
        self, place: Opened, kind: KeyKind, name: str, number: int, size: int
    ) -> ColumnElement[bool]:
        if self._arrays:
            return place.column(name) == any_(bind(f"keys{number}"))
        wide = KeyForm.FULL_WIDTH in self._record.keys[kind].forms
        keys = [key(self._dialect.name, f"key{index}", wide=wide) for index in range(size)]
        return place.column(name).in_(keys)

    def _select(self, place: Opened, columns: Sequence[str]) -> Select[Any]:
        wanted = []
        for name in columns:
            found = place.column(name)
            bytes_wanted = name in self._binary
            wanted.append(raw(self._dialect.name, found).label(found.key) if bytes_wanted else found)
        filters = [self._conditions.of(place.column(one.column), one) for one in self._record.where]
        return select(*wanted).select_from(place.origin).where(*filters)

    def _compile(
        self, branches: list[Select[Any]], key_columns: int, size: int, *, newest: int | None = None
    ) -> Statement:
        statement = union_all(*branches) if len(branches) > 1 else branches[0]
        if newest is not None:
            inner = statement.subquery("r")
            latest = list(inner.c)[newest]
            statement = select(inner).order_by(case((latest.is_(None), _LAST), else_=_FIRST), latest.desc())
        finite = limited(self._dialect.name, statement)
        compiled: Any = finite.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        arrays = key_columns if self._arrays else 0
        keys = [f"keys{n}" for n in range(arrays)] or [f"key{n}" for n in range(size)]
        places = {name: index for index, name in enumerate([*keys, "limit"])}
        if compiled.positiontup is None:
            return Statement(str(compiled), arrays, size, (), tuple(places))
        # SQLite's compiler adds `OFFSET ?` with a fixed zero
        order = tuple(places.get(name, len(places)) for name in compiled.positiontup)
        return Statement(str(compiled), arrays, size, order)


def bucket(count: int) -> int:
    """The number of binds for `count` keys: few sizes, so that servers plan few statements."""
    return next(size for size in _BUCKETS if size >= count)


def _binary_columns(record: RecordSource, charset: str | None) -> frozenset[str]:
    """Columns whose bytes are not what their declared charset says: read as bytes, decoded by `charset`."""
    if charset:
        return frozenset(every_column(record))
    return frozenset(
        name
        for origin in record.origins
        if origin.decode and not isinstance(origin.decode[0], str) and "charset" in origin.decode[0]
        for name in (*origin.columns, origin.column, origin.word)
        if name
    )
