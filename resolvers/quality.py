"""What a read found wrong with a department's rows, for its tickets: reasons and marks, never a value."""

from __future__ import annotations

from collections.abc import Iterator

from authz.tickets import RowFault
from catalogue.identifiers import SubjectKey
from connectors.errors import SourceDrift
from connectors.marks import mark, markable
from connectors.protocol import Row, Source
from resolvers.fetching import Fetched
from resolvers.healing import Healing


def left_out(code: str, key: SubjectKey, healing: Healing, fetched: Fetched) -> Iterator[RowFault]:
    """Rows of one section that were rejected, are of somebody else, or lack the start of their clock."""
    for source, answer in fetched.answers:
        for reject in answer.rejects.get(key, ()):
            yield RowFault(source.name, code, reject.reason, reject.column or "", reject.mark or "")
    for reason, source, row in healing.faulty:
        yield RowFault(source.name, code, reason, row=_mark_of(source, code, row))


def drifted(code: str, fetched: Fetched) -> Iterator[RowFault]:
    """Sources that no longer look as their manifests say."""
    for fault in fetched.faults:
        if fault.code == SourceDrift.code:
            yield RowFault(fault.source, code, fault.reason)


def _mark_of(source: Source, code: str, row: Row) -> str:
    return (mark(row.identity) or "") if markable(source.manifest.records[code]) else ""
