"""What a read found wrong with a department's rows, for its tickets: reasons and marks, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from authz.tickets import RowFault
from catalogue.identifiers import SubjectKey
from connectors.errors import SourceDrift
from connectors.marks import mark, markable
from connectors.protocol import Answer, Reject, Row, Source
from resolvers.fetching import Fetched
from resolvers.healing import Healing

LINK_CAP: Final = "LINK_CAP"
"""A subject has more former or linked numbers than are read."""


def left_out(code: str, key: SubjectKey, healing: Healing, fetched: Fetched) -> Iterator[RowFault]:
    """Rows of one section that were rejected, are of somebody else, or lack the start of their clock."""
    for source, answer in fetched.answers:
        yield from _faults(code, source, answer.rejects.get(key, ()))
    for reason, source, row in healing.faulty:
        yield RowFault(source.name, code, reason, row=_mark_of(source, code, row))


def strays(code: str, source: Source, answer: Answer) -> Iterator[RowFault]:
    """Bad rows of a delivery that are of no subject."""
    yield from _faults(code, source, answer.strays)


def unconfirmed(code: str, source: Source, answer: Answer) -> Iterator[RowFault]:
    """Rows that could confirm nobody, whoever was asked for, and numbers beyond those that were read."""
    for rejects in (answer.strays, *answer.rejects.values()):
        yield from _faults(code, source, rejects)
    yield from (RowFault(source.name, code, LINK_CAP) for links in answer.links.values() if links.cut)


def ambiguous(code: str, source: Source, rows: Iterable[Row]) -> Iterator[RowFault]:
    """Rows of an authority that give one number several names."""
    yield from (
        RowFault(source.name, code, "IDENTITY_CONFLICT", row=_mark_of(source, code, row)) for row in rows
    )


def drifted(code: str, fetched: Fetched) -> Iterator[RowFault]:
    """Sources that no longer look as their manifests say."""
    for fault in fetched.faults:
        if fault.code == SourceDrift.code:
            yield RowFault(fault.source, code, fault.reason)


def _faults(code: str, source: Source, rejects: Iterable[Reject]) -> Iterator[RowFault]:
    for reject in rejects:
        yield RowFault(source.name, code, reject.reason, reject.column or "", reject.mark or "")


def _mark_of(source: Source, code: str, row: Row) -> str:
    return (mark(row.identity) or "") if markable(source.manifest.records[code]) else ""
