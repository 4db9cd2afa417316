"""What a manifest maps: each field and control as columns with one compiled decoder.

Types are settled when the manifest is loaded: a date field whose chain does not end in
`date` is refused then, not row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from catalogue.model import FieldType, RecordType, Role, Severity
from catalogue.values import PartialDate, Value
from connectors.cells import Binder, Positions, Reader, cell, collected, first_of, listed, looked_up, when
from connectors.decoders import (
    CodeTables,
    DecodeError,
    Decoder,
    StepFunction,
    compile_chain,
    ends_in_text,
    known_codes,
    only_step,
    result_type,
)
from connectors.errors import ManifestError
from connectors.manifest import RecordSource
from connectors.shapes import Origin, Scalar

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


@dataclass(frozen=True, slots=True)
class Plain:
    """One column with one decoder, as most attributes are."""

    column: str
    decode: Decoder
    bare: bool
    """Whether a text is its own value, once blanks around it are gone."""
    words: Mapping[str, Value]
    """The values of the cells that are known beforehand: codes, closed words."""
    step: StepFunction | None
    """The one step of its decoder, for a cell that holds something and is no tuple."""
    gives: type
    citizen: bool
    """Whether it is the number of a citizen."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field or control: the logical columns it reads and how they become its value."""

    columns: tuple[str, ...]
    bind: Binder
    plain: Plain | None = None
    collected: str | None = None
    """The column whose cells of all joined rows become one list."""

    def reader(self, position: Positions) -> Reader:
        """A function of a physical row whose columns stand at these positions."""
        return self.bind(position)


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
    compiler = _Compiler(expected, closed, tables)
    made = compiler.bound(origin, where)
    return Attribute(
        origin.reads, made, compiler.plain(origin, where), origin.column if origin.collect else None
    )


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Compiles the origin of one attribute, whose alternatives must all give what the attribute needs."""

    expected: tuple[type, ...]
    closed: frozenset[str] | None
    tables: CodeTables

    def bound(self, origin: Origin, where: str) -> Binder:
        """Raises ManifestError."""
        if origin.value is not None:
            return self._guarded(origin, self._constant(origin, where))
        if origin.first_of:
            parts = [self.bound(one, f"{where}.firstOf.{n}") for n, one in enumerate(origin.first_of)]
            return self._guarded(origin, first_of(parts))
        decode = self._decoder(origin, where)
        if origin.word and origin.column and origin.chains[0]:
            codes, words = (compile_chain(chain, self.tables, where) for chain in origin.chains)
            return self._guarded(origin, listed(origin.column, origin.word, codes, words))
        if origin.word and origin.column:
            return self._guarded(origin, looked_up(origin.column, origin.word, decode))
        if origin.collect and origin.column:
            between = origin.collect if isinstance(origin.collect, str) else None
            return self._guarded(origin, collected(origin.column, decode, between))
        columns = (origin.column,) if origin.column else origin.columns
        return self._guarded(origin, first_of([cell(column, decode) for column in columns]))

    def plain(self, origin: Origin, where: str) -> Plain | None:
        """The same for one column that depends on no other."""
        if not origin.column or origin.first_of or origin.word or origin.collect or origin.when:
            return None
        decode = self._decoder(origin, where)
        words = {}
        for text in map(str, (*known_codes(origin.decode, self.tables), *(self.closed or ()))):
            with suppress(DecodeError):
                words[text] = decode(text)
        bare = origin.decode in ((), ("trim",)) and not self.closed
        step = None if self.closed else only_step(origin.decode, self.tables, where)
        citizen = origin.decode == ("citizenId",)
        return Plain(origin.column, decode, bare, words, step, result_type(origin.decode), citizen)

    def _constant(self, origin: Origin, where: str) -> Binder:
        constant = _constant(origin.value, self.expected, where)
        if self.closed and constant not in self.closed:
            words = ", ".join(sorted(self.closed))
            raise ManifestError("MANIFEST_FIELD_TYPE", where, f"give one of {words}")
        return lambda _position: lambda _cells: constant

    def _decoder(self, origin: Origin, where: str) -> Decoder:
        decode = compile_chain(origin.decode, self.tables, where)
        gives: type = result_type(origin.decode)
        if origin.collect:
            if (tuple if origin.collect is True else str) not in self.expected:
                message = "`collect: true` makes a list, `collect: ；` a text: the field is the other"
                raise ManifestError("MANIFEST_FIELD_TYPE", where, message)
        elif gives not in self.expected:
            wanted = " or ".join(kind.__name__ for kind in self.expected)
            raise ManifestError("MANIFEST_FIELD_TYPE", where, f"decodes to {gives.__name__}, needs {wanted}")
        if gives is str and not ends_in_text(origin.decode):
            decode = _as_text(decode)
        return _one_of(decode, self.closed) if self.closed else decode

    def _guarded(self, origin: Origin, bind: Binder) -> Binder:
        return when(origin.when, bind) if origin.when else bind


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
        if isinstance(value, str) or value is None:
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
