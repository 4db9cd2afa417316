"""How one record type is read from an HTTP service, settled when the manifest is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue.model import RecordType
from connectors.errors import ManifestError
from connectors.manifest import Manifest, RecordSource, Rest
from connectors.pipeline import Pipeline
from connectors.rest.answers import Cellular


@dataclass(frozen=True, slots=True)
class Reader:
    """How one record type is read from the service."""

    record: RecordSource
    rest: Rest
    pipeline: Pipeline
    cap: int


@dataclass(frozen=True, slots=True)
class Pages:
    """What the service holds under one physical key; `more` where the page limit cut it."""

    rows: list[Cellular]
    more: bool


def reader_of(record_type: RecordType, record: RecordSource, manifest: Manifest) -> Reader:
    """Raises ManifestError where the record cannot be read from an HTTP service."""
    where = f"records.{record_type.code}"
    if record.rest is None:
        raise ManifestError("MANIFEST_CONNECTOR", where, "a REST source needs `rest`")
    if record.join:
        raise ManifestError("MANIFEST_CONNECTOR", f"{where}.join", "a REST source cannot join tables")
    if record.rest.code and not record.rest.ok:
        raise ManifestError("MANIFEST_REST", f"{where}.rest.ok", "list the codes that mean success")
    pipeline = Pipeline(record_type, record, manifest.code_tables)
    return Reader(record, record.rest, pipeline, record.row_cap or manifest.row_cap)
