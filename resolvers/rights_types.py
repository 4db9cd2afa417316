"""Cases of the person's rights as they stand in the graph: for the person, and for who decides."""

from __future__ import annotations

from typing import Annotated, Any, Union

import strawberry

from authz.actors import Actor, ActorKind
from authz.cases.clocks import due_on
from authz.cases.refusals import CaseRefused, Code
from authz.cases.sealed import Content
from authz.cases.states import Act, Kind, Party, Reason, Remedy, State
from authz.cases.tables import Case, Event
from catalogue.model import DataClass, Label
from catalogue.values import CHINA_TIME, PartialDate
from resolvers.context import Services
from resolvers.fields import bilingual, described, named_enum
from resolvers.records import PageInfo
from resolvers.scalars import CalendarDate, Instant, RecordTypeCode

AUTHORIZED = DataClass.AUTHORIZED

named_enum(
    Kind,
    "CaseKind",
    Label(zh="事项类别", en="What a person asks for"),
    {
        Kind.OBJECTION: Label(zh="异议", en="The record is wrong"),
        Kind.REPAIR: Label(zh="信用修复", en="The record is right and made good"),
        Kind.STATEMENT: Label(zh="本人声明", en="Words of the subject's own, shown with the record"),
        Kind.COMPLAINT: Label(zh="对查询的投诉", en="Somebody read what they may not have"),
    },
)
named_enum(
    State,
    "CaseState",
    Label(zh="办理状态", en="Where a case stands"),
    {
        State.OPEN: Label(zh="已提交", en="Filed"),
        State.TAKEN: Label(zh="办理中", en="Somebody has taken it up"),
        State.CORRECTED: Label(zh="已更正", en="The objection was right: the record is corrected"),
        State.UPHELD: Label(zh="维持原记录", en="The record stands as it is"),
        State.REPAIRED: Label(zh="已修复", en="Repaired: publication, sharing and use have ended"),
        State.REFUSED: Label(zh="未予修复", en="Not repaired"),
        State.ANSWERED: Label(zh="已答复", en="Answered"),
        State.STANDING: Label(zh="展示中", en="The statement is shown"),
        State.WITHDRAWN: Label(zh="已撤回", en="Taken back"),
    },
)
named_enum(
    Act,
    "CaseAct",
    Label(zh="办理行为", en="What happened to a case"),
    {
        Act.FILED: Label(zh="提交", en="Filed"),
        Act.TAKEN: Label(zh="受理", en="Taken up"),
        Act.EXTENDED: Label(zh="批准延长", en="A longer term was approved"),
        Act.CORRECTED: Label(zh="更正", en="Corrected"),
        Act.UPHELD: Label(zh="维持", en="The record stands"),
        Act.REPAIRED: Label(zh="修复", en="Repaired"),
        Act.REFUSED: Label(zh="不予修复", en="Not repaired"),
        Act.ANSWERED: Label(zh="答复", en="Answered"),
        Act.WITHDRAWN: Label(zh="撤回", en="Taken back"),
        Act.REMINDED: Label(zh="催办", en="Reminded: it is nearly due"),
        Act.ESCALATED: Label(zh="超期上报", en="Overdue: the credit office was told"),
    },
)
named_enum(
    Party,
    "CaseParty",
    Label(zh="办理方", en="Who did it"),
    {
        Party.SUBJECT: Label(zh="本人", en="The person, or who acts for them"),
        Party.DEPARTMENT: Label(zh="来源部门", en="The department whose record it is"),
        Party.OFFICE: Label(zh="信用办", en="The credit office"),
        Party.AUDITOR: Label(zh="审计", en="An auditor"),
        Party.GATEWAY: Label(zh="系统（期限）", en="The clock"),
    },
)
named_enum(
    Reason,
    "CaseReason",
    Label(zh="理由", en="Why a person files"),
    {
        Reason.NOT_MINE: Label(zh="不是本人的记录", en="It is not about me"),
        Reason.FACT_WRONG: Label(zh="内容有误", en="What it says is wrong"),
        Reason.OUT_OF_TIME: Label(zh="已超过期限", en="Its time has run out"),
        Reason.ALREADY_SETTLED: Label(zh="已撤销、修复或了结", en="It was annulled, repaired or settled"),
        Reason.NO_BASIS: Label(zh="归集或公示没有依据", en="It is held or published without a basis"),
        Reason.DUTY_PERFORMED: Label(zh="已纠正并履行义务", en="Put right, and the duty performed"),
        Reason.OWN_WORDS: Label(zh="本人说明", en="A statement of one's own"),
        Reason.READER_UNKNOWN: Label(zh="与该机构没有往来", en="I have no dealings with the reader"),
        Reason.PURPOSE_WRONG: Label(zh="目的不实", en="The purpose is not true"),
        Reason.TOO_MUCH_READ: Label(zh="查询超出需要", en="More was read than needed"),
        Reason.OTHER: Label(zh="其他", en="Something else, in words"),
    },
)
named_enum(
    Remedy,
    "CaseRemedy",
    Label(zh="更正方式", en="How a record that was wrong is corrected"),
    {
        Remedy.REMOVED: Label(zh="停止提供该记录", en="It leaves no more, through no channel"),
        Remedy.AMENDED: Label(
            zh="来源系统已更正", en="Corrected in the department's own system, and shown as it is there now"
        ),
    },
)
named_enum(
    Code,
    "CaseRefusalCode",
    Label(zh="未办理原因", en="Why nothing was done"),
    {
        Code.RECORD_UNKNOWN: Label(zh="没有这条记录", en="No such record in view"),
        Code.CASE_UNKNOWN: Label(zh="没有这个事项", en="No such case"),
        Code.SOURCE_SILENT: Label(zh="来源部门暂时无法答复", en="The department cannot be asked now"),
        Code.ALREADY_OPEN: Label(zh="同类事项正在办理", en="Such a case is open on the record"),
        Code.NOT_ADVERSE: Label(zh="不是失信信息", en="The record does not tell against its subject"),
        Code.WORDS: Label(zh="文字不符合要求", en="The words are missing, too long or unfit"),
        Code.REASON: Label(zh="理由不适用", en="The reason is of another kind of case"),
        Code.QUOTA: Label(zh="今日提交过多", en="Too many in a day"),
        Code.STATE: Label(zh="状态已变化", en="The case has moved on"),
        Code.OUTCOME: Label(zh="不能如此决定", en="No outcome of such a case"),
        Code.OWN_CASE: Label(zh="不得办理本人事项", en="Nobody decides on their own case"),
        Code.SECOND_PERSON: Label(zh="须由他人批准", en="Somebody else has to approve it"),
        Code.NO_LONGER_TERM: Label(zh="不能延长", en="There is no longer term"),
        Code.UNDECLARED: Label(zh="未声明无利益冲突", en="No conflict of interest was not declared"),
    },
)


@strawberry.type(description=bilingual("办理经过", "One act in the life of a case"))
class RightsCaseEvent:
    """Never changed, only added to."""

    act: Act = described("行为", "What happened", AUTHORIZED)
    state: State = described("其后状态", "State after it", AUTHORIZED)
    by: Party = described("办理方", "Who did it", AUTHORIZED)
    at: Instant = described("时间", "When", AUTHORIZED)
    reasons: str | None = described("理由或答复", "Why, or the answer", DataClass.RESTRICTED)
    operator: str | None = described(
        "经办人员编号，仅办理人员可见", "Staff reference of who acted; for those who decide only", AUTHORIZED
    )


@strawberry.type(
    description=bilingual(
        "本人权利事项：异议、修复、声明、投诉；不含记录内容",
        "A case of the person's rights: objection, repair, statement or complaint; no record in it",
    )
)
class RightsCase:
    """As it stands now."""

    id: strawberry.ID = described("事项编号", "Id")
    kind: Kind = described("类别", "Kind", AUTHORIZED)
    state: State = described("状态", "State", AUTHORIZED)
    recordType: RecordTypeCode | None = described("信息类型", "Type of the record", AUTHORIZED)
    recordTypeName: str | None = described("信息类型名称", "Its Chinese name", AUTHORIZED)
    departmentName: str | None = described("来源部门", "The department that holds it", AUTHORIZED)
    recordId: strawberry.ID | None = described(
        "记录标识，仅本人可见", "The person's own reference of the record; for the person only", AUTHORIZED
    )
    reason: Reason = described("理由", "Why it was filed", AUTHORIZED)
    text: str = described("本人说明", "In the person's words", DataClass.RESTRICTED)
    evidence: list[str] = described("证据材料", "What the person refers to", DataClass.RESTRICTED)
    suspends: bool = described(
        "是否暂停使用该记录", "Whether the record does not count meanwhile", AUTHORIZED
    )
    filedAt: Instant = described("提交时间", "When it was filed", AUTHORIZED)
    dueOn: CalendarDate | None = described("办理期限", "To be decided by", AUTHORIZED)
    events: list[RightsCaseEvent] = described("经过", "Its history", AUTHORIZED)
    sourceSystem: str | None = described(
        "来源系统，仅来源部门可见", "The system that holds the row; for its department only", AUTHORIZED
    )
    sourceKey: str | None = described(
        "记录在来源系统中的主键，仅来源部门可见",
        "The row's own key there; for its department only",
        DataClass.RESTRICTED,
    )
    auditEvent: int | None = described(
        "被投诉的查询在审计日志中的序号，仅办理人员可见",
        "Index of the read complained about, for who decides",
        AUTHORIZED,
    )


@strawberry.type(description=bilingual("未办理", "Nothing was done, and why"))
class CaseRefusal:
    """A refusal that whoever acts can do something about."""

    code: Code = described("原因", "Reason")
    message: str = described("说明", "What to do")


CaseResult = Annotated[
    Union[RightsCase, CaseRefusal],  # noqa: UP007 - strawberry reads a typing union
    strawberry.union(
        "CaseResult", description=bilingual("办理结果", "The case as it stands now, or a refusal")
    ),
]


@strawberry.type(description=bilingual("事项及其游标", "A case and its cursor"))
class RightsCaseEdge:
    """Relay edge."""

    node: RightsCase = described("事项", "The case", AUTHORIZED)
    cursor: str = described("加密游标", "Encrypted cursor")


@strawberry.type(description=bilingual("权利事项，由近及远", "Cases, newest first"))
class RightsCaseConnection:
    """Relay connection."""

    edges: list[RightsCaseEdge] = described("事项", "Cases", AUTHORIZED)
    pageInfo: PageInfo = described("分页信息", "Page information")


def shown_refusal(refused: CaseRefused) -> CaseRefusal:
    """The typed result of a refused act."""
    return CaseRefusal(code=refused.reason, message=refused.message)


def shown(case: Case, content: Content, actor: Actor, services: Services) -> RightsCase:
    """A case as it stands, for the person or for one of those who decide."""
    mine, steward = actor.kind is ActorKind.PERSON, actor.kind is ActorKind.STEWARD
    entry = services.catalogue.record_types.get(case.record_type or "")
    department = services.catalogue.departments.get(case.department or "")
    filed_on = case.filed_at.astimezone(CHINA_TIME).date()
    clock = services.catalogue.objection_clock(case.record_type, services.locality)
    due = due_on(case.kind, filed_on, clock, extended=case.extended) if case.waiting else None
    record = content.source, case.record_type or "", content.identity
    own = services.references.record_ref(*record, actor.client_id) if mine and case.record else None
    return RightsCase(
        id=strawberry.ID(case.id),
        kind=case.kind,
        state=case.state,
        recordType=RecordTypeCode(case.record_type) if case.record_type else None,
        recordTypeName=entry.name.zh if entry else case.record_type,
        departmentName=department.name.zh if department else case.department,
        recordId=strawberry.ID(own) if own else None,
        reason=case.reason,
        text=content.text,
        evidence=list(content.evidence),
        suspends=case.suspends and case.waiting,
        filedAt=Instant(case.filed_at),
        dueOn=_day(due),
        events=[_event(each, case, services, mine=mine) for each in case.events],
        sourceSystem=content.source if steward else None,
        sourceKey=content.identity if steward else None,
        auditEvent=None if mine else content.read,
    )


def _event(event: Event, case: Case, services: Services, *, mine: bool) -> RightsCaseEvent:
    return RightsCaseEvent(
        act=event.act,
        state=event.state,
        by=event.party,
        at=Instant(event.at),
        reasons=services.cases.why(case, event),
        operator=None if mine else event.operator or None,
    )


def _day(day: Any) -> Any:
    return PartialDate(day) if day else None
