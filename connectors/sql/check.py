"""`source check`: the manifest against the living database. Reads only, prints no value.

Findings name the manifest's own path. Codes: MANIFEST_TABLE_MISSING, MANIFEST_COLUMN_MISSING,
MANIFEST_NEVER_MAPPED, FIELD_PROHIBITED, FIELD_REJECTS_KEY, KEY_NOT_INDEXED, KEY_INDEX_UNKNOWN,
KEY_NOT_RECOGNIZED, KEY_FORM_UNREACHABLE, CODES_UNKNOWN, ROWS_SAMPLED, ROWS_REJECTED, ROWS_ALL_REJECTED,
ACCOUNT_CAN_WRITE, ACCOUNT_READ_ONLY, SOURCE_EMPTY, COLUMNS_HASH, COLUMNS_CHANGED, and the code of the
SourceError where the database refuses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from typing import Final, TypeVar

from catalogue.identifiers import KeyKind, SubjectKey
from connectors.columns import every_column, named
from connectors.errors import SourceDrift, SourceError, SourceUnavailable
from connectors.keys import key_variants
from connectors.protocol import Finding
from connectors.rules import never_mapped
from connectors.shown import shown
from connectors.sql.engine import Engine
from connectors.sql.faults import ACCESS, translated
from connectors.sql.pool import Connection
from connectors.sql.reader import Reader
from connectors.sql.sampling import Sample, rejecting_fields
from connectors.sql.statement import Statement, Statements

_PROBE: Final = {
    KeyKind.CITIZEN_ID: SubjectKey(KeyKind.CITIZEN_ID, "11010519491231002X"),
    KeyKind.USCC: SubjectKey(KeyKind.USCC, "91350100M000100Y43"),
}
"""The standards' own sample numbers, for plans only."""

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
        where, proof = f"{name}.url", "by its grants it can only read"
        can_write = Finding("warning", "ACCOUNT_CAN_WRITE", where, reason) if reason else None
        findings.append(can_write or Finding("info", "ACCOUNT_READ_ONLY", where, proof))
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
            found += [*await self._columns(), *await self._aliases(), *await self._code_tables()]
            if any(finding.level == "error" for finding in found):
                return found
            found += [*rejecting_fields(self._where, self._reader), *await self._indexes()]
            sample = Sample(self._source, self._connection, self._where, self._reader)
            return [*found, *await sample.findings()]
        except SourceError as error:
            return [*found, _refused(self._where, error)]

    async def _columns(self) -> list[Finding]:
        found: list[Finding] = []
        hashed = hashlib.sha256()
        for place, query in enumerate(self._reader.statements.probes()):
            try:
                present = await self._present(place, query)
            except SourceError as error:
                if self._reader.record.query is not None:
                    message = f"the query does not run: {error.reason}; run it with the account's own client"
                    return [Finding("error", "MANIFEST_TABLE_MISSING", self._where, message)]
                if not isinstance(error, SourceDrift):
                    raise
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
            missing = await self._missing_beside(where, table.alias.table, names, table.statements)
            scans = [] if missing else await self._scanned(table.statements)
            found += [*missing, *(replace(scan, where=where) for scan in scans)]
        return found

    async def _code_tables(self) -> list[Finding]:
        """Whether the code tables can be asked that are not joined."""
        found: list[Finding] = []
        for table in self._reader.words.tables.values():
            names = (table.lookup.code, table.lookup.word)
            found += await self._missing_beside(self._where, table.lookup.table, names, table.statements)
        return found

    async def _missing_beside(
        self, where: str, table: str, names: Sequence[str], statements: Statements
    ) -> list[Finding]:
        """A table beside the records' own, or one of its columns, that is not there."""
        try:
            for probe in (probe for name in names for probe in statements.probes(name)):
                await _asked(self._source, self._connection.columns(probe))
        except SourceDrift:
            message = f"`{table}` is not there, or lacks one of {', '.join(names)}"
            return [Finding("error", "MANIFEST_TABLE_MISSING", where, message)]
        return []

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
            if error.reason != ACCESS or self._reader.record.query is not None:
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
            hint = f"; did you mean `{shown(spelled[0])}`?" if spelled else ""
            message = f"the source has no column `{own}` that the account may read{hint}"
            yield Finding("error", "MANIFEST_COLUMN_MISSING", f"{self._where}.{path}", message)

    async def _indexes(self) -> list[Finding]:
        try:
            return [*await self._scanned(self._reader.statements), *await self._joined()]
        except SourceError as error:
            if error.reason != ACCESS:
                raise
            message = (
                "the account may not see the plan of this view: ask the department which index serves it"
            )
            return [Finding("warning", "KEY_INDEX_UNKNOWN", f"{self._where}.keys", message)]

    async def _scanned(self, statements: Statements) -> list[Finding]:
        found: dict[Finding, None] = {}
        for kind, key in self._reader.record.keys.items():
            probe = key_variants(_PROBE[kind], key)[:1] or (_PROBE[kind].value,)
            for statement in statements.by_key_columns(kind):
                for table in await self._read_whole(statement, probe):
                    message = f"every question reads `{table}` from end to end: ask for an index on the key"
                    where = f"{self._where}.keys.{kind.value}"
                    found[Finding("warning", "KEY_NOT_INDEXED", where, message)] = None
        return list(found)

    async def _joined(self) -> list[Finding]:
        """Joined tables without an index on what they are joined by, as a question for every field reads."""
        joins = {join.table: number for number, join in enumerate(self._reader.record.join)}
        if not joins:
            return []
        found: dict[Finding, None] = {}
        fields = frozenset(self._reader.record.fields)
        for kind in self._reader.record.keys:
            statement = self._reader.statement(fields, kind, 1)
            for table in await self._read_whole(statement, (_PROBE[kind].value,)):
                named = next((name for name in joins if name.rpartition(".")[2] == table), None)
                if named is not None:
                    on = ", ".join(self._reader.record.join[joins[named]].on.values())
                    message = f"every question reads `{named}` from end to end: ask for an index on `{on}`"
                    where = f"{self._where}.join.{joins[named]}"
                    found[Finding("warning", "KEY_NOT_INDEXED", where, message)] = None
        return list(found)

    async def _read_whole(self, statement: Statement, probe: Sequence[str]) -> list[str]:
        scan = self._engine.scanned(self._connection, statement.sql, statement.bind(probe, 1))
        return await _asked(self._source, scan)


async def _asked(source: str, question: Awaitable[_Result]) -> _Result:
    try:
        return await question
    except Exception as error:
        raise translated(source, error, connected=True) from error


def _refused(where: str, error: SourceError) -> Finding:
    return Finding("error", error.code, where, f"the source could not be asked: {error.reason}")
