"""Which columns a record type names, and where in its manifest."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.manifest import RecordSource


def named(record: RecordSource) -> Iterator[tuple[str, str]]:
    """Path inside the record type's manifest and logical column; what is made of cells later is none."""
    parts = {*(record.unpack.names if record.unpack else ()), *record.listed}
    for path, columns in _by_path(record).items():
        for column in columns:
            if column not in parts:
                yield path, column


def every_column(record: RecordSource) -> tuple[str, ...]:
    """All logical columns of a record type, sorted."""
    return tuple(sorted({column for _, column in named(record)}))


def _by_path(record: RecordSource) -> dict[str, tuple[str, ...]]:
    version, unpack = record.version, record.unpack
    found = {
        **{f"fields.{name}": origin.reads for name, origin in record.fields.items()},
        **{f"controls.{role.value}": origin.reads for role, origin in record.controls.items()},
        **{f"keys.{kind.value}.columns": key.columns for kind, key in record.keys.items()},
        "where": tuple(condition.column for condition in record.where),
        "identity": record.identity,
        "version": (*version.by, version.latest) if version else (),
        "unpack": (unpack.column,) if unpack else (),
        "publicity": record.publicity.reads if record.publicity else (),
    }
    for number, join in enumerate(record.join):
        found[f"join.{number}.on"] = tuple(join.on)
    return found
