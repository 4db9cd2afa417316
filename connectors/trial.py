"""Every decode step of a source's cells shown, as forms and never as values.

Of one subject only where the number is of region 9901xx: GB/T 2260 gives it to nobody, so that a
trial is no read about anyone. Real rows are read through the graph, in a case, where the person
sees it. A sample of them is looked at column by column: what stands in one row together is not
told, nor anything of fewer than `FEWEST` subjects.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import SystemRandom
from typing import Any, Final, TypeAlias

from catalogue.identifiers import KeyKind, SubjectKey, clean
from catalogue.model import RecordType
from connectors.cells import Cells
from connectors.decoders import DecodeError, compile_chain
from connectors.manifest import RecordSource
from connectors.marks import SEPARATOR, mark, markable
from connectors.matching import KeyConflict, Matcher
from connectors.pipeline import Pipeline
from connectors.protocol import Answer, Ask, Row, Source
from connectors.shapes import Origin
from connectors.shown import shown
from connectors.sql import SqlSource
from connectors.sql.sampling import sampled_rows

Held: TypeAlias = Callable[[Row], str]
_TEST_REGION: Final = "9901"
_REGION_AT: Final = {KeyKind.CITIZEN_ID: 0, KeyKind.USCC: 2}
FEWEST: Final = 10
"""Subjects that a sample must have before anything is said of it, as in statistics (ruling 34)."""
LISTED: Final = 10
"""Forms of one column that are listed; what could not be read comes first."""
_LONGEST: Final = 40
_KEPT: Final = "年月日时分秒元万"
"""Shown behind digits, where they are units; elsewhere they may be part of a name."""
_REFUSED: Final = "✗ "
_NUMBER: Final = re.compile("[9Aa]{8,}|[９文]{8,}")
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
    withheld: Mapping[str, int] = field(default_factory=dict)
    """Records that a reader would not get all the same, by the rule that says so."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One form of a column's cells, and what each step makes of it."""

    trace: Trace
    count: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the decoders of one record type make of rows at random."""

    record_type: str
    rows: int
    """0 where the rows are of fewer than `FEWEST` subjects: then nothing is told."""
    readings: tuple[Reading, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    """Cells in further forms, by attribute and column."""
    refused: int = 0
    """Cells that a step could not read."""


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


async def tried(source: Source, entry: RecordType, key: SubjectKey, held: Held = lambda _: "") -> Tried:
    """Ask for every mapped field of one type; `held` tells which rule keeps a record back, or nothing.

    Raises ValueError for a real number, else a SourceError.
    """
    if not synthetic(key):
        raise ValueError("only numbers of the test region may be tried")
    reader = _innermost(source).readers[entry.code]
    watched = reader.pipeline = _Watched(reader.pipeline)
    try:
        fields = frozenset(source.manifest.records[entry.code].fields) | entry.control_fields
        answer = await source.fetch(Ask(entry.code, fields, (key,)))
    finally:
        reader.pipeline = watched.behind
    record, tables = source.manifest.records[entry.code], source.manifest.code_tables
    position = {name: at for at, name in enumerate(watched.columns_read)}
    rows = tuple(
        (_mark_of(record, position, cells), tuple(_traces(record, position, cells, tables)))
        for cells in _own(record, position, watched.rows, key)
    )
    rejects = (f"{one.column or 'row'}: {one.reason}" for one in answer.rejects.get(key, ()))
    withheld = Counter(filter(None, map(held, answer.rows[key])))
    return Tried(
        entry.code, rows, len(answer.rows[key]), tuple(rejects), key in answer.truncated, dict(withheld)
    )


async def sampled(source: Source, code: str, count: int) -> Sampled:
    """What the decoders make of at most `count` rows at random, of both ends of every table.

    Words of code tables are not told apart: how many records are revoked is a statistic. Raises
    ValueError where the source is not asked in SQL, else a SourceError.
    """
    inner = _innermost(source)
    if not isinstance(inner, SqlSource):
        raise ValueError("only sources that are asked in SQL have rows to choose from")
    found = await sampled_rows(inner.name, inner.engine, inner.readers[code])
    rows = SystemRandom().sample(found, min(count, len(found)))
    record, tables = source.manifest.records[code], source.manifest.code_tables
    keys = [column for key in record.keys.values() for column in key.columns]
    if len({tuple(clean(str(cells[column] or "")) for column in keys) for cells in rows}) < FEWEST:
        return Sampled(code, 0)
    position = {column: at for at, column in enumerate(rows[0])}
    counted: dict[str, Counter[Trace]] = {}
    for cells in rows:
        for trace in _traces(record, position, tuple(cells.values()), tables, words=False):
            counted.setdefault(f"{trace.attribute} ← {trace.column}", Counter())[_blurred(trace)] += 1
    readings: list[Reading] = []
    others: dict[str, int] = {}
    for column, forms in counted.items():
        ordered = sorted(forms.items(), key=lambda one: (not _fails(one[0]), -one[1]))
        readings += (Reading(*one) for one in ordered[:LISTED])
        if further := ordered[LISTED:]:
            others[column] = sum(times for _, times in further)
    refused = sum(times for forms in counted.values() for trace, times in forms.items() if _fails(trace))
    return Sampled(code, len(rows), tuple(readings), others, refused)


def _blurred(trace: Trace) -> Trace:
    """Where letters stand in a USCC would tell of a known one whether it is there."""

    def blurred(text: str) -> str:
        return _NUMBER.sub(lambda run: run[0] if len({*run[0][:-1]}) == 1 else f"{len(run[0])} mixed", text)

    steps = tuple(Step(step.decoder, blurred(step.gives)) for step in trace.steps)
    return Trace(trace.attribute, trace.column, blurred(trace.cell), steps)


def _fails(trace: Trace) -> bool:
    return any(step.gives.startswith(_REFUSED) for step in trace.steps)


def _innermost(source: Source) -> Any:  # noqa: ANN401 - a source past the wrappers around it
    inner: Any = source
    while hasattr(inner, "behind"):
        inner = inner.behind
    return inner


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
    record: RecordSource,
    position: Mapping[str, int],
    cells: Cells,
    tables: Mapping[str, Mapping[str, str]],
    *,
    words: bool = True,
) -> Iterator[Trace]:
    named = [*record.fields.items(), *((role.value, origin) for role, origin in record.controls.items())]
    for name, whole in named:
        for origin in whole.each():
            for column in (origin.column,) if origin.column else origin.columns:
                if column in position:
                    cell = cells[position[column]]
                    yield Trace(name, column, form(cell), tuple(_steps(origin, cell, tables, words=words)))


def _steps(
    origin: Origin, cell: object, tables: Mapping[str, Mapping[str, str]], *, words: bool
) -> Iterator[Step]:
    for length in range(1, len(origin.decode) + 1):
        last = origin.decode[length - 1]
        decoder = last if isinstance(last, str) else next(iter(last))
        try:
            value: object = compile_chain(origin.decode[:length], tables)(cell)
        except DecodeError as fault:
            yield Step(decoder, f"{_REFUSED}{fault.reason}")
            return
        worded = value is not None and decoder in _WORDED
        told = str(value) if words else "a word"
        yield Step(decoder, told if worded else form(value))


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
    kept = "".join(_signs(text[:_LONGEST]))
    more = f"… ({len(text)} characters)" if len(text) > _LONGEST else ""
    return f"“{kept}{more}”"


def _signs(text: str) -> Iterator[str]:
    measures = False
    for sign in text:
        unit = measures and sign in _KEPT
        measures = unit or sign.isdigit()
        yield sign if unit else _sign(sign)


def _sign(sign: str) -> str:
    if sign.isdigit():
        return "9" if sign.isascii() else "９"
    if sign.isascii() and sign.isalpha():
        return "A" if sign.isupper() else "a"
    # rare characters of names stand in private use areas, or are newer than our tables
    written = re.match(r"\w", sign) or unicodedata.category(sign) in ("Co", "Cn")
    return "文" if written else shown(sign)
