"""How one record type is read from a SQL database: its statements, and the answer made of their rows."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Final

from sqlalchemy.engine.interfaces import Dialect

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import DataClass, RecordType, Role
from catalogue.values import CHINA_TIME
from connectors.errors import SourceDrift
from connectors.keys import all_asked_forms
from connectors.manifest import Manifest, RecordSource
from connectors.pipeline import Pipeline
from connectors.protocol import Answer, Ask, Reject, Row
from connectors.sql.column_sets import COLUMN_SETS
from connectors.sql.links import Follower
from connectors.sql.pool import Pool
from connectors.sql.statement import Statement, Statements
from connectors.sql.words import Words

_SETS_KEPT: Final = 2 * COLUMN_SETS
"""Column sets kept compiled per record type and kind of key: of questions, and of whole grants."""

_NOT_IN_TRACE: Final = re.compile(r"[^A-Za-z0-9-]+")
_TRACE_LENGTH: Final = 64


class Reader:
    """How one record type is read from one SQL source."""

    def __init__(
        self, manifest: Manifest, dialect: Dialect, record_type: RecordType, record: RecordSource
    ) -> None:
        self.record_type = record_type
        self.record = record
        self.pipeline = Pipeline(record_type, record, manifest.code_tables, manifest.charset)
        self.statements = Statements(record, dialect, manifest.charset)
        self.words = Words(record, dialect, manifest.charset, manifest.code_tables)
        self.follower = Follower(record, dialect, manifest.charset)
        self.charset, self.code_tables = manifest.charset, manifest.code_tables
        self._source = manifest.source
        batching = record.batching or manifest.batching
        self._travels = batching == "on" if batching else record_type.data_class is not DataClass.RESTRICTED
        self._confirms = self._travels or batching is None
        self._cap = record.row_cap or manifest.row_cap
        self._newest_by = _newest_by(record_type, record)
        self._most_keys = {kind: self.statements.most_keys(kind) for kind in record.keys}
        self._column_set = lru_cache(_SETS_KEPT * len(record.keys))(self._made_column_set)

    def travels(self, ask: Ask) -> bool:
        """Whether its keys may go with those of other requests, as a person's existence alone always may."""
        return self._confirms if ask.follow and not ask.fields else self._travels

    def statement(
        self, fields: frozenset[str], kind: KeyKind, count: int, newest_by: str | None = None
    ) -> Statement:
        """The compiled statement for a column set, a kind of key and at least `count` physical keys."""
        return self._statement(self._column_set(fields, kind), kind, count, newest_by)

    def _statement(self, asked: _ColumnSet, kind: KeyKind, count: int, newest_by: str | None) -> Statement:
        shape = (self.statements.size(count), newest_by is not None)
        found = asked.statements.get(shape)
        if found is None:
            found = self.statements.by_keys(kind, asked.own, count, newest_by=newest_by)
            asked.statements[shape] = found
        return found

    def explain(self, fields: frozenset[str], count: int = 1) -> str:
        """The SQL for these fields and at least that many physical keys, per kind of key."""
        asked = [self.statement(fields, kind, count).sql for kind in self.record.keys]
        _, words = self.words.last(self.pipeline.columns(fields))
        asked += [self.words.tables[name].statement(count).sql for name in words]
        return ";\n".join(asked)

    def row_source(self, fields: frozenset[str]) -> str:
        """The Python text that reads the rows, per kind of key."""
        sets = (self._column_set(fields, kind).columns for kind in self.record.keys)
        return "\n\n".join(dict.fromkeys(self.pipeline.row_source(fields, each) for each in sets))

    async def answer(self, ask: Ask, pool: Pool) -> Answer:
        """Rows for every asked key, in as few statements as the kinds of keys allow."""
        kinds = {key.kind for key in ask.keys}
        if not kinds <= self.record.keys.keys():
            raise SourceDrift(self._source, "KEY_KIND")
        if not ask.follow or not self.record.aliases:
            return await self._answer(ask, kinds, pool)
        links = await self.follower.links(ask.keys, pool, _traced(ask))
        others = [key for found in links.values() for key in (found.current, *found.former) if key]
        everyone = replace(ask, keys=tuple(dict.fromkeys([*ask.keys, *others])))
        return (await self._answer(everyone, kinds, pool))._replace(links=links)

    def _answer(self, ask: Ask, kinds: set[KeyKind], pool: Pool) -> Awaitable[Answer]:
        if len(kinds) == 1:
            return self._read(ask, pool)
        return self._each(
            ask, [tuple(key for key in ask.keys if key.kind is kind) for kind in sorted(kinds)], pool
        )

    async def _read(self, ask: Ask, pool: Pool) -> Answer:
        kind = ask.keys[0].kind
        declared = self.record.keys[kind]
        variants = all_asked_forms(ask.keys, ask.links, declared)
        if len(variants) > self._most_keys[kind] and len(ask.keys) > 1:
            return await self._halves(ask, pool)
        asked = self._column_set(ask.fields, kind)
        fetched_at = datetime.now(CHINA_TIME)
        if not variants:
            return self.pipeline.answer(ask, asked.columns, (), fetched_at, self._cap)
        limit = self._cap * len(ask.keys) + 1
        trace = _traced(ask)
        statement = self._statement(asked, kind, len(variants), None)
        rows = await pool.fetch(statement.sql, statement.bind(variants, limit), trace)
        overflow = len(rows) == limit
        if overflow and len(ask.keys) > 1:
            return await self._halves(ask, pool)
        if overflow and self._newest_by:
            # what is cut off must be older versions, never the revocation of a row that is kept
            statement = self._statement(asked, kind, len(variants), self._newest_by)
            rows = await pool.fetch(statement.sql, statement.bind(variants, limit), trace)
        if asked.added:
            rows = await self.words.beside(asked.own, asked.added, rows, partial(pool.fetch, trace=trace))
        return self.pipeline.answer(
            ask, asked.columns, rows, fetched_at, self._cap, truncated_by_source=overflow
        )

    async def _halves(self, ask: Ask, pool: Pool) -> Answer:
        middle = len(ask.keys) // 2
        return await self._each(ask, [ask.keys[:middle], ask.keys[middle:]], pool)

    async def _each(self, ask: Ask, parts: Sequence[tuple[SubjectKey, ...]], pool: Pool) -> Answer:
        return _joined([await self._read(replace(ask, keys=keys), pool) for keys in parts])

    def _made_column_set(self, fields: frozenset[str], kind: KeyKind) -> _ColumnSet:
        return _ColumnSet(*self.words.last(self.pipeline.columns(fields, (kind,))))


class _ColumnSet:
    """The physical columns of one set of fields and kind of key, and the statements compiled for it."""

    __slots__ = ("added", "columns", "own", "statements")

    def __init__(self, own: tuple[str, ...], added: tuple[str, ...]) -> None:
        self.own, self.added, self.columns = own, added, (*own, *added)
        self.statements: dict[tuple[int, bool], Statement] = {}


def _traced(ask: Ask) -> str:
    return _NOT_IN_TRACE.sub("", ask.trace)[:_TRACE_LENGTH]


def _newest_by(record_type: RecordType, record: RecordSource) -> str | None:
    """The column that says which of several rows stands, where rows can replace each other."""
    if record.version:
        return record.version.latest
    updated = record.controls.get(Role.UPDATED_AT)
    if not updated and (field := record_type.field_by_role.get(Role.UPDATED_AT)):
        updated = record.fields.get(field.name)
    return updated.column if updated and record.dedupe else None


def _joined(answers: Sequence[Answer]) -> Answer:
    rows: dict[SubjectKey, tuple[Row, ...]] = {}
    rejects: dict[SubjectKey, tuple[Reject, ...]] = {}
    for answer in answers:
        rows |= answer.rows
        rejects |= answer.rejects
    return Answer(
        rows,
        min(answer.fetched_at for answer in answers),
        rejects,
        frozenset().union(*(answer.truncated for answer in answers)),
    )
