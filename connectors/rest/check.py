"""`source check` of an HTTP service: it answers, and its rows have the mapped columns. Prints no value.

Codes: MANIFEST_REST, SOURCE_EMPTY, MANIFEST_COLUMN_MISSING, KEY_NOT_RECOGNIZED, ROWS_REJECTED,
ROWS_ALL_REJECTED, and the code of the SourceError where the service refuses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from catalogue.identifiers import IdentifierError, KeyKind, SubjectKey
from catalogue.values import CHINA_TIME
from connectors.errors import SourceError
from connectors.keys import key_variants
from connectors.protocol import Ask, Finding
from connectors.rest.answers import Cellular
from connectors.rest.reader import Reader
from connectors.sampled import rejections

_PRINTED: Final = {
    KeyKind.CITIZEN_ID: SubjectKey(KeyKind.CITIZEN_ID, "11010519491231002X"),
    KeyKind.USCC: SubjectKey(KeyKind.USCC, "91350100M000100Y43"),
}


Lookup: TypeAlias = Callable[[Reader, str], Awaitable[Sequence[Cellular]]]
"""The rows under one physical key; raises a SourceError."""


async def run(name: str, readers: Mapping[str, Reader], look_up: Lookup) -> list[Finding]:
    """All findings about the record types of one service that is up."""
    findings: list[Finding] = []
    for code, reader in readers.items():
        findings += await _record_type(f"{name}.records.{code}", code, reader, look_up)
    return findings


async def _record_type(where: str, code: str, reader: Reader, look_up: Lookup) -> list[Finding]:
    try:
        sample = _sample(reader)
    except IdentifierError as fault:
        return [Finding("error", "MANIFEST_REST", f"{where}.rest.sample", f"is no USCC: {fault.fault}")]
    rows: list[Cellular] = []
    try:
        for text in key_variants(sample, reader.record.keys[sample.kind]):
            rows += await look_up(reader, text)
    except SourceError as error:
        return [refused(where, error)]
    if not rows:
        message = "no row to look at: name under `rest` a `sample`, an entity that the service knows"
        return [Finding("warning", "SOURCE_EMPTY", where, message)]
    return [*_missing(where, reader, rows), *_rejected(where, code, reader, sample, rows)]


def _sample(reader: Reader) -> SubjectKey:
    """The manifest's sample entity, else the sample number that the standard itself prints."""
    if reader.rest.sample and KeyKind.USCC in reader.record.keys:
        return SubjectKey.entity(reader.rest.sample)
    return _PRINTED[next(iter(reader.record.keys))]


def _missing(where: str, reader: Reader, rows: Sequence[Cellular]) -> Iterator[Finding]:
    present = {column for row in rows for column in row}
    for column in reader.pipeline.columns(frozenset(reader.record.fields)):
        if column not in present:
            yield Finding("error", "MANIFEST_COLUMN_MISSING", where, f"no sampled row has `{column}`")


def _rejected(
    where: str, code: str, reader: Reader, sample: SubjectKey, rows: Sequence[Cellular]
) -> Iterator[Finding]:
    fields = frozenset(reader.record.fields)
    columns = reader.pipeline.columns(fields)
    cells = [[row.get(column) for column in columns] for row in rows]
    answer = reader.pipeline.answer(
        Ask(code, fields, (sample,)), columns, cells, datetime.now(CHINA_TIME), len(rows)
    )
    rejects = answer.rejects.get(sample, ())
    if not answer.rows[sample] and not rejects:
        message = f"none of {len(rows)} rows holds the key it was asked by"
        yield Finding("error", "KEY_NOT_RECOGNIZED", f"{where}.keys", message)
    yield from rejections(where, rejects, len(rows), len(answer.rows[sample]))


def refused(where: str, error: SourceError) -> Finding:
    """That a service did not answer."""
    return Finding("error", error.code, where, f"the source could not be asked: {error.reason}")
