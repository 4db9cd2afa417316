"""What every record carries: the interface `CreditRecord`, its provenance and its three clocks."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, get_type_hints

import strawberry

from catalogue.model import DataClass, Label, Nature, RecordType, Role, Severity
from connectors.errors import SectionState
from resolvers.fields import bilingual, described, named_enum
from resolvers.scalars import CalendarDate, Instant, RecordTypeCode

AUTHORIZED = DataClass.AUTHORIZED


named_enum(
    SectionState,
    "SectionState",
    Label(zh="分项查询状态", en="What became of asking for one section"),
    {
        SectionState.OK: Label(zh="已应答", en="Answered in full"),
        SectionState.PARTIAL: Label(
            zh="部分应答：有记录无法解析或超量", en="Answered; some rows were left out"
        ),
        SectionState.TIMEOUT: Label(zh="超时，不代表无记录", en="Out of time: says nothing about records"),
        SectionState.UNAVAILABLE: Label(zh="来源不可用，不代表无记录", en="Down: says nothing about records"),
        SectionState.BUSY: Label(zh="来源繁忙，请稍后再查", en="Too much asked at once: ask again later"),
        SectionState.NOT_CONNECTED: Label(zh="本地未接入该来源", en="No source is connected here"),
        SectionState.DENIED: Label(zh="无查询依据，未向来源查询", en="No basis: the source was not asked"),
    },
)
named_enum(
    Nature,
    "RecordNature",
    Label(zh="信息性质", en="What a record says of its subject"),
    {
        Nature.BASIC: Label(zh="基础信息", en="A plain fact such as a registration or licence"),
        Nature.GOOD: Label(zh="守信信息", en="To the subject's credit"),
        Nature.NEUTRAL: Label(zh="中性信息", en="Neither"),
        Nature.ADVERSE: Label(zh="失信信息", en="Adverse"),
    },
)
named_enum(
    Severity,
    "Severity",
    Label(zh="失信等级，仅以来源认定为准", en="Only ever from the source's own finding or its list's law"),
    {
        Severity.MINOR: Label(zh="轻微", en="Minor: never counts"),
        Severity.GENERAL: Label(zh="一般", en="General"),
        Severity.SERIOUS: Label(zh="严重", en="Serious"),
    },
)


class RecordStatus(StrEnum):
    """The only two states in which a record ever leaves (domain.md §2.1)."""

    ACTIVE = "ACTIVE"
    DISPUTED = "DISPUTED"


class Freshness(StrEnum):
    """Whether the department's own system was asked, or a file it drops."""

    LIVE = "LIVE"
    PERIODIC = "PERIODIC"


named_enum(
    RecordStatus,
    "RecordStatus",
    Label(zh="记录状态；其余状态不出库", en="Records in any other state never leave"),
    {
        RecordStatus.ACTIVE: Label(zh="有效", en="In force"),
        RecordStatus.DISPUTED: Label(zh="异议处理中，不得作为不利依据", en="Under objection: must not count"),
    },
)
named_enum(
    Freshness,
    "Freshness",
    Label(zh="时效", en="How fresh the source is"),
    {
        Freshness.LIVE: Label(zh="实时查询", en="Read live from the department's own system"),
        Freshness.PERIODIC: Label(zh="定期报送", en="Read from what the department drops periodically"),
    },
)


@strawberry.type(description=bilingual("信息来源", "Where a record comes from and on what basis it is held"))
class Provenance:
    """Mandatory on every record （记录主体责任）."""

    department: str = described("来源部门代码", "Code of the department")
    departmentName: str = described("来源部门名称", "Name of the department")
    system: str = described("来源系统", "Name of the department's system")
    contact: str = described("联系方式", "Whom to call about the record")
    legalBasis: list[str] = described("归集依据", "Laws and articles the record is held on")
    sourceUpdatedAt: Instant | None = described(
        "来源更新时间", "When the department last touched the record", AUTHORIZED
    )
    fetchedAt: Instant = described("查询时间", "When the gateway asked")
    freshness: Freshness = described("时效", "Whether the system itself was asked")


@strawberry.type(description=bilingual("异议标注", "The mark of an objection"))
class Dispute:
    """Set from the moment an objection is filed."""

    since: CalendarDate | None = described("标注日期", "Marked since", AUTHORIZED)
    caseNo: str | None = described("异议受理编号", "Number of the objection case", AUTHORIZED)


@strawberry.type(description=bilingual("信用修复", "Repair under way"))
class Repair:
    """A repaired record never leaves; this shows an application under way."""

    state: str | None = described("修复状态", "State of the repair", AUTHORIZED)
    on: CalendarDate | None = described("修复日期", "Date of that state", AUTHORIZED)


@strawberry.type(
    description=bilingual(
        "责任人员（仅据决定文书本身）", "A responsible person, from the decision's own text only"
    )
)
class ResponsiblePerson:
    """Never looked up, never linked: what the decision itself says."""

    name: str | None = described("姓名", "Name", DataClass.RESTRICTED, mask="M_NAME_PUB")
    role: str | None = described("职务/责任", "Post or responsibility", AUTHORIZED)
    recordType: RecordTypeCode = described("信息类型", "Type of the decision's record")
    recordId: strawberry.ID = described("记录标识", "The decision's record", AUTHORIZED)


@strawberry.interface(
    description=bilingual("信用信息记录", "A record that a department holds about a credit subject")
)
class CreditRecord:
    """Base fields of domain.md §2.1."""

    recordId: strawberry.ID = described(
        "记录标识，按调用方隔离", "Opaque, different for every client", AUTHORIZED
    )
    recordType: RecordTypeCode = described("信息类型代码", "Code of the record type")
    recordTypeName: str = described("信息类型名称", "Chinese name of the record type")
    catalogueVersion: str = described("目录版本", "Version of the catalogue")
    subjectRef: strawberry.ID = described(
        "主体标识，按调用方隔离", "Reference of the subject, different for every client", AUTHORIZED
    )
    provenance: Provenance = described("信息来源", "Where it comes from")
    nature: Nature = described("信息性质", "Nature", AUTHORIZED)
    severity: Severity | None = described("失信等级", "Severity", AUTHORIZED)
    status: RecordStatus = described("记录状态", "Status", AUTHORIZED)
    occurredOn: CalendarDate | None = described("行为日期", "Date of the act", AUTHORIZED)
    determinedOn: CalendarDate | None = described("认定日期", "Date of the finding", AUTHORIZED)
    publishFrom: CalendarDate | None = described("公示起始日", "Published from", AUTHORIZED)
    publishBy: CalendarDate | None = described(
        "最迟公示日（双公示，七个工作日）", "Last day on which it has to become public", AUTHORIZED
    )
    publishUntil: CalendarDate | None = described("公示截止日", "Published until", AUTHORIZED)
    retentionUntil: CalendarDate | None = described("查询期限届满日", "May be queried until", AUTHORIZED)
    measureUntil: CalendarDate | None = described("措施期限届满日", "Measure ends", AUTHORIZED)
    dispute: Dispute | None = described("异议标注", "Objection, if any", AUTHORIZED)
    repair: Repair | None = described("修复情况", "Repair under way, if any", AUTHORIZED)
    subjectStatement: str | None = described(
        "本人声明", "Statement of the subject, shown wherever the record is", AUTHORIZED
    )
    responsiblePersons: list[ResponsiblePerson] | None = described(
        "责任人员", "Responsible persons the decision names", AUTHORIZED
    )

    @classmethod
    def resolve_type(cls, node: dict[str, object], _info: object, _abstract: object) -> str:
        """The concrete type stands in the node."""
        return str(node["__typename"])


BASE_ANNOTATIONS = get_type_hints(CreditRecord, include_extras=True)
BASE_FIELDS = frozenset(BASE_ANNOTATIONS)
"""Names that a record type's own field may only use with the meaning they have here."""
TELLING_FIELDS: Final = BASE_FIELDS - {
    "recordId",
    "recordType",
    "recordTypeName",
    "catalogueVersion",
    "subjectRef",
    "provenance",
}
"""Base fields that tell what a record says, so that the audit names them."""

_BASE_ROLES: Final = {
    "occurredOn": Role.OCCURRED_ON,
    "determinedOn": Role.DETERMINED_ON,
    "measureUntil": Role.MEASURE_UNTIL,
    "severity": Role.SEVERITY,
}
"""Base fields that some types carry as a field of their own, with its own class and mask."""


def carrier_of(entry: RecordType, name: str) -> str | None:
    """The type's field whose decision a selected field follows: itself, or the one with its role."""
    if name in entry.field_by_name:
        return name
    role = _BASE_ROLES.get(name)
    carrier = entry.field_by_role.get(role) if role else None
    return carrier.name if carrier else None


@strawberry.type(description=bilingual("一类信息的查询状态", "State of one record type in a connection"))
class SectionStatus:
    """So that a connection never hides a source that could not be asked."""

    recordType: RecordTypeCode = described("信息类型", "Record type")
    state: SectionState = described("状态", "What became of asking")
    reason: str | None = described("原因代码", "Reason code of a closed list")
    fetchedAt: Instant | None = described("查询时间", "When it was asked")


@strawberry.type(description=bilingual("分页信息", "Relay page information"))
class PageInfo:
    """Relay Cursor Connections."""

    hasNextPage: bool = described("是否有下一页", "Whether there are more after this page")
    hasPreviousPage: bool = described("是否有上一页", "Whether this page follows another")
    startCursor: str | None = described("首条游标", "Cursor of the first edge")
    endCursor: str | None = described("末条游标", "Cursor of the last edge")


@strawberry.type(description=bilingual("记录及其游标", "A record and its cursor"))
class CreditRecordEdge:
    """Relay edge."""

    node: CreditRecord = described("记录", "The record", AUTHORIZED)
    cursor: str = described("加密游标，绑定本次授权", "Encrypted, bound to this grant")


@strawberry.type(
    description=bilingual(
        "跨类型记录，按日期由近及远；不提供总数和汇总",
        "Records of all permitted types, newest first; no totals across types",
    )
)
class CreditRecordConnection:
    """Relay connection with the state of every type in it."""

    state: SectionState = described("总体状态", "OK only if every permitted type answered OK")
    sections: list[SectionStatus] = described("各类信息状态", "State of each record type")
    edges: list[CreditRecordEdge] | None = described("记录", "Records", AUTHORIZED)
    pageInfo: PageInfo = described("分页信息", "Page information")
