"""What a manifest must agree on with the catalogue, beyond its own shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalogue.model import Catalogue, FieldType, Nature, RecordType, Role
from catalogue.values import PartialDate
from connectors.decoders import result_type
from connectors.errors import ManifestError
from connectors.manifest import Manifest, RecordSource

_AUTHORITIES: Final = frozenset({"authority", "authorityUscc"})
"""Fields that tell whose decision a record is."""


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
        if record.publicity:
            _verify_publicity(f"{where}.publicity", manifest, record_type, record, catalogue)


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


def _verify_publicity(
    where: str, manifest: Manifest, record_type: RecordType, record: RecordSource, catalogue: Catalogue
) -> None:
    """A count by days and departments names no column that could lead to a subject or a decision."""

    def refuse(message: str) -> ManifestError:
        return ManifestError("MANIFEST_PUBLICITY", where, message)

    publicity, determined = record.publicity, record_type.field_by_role.get(Role.DETERMINED_ON)
    if publicity is None:
        return
    if manifest.connector != "sql" or manifest.charset:
        raise refuse("only a SQL source whose charset is as declared can count its own rows")
    if record_type.clocks.publication.within is None:
        raise refuse(f"no law sets a term in which {record_type.code} must be public")
    origin = record.fields.get(determined.name) if determined else None
    if origin is None or origin.column is None:
        raise refuse("map the day of the decision from one `column`")
    days = {origin.column, publicity.published_on.column}
    days |= {publicity.department.column} if publicity.department else set()
    telling = {column for key in record.keys.values() for column in key.columns} | {*record.identity}
    telling |= {
        column
        for name, mapped_from in record.fields.items()
        if record_type.field_by_name[name].type is not FieldType.DATE and name not in _AUTHORITIES
        for column in mapped_from.reads
    }
    if told := sorted(days & telling):
        raise refuse(f"`{told[0]}` says more of a decision than its day and its department")
    if result_type(publicity.published_on.decode) is not PartialDate:
        raise refuse("`publishedOn` decodes to a day: end its chain in `date`")
    known = publicity.department.codes.values() if publicity.department else ()
    if unknown := sorted(set(known) - catalogue.departments.keys()):
        raise refuse(f"the catalogue has no department {unknown[0]}")


def _roles(record_type: RecordType, record: RecordSource) -> set[Role]:
    """Roles the manifest maps, as controls or through fields that carry them."""
    carried = {record_type.field_by_name[name].role for name in record.fields}
    return set(record.controls) | {role for role in carried if role}
