"""GraphQL types made from the catalogue: one record type and one section per entry.

A county's own record type is one more YAML file; nothing here names any entry.
"""

from __future__ import annotations

from collections.abc import Iterator

import strawberry
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField

from catalogue.model import DataClass, FieldType, Label, RecordField, RecordType
from connectors.errors import SectionState
from resolvers.directives import Authority, LegalBasis, RecordTypeOf, classified
from resolvers.fields import described, object_type, optional
from resolvers.records import BASE_ANNOTATIONS, BASE_FIELDS, CreditRecord, carrier_of
from resolvers.scalars import CalendarDate, Instant, Money, Uscc

_SCALAR_OF = {
    FieldType.DATE: CalendarDate,
    FieldType.INTEGER: int,
    FieldType.BOOLEAN: bool,
    FieldType.MONEY: Money,
    FieldType.USCC: Uscc,
    FieldType.LIST: list[str],
}
"""Everything else (text, codes by their label, bands, masked numbers) is a String."""

_AUTHORIZED = classified(DataClass.AUTHORIZED)
_PUBLIC = classified(DataClass.PUBLIC)


def annotation(field: RecordField) -> object:
    """The nullable GraphQL type of a field: any field may be denied."""
    return optional(_SCALAR_OF.get(field.type, str))


def record_class(entry: RecordType) -> type:
    """The object type of an entry's records, implementing `CreditRecord`."""
    members = [
        (
            field.name,
            annotation(field),
            described(field.label.zh, _english(field), field.data_class, mask=field.mask),
        )
        for field in entry.fields
        if field.name not in BASE_FIELDS
    ]
    return object_type(
        entry.graphql_type,
        entry.name,
        [*_base_members(entry), *members],
        bases=(CreditRecord,),
        directives=[
            RecordTypeOf(code=entry.code),
            Authority(code=entry.department),
            classified(entry.data_class),
            LegalBasis(ids=list(entry.legal_basis)),
        ],
    )


def _base_members(entry: RecordType) -> Iterator[tuple[str, object, StrawberryField]]:
    """Base fields as this type has them: as strict as the field that carries them, else as the type."""
    for base in get_object_definition(CreditRecord, strict=True).fields:
        name = base.python_name
        carrier = carrier_of(entry, name)
        if carrier:
            own = entry.field_by_name[carrier]
            member = described(own.label.zh, _english(own), own.data_class, mask=own.mask)
        elif entry.data_class is DataClass.PUBLIC and _AUTHORIZED in base.directives:
            member = strawberry.field(description=base.description, directives=[_PUBLIC])
        else:
            continue
        yield name, BASE_ANNOTATIONS[name], member


def section_class(entry: RecordType, record: type) -> type:
    """The section of an entry: its state stands beside the records, so that down is never clean."""
    return object_type(
        f"{entry.graphql_type}Section",
        Label(zh=f"{entry.name.zh}:查询结果", en=f"{entry.name.en}: what the source answered"),
        [
            ("state", SectionState, described("查询状态", "What became of asking")),
            ("reason", optional(str), described("原因代码", "Reason code of a closed list")),
            ("fetchedAt", optional(Instant), described("查询时间", "When the source was asked")),
            (
                "present",
                optional(bool),
                described(
                    "有无记录；未知时为空，不代表无记录",
                    "Whether there is a record; null when not known, which never means none",
                    entry.data_class,
                ),
            ),
            (
                "records",
                optional(list[record]),  # type: ignore[valid-type]
                described(
                    "记录；仅在状态为 OK 或 PARTIAL 时给出",
                    "Records; null unless the state is OK or PARTIAL, so null never means none",
                    entry.data_class,
                ),
            ),
        ],
        directives=[classified(DataClass.PUBLIC)],
    )


def _english(field: RecordField) -> str:
    return f"{field.label.en} ({field.standard})" if field.standard else field.label.en
