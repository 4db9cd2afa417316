"""Corrected and linked numbers of a subject, by the tables in which its authority keeps them (ruling 15).

Asked for with the confirmation and kept no longer than the request. One statement per table; where
a number turns out to have others, these are asked for in turn, so that a chain of corrections is
followed to its end. A subject with more than can be read is told as such (`Links.cut`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.engine.interfaces import Dialect

from catalogue.identifiers import (
    IdentifierError,
    KeyKind,
    SubjectKey,
    clean,
    normalize_citizen_id,
    normalize_uscc,
)
from connectors.keys import key_variants
from connectors.manifest import RecordSource
from connectors.protocol import Links
from connectors.shapes import Alias
from connectors.sql.pool import Pool
from connectors.sql.statement import Statement, Statements

_HOPS: Final = 4
"""Corrections in a row that are followed; each is one more question."""
LINKS_PER_KEY: Final = 16
"""Rows of one table that are read for one number."""
_NORMALIZERS: Final[dict[KeyKind, Callable[[str], str]]] = {
    KeyKind.CITIZEN_ID: normalize_citizen_id,
    KeyKind.USCC: normalize_uscc,
}


class Follower:
    """Follows the alias tables of one record type. Raises ManifestError when built."""

    def __init__(self, record: RecordSource, dialect: Dialect, charset: str | None) -> None:
        self.tables = [AliasTable(alias, record, dialect, charset) for alias in record.aliases]

    async def links(self, keys: Sequence[SubjectKey], pool: Pool, trace: str) -> dict[SubjectKey, Links]:
        """Of those keys that have any; raises a SourceError."""
        kinds = {key.kind for key in keys}
        found: dict[SubjectKey, Links] = {}
        for kind in kinds if self.tables else ():
            known = _Known()
            asked: set[SubjectKey] = set()
            wanted = {key for key in keys if key.kind is kind}
            for _ in range(_HOPS):
                asked |= wanted
                for table in self.tables:
                    await table.read(known, kind, sorted_keys(wanted), pool, trace)
                wanted = known.keys - asked
                if not wanted:
                    break
            known.cut |= wanted
            found |= {key: links for key in keys if key.kind is kind and (links := known.links(key))}
        return found


class AliasTable:
    """The statements of one alias table, by kind and number of keys."""

    def __init__(self, alias: Alias, record: RecordSource, dialect: Dialect, charset: str | None) -> None:
        self.alias = alias
        columns = (alias.current,) if alias.numbers else (alias.former, alias.current)
        self._keys = {kind: key.model_copy(update={"columns": columns}) for kind, key in record.keys.items()}
        place = RecordSource(
            table=alias.table, keys=self._keys, fields={}, where=alias.where, identity=(alias.former,)
        )
        self.statements = Statements(place, dialect, charset)
        self._charset = charset
        self._compiled: dict[tuple[KeyKind, int], Statement] = {}

    async def read(
        self, known: _Known, kind: KeyKind, keys: Sequence[SubjectKey], pool: Pool, trace: str
    ) -> None:
        """Take in every row that names one of the keys; halved at the limit, so that it is each key's own."""
        variants = [text for key in keys for text in key_variants(key, self._keys[kind])]
        size = self.statements.size(len(variants))
        statement = self._compiled.get((kind, size))
        if statement is None:
            columns = (self.alias.former, self.alias.current)
            statement = self._compiled[kind, size] = self.statements.by_keys(kind, columns, len(variants))
        limit = LINKS_PER_KEY * len(keys)
        found = await pool.fetch(statement.sql, statement.bind(variants, limit + 1), trace)
        if len(found) > limit and len(keys) > 1:
            middle = len(keys) // 2
            await self.read(known, kind, keys[:middle], pool, trace)
            await self.read(known, kind, keys[middle:], pool, trace)
            return
        if len(found) > limit:
            known.cut.update(keys)
        rows = [
            (self._text(former), self._text(current))
            for former, current in found[:limit]
            if former and current
        ]
        known.add(kind, self.alias, rows)

    def _text(self, cell: object) -> str:
        return cell.decode(self._charset or "utf-8", "replace") if isinstance(cell, bytes) else str(cell)


@dataclass(slots=True)
class _Known:
    """What the tables have said so far about subjects of one kind."""

    current_of: dict[SubjectKey, set[SubjectKey]] = field(default_factory=dict)
    numbers_of: dict[SubjectKey, set[str]] = field(default_factory=dict)
    cut: set[SubjectKey] = field(default_factory=set)
    """Numbers of which not every row was read."""

    @property
    def keys(self) -> set[SubjectKey]:
        """Every key that was met."""
        return {*self.current_of, *(key for currents in self.current_of.values() for key in currents)}

    def add(self, kind: KeyKind, alias: Alias, rows: Iterable[tuple[str, str]]) -> None:
        """Take rows in; one whose current number is none is worth nothing."""
        for former, current in rows:
            with suppress(IdentifierError):
                key = SubjectKey(kind, _NORMALIZERS[kind](current))
                if alias.numbers:
                    self.numbers_of.setdefault(key, set()).add(clean(former))
                else:
                    self.current_of.setdefault(_former(kind, former), set()).add(key)

    def links(self, key: SubjectKey) -> Links | None:
        """The numbers of one subject; None where it has only this one."""
        current = self._current(key)
        former = self._former({key})
        numbers = {number for known in (key, *former) for number in self.numbers_of.get(known, ())}
        cut = not self.cut.isdisjoint({key, *former, *([current] if current else [])})
        if current == key and not former and not numbers and not cut:
            return None
        # among the rows that were not read another correction may stand: then none is followed
        moved = None if cut or current == key else current
        return Links(moved, sorted_keys(former), tuple(sorted(numbers)), cut)

    def _current(self, key: SubjectKey) -> SubjectKey | None:
        """Where the corrections lead; None where they part, or turn in a circle."""
        passed = {key}
        while currents := self.current_of.get(key, set()) - {key}:
            if len(currents) > 1 or currents & passed:
                return None
            (key,) = currents
            passed.add(key)
        return key

    def _former(self, keys: Collection[SubjectKey]) -> set[SubjectKey]:
        """Every number that leads to one of these."""
        found: set[SubjectKey] = set()
        while True:
            more = {old for old, currents in self.current_of.items() if currents & {*keys, *found}}
            if more <= found:
                return found - set(keys)
            found |= more


def _former(kind: KeyKind, text: str) -> SubjectKey:
    """A number that was wrong may be no valid one: it is kept as it was written."""
    with suppress(IdentifierError):
        return SubjectKey(kind, _NORMALIZERS[kind](text))
    return SubjectKey(kind, clean(text))


def sorted_keys(keys: Iterable[SubjectKey]) -> tuple[SubjectKey, ...]:
    """In a stable order."""
    return tuple(sorted(keys, key=lambda key: key.value))
