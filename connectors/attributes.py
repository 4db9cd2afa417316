"""What a manifest maps: each field and control as columns with one compiled decoder.

Types are settled when the manifest is loaded: a date field whose chain does not end in
`date` is refused then, not row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID

from catalogue.model import FieldType, RecordType, Role, Severity
from catalogue.values import PartialDate, Value
from connectors.decoders import CodeTables, DecodeError, Decoder, compile_chain, result_type
from connectors.errors import ManifestError
from connectors.manifest import Origin, RecordSource, Scalar

Cells: TypeAlias = Sequence[object]
Reader: TypeAlias = Callable[[Cells], Value]
"""Reads one attribute out of a physical row; raises CellError."""

STATUSES: Final = frozenset({"ACTIVE", "DISPUTED", "REPAIRED", "REVOKED", "EXPIRED", "SEALED", "SUPERSEDED"})
"""What a status column may say (domain.md §2.1)."""

_TEXT: Final = (str,)
_FIELD_TYPES: Final[Mapping[FieldType, tuple[type, ...]]] = {
    FieldType.DATE: (PartialDate,),
    FieldType.INTEGER: (int,),
    FieldType.BOOLEAN: (bool,),
    FieldType.MONEY: (Decimal,),
    FieldType.LIST: (tuple,),
}
_ROLE_TYPES: Final[Mapping[Role, tuple[type, ...]]] = {
    **{role: (PartialDate,) for role in Role if role.value.endswith(("On", "ntil", "From"))},
    Role.UPDATED_AT: (datetime, PartialDate),
    Role.APPEAL: (str, bool),
}
_CLOSED: Final[Mapping[Role, frozenset[str]]] = {
    Role.STATUS: STATUSES,
    Role.SEVERITY: frozenset(Severity),
}


class CellError(ValueError):
    """A cell that cannot be decoded, with its column; never holds the cell."""

    def __init__(self, reason: str, column: str | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field or control: where it stands and how it is read."""

    columns: tuple[str, ...]
    decode: Decoder
    constant: Value = None

    def reader(self, position: Mapping[str, int]) -> Reader:
        """A function of a physical row whose columns stand at these positions."""
        if not self.columns:
            constant = self.constant
            return lambda _cells: constant
        if len(self.columns) > 1:
            return self._first_of([(column, position[column]) for column in self.columns])
        column, index, decode = self.columns[0], position[self.columns[0]], self.decode

        def read(cells: Cells) -> Value:
            try:
                return decode(cells[index])
            except DecodeError as fault:
                raise CellError(fault.reason, column) from None

        return read

    def _first_of(self, places: list[tuple[str, int]]) -> Reader:
        decode = self.decode

        def read(cells: Cells) -> Value:
            failed: CellError | None = None
            for column, index in places:
                try:
                    value = decode(cells[index])
                except DecodeError as fault:
                    failed = failed or CellError(fault.reason, column)
                else:
                    if value is not None:
                        return value
            if failed:
                raise failed
            return None

        return read


def field_attributes(
    record_type: RecordType, source: RecordSource, tables: CodeTables
) -> dict[str, Attribute]:
    """The mapped output fields by name; raises ManifestError."""
    attributes = {}
    for name, origin in source.fields.items():
        where = f"{record_type.code}.fields.{name}"
        if name not in record_type.field_by_name:
            raise ManifestError("MANIFEST_FIELD", where, "the record type has no such field")
        field = record_type.field_by_name[name]
        expected = _FIELD_TYPES.get(field.type, _TEXT)
        attributes[name] = _attribute(origin, expected, _CLOSED.get(field.role or Role.KEY), tables, where)
    return attributes


def control_attributes(
    record_type: RecordType, source: RecordSource, tables: CodeTables
) -> dict[Role, Attribute]:
    """The control columns that the manifest maps beside the output fields; raises ManifestError."""
    return {
        role: _attribute(
            origin,
            _ROLE_TYPES.get(role, _TEXT),
            _CLOSED.get(role),
            tables,
            f"{record_type.code}.controls.{role}",
        )
        for role, origin in source.controls.items()
    }


def _attribute(
    origin: Origin,
    expected: tuple[type, ...],
    closed: frozenset[str] | None,
    tables: CodeTables,
    where: str,
) -> Attribute:
    if not origin.reads:
        constant = _constant(origin.value, expected, where)
        if closed and constant not in closed:
            raise ManifestError("MANIFEST_FIELD_TYPE", where, f"give one of {', '.join(sorted(closed))}")
        return Attribute((), lambda cell: None, constant)
    decode = compile_chain(origin.decode, tables, where)
    gives = result_type(origin.decode)
    if gives not in expected:
        wanted = " or ".join(kind.__name__ for kind in expected)
        raise ManifestError("MANIFEST_FIELD_TYPE", where, f"decodes to {gives.__name__}, needs {wanted}")
    if gives is str:
        decode = _as_text(decode)
    return Attribute(origin.reads, _one_of(decode, closed) if closed else decode)


def _constant(value: Scalar, expected: tuple[type, ...], where: str) -> Value:
    kind = expected[0]
    try:
        if kind is PartialDate:
            return PartialDate.parse(str(value))
        if kind is Decimal:
            return Decimal(str(value))
    except (ValueError, ArithmeticError):
        raise ManifestError("MANIFEST_FIELD_TYPE", where, f"the value is no {kind.__name__}") from None
    if kind is tuple:
        return (str(value),)
    if type(value) not in expected:
        raise ManifestError("MANIFEST_FIELD_TYPE", where, f"the value is no {kind.__name__}")
    return value


def _as_text(decode: Decoder) -> Decoder:
    """Text, also from columns that hold whole numbers or UUIDs."""

    def read(cell: object) -> Value:
        value: object = decode(cell)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | Decimal | UUID) and not isinstance(value, bool):
            return str(value)
        raise DecodeError("NOT_TEXT")

    return read


def _one_of(decode: Decoder, closed: frozenset[str]) -> Decoder:
    def read(cell: object) -> Value:
        value = decode(cell)
        if value is not None and value not in closed:
            raise DecodeError("WORD_UNKNOWN")
        return value

    return read
