"""Where the rows of a record type come from: its table or query, and the joins that a statement needs.

A logical column is `column` of the records' own table or `name.column` of a join. An optional
join, a pivoted attribute or a code table is read only by statements that name one of its columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, TableClause, and_, column, null, table, text
from sqlalchemy.engine.interfaces import Dialect

from connectors.columns import every_column
from connectors.errors import ManifestError
from connectors.manifest import RecordSource
from connectors.shapes import Branch, Constant, Join
from connectors.sql.conditions import Conditions


@dataclass(frozen=True, slots=True)
class Opened:
    """A place with the joins that some columns need."""

    origin: FromClause
    columns: Mapping[str, ColumnElement[Any]]
    """By logical name."""

    def column(self, name: str) -> ColumnElement[Any]:
        """What a logical column is in SQL."""
        return self.columns[name]


class Place:
    """One table, branch of a union, or fixed query. Raises ManifestError."""

    def __init__(
        self, record: RecordSource, branch: Branch | None, dialect: Dialect, charset: str | None
    ) -> None:
        self.name = branch.table if branch else "query"
        self._query = record.query
        self._branch = branch
        self._dialect = dialect
        self._conditions = Conditions(dialect, charset)
        self._joins = {join.owner: join for join in record.joins}
        for join in self._joins.values():
            if branch and join.owner == branch.table:
                raise ManifestError("MANIFEST_JOIN", join.table, "give the joined table another name by `as`")
        self.open(every_column(record))

    def open(self, names: Iterable[str]) -> Opened:
        """The place as a statement sees it that names these columns."""
        wanted = dict.fromkeys(names)
        joins = self._needed(wanted)
        for join in joins:
            wanted |= dict.fromkeys(join.on)
        base = self._base({self._own(name) for name in wanted if not self._join_of(name)})
        columns = {name: self._base_column(base, name) for name in wanted if not self._join_of(name)}
        origin: FromClause = base
        for join in joins:
            for number, attribute in enumerate(self._attributes(join, wanted)):
                joined = self._joined(join, wanted, number)
                on = self._on(join, columns, joined, attribute)
                origin = origin.join(joined, and_(*on), isouter=join.optional or join.pivot is not None)
                columns |= self._columns_of(join, wanted, joined, attribute)
        return Opened(origin, columns)

    def physical(self, name: str) -> str | None:
        """The column that a logical one is in the source; None for a constant."""
        join, own = self._join_of(name), self._own(name)
        if join:
            return join.pivot.value if join.pivot else own
        found = self._branch.columns.get(own, own) if self._branch else own
        return found if isinstance(found, str) else None

    def _needed(self, names: Iterable[str]) -> list[Join]:
        """Joins that are not optional, those of the named columns, and those that they go through."""
        always = {join.owner for join in self._joins.values() if not join.optional and not join.pivot}
        owners = {*map(_owner, names), *always}
        while more := self._through(owners) - owners:
            owners |= more
        return [join for join in self._joins.values() if join.owner in owners]

    def _through(self, owners: set[str]) -> set[str]:
        return {_owner(left) for owner in owners & self._joins.keys() for left in self._joins[owner].on}

    def _join_of(self, name: str) -> Join | None:
        owner = _owner(name)
        if owner in self._joins:
            return self._joins[owner]
        if owner and not (self._branch and owner == self._branch.table):
            message = "columns may name the records' table or a joined one"
            raise ManifestError("MANIFEST_TABLE_UNKNOWN", owner, message)
        return None

    def _own(self, name: str) -> str:
        return name.rpartition(".")[2]

    def _base(self, names: set[str]) -> FromClause:
        physical = sorted({found for name in names if (found := self.physical(name))})
        if self._branch:
            return _table(self._branch.table, physical)
        quoted = ", ".join(map(self._dialect.identifier_preparer.quote, physical))
        # every colon is the department's own (casts, times): none of them is a bind
        query = (self._query or "").strip().rstrip(";").replace("{columns}", quoted).replace(":", r"\:")
        return text(query).columns(*map(column, physical)).subquery("q")

    def _base_column(self, base: FromClause, name: str) -> ColumnElement[Any]:
        own = self._own(name)
        found = self._branch.columns.get(own, own) if self._branch else own
        if isinstance(found, Constant):
            return self._conditions.literal(found.value).label(own)
        if found is None:
            return null().label(own)
        return base.c[found] if found == own else base.c[found].label(own)

    def _attributes(self, join: Join, names: Iterable[str]) -> Sequence[str | None]:
        """Attributes to pivot, each by a join of its own; None for an ordinary join."""
        if not join.pivot:
            return [None]
        return sorted({self._own(name) for name in names if self._join_of(name) is join})

    def _joined(self, join: Join, names: Iterable[str], number: int) -> FromClause:
        own = {self._own(name) for name in names if self._join_of(name) is join and not join.pivot}
        own |= {right.rpartition(".")[2] for right in join.on.values()}
        own |= {condition.column for condition in join.where}
        if join.pivot:
            own |= {join.pivot.attribute, join.pivot.value}
        plain = _table(join.table, own)
        if join.pivot:
            return plain.alias(f"{join.owner}_{number + 1}")
        if "@" in join.owner:
            return plain.alias(f"lookup_{list(self._joins).index(join.owner) + 1}")
        return plain.alias(join.name) if join.name else plain

    def _on(
        self, join: Join, columns: Mapping[str, ColumnElement[Any]], joined: FromClause, attribute: str | None
    ) -> Iterator[ColumnElement[bool]]:
        for left, right in join.on.items():
            yield columns[left] == joined.c[right.rpartition(".")[2]]
        for condition in join.where:
            yield self._conditions.of(joined.c[condition.column], condition)
        if join.pivot and attribute is not None:
            yield joined.c[join.pivot.attribute].in_([self._conditions.literal(attribute)])

    def _columns_of(
        self, join: Join, names: Iterable[str], joined: FromClause, attribute: str | None
    ) -> dict[str, ColumnElement[Any]]:
        mine = [name for name in names if self._join_of(name) is join]
        if not join.pivot:
            return {name: joined.c[self._own(name)] for name in mine}
        value = joined.c[join.pivot.value]
        return {name: value.label(attribute) for name in mine if self._own(name) == attribute}


def places(record: RecordSource, dialect: Dialect, charset: str | None) -> tuple[Place, ...]:
    """Every place of a record type: one, or one for each branch of a union."""
    if record.query is not None:
        return (Place(record, None, dialect, charset),)
    tables = record.union or ((record.table,) if record.table else ())
    branches = (part if isinstance(part, Branch) else Branch(table=part) for part in tables)
    return tuple(Place(record, branch, dialect, charset) for branch in branches)


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def _table(name: str, columns: Iterable[str]) -> TableClause:
    schema, _, own = name.rpartition(".")
    return table(own, *map(column, sorted(columns)), schema=schema or None)
