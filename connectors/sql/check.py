"""`source check`: the manifest against the living database. Reads only, prints no value.

Findings name the manifest's own path. Codes: MANIFEST_TABLE_MISSING, MANIFEST_COLUMN_MISSING,
MANIFEST_NEVER_MAPPED, KEY_NOT_INDEXED, KEY_NOT_RECOGNIZED, ROWS_REJECTED, ROWS_ALL_REJECTED,
ACCOUNT_CAN_WRITE, SOURCE_EMPTY, COLUMNS_HASH, COLUMNS_CHANGED, and the code of the SourceError where
the database refuses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Final, TypeVar

from catalogue.identifiers import IdentifierError, KeyKind, SubjectKey
from catalogue.values import CHINA_TIME
from connectors.columns import every_column, named
from connectors.errors import SourceDrift, SourceError, SourceUnavailable
from connectors.keys import key_variants
from connectors.protocol import Ask, Finding
from connectors.rules import never_mapped
from connectors.sampled import rejections
from connectors.shapes import KeyForm
from connectors.sql.engine import Engine
from connectors.sql.faults import ACCESS, translated
from connectors.sql.pool import Connection
from connectors.sql.reader import Reader
from connectors.sql.statement import Statements

SAMPLE: Final = 200
"""Rows looked at per record type; they are counted and forgotten."""

_PROBE: Final = {
    KeyKind.CITIZEN_ID: SubjectKey(KeyKind.CITIZEN_ID, "11010519491231002X"),
    KeyKind.USCC: SubjectKey(KeyKind.USCC, "91350100M000100Y43"),
}
"""The standards' own sample numbers, for plans only."""

_PARTIAL_FORMS: Final = {KeyForm.ORGANIZATION_CODE, KeyForm.TAXPAYER_15}

_Result = TypeVar("_Result")


async def run(name: str, engine: Engine, readers: Mapping[str, Reader]) -> list[Finding]:
    """All findings about one source; a database that cannot be asked is one finding."""
    try:
        connection = await _asked(name, engine.connect())
    except SourceError as error:
        return [_refused(name, error)]
    findings = []
    try:
        reason = await _asked(name, engine.writable(connection))
        if reason:
            findings.append(Finding("warning", "ACCOUNT_CAN_WRITE", f"{name}.url", reason))
        for code, reader in readers.items():
            findings += await _Checked(name, engine, connection, f"{name}.records.{code}", reader).findings()
    except SourceError as error:
        findings.append(_refused(name, error))
    finally:
        with suppress(Exception):
            await connection.close()
    return findings


class _Checked:
    """The checks of one record type, on one connection."""

    def __init__(
        self, source: str, engine: Engine, connection: Connection, where: str, reader: Reader
    ) -> None:
        self._source = source
        self._engine = engine
        self._connection = connection
        self._where = where
        self._reader = reader

    async def findings(self) -> list[Finding]:
        """Columns first: a statement with a missing column says nothing more."""
        found = [
            Finding("error", "MANIFEST_NEVER_MAPPED", f"{self._where}.fields.{name}", "must not be mapped")
            for name in never_mapped(self._reader.record_type, self._reader.record)
        ]
        try:
            found += [*await self._columns(), *await self._aliases()]
            if any(finding.level == "error" for finding in found):
                return found
            return [*found, *await self._indexes(), *await self._sample()]
        except SourceError as error:
            return [*found, _refused(self._where, error)]

    async def _columns(self) -> list[Finding]:
        found: list[Finding] = []
        hashed = hashlib.sha256()
        for place, query in enumerate(self._reader.statements.probes()):
            try:
                present = await self._present(place, query)
            except SourceDrift:
                message = "no such table or view, or its joins or query do not run: correct the name"
                found.append(Finding("error", "MANIFEST_TABLE_MISSING", self._where, message))
                continue
            hashed.update(repr(sorted(present)).encode())
            found += self._missing(place, present)
        if not found:
            found.append(self._drift(hashed.hexdigest()[:16]))
        return list(dict.fromkeys(found))

    async def _aliases(self) -> list[Finding]:
        """Whether the tables of linked numbers can be asked: nobody is confirmed while one cannot."""
        found: list[Finding] = []
        for number, table in enumerate(self._reader.follower.tables):
            where = f"{self._where}.aliases.{number}"
            names = (table.alias.former, table.alias.current, *(one.column for one in table.alias.where))
            try:
                for probe in (probe for name in names for probe in table.statements.probes(name)):
                    await _asked(self._source, self._connection.columns(probe))
            except SourceDrift:
                message = f"`{table.alias.table}` is not there, or lacks one of {', '.join(names)}"
                found.append(Finding("error", "MANIFEST_TABLE_MISSING", where, message))
                continue
            found += [replace(scan, where=where) for scan in await self._scanned(table.statements)]
        return found

    def _drift(self, found: str) -> Finding:
        expected = self._reader.record.columns_hash
        if expected and expected != found:
            message = f"columns came, went or were renamed: sha256 {found}, was {expected}"
            return Finding("warning", "COLUMNS_CHANGED", self._where, message)
        advice = "" if expected else "; keep it as `columnsHash` to be told of changes"
        return Finding("info", "COLUMNS_HASH", self._where, f"columns of the source: sha256 {found}{advice}")

    async def _present(self, place: int, query: str) -> Sequence[str]:
        """Columns of a place; one by one where the account may read only some of them."""
        try:
            return await _asked(self._source, self._connection.columns(query))
        except SourceUnavailable as error:
            if error.reason != ACCESS:
                raise
        readable: list[str] = []
        for name in every_column(self._reader.record):
            with suppress(SourceDrift, SourceUnavailable):
                query = self._reader.statements.probes(name)[place]
                readable += await _asked(self._source, self._connection.columns(query))
        return readable

    def _missing(self, place: int, present: Sequence[str]) -> Iterator[Finding]:
        folds = self._engine.dialect.name != "postgresql"
        known = {name.casefold() if folds else name for name in present}
        for path, column in named(self._reader.record):
            own = self._reader.statements.physical(place, column)
            if own is None or (own.casefold() if folds else own) in known:
                continue
            nearest = get_close_matches(own.casefold(), [name.casefold() for name in present], 1)
            spelled = [name for name in present if nearest and name.casefold() == nearest[0]]
            hint = f"; did you mean `{spelled[0]}`?" if spelled else ""
            message = f"the source has no column `{own}` that the account may read{hint}"
            yield Finding("error", "MANIFEST_COLUMN_MISSING", f"{self._where}.{path}", message)

    async def _indexes(self) -> list[Finding]:
        return await self._scanned(self._reader.statements)

    async def _scanned(self, statements: Statements) -> list[Finding]:
        found: dict[Finding, None] = {}
        for kind, key in self._reader.record.keys.items():
            probe = key_variants(_PROBE[kind], key.forms)[:1] or (_PROBE[kind].value,)
            for statement in statements.by_key_columns(kind):
                scan = self._engine.scanned(self._connection, statement.sql, statement.bind(probe, 1))
                for table in await _asked(self._source, scan):
                    message = f"every question reads `{table}` from end to end: ask for an index on the key"
                    where = f"{self._where}.keys.{kind.value}"
                    found[Finding("warning", "KEY_NOT_INDEXED", where, message)] = None
        return list(found)

    async def _sample(self) -> list[Finding]:
        reader = self._reader
        fields = frozenset(reader.record.fields)
        columns = reader.pipeline.columns(fields)
        statement = reader.statements.sample(columns)
        fetched = self._connection.fetch(statement.sql, statement.bind((), SAMPLE))
        rows = await _asked(self._source, fetched)
        if not rows:
            return [Finding("info", "SOURCE_EMPTY", self._where, "no rows to look at")]
        keys, recognized = self._keys(columns, rows)
        found = []
        partial = any(_PARTIAL_FORMS & set(key.forms) for key in reader.record.keys.values())
        if recognized < len(rows) and not partial:
            level = "info" if recognized else "error"
            message = f"{len(rows) - recognized} of {len(rows)} sampled rows hold no valid key"
            found.append(Finding(level, "KEY_NOT_RECOGNIZED", f"{self._where}.keys", message))
        ask = Ask(reader.record_type.code, fields, keys)
        now = datetime.now(CHINA_TIME)
        answer = reader.pipeline.answer(ask, columns, rows, now, SAMPLE, truncated_by_source=False)
        rejects = [reject for faults in answer.rejects.values() for reject in faults]
        return [*found, *rejections(self._where, rejects, len(rows), sum(map(len, answer.rows.values())))]

    def _keys(
        self, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> tuple[tuple[SubjectKey, ...], int]:
        """Normalized keys of the sample, and in how many rows one was found."""
        readers = {KeyKind.CITIZEN_ID: SubjectKey.person, KeyKind.USCC: SubjectKey.entity}
        places = [
            (readers[kind], columns.index(name))
            for kind, key in self._reader.record.keys.items()
            for name in key.columns
        ]
        keys: dict[SubjectKey, None] = {}
        recognized = 0
        for row in rows:
            valid = 0
            for read, place in places:
                with suppress(IdentifierError):
                    keys[read(str(row[place] or ""))] = None
                    valid = 1
            recognized += valid
        return tuple(keys), recognized


async def _asked(source: str, question: Awaitable[_Result]) -> _Result:
    try:
        return await question
    except Exception as error:
        raise translated(source, error, connected=True) from error


def _refused(where: str, error: SourceError) -> Finding:
    return Finding("error", error.code, where, f"the source could not be asked: {error.reason}")
