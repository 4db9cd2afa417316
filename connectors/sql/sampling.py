"""What living rows say about a manifest, for `source check`: they are looked at and forgotten.

Rows of every table of a union, from both ends. Findings hold reasons, codes of two signs and counts,
never another value.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from catalogue.identifiers import IdentifierError, IdentifierFault, KeyKind, SubjectKey
from catalogue.values import CHINA_TIME
from connectors.cells import Cells
from connectors.decoders import DecodeError, compile_chain
from connectors.errors import SourceError
from connectors.pipeline import readable
from connectors.protocol import Ask, Finding, Reject
from connectors.sampled import prohibited, rejections
from connectors.shapes import KeyForm, Origin
from connectors.sql.engine import Engine
from connectors.sql.faults import translated
from connectors.sql.pool import Connection
from connectors.sql.reach import Reach
from connectors.sql.reader import Reader
from connectors.sql.statement import Parameters, Rows

SAMPLE: Final = 200
"""Rows looked at from each end of a table; they are counted and forgotten."""

_PARTIAL_FORMS: Final = {KeyForm.ORGANIZATION_CODE, KeyForm.TAXPAYER_15, KeyForm.LINKED}
_SHORT_CODE: Final = re.compile(r"[0-9A-Za-z]{1,2}")
_OTHER_KIND: Final = "of another kind of subject"
_FAULTS: Final = {
    IdentifierFault.LENGTH: "too short or too long",
    IdentifierFault.SCIENTIFIC_NOTATION: "in scientific notation",
    IdentifierFault.CHARACTERS: "with wrong characters",
    IdentifierFault.DATE: "with an impossible date",
    IdentifierFault.CHECK_DIGIT: "with a wrong check digit",
    IdentifierFault.AMBIGUOUS_CENTURY: "of an unknown century",
    IdentifierFault.PERSONAL: _OTHER_KIND,
}


class Sample:
    """A sample of one record type, on one connection."""

    def __init__(self, source: str, connection: Connection, where: str, reader: Reader) -> None:
        self._source = source
        self._connection = connection
        self._where = where
        self._reader = reader
        self._fields = frozenset(reader.record.fields)
        self._own, self._added = reader.words.last(reader.pipeline.columns(self._fields))
        self._columns = (*self._own, *self._added)
        self._rejects: list[Reject] = []
        self._unrecognized: Counter[str] = Counter()
        self._of_kind: list[Cells] = []
        self._values: defaultdict[str, list[str]] = defaultdict(list)
        self._sampled = self._readable = 0

    async def rows(self) -> list[Mapping[str, object]]:
        """Cells by column, of every table, without rows of another kind of subject. Raises SourceError."""
        places = range(len(self._reader.statements.names))
        rows = [row for place in places for row in await self._rows(place)]
        own = (row for row in rows if self._why(row) != _OTHER_KIND)
        return [dict(zip(self._columns, row, strict=True)) for row in own]

    async def findings(self) -> list[Finding]:
        """Per table, then of all tables together. Raises SourceError."""
        found: list[Finding] = []
        reach = Reach(self._where, self._reader, self._columns, self._fetch)
        for place, name in enumerate(self._reader.statements.names):
            rows = await self._rows(place)
            if not rows:
                found.append(Finding("info", "SOURCE_EMPTY", self._where, f"`{name}`: no rows to look at"))
                continue
            found.append(self._decoded(name, rows))
            found += await reach.findings(place, name, rows)
        found += self._keys_not_recognized()
        found += prohibited(self._where, self._values)
        found += rejections(self._where, self._rejects, self._sampled, self._readable)
        return [*found, *await self._codes()]

    async def _rows(self, place: int) -> Rows:
        """Rows of one end, and of the other as far as the database sorts them in time."""
        statements = self._reader.statements
        first = statements.samples(self._own)[place]
        rows = list(await self._fetch(first.sql, first.bind((), SAMPLE)))
        if len(rows) == SAMPLE and (by := self._sorted_by()):
            last = statements.samples(self._own, by)[place]
            known = set(map(repr, rows))
            with suppress(SourceError):
                more = await self._fetch(last.sql, last.bind((), SAMPLE))
                rows += [row for row in more if repr(row) not in known]
        words = await self._reader.words.beside(self._own, self._added, rows, self._fetch)
        charset = self._reader.charset
        return [readable(row, charset) for row in words] if charset else words

    def _sorted_by(self) -> tuple[str, ...]:
        """The primary key as the manifest tells it, else the subject's key: both have an index."""
        record = self._reader.record
        own = tuple(column for column in record.identity if "." not in column)
        return own or tuple(next(iter(record.keys.values())).columns[:1])

    def _decoded(self, name: str, rows: Rows) -> Finding:
        """Decode the rows of one table as answers do, and count."""
        keys = {key: None for row in rows if (key := self._key(row))}
        ask = Ask(self._reader.record_type.code, self._fields, tuple(keys))
        answer = self._reader.pipeline.answer(ask, self._columns, rows, datetime.now(CHINA_TIME), len(rows))
        rejects = [reject for faults in answer.rejects.values() for reject in faults]
        self._rejects += rejects
        self._sampled += len(rows)
        self._readable += sum(map(len, answer.rows.values()))
        for row in (row for kept in answer.rows.values() for row in kept):
            for field, value in row.values.items():
                if isinstance(value, str) and value:
                    self._values[field].append(value)
        keyed = sum(self._key(row) is not None for row in rows)
        self._of_kind += [row for row in rows if self._why(row) != _OTHER_KIND]
        message = f"`{name}`: decoded {keyed - len(rejects)} of {len(rows)} sampled rows"
        if keyed < len(rows):
            message += f"; {len(rows) - keyed} hold no valid key"
            self._unrecognized.update(filter(None, map(self._why, rows)))
        return Finding("info", "ROWS_SAMPLED", self._where, message)

    def _key(self, row: Cells) -> SubjectKey | None:
        for kind, text in self._texts(row):
            with suppress(IdentifierError):
                return SubjectKey.read(kind, text)
        return None

    def _texts(self, row: Cells) -> Iterator[tuple[KeyKind, str]]:
        for kind, key in self._reader.record.keys.items():
            for name in key.columns:
                yield kind, str(row[self._columns.index(name)] or "").strip()

    def _why(self, row: Cells) -> str:
        """Why no key was found in the row, in words; empty where one was."""
        if self._key(row):
            return ""
        texts = [(kind, text) for kind, text in self._texts(row) if text]
        if not texts:
            return "empty"
        kind, text = texts[0]
        for other in set(KeyKind) - self._reader.record.keys.keys():
            with suppress(IdentifierError):
                SubjectKey.read(other, text)
                return _OTHER_KIND
        try:
            SubjectKey.read(kind, text)
        except IdentifierError as error:
            return _FAULTS[error.fault]
        return "unclear"

    def _keys_not_recognized(self) -> Iterator[Finding]:
        """Short numbers are not counted where the manifest says that the columns hold such."""
        reasons = Counter(self._unrecognized)
        if any(_PARTIAL_FORMS & set(key.forms) for key in self._reader.record.keys.values()):
            del reasons[_FAULTS[IdentifierFault.LENGTH]]
        if not reasons:
            return
        usual = reasons.keys() <= {"empty", _OTHER_KIND}
        level = "error" if reasons.total() == self._sampled and not usual else "info"
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        message = f"{reasons.total()} of {self._sampled} sampled rows hold no valid key: {told}"
        yield Finding(level, "KEY_NOT_RECOGNIZED", f"{self._where}.keys", message)

    async def _codes(self) -> list[Finding]:
        """Codes that `codes` does not know: of whole tables, where the database lists them in time.

        Where subjects of another kind stand in them too, only of the sampled rows that are not theirs.
        """
        found: dict[Finding, None] = {}
        for origin in self._reader.record.origins:
            steps = [step if isinstance(step, str) else next(iter(step)) for step in origin.decode]
            if "codes" not in steps or origin.when or not origin.column or "." in origin.column:
                continue
            unknown = await self._unknown(origin, steps.index("codes") + 1)
            if unknown:
                told = ", ".join(sorted(code for code in unknown if _SHORT_CODE.fullmatch(code)))
                message = f"`{origin.column}` holds codes that `codes` lacks: {told or len(unknown)}"
                found[Finding("warning", "CODES_UNKNOWN", self._where, message)] = None
        return list(found)

    async def _unknown(self, origin: Origin, steps: int) -> set[str]:
        decode = compile_chain(origin.decode[:steps], self._reader.code_tables)
        unknown: set[str] = set()
        for word in await self._words(str(origin.column)):
            try:
                decode(word)
            except DecodeError as fault:
                unknown |= {str(word).strip()} if fault.reason == "CODE_UNKNOWN" else set()
        return unknown

    async def _words(self, column: str) -> Sequence[object]:
        if self._unrecognized[_OTHER_KIND]:
            return [row[self._columns.index(column)] for row in self._of_kind]
        words: list[object] = []
        for statement in self._reader.statements.words(column):
            with suppress(SourceError):
                words += [cell for (cell,) in await self._fetch(statement.sql, statement.bind((), SAMPLE))]
        charset = self._reader.charset
        return readable(words, charset) if charset else words

    async def _fetch(self, sql: str, parameters: Parameters) -> Rows:
        try:
            return await self._connection.fetch(sql, parameters)
        except Exception as error:
            raise translated(self._source, error, connected=True) from error


async def sampled_rows(source: str, engine: Engine, reader: Reader) -> list[Mapping[str, object]]:
    """Rows of one record type, on a connection of its own. Raises SourceError."""
    try:
        connection = await engine.connect()
    except Exception as error:
        raise translated(source, error, connected=False) from error
    try:
        return await Sample(source, connection, "", reader).rows()
    finally:
        with suppress(Exception):
            await connection.close()


def rejecting_fields(where: str, reader: Reader) -> Iterator[Finding]:
    """Fields decoded as whole numbers from a key column that may hold short ones: such rows are rejected."""
    columns = {
        column
        for key in reader.record.keys.values()
        if _PARTIAL_FORMS & set(key.forms)
        for column in key.columns
    }
    for name, origin in reader.record.fields.items():
        own: Sequence[str] = (origin.column,) if origin.column else origin.columns
        if columns & set(own) and {"uscc", "citizenId"} & {str(step) for step in origin.decode}:
            message = "rejects rows found by a short or linked number: map a column with whole ones, or none"
            yield Finding("warning", "FIELD_REJECTS_KEY", f"{where}.fields.{name}", message)
