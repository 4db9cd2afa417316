"""Directives that let the exported schema say who owns a field, how strict it is and how it is masked."""

from __future__ import annotations

import strawberry
from strawberry.schema_directive import Location

from catalogue.model import DataClass

strawberry.enum(
    DataClass,
    name="DataClass",
    graphql_name_from="value",
    description=(
        "数据级别：P 依法公开，A 授权查询，R 受限敏感（个人信息保护法 28）\n\n"
        "P public by a named law, A authorized (mandate or consent), R restricted-sensitive (PIPL 28)."
    ),
)


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.FIELD_DEFINITION, Location.INTERFACE],
    name="classified",
    description="数据级别。\n\nThe data class of a type or field.",
)
class Classified:
    """`@classified(level)`."""

    level: DataClass


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="masked",
    description="脱敏规则；授权载明的除外。\n\nThe masking rule applied unless the grant says clear.",
)
class Masked:
    """`@masked(rule)`."""

    rule: str


@strawberry.schema_directive(
    locations=[Location.OBJECT],
    name="authority",
    description="数据来源部门代码。\n\nCode of the department that owns the records.",
)
class Authority:
    """`@authority(code)`."""

    code: str


@strawberry.schema_directive(
    locations=[Location.OBJECT],
    name="legalBasis",
    description="归集和使用依据。\n\nLaws and articles the record type stands on.",
)
class LegalBasis:
    """`@legalBasis(ids)`."""

    ids: list[str]


@strawberry.schema_directive(
    locations=[Location.OBJECT],
    name="recordType",
    description="目录中的信息类型代码。\n\nCode of the record type in the catalogue.",
)
class RecordTypeOf:
    """`@recordType(code)`."""

    code: str


def classified(level: DataClass) -> Classified:
    """The `@classified` directive for a data class."""
    return Classified(level=level)
