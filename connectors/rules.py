"""What a manifest must agree on with the catalogue, beyond its own shape."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.model import Catalogue, Nature, RecordType, Role
from connectors.errors import ManifestError
from connectors.manifest import Manifest, RecordSource


def verify(manifest: Manifest, catalogue: Catalogue) -> None:
    """Raise the first disagreement as a ManifestError; `where` is the path inside the manifest."""
    if manifest.department not in catalogue.departments:
        raise ManifestError(
            "MANIFEST_DEPARTMENT", "department", f"the catalogue has no department {manifest.department}"
        )
    for kind, code in manifest.identity.items():
        if code not in manifest.records:
            raise ManifestError(
                "MANIFEST_RECORD_TYPE", f"identity.{kind.value}", f"map {code} under `records` first"
            )
    if manifest.connector != "sql" and "on" in (manifest.batching, *_batchings(manifest)):
        raise ManifestError(
            "MANIFEST_BATCHING", "batching", "only questions to SQL sources can travel as one"
        )
    known = {"records": catalogue.record_types, "confirms": catalogue.confirmations}
    for section, code, record in _mappings(manifest):
        where = f"{section}.{code}"
        record_type = known[section].get(code)
        if record_type is None:
            raise ManifestError("MANIFEST_RECORD_TYPE", where, f"the catalogue has no record type {code}")
        if record_type.pointer is not None:
            raise ManifestError("MANIFEST_RECORD_TYPE", where, f"{code} is static and has no source")
        _verify_record(where, manifest, record_type, record)


def _batchings(manifest: Manifest) -> Iterator[str | None]:
    return (record.batching for record in manifest.mapped.values())


def mapped(catalogue: Catalogue, code: str) -> RecordType:
    """The record type behind a mapping that was verified."""
    found = catalogue.read(code)
    if found is None:
        raise ManifestError("MANIFEST_RECORD_TYPE", code, f"the catalogue has no record type {code}")
    return found


def _mappings(manifest: Manifest) -> Iterator[tuple[str, str, RecordSource]]:
    for code, record in manifest.records.items():
        yield "records", code, record
    for code, record in manifest.confirms.items():
        yield "confirms", code, record


def never_mapped(record_type: RecordType, record: RecordSource) -> Iterator[str]:
    """Fields the manifest maps although they must not enter the graph (M_DROP)."""
    return (entry.name for entry in record_type.never_mapped if entry.name in record.fields)


def _verify_record(where: str, manifest: Manifest, record_type: RecordType, record: RecordSource) -> None:
    for own in ("rest", "file", "graphql"):
        if (getattr(record, own) is not None) != (manifest.connector == own):
            message = f"`{own}` belongs to connector {own}, not {manifest.connector}"
            raise ManifestError("MANIFEST_CONNECTOR", where, message)
    for name in never_mapped(record_type, record):
        raise ManifestError(
            "MANIFEST_NEVER_MAPPED", f"{where}.fields.{name}", "must not enter the graph: delete the mapping"
        )
    for name in record.fields:
        if name not in record_type.field_by_name:
            raise ManifestError(
                "MANIFEST_FIELD", f"{where}.fields.{name}", f"{record_type.code} has no field {name}"
            )
    for kind in record.keys:
        if kind not in record_type.keys:
            raise ManifestError(
                "MANIFEST_KEY",
                f"{where}.keys.{kind.value}",
                f"{record_type.code} is not asked by {kind.value}",
            )
    if record.aliases and record_type.code not in manifest.identity.values():
        message = "only the record type that `identity` names can say whose numbers are one subject's"
        raise ManifestError("MANIFEST_ALIASES", f"{where}.aliases", message)
    if record.aliases and manifest.connector != "sql":
        raise ManifestError("MANIFEST_ALIASES", f"{where}.aliases", "aliases are read from SQL tables only")
    _verify_clock(where, record_type, record)
    _verify_dedupe(where, record_type, record)


def _verify_clock(where: str, record_type: RecordType, record: RecordSource) -> None:
    """An adverse record without a clock start would be withheld each time (ruling 9).

    Of a mixed type no record is adverse where no field is mapped that makes it so.
    """
    roles = _roles(record_type, record)
    mixed = bool(record.fields.keys() & {*record_type.adverse_when})
    mixed |= bool(record_type.adverse_when) and Role.SEVERITY in roles
    starts = record_type.clocks.starts_on
    if (record_type.nature is Nature.ADVERSE or mixed) and not roles & set(starts):
        named = " or ".join(role.value for role in starts)
        raise ManifestError(
            "MANIFEST_CONTROL_MISSING", f"{where}.controls", f"map {named}: a clock starts on it"
        )


def _verify_dedupe(where: str, record_type: RecordType, record: RecordSource) -> None:
    known = record.fields.keys() | {role.value for role in _roles(record_type, record)}
    for name in record.dedupe:
        if name not in known:
            raise ManifestError(
                "MANIFEST_DEDUPE", f"{where}.dedupe", f"{name} is neither a field nor a role here"
            )


def _roles(record_type: RecordType, record: RecordSource) -> set[Role]:
    """Roles the manifest maps, as controls or through fields that carry them."""
    carried = {record_type.field_by_name[name].role for name in record.fields}
    return set(record.controls) | {role for role in carried if role}
