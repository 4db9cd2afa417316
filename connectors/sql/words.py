"""Code tables of the source for cells that hold several codes, which no join can take apart.

They are asked by the codes that the rows hold: one more statement for each table, after the rows. Each
row then carries what was found, under the name that the word of a join would have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeAlias, cast

from sqlalchemy.engine.interfaces import Dialect

from catalogue.identifiers import KeyKind
from connectors.decoders import CodeTables, DecodeError, compile_chain
from connectors.decoders.text import token
from connectors.manifest import RecordSource
from connectors.pipeline import readable
from connectors.shapes import Key, Lookup, Origin
from connectors.sql.statement import Parameters, Rows, Statement, Statements

Fetch: TypeAlias = Callable[[str, Parameters], Awaitable[Rows]]
_CODE: Final = KeyKind.USCC
"""Statements ask by a kind of key; a code table has one, whatever it is called."""
_ROWS_PER_CODE: Final = 4
"""More are not needed to see that a code has two words, and so none."""


class Words:
    """The code tables of one record type that are asked so. Raises ManifestError when built."""

    def __init__(
        self, record: RecordSource, dialect: Dialect, charset: str | None, code_tables: CodeTables
    ) -> None:
        self.tables = {
            name: WordTable(origin, dialect, charset, code_tables) for name, origin in record.listed.items()
        }

    def last(self, columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Columns of the rows' own statement, and those that `beside` adds behind them."""
        own = tuple(column for column in columns if column not in self.tables)
        return own, tuple(column for column in columns if column in self.tables)

    async def beside(self, own: Sequence[str], added: Sequence[str], rows: Rows, fetch: Fetch) -> Rows:
        """The rows with the words of each added column behind; raises what `fetch` raises."""
        if not added or not rows:
            return rows
        tables = [self.tables[name] for name in added]
        words = [await table.words((row[own.index(table.column)] for row in rows), fetch) for table in tables]
        return [(*row, *words) for row in rows]


class WordTable:
    """One code table, and how a cell of codes is taken apart."""

    def __init__(
        self, origin: Origin, dialect: Dialect, charset: str | None, code_tables: CodeTables
    ) -> None:
        self.column = cast(str, origin.column)
        self.lookup = cast(Lookup, origin.lookup)
        self._charset = charset
        self._codes = compile_chain(origin.chains[0], code_tables)
        word = Origin(column=self.lookup.word, decode=origin.chains[1])
        keys = {_CODE: Key(columns=(self.lookup.code,))}
        place = RecordSource(table=self.lookup.table, keys=keys, fields={"word": word})
        self.statements = Statements(place, dialect, charset)
        self._compiled: dict[int, Statement] = {}

    async def words(self, cells: Iterable[object], fetch: Fetch) -> dict[str, object]:
        """Word by code; None where the table has two."""
        asked = sorted({token(code) for code in self._parts(cells)})
        found: dict[str, object] = {}
        most = self.statements.most_keys(_CODE)
        for start in range(0, len(asked), most):
            codes = asked[start : start + most]
            statement = self.statement(len(codes))
            rows = await fetch(statement.sql, statement.bind(codes, _ROWS_PER_CODE * len(codes)))
            for row in rows:
                code, word = self._read(row)
                found[token(code)] = word if found.get(token(code), word) == word else None
        return found

    def statement(self, count: int) -> Statement:
        """The compiled statement for at least `count` codes."""
        size = self.statements.size(count)
        if size not in self._compiled:
            columns = (self.lookup.code, self.lookup.word)
            self._compiled[size] = self.statements.by_keys(_CODE, columns, count)
        return self._compiled[size]

    def _parts(self, cells: Iterable[object]) -> Iterator[object]:
        for cell in self._read(list(cells)):
            with suppress(DecodeError):  # the row is rejected for it when it is decoded
                yield from cast(tuple[object, ...], self._codes(cell) or ())

    def _read(self, cells: Sequence[object]) -> Sequence[object]:
        return readable(cells, self._charset) if self._charset else cells
