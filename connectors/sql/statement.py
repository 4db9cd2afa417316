"""One statement per (record type, column set, number of keys), compiled by SQLAlchemy once.

Nothing is built from strings: tables and columns are constructs quoted by the dialect, keys
are binds, and the values of the row filter are literals rendered by the dialect's types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    LargeBinary,
    Select,
    TableClause,
    and_,
    any_,
    bindparam,
    cast,
    column,
    or_,
    select,
    table,
    text,
    union_all,
)
from sqlalchemy.engine.interfaces import Dialect

from catalogue.identifiers import KeyKind
from connectors.errors import ManifestError
from connectors.manifest import Condition, Origin, RecordSource, Scalar

_BINDS: Final = {"postgresql": 1 << 20, "sqlite": 32_000, "mssql": 2_000, "oracle": 1_000}
_BINDS_ELSEWHERE: Final = 1 << 16
"""Binds that one statement can hold: each key takes one per key column and branch of a union."""

_BUCKETS: Final = (1, 4, 16, 64, 256, *(1 << power for power in range(9, 21)))
"""Numbers of key binds. From 256 on they double: a hundred subjects should not be padded fourfold."""

Rows: TypeAlias = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Statement:
    """Compiled SQL and how its parameters are filled."""

    sql: str
    arrays: int
    """Key arrays that lead the values (PostgreSQL), or 0 where each key is a value of its own."""
    size: int
    order: tuple[int, ...]
    """Indexes into the values: the arrays or the padded keys, then the limit, then zero."""

    def bind(self, keys: Sequence[str], limit: int) -> list[object]:
        """Parameters in the statement's order; short key lists repeat their last key."""
        if self.arrays:
            values: list[object] = [list(keys)] * self.arrays
        else:
            padding = [keys[-1]] * (self.size - len(keys)) if keys else []
            values = [*keys, *padding]
        values += (limit, 0)
        return [values[index] for index in self.order]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where rows come from: a table with its joins, or one branch of a union."""

    tables: Mapping[str, FromClause]
    origin: FromClause

    def column(self, name: str) -> ColumnElement[Any]:
        """`column` of the records' own table, or `table.column` of any."""
        owner, _, own = name.rpartition(".")
        return self.tables[owner].c[own]


class Statements:
    """Builds the statements of one record type for one dialect. Raises ManifestError."""

    def __init__(self, record: RecordSource, dialect: Dialect) -> None:
        self._record = record
        self._dialect = dialect
        self._arrays = dialect.name == "postgresql"
        # PostgreSQL cannot hold bytes that its encoding forbids, and its cast reads backslashes
        self._binary = frozenset() if self._arrays else _binary_columns(record)
        self._places = _places(record)
        for place in self._places:
            for name in every_column(record):
                place.column(name)

    def size(self, count: int) -> int:
        """The number of key binds in a statement for `count` keys; 0 where they travel as an array."""
        return 0 if self._arrays else bucket(count)

    def most_keys(self, kind: KeyKind) -> int:
        """Physical keys that one statement can ask for; larger questions are halved."""
        places = 1 if self._arrays else len(self._record.keys[kind].columns) * len(self._places)
        budget = _BINDS.get(self._dialect.name, _BINDS_ELSEWHERE) // places
        return max(size for size in _BUCKETS if size <= budget)

    def by_keys(
        self, kind: KeyKind, columns: Sequence[str], count: int, *, newest_by: str | None = None
    ) -> Statement:
        """Rows of at most `count` keys; `newest_by` sorts, for the rare question that overflows."""
        names, size = self._record.keys[kind].columns, self.size(count)
        branches = [
            self._select(place, columns).where(
                or_(*(self._matches(place, name, number, size) for number, name in enumerate(names)))
            )
            for place in self._places
        ]
        newest = columns.index(newest_by) if newest_by else None
        return self._compile(branches, len(names), size, newest=newest)

    def by_key_columns(self, kind: KeyKind) -> list[Statement]:
        """Each key column's own table asked alone by one key, for `source check`."""
        size = self.size(1)
        return [
            self._compile([select(place.column(name)).where(self._matches(place, name, 0, size))], 1, size)
            for place in self._places
            for name in self._record.keys[kind].columns
        ]

    def sample(self, columns: Sequence[str]) -> Statement:
        """Any rows at all, for `source check`."""
        return self._compile([self._select(place, columns) for place in self._places], 0, 0)

    def probes(self, name: str | None = None) -> list[str]:
        """Per place, a query for no rows of one column, or of all that the place has."""
        found = []
        for place in self._places:
            query = select(place.column(name) if name else text("*")).select_from(place.origin)
            compiled = query.where(text("1 = 0")).compile(dialect=self._dialect)
            found.append(str(compiled))
        return found

    def _matches(self, place: _Place, name: str, number: int, size: int) -> ColumnElement[bool]:
        if self._arrays:
            return place.column(name) == any_(_bind(f"keys{number}"))
        return place.column(name).in_([_bind(f"key{index}") for index in range(size)])

    def _select(self, place: _Place, columns: Sequence[str]) -> Select[Any]:
        wanted = []
        for name in columns:
            found = place.column(name)
            wanted.append(cast(found, LargeBinary).label(found.key) if name in self._binary else found)
        filters = [self._condition(place, condition) for condition in self._record.where]
        return select(*wanted).select_from(place.origin).where(*filters)

    def _condition(self, place: _Place, condition: Condition) -> ColumnElement[bool]:
        subject = place.column(condition.column)
        values = [self._literal(value) for value in condition.values if value is not None]
        match condition.op:
            case "is null":
                return subject.is_(None)
            case "is not null":
                return subject.is_not(None)
            case "=" | "in":
                return subject.in_(values)
            case "!=" | "not in":
                return subject.not_in(values)
            case "null or":
                return or_(subject.is_(None), subject.in_(values))
            case "null or not":
                return or_(subject.is_(None), subject.not_in(values))

    def _literal(self, value: Scalar) -> BindParameter[Any]:
        # PostgreSQL types an untyped literal by its column, so one manifest fits int and varchar
        plain = int(value) if isinstance(value, bool) else value
        if self._arrays:
            plain = str(plain)
        return bindparam(None, plain, unique=True, literal_execute=True)

    def _compile(
        self, branches: list[Select[Any]], key_columns: int, size: int, *, newest: int | None = None
    ) -> Statement:
        statement = union_all(*branches) if len(branches) > 1 else branches[0]
        if newest is not None:
            inner = statement.subquery("r")
            latest = list(inner.c)[newest]
            statement = select(inner).order_by(latest.is_(None), latest.desc())
        limited = statement.limit(_bind("limit"))
        compiled: Any = limited.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        arrays = key_columns if self._arrays else 0
        keys = [f"keys{n}" for n in range(arrays)] or [f"key{n}" for n in range(size)]
        places = {name: index for index, name in enumerate([*keys, "limit"])}
        # SQLite's compiler adds `OFFSET ?` with a fixed zero
        order = tuple(places.get(name, len(places)) for name in compiled.positiontup)
        return Statement(str(compiled), arrays, size, order)


def bucket(count: int) -> int:
    """The number of binds for `count` keys: few sizes, so that servers plan few statements."""
    return next(size for size in _BUCKETS if size >= count)


def every_column(record: RecordSource) -> tuple[str, ...]:
    """All columns the manifest names for a record type, sorted."""
    names = {name for key in record.keys.values() for name in key.columns}
    names |= {condition.column for condition in record.where} | set(record.identity)
    for origin in _origins(record):
        names |= set(origin.reads)
    if record.version:
        names |= {*record.version.by, record.version.latest}
    return tuple(sorted(names))


def _origins(record: RecordSource) -> Iterable[Origin]:
    yield from record.fields.values()
    yield from record.controls.values()


def _binary_columns(record: RecordSource) -> frozenset[str]:
    """Columns whose bytes are not what their declared charset says: read as bytes, decoded by `charset`."""
    return frozenset(
        name
        for origin in _origins(record)
        if origin.decode and not isinstance(origin.decode[0], str) and "charset" in origin.decode[0]
        for name in origin.reads
    )


def _bind(name: str) -> BindParameter[Any]:
    return bindparam(name, None, required=False)


def _places(record: RecordSource) -> tuple[_Place, ...]:
    return tuple(_place(record, name) for name in (*record.union, record.table) if name) or (
        _place(record, None),
    )


def _place(record: RecordSource, name: str | None) -> _Place:
    """The records' own table (or fixed query, without a name) with its joins."""
    owned = _columns_by_owner(record)
    owners = {join.table for join in record.join}
    own = {column for owner, columns in owned.items() if owner not in owners for column in columns}
    if stray := set(owned) - owners - {"", name}:
        raise ManifestError(
            "MANIFEST_TABLE_UNKNOWN", sorted(stray)[0], "columns may name the records' table or a joined one"
        )
    base = _table(name, own) if name else _fixed_query(record.query or "", own)
    tables: dict[str, FromClause] = {"": base, **({name: base} if name else {})}
    origin: FromClause = base
    for join in record.join:
        if not join.on:
            raise ManifestError("MANIFEST_JOIN", join.table, "say in `on` which columns must be equal")
        tables[join.table] = _table(join.table, owned.get(join.table, set()))
        pairs = [
            _Place(tables, origin).column(left) == tables[join.table].c[right.rpartition(".")[2]]
            for left, right in join.on.items()
        ]
        origin = origin.join(tables[join.table], and_(*pairs))
    return _Place(tables, origin)


def _columns_by_owner(record: RecordSource) -> dict[str, set[str]]:
    owned: dict[str, set[str]] = {}
    joined = [(join.table, right) for join in record.join for right in join.on.values()]
    left = [name for join in record.join for name in join.on]
    for name in (*every_column(record), *left):
        owner, _, own = name.rpartition(".")
        owned.setdefault(owner, set()).add(own)
    for owner, name in joined:
        owned.setdefault(owner, set()).add(name.rpartition(".")[2])
    return owned


def _table(name: str, columns: Iterable[str]) -> TableClause:
    schema, _, own = name.rpartition(".")
    return table(own, *map(column, sorted(columns)), schema=schema or None)


def _fixed_query(query: str, columns: Iterable[str]) -> FromClause:
    # every colon is the department's own (casts, times): none of them is a bind
    escaped = text(query.strip().rstrip(";").replace(":", r"\:"))
    return escaped.columns(*map(column, sorted(columns))).subquery("q")
