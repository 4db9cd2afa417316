"""The four kinds of credit subject, with their records grouped by domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet
from strawberry.types.info import Info

from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue, DataClass, Domain, Label, RecordType
from connectors.errors import SectionState
from resolvers.directives import classified
from resolvers.fields import bilingual, described, named_enum, object_type
from resolvers.record_types import record_class, section_class
from resolvers.records import CreditRecordConnection, ResponsiblePerson
from resolvers.scalars import Instant, RecordTypeCode, Uscc

PAGE_DEFAULT = 20
PAGE_MAX = 100

GRAPHQL_NAME = {
    SubjectKind.NATURAL_PERSON: "NaturalPerson",
    SubjectKind.ENTERPRISE: "Enterprise",
    SubjectKind.SOCIAL_ORGANIZATION: "SocialOrganization",
    SubjectKind.PUBLIC_INSTITUTION: "PublicInstitution",
}
_LABEL = {
    SubjectKind.NATURAL_PERSON: Label(zh="自然人", en="A natural person"),
    SubjectKind.ENTERPRISE: Label(
        zh="企业（含个体工商户、农民专业合作社）",
        en="An enterprise, individual business or cooperative",
    ),
    SubjectKind.SOCIAL_ORGANIZATION: Label(zh="社会组织", en="A social organization"),
    SubjectKind.PUBLIC_INSTITUTION: Label(
        zh="机关、事业单位、群团", en="A state organ, public institution or mass organization"
    ),
}
named_enum(
    SubjectKind,
    "SubjectKind",
    Label(zh="信用主体类别", en="Kind of credit subject"),
    _LABEL,
)


def _page(
    self: Any,
    info: Info,
    types: Annotated[
        list[RecordTypeCode] | None,
        strawberry.argument(
            description=bilingual(
                "限定信息类型；缺省为授权范围内全部", "Limit to these types; all permitted ones if absent"
            )
        ),
    ] = None,
    first: Annotated[
        int, strawberry.argument(description=bilingual("条数，最多 100", "How many, at most 100"))
    ] = PAGE_DEFAULT,
    after: Annotated[
        str | None, strawberry.argument(description=bilingual("上一页末条游标", "Cursor to go on from"))
    ] = None,
) -> Any:
    return self["records"][info.path.key]


@strawberry.interface(
    description=bilingual("信用主体", "A credit subject: a person, company, organization or institution")
)
class CreditSubject:
    """What all kinds of subject share."""

    kind: SubjectKind = described("主体类别", "Kind of subject")
    subjectRef: strawberry.ID = described(
        "主体标识，按调用方隔离，可用于再次查询",
        "Reference for later look-ups; different for every client",
        DataClass.AUTHORIZED,
    )
    displayName: str | None = described(
        "名称；自然人脱敏", "Name as confirmed; masked for persons", DataClass.AUTHORIZED, mask="M_NAME"
    )
    records: CreditRecordConnection = described(
        "各类记录，按日期由近及远", "Records of all permitted types, newest first", resolver=_page
    )

    @classmethod
    def resolve_type(cls, node: dict[str, object], _info: object, _abstract: object) -> str:
        """The concrete type stands in the node."""
        return str(node["__typename"])


@strawberry.type(
    description=bilingual(
        "责任人员，仅据决定文书本身，不作关联",
        "Responsible persons named by decisions about the entity; never looked up or linked",
    )
)
class ResponsiblePersonSection:
    """A section over every permitted decision type of an entity."""

    state: SectionState = described("查询状态", "OK only if every decision type answered OK")
    reason: str | None = described("原因代码", "Reason code of a closed list")
    fetchedAt: Instant | None = described("查询时间", "When the sources were asked")
    persons: list[ResponsiblePerson] | None = described(
        "责任人员", "Persons as the decisions name them", DataClass.RESTRICTED
    )


def domain_type(kind: SubjectKind, domain_field: str) -> str:
    """Name of the object type that groups a domain's sections under a kind of subject."""
    return f"{GRAPHQL_NAME[kind]}{domain_field[0].upper()}{domain_field[1:]}Records"


@dataclass(frozen=True)
class SubjectTypes:
    """The GraphQL types made from one catalogue."""

    subjects: Mapping[SubjectKind, type]
    records: Mapping[str, type]


def subject_types(catalogue: Catalogue) -> SubjectTypes:
    """Create record, section, domain and subject types."""
    records = {code: record_class(entry) for code, entry in catalogue.record_types.items()}
    sections = {code: section_class(entry, records[code]) for code, entry in catalogue.record_types.items()}
    subjects = {kind: _subject_class(catalogue, kind, sections) for kind in SubjectKind}
    return SubjectTypes(subjects, records)


def domains_of(catalogue: Catalogue, kind: SubjectKind) -> dict[str, list[RecordType]]:
    """Record types of a kind of subject by domain code, in the catalogue's order of domains."""
    grouped: dict[str, list[RecordType]] = {code: [] for code in catalogue.domains}
    for entry in catalogue.of_kind(kind):
        grouped[entry.domain].append(entry)
    return {code: entries for code, entries in grouped.items() if entries}


def _subject_class(catalogue: Catalogue, kind: SubjectKind, sections: Mapping[str, type]) -> type:
    name = GRAPHQL_NAME[kind]
    person = kind is SubjectKind.NATURAL_PERSON
    members: list[tuple[str, object, Any]] = []
    if not person:
        members.append(("uscc", Uscc, described("统一社会信用代码", "Unified social credit code")))
    for code, entries in domains_of(catalogue, kind).items():
        domain = catalogue.domains[code]
        group = _domain_class(kind, domain, entries, sections)
        members.append((domain.field, group, described(domain.name.zh, domain.name.en)))
    if not person:
        members.append(
            (
                "responsiblePersons",
                ResponsiblePersonSection,
                described("责任人员", "Responsible persons from decisions' own text"),
            )
        )
    directives: list[object] = [classified(DataClass.RESTRICTED if person else DataClass.PUBLIC)]
    if not person:
        directives.append(Key(fields=FieldSet("uscc"), resolvable=True))
    return object_type(name, _LABEL[kind], members, bases=(CreditSubject,), directives=directives)


def _domain_class(
    kind: SubjectKind, domain: Domain, entries: list[RecordType], sections: Mapping[str, type]
) -> type:
    return object_type(
        domain_type(kind, domain.field),
        Label(zh=f"{domain.name.zh}信息", en=f"Records of the domain: {domain.name.en}"),
        [
            (entry.section, sections[entry.code], described(entry.name.zh, entry.name.en, entry.data_class))
            for entry in entries
        ],
        directives=[classified(DataClass.PUBLIC)],
    )
