"""A department's SQL database behind one manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from cachetools import LRUCache

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import Catalogue, Label, RecordType, Role
from catalogue.values import CHINA_TIME
from connectors.errors import SourceDrift
from connectors.keys import key_variants
from connectors.manifest import Manifest, RecordSource
from connectors.pipeline import Pipeline
from connectors.protocol import Answer, Ask, Finding, Reject, Row
from connectors.sql import check
from connectors.sql.engine import engine_for
from connectors.sql.pool import Pool
from connectors.sql.statement import MAX_KEYS, Statement, Statements

COLUMN_SETS: Final = 16
"""Column sets kept compiled per record type (ruling 12); the least recently used gives way.

A source never widens a question: which larger set is permitted, only the planner knows."""

_NOT_IN_TRACE: Final = re.compile(r"[^A-Za-z0-9-]+")
_TRACE_LENGTH: Final = 64


class SqlSource:
    """Implements `connectors.protocol.Source`. Raises ManifestError when built, SourceError when asked."""

    def __init__(self, manifest: Manifest, catalogue: Catalogue, url: str) -> None:
        self.manifest = manifest
        self.engine = engine_for(url, manifest.deadline_ms)
        self._pool = Pool(manifest.source, self.engine.connect, self.engine.connections or manifest.pool)
        self.readers = {
            code: Reader(self, catalogue.record_types[code], record)
            for code, record in manifest.records.items()
        }

    @property
    def name(self) -> str:
        """The manifest's `source`."""
        return self.manifest.source

    @property
    def department(self) -> str:
        """Code of the owning department."""
        return self.manifest.department

    @property
    def system(self) -> Label:
        """Name of the department's system."""
        return self.manifest.system

    @property
    def contact(self) -> str:
        """Whom to ask about the source."""
        return self.manifest.contact

    @property
    def record_types(self) -> frozenset[str]:
        """Codes of the record types the manifest describes."""
        return frozenset(self.readers)

    def key_kinds(self, record_type: str) -> frozenset[KeyKind]:
        """Which keys the record type can be asked by here."""
        return frozenset(self.manifest.records[record_type].keys)

    async def fetch(self, ask: Ask) -> Answer:
        """One statement for all keys of a kind; halved only beyond 1,024 keys or at the row limit."""
        return await self.readers[ask.record_type].answer(ask, self._pool)

    def explain(self, record_type: str, fields: Iterable[str], count: int = 1) -> str:
        """The SQL that would be sent for these fields and that many physical keys, per kind of key."""
        reader = self.readers[record_type]
        wanted = frozenset(fields)
        return ";\n".join(reader.statement(wanted, kind, count).sql for kind in reader.record.keys)

    async def check(self) -> list[Finding]:
        """Compare the manifest with the living database."""
        return await check.run(self)

    async def ping(self) -> None:
        """One round trip."""
        await self._pool.fetch("SELECT 1", ())

    async def close(self) -> None:
        """Release connections; waits for aborted ones."""
        await self._pool.close()


class Reader:
    """How one record type is read from one SQL source."""

    def __init__(self, source: SqlSource, record_type: RecordType, record: RecordSource) -> None:
        self.record_type = record_type
        self.record = record
        self.pipeline = Pipeline(record_type, record, source.manifest.code_tables)
        self.statements = Statements(record, source.engine.dialect)
        self._source = source.name
        self._cap = record.row_cap or source.manifest.row_cap
        self._newest_by = _newest_by(record_type, record)
        self._sets: LRUCache[frozenset[str], _ColumnSet] = LRUCache(COLUMN_SETS)

    def statement(
        self, fields: frozenset[str], kind: KeyKind, count: int, newest_by: str | None = None
    ) -> Statement:
        """The compiled statement for a column set, a kind of key and at least `count` physical keys."""
        asked = self._column_set(fields)
        shape = (kind, self.statements.size(count), newest_by is not None)
        found = asked.statements.get(shape)
        if found is None:
            found = self.statements.by_keys(kind, asked.columns, count, newest_by=newest_by)
            asked.statements[shape] = found
        return found

    async def answer(self, ask: Ask, pool: Pool) -> Answer:
        """Rows for every asked key, in as few statements as the kinds of keys allow."""
        kinds = {key.kind for key in ask.keys}
        if kinds - self.record.keys.keys():
            raise SourceDrift(self._source, "KEY_KIND")
        if len(kinds) == 1:
            return await self._read(ask, pool)
        return await self._each(
            ask, [tuple(key for key in ask.keys if key.kind is kind) for kind in sorted(kinds)], pool
        )

    async def _read(self, ask: Ask, pool: Pool) -> Answer:
        kind = ask.keys[0].kind
        forms = self.record.keys[kind].forms
        variants = [text for key in ask.keys for text in key_variants(key, forms)]
        if len(variants) > MAX_KEYS and len(ask.keys) > 1:
            return await self._halves(ask, pool)
        columns = self._column_set(ask.fields).columns
        fetched_at = datetime.now(CHINA_TIME)
        if not variants:
            return self.pipeline.answer(ask, columns, (), fetched_at, self._cap, truncated_by_source=False)
        limit = self._cap * len(ask.keys) + 1
        trace = _NOT_IN_TRACE.sub("", ask.trace)[:_TRACE_LENGTH]
        statement = self.statement(ask.fields, kind, len(variants))
        rows = await pool.fetch(statement.sql, statement.bind(variants, limit), trace)
        overflow = len(rows) == limit
        if overflow and len(ask.keys) > 1:
            return await self._halves(ask, pool)
        if overflow and self._newest_by:
            # what is cut off must be older versions, never the revocation of a row that is kept
            statement = self.statement(ask.fields, kind, len(variants), self._newest_by)
            rows = await pool.fetch(statement.sql, statement.bind(variants, limit), trace)
        return self.pipeline.answer(ask, columns, rows, fetched_at, self._cap, truncated_by_source=overflow)

    async def _halves(self, ask: Ask, pool: Pool) -> Answer:
        middle = len(ask.keys) // 2
        return await self._each(ask, [ask.keys[:middle], ask.keys[middle:]], pool)

    async def _each(self, ask: Ask, parts: Sequence[tuple[SubjectKey, ...]], pool: Pool) -> Answer:
        return _joined([await self._read(replace(ask, keys=keys), pool) for keys in parts])

    def _column_set(self, fields: frozenset[str]) -> _ColumnSet:
        found = self._sets.get(fields)
        if found is None:
            found = self._sets[fields] = _ColumnSet(self.pipeline.columns(fields))
        return found


class _ColumnSet:
    """The physical columns of one set of fields, and the statements compiled for it."""

    __slots__ = ("columns", "statements")

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self.statements: dict[tuple[KeyKind, int, bool], Statement] = {}


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
