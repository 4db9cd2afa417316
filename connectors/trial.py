"""One subject answered with every decode step shown, as forms and never as values.

Only numbers of region 9901xx are tried: GB/T 2260 gives it to nobody, so that a trial is no
read about anyone. Real rows are read through the graph, in a case, where the person sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import RecordType
from connectors.cells import Cells
from connectors.decoders import DecodeError, compile_chain
from connectors.manifest import RecordSource
from connectors.marks import SEPARATOR, mark, markable
from connectors.matching import KeyConflict, Matcher
from connectors.pipeline import Pipeline
from connectors.protocol import Answer, Ask, Source
from connectors.shapes import Origin

_TEST_REGION: Final = "9901"
_REGION_AT: Final = {KeyKind.CITIZEN_ID: 0, KeyKind.USCC: 2}
_LONGEST: Final = 40
_KEPT: Final = "年月日时分秒元万"
_WORDED: Final = frozenset({"codes", "boolean", "band"})
"""Steps that give words of the manifest or the catalogue, which are shown as they are."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a chain made of the cell."""

    decoder: str
    gives: str
    """The form of the result, or `✗ REASON`."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How one attribute of one row was read."""

    attribute: str
    column: str
    cell: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """One record type of one subject."""

    record_type: str
    rows: tuple[tuple[str, tuple[Trace, ...]], ...]
    """Mark of each row found (empty where it has none) with its traces."""
    records: int
    """Records that a reader would get, after versions and duplicates."""
    rejects: tuple[str, ...] = ()
    """`column: REASON` of rows that were left out."""
    truncated: bool = False


@dataclass(slots=True)
class _Watched:
    """A pipeline that also keeps what it was handed."""

    behind: Pipeline
    columns_read: Sequence[str] = ()
    rows: list[Cells] = field(default_factory=list)

    def columns(self, *arguments: Any, **named: Any) -> tuple[str, ...]:  # noqa: ANN401 - as the pipeline
        return self.behind.columns(*arguments, **named)

    def answer(
        self,
        ask: Ask,
        columns: Sequence[str],
        rows: Iterable[Cells],
        fetched_at: datetime,
        *more: Any,  # noqa: ANN401 - as the pipeline
        **named: Any,  # noqa: ANN401 - as the pipeline
    ) -> Answer:
        self.columns_read, self.rows = columns, list(rows)
        return self.behind.answer(ask, columns, self.rows, fetched_at, *more, **named)


def synthetic(key: SubjectKey) -> bool:
    """Whether the number is of the test region, so that it is nobody's."""
    return key.value.startswith(_TEST_REGION, _REGION_AT[key.kind])


async def tried(source: Source, entry: RecordType, key: SubjectKey) -> Tried:
    """Ask for every mapped field of one type; raises ValueError for a real number, else a SourceError."""
    if not synthetic(key):
        raise ValueError("only numbers of the test region may be tried")
    reader = _reader_of(source, entry.code)
    watched = reader.pipeline = _Watched(reader.pipeline)
    try:
        answer = await source.fetch(
            Ask(entry.code, frozenset(source.manifest.records[entry.code].fields), (key,))
        )
    finally:
        reader.pipeline = watched.behind
    record, tables = source.manifest.records[entry.code], source.manifest.code_tables
    position = {name: at for at, name in enumerate(watched.columns_read)}
    rows = tuple(
        (_mark_of(record, position, cells), tuple(_traces(record, position, cells, tables)))
        for cells in _own(record, position, watched.rows, key)
    )
    rejects = (f"{one.column or 'row'}: {one.reason}" for one in answer.rejects.get(key, ()))
    return Tried(entry.code, rows, len(answer.rows[key]), tuple(rejects), key in answer.truncated)


def _reader_of(source: Source, code: str) -> Any:  # noqa: ANN401 - readers share no class, only a pipeline
    """The reader of a record type, past the wrappers around its source."""
    inner: Any = source
    while hasattr(inner, "behind"):
        inner = inner.behind
    return inner.readers[code]


def _own(
    record: RecordSource, position: Mapping[str, int], rows: Iterable[Cells], key: SubjectKey
) -> Iterator[Cells]:
    """The subject's own rows: neither what a collation found beside them, nor rows that name two people."""
    columns = tuple(position[name] for name in record.keys[key.kind].columns)
    matcher = Matcher(key.kind, record.keys[key.kind], (key,), columns)
    for cells in rows:
        with suppress(KeyConflict):
            if matcher.subject(cells):
                yield cells


def _mark_of(record: RecordSource, position: Mapping[str, int], cells: Cells) -> str:
    if not markable(record):
        return ""
    parts = (
        "" if cells[position[name]] is None else str(cells[position[name]]).strip()
        for name in record.identity
    )
    return mark(SEPARATOR.join(parts)) or ""


def _traces(
    record: RecordSource, position: Mapping[str, int], cells: Cells, tables: Mapping[str, Mapping[str, str]]
) -> Iterator[Trace]:
    named = [*record.fields.items(), *((role.value, origin) for role, origin in record.controls.items())]
    for name, whole in named:
        for origin in whole.each():
            for column in (origin.column,) if origin.column else origin.columns:
                if column in position:
                    cell = cells[position[column]]
                    yield Trace(name, column, form(cell), tuple(_steps(origin, cell, tables)))


def _steps(origin: Origin, cell: object, tables: Mapping[str, Mapping[str, str]]) -> Iterator[Step]:
    for length in range(1, len(origin.decode) + 1):
        last = origin.decode[length - 1]
        decoder = last if isinstance(last, str) else next(iter(last))
        try:
            value: object = compile_chain(origin.decode[:length], tables)(cell)
        except DecodeError as fault:
            yield Step(decoder, f"✗ {fault.reason}")
            return
        shown = value is not None and decoder in _WORDED
        yield Step(decoder, str(value) if shown else form(value))


def form(value: object) -> str:
    """The form of a value: 9 for a digit, A or a for a letter, 文 for anything else that is written."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(form, value))}]"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(bytes(value))} bytes"
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    kept = "".join(map(_sign, text[:_LONGEST]))
    more = f"… ({len(text)} characters)" if len(text) > _LONGEST else ""
    return f"“{kept}{more}”"


def _sign(sign: str) -> str:
    if sign.isdigit():
        return "9" if sign.isascii() else "９"
    if sign.isascii() and sign.isalpha():
        return "A" if sign.isupper() else "a"
    written = re.match(r"\w", sign) and sign not in _KEPT
    return "文" if written else sign
