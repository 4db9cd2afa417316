"""Consent as it stands in the graph: the same for the person who decides and the partner who asks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Union

import strawberry

from authz.actors import Actor, ActorKind
from authz.consent.artefact import (
    Confirmation,
    FetchType,
    Item,
    Level,
    Mode,
    Reason,
    RowNature,
    Withdrawal,
)
from authz.consent.notice import VERSION
from authz.consent.register import ConsentRegister
from authz.consent.rules import Code, ConsentRefused, needed
from authz.consent.signing import digest_of
from authz.consent.states import Act, Party, State
from authz.consent.tables import Event, Record
from catalogue.model import Catalogue, DataClass, Label
from resolvers.fields import bilingual, described, named_enum
from resolvers.records import PageInfo
from resolvers.scalars import Instant, RecordTypeCode, ScenarioCode, Uscc

AUTHORIZED, RESTRICTED = DataClass.AUTHORIZED, DataClass.RESTRICTED


def _labels(members: type[StrEnum], *labels: tuple[str, str]) -> dict[Any, Label]:
    return {member: Label(zh=zh, en=en) for member, (zh, en) in zip(members, labels, strict=True)}


named_enum(
    Level,
    "ConsentLevel",
    Label(zh="授权程度", en="How much of a record type"),
    _labels(
        Level,
        ("仅有无", "Whether there is a record, and nothing of it"),
        ("脱敏", "The named fields, masked"),
        ("完整", "The named fields in full; names and numbers of others stay masked"),
    ),
)
named_enum(
    RowNature,
    "ConsentNature",
    Label(zh="记录性质限定", en="Natures a consent may be limited to"),
    _labels(
        RowNature,
        ("基础", "Plain facts"),
        ("守信", "To the person's credit"),
        ("中性", "Neither"),
        ("轻微失信", "Adverse, minor"),
        ("一般失信", "Adverse, general"),
        ("严重失信", "Adverse, serious"),
    ),
)
named_enum(
    Mode,
    "ConsentMode",
    Label(zh="使用方式；不设存储", en="What is done with the answer; storing it is not offered"),
    _labels(Mode, ("核验", "Looked at in a check"), ("报告", "Put into one report")),
)
named_enum(
    FetchType,
    "ConsentFetchType",
    Label(zh="一次或定期", en="Once, or within a frequency"),
    _labels(FetchType, ("一次", "Once"), ("定期", "Again, within the frequency")),
)
named_enum(
    Confirmation,
    "ConsentConfirmation",
    Label(zh="逐项确认，不得预选", en="Confirmed one by one, never ticked beforehand"),
    _labels(
        Confirmation,
        ("已阅读并同意", "Read and agreed"),
        ("同意向第三方提供", "Agreed to provision to a third party (PIPL 23)"),
        ("同意处理敏感信息", "Agreed to sensitive data (PIPL 29)"),
        ("监护人同意", "Agreed by the guardian (PIPL 31)"),
    ),
)
named_enum(
    Reason,
    "ConsentReason",
    Label(zh="查询原因（封闭列表）", en="Closed list of reasons"),
    _labels(
        Reason,
        ("贷款审批", "Loan approval"),
        ("信用卡审批", "Credit-card approval"),
        ("担保审查", "Review of a guarantee"),
        ("贷后管理", "After the loan was given"),
        ("融资审批", "Other financing"),
        ("招聘", "Employment"),
        ("任职资格", "Fit and proper person"),
        ("表彰", "Honours"),
    ),
)
named_enum(
    State,
    "ConsentState",
    Label(zh="授权状态；仅有效时可查询", en="Only ACTIVE opens anything"),
    _labels(
        State,
        ("待本人决定", "Waiting for the person"),
        ("有效", "In force"),
        ("已暂停", "Paused by the person"),
        ("已撤回", "Taken back by the person"),
        ("已到期", "Run out"),
        ("次数用尽", "Every use made"),
        ("未同意", "The person did not agree"),
    ),
)
named_enum(
    Act,
    "ConsentAct",
    Label(zh="授权经过", en="What happened to a consent"),
    _labels(
        Act,
        ("提出", "Asked for"),
        ("同意", "Given"),
        ("拒绝", "Not given"),
        ("暂停", "Paused"),
        ("恢复", "Resumed"),
        ("撤回", "Taken back"),
        ("用尽", "Used up"),
        ("到期", "Run out"),
    ),
)
named_enum(
    Party,
    "ConsentParty",
    Label(zh="行为人", en="Who did it"),
    _labels(Party, ("本人", "The person"), ("查询机构", "The organization"), ("网关", "The gateway")),
)
named_enum(
    Code,
    "ConsentRefusalCode",
    Label(zh="未办理原因", en="Why an act on a consent was not done"),
    _labels(
        Code,
        ("参数不合要求", "A value is missing or outside what it may be"),
        ("仅可向自然人申请", "Only natural persons can be asked"),
        ("场景不适用授权", "No such scenario, or consent is no basis for it"),
        ("信息类型与场景无关", "A record type does not bear on the scenario"),
        ("字段与场景无关或重复", "A field does not bear on the scenario, or stands twice"),
        ("程度与字段不符", "BOOLEAN names no field, every other level names some"),
        ("时间范围颠倒", "The data window ends before it begins"),
        ("超出场景限度", "More than the scenario allows"),
        ("文字含个人号码", "A personal number stands in the words"),
        ("原授权不符", "The consent to widen is not yours with this person"),
        ("无此授权", "You have no such consent"),
        ("状态不允许", "Its state does not allow this"),
        ("告知内容已变", "What was shown is not what was asked for"),
        ("缺少单独确认", "A confirmation is missing"),
        ("超出申请范围", "More was ticked than was asked for"),
        ("须监护人同意", "Under 14 a guardian agrees"),
    ),
)


@strawberry.type(description=bilingual("查询机构", "Who asks"))
class ConsentGrantee:
    """From the client register."""

    name: str = described("名称", "Name")
    uscc: Uscc = described("统一社会信用代码", "Unified social credit code")
    contact: str = described("联系方式", "How to reach them")


@strawberry.type(description=bilingual("一项授权内容", "One record type and what of it"))
class ConsentItem:
    """An RFC 9396 authorization detail."""

    recordType: RecordTypeCode = described("信息类型", "Record type")
    recordTypeName: str = described("信息类型名称", "Its Chinese name")
    departmentName: str = described("来源部门", "The department that holds it")
    fields: list[str] = described("字段", "Fields, one by one")
    fieldNames: list[str] = described("字段名称", "Their Chinese names, in the same order")
    level: Level = described("程度", "How much of them")
    sensitive: bool = described("是否敏感信息", "Whether it is sensitive (PIPL 28)")
    since: str | None = described("起始日期", "Records from this day on", name="from")
    until: str | None = described("截止日期", "Records up to this day", name="to")
    natures: list[RowNature] | None = described("性质限定", "Only records of these natures")


@strawberry.type(description=bilingual("数量与单位", "A number and its unit: HOUR, DAY, MONTH or YEAR"))
class ConsentQuantity:
    """A frequency or a time to keep."""

    unit: str = described("单位", "Unit")
    value: int = described("数量", "How many")


@strawberry.type(description=bilingual("告知书", "What the person is shown before deciding"))
class ConsentNotice:
    """PIPL 17, 23, 30."""

    text: str = described("全文", "The whole text, in plain Chinese")
    sha256: str = described("摘要，同意时须原样送回", "Its hash, sent back when agreeing")
    version: str = described("版本", "Version of the template")


@strawberry.type(description=bilingual("授权经过", "One act in the life of a consent"))
class ConsentEvent:
    """Never changed, only added to."""

    act: Act = described("行为", "What happened", AUTHORIZED)
    state: State = described("其后状态", "State after it", AUTHORIZED)
    by: Party = described("行为人", "Who did it", AUTHORIZED)
    at: Instant = described("时间", "When", AUTHORIZED)


@strawberry.type(
    description=bilingual(
        "本人授权：向谁、为何、哪些字段、多久、几次；不可更改，可随时撤回",
        "A consent: to whom, why, which fields, how long, how often. Never changed; taken back at will",
    )
)
class Consent:
    """A request until the person agrees; then also a signed artefact."""

    id: strawberry.ID = described("授权编号", "Id")
    parentId: strawberry.ID | None = described("所扩展的授权", "The consent this one widens", AUTHORIZED)
    state: State = described("状态", "State at this moment", AUTHORIZED)
    grantee: ConsentGrantee = described("查询机构", "Who asks")
    subjectRef: strawberry.ID | None = described(
        "主体标识，仅查询机构可见",
        "The grantee's own reference of the person; for the grantee only",
        AUTHORIZED,
    )
    scenario: ScenarioCode = described("场景", "Scenario")
    scenarioName: str = described("场景名称", "Its Chinese name")
    reason: Reason = described("原因", "Reason")
    purpose: str = described("目的", "Purpose in words", AUTHORIZED)
    caseNo: str = described("业务编号", "Number of the grantee's case", AUTHORIZED)
    items: list[ConsentItem] = described("内容", "What may be read", AUTHORIZED)
    mode: Mode = described("使用方式", "What is done with the answer")
    fetchType: FetchType = described("一次或定期", "Once or again")
    frequency: ConsentQuantity | None = described("频次上限", "At most so often within the unit")
    maxUses: int = described("次数上限", "How many uses at most")
    uses: int = described("已用次数", "Uses made", AUTHORIZED)
    lastUsedAt: Instant | None = described("最近使用", "Last use", AUTHORIZED)
    dataLife: ConsentQuantity = described("保存期限", "How long the grantee may keep what it read")
    validDays: int = described("有效天数", "Days it holds from being given")
    validFrom: Instant | None = described("生效时间", "In force from", AUTHORIZED)
    validUntil: Instant | None = described("失效时间", "In force until", AUTHORIZED)
    requestedAt: Instant = described("申请时间", "Asked for at", AUTHORIZED)
    answerBy: Instant = described("答复期限", "The request ends by itself then", AUTHORIZED)
    notice: ConsentNotice = described("告知书", "What the person is shown")
    confirmationsNeeded: list[Confirmation] = described("须逐项确认", "Confirmations that agreeing takes")
    refusalConsequence: str = described("不同意的后果", "What refusing means: nothing else changes")
    events: list[ConsentEvent] = described("经过", "Its history", AUTHORIZED)
    artefact: str | None = described(
        "授权凭证（规范 JSON）", "What was agreed, as the canonical JSON that is signed", AUTHORIZED
    )
    signature: str | None = described(
        "凭证签名（分离式 JWS）", "Detached JWS (RFC 7515 F) over the artefact", AUTHORIZED
    )
    receipt: str | None = described("回执（JWS）", "Signed receipt (ISO/IEC TS 27560)", AUTHORIZED)


@strawberry.type(description=bilingual("未办理", "Nothing was done, and why"))
class ConsentRefusal:
    """A refusal that whoever acts can do something about."""

    code: Code = described("原因", "Reason")
    message: str = described("说明", "What to do")


ConsentResult = Annotated[
    Union[Consent, ConsentRefusal],  # noqa: UP007 - strawberry reads a typing union
    strawberry.union(
        "ConsentResult", description=bilingual("办理结果", "The consent as it stands now, or a refusal")
    ),
]


@strawberry.type(description=bilingual("授权及其游标", "A consent and its cursor"))
class ConsentEdge:
    """Relay edge."""

    node: Consent = described("授权", "The consent", AUTHORIZED)
    cursor: str = described("加密游标", "Encrypted cursor")


@strawberry.type(description=bilingual("本人的授权，由近及远", "The person's consents, newest first"))
class ConsentConnection:
    """Relay connection."""

    edges: list[ConsentEdge] = described("授权", "Consents", AUTHORIZED)
    pageInfo: PageInfo = described("分页信息", "Page information")


def refusal(refused: ConsentRefused) -> ConsentRefusal:
    """The typed result of a refused act."""
    return ConsentRefusal(code=refused.code, message=refused.message)


def shown(record: Record, actor: Actor, register: ConsentRegister, catalogue: Catalogue) -> Consent:
    """A consent as it stands, for one of its two parties."""
    request, artefact, now = record.request, record.artefact, register.now
    terms = artefact or request
    text = register.notice(record)
    return Consent(
        id=strawberry.ID(record.id),
        parentId=strawberry.ID(request.parent_consent_id) if request.parent_consent_id else None,
        state=record.state(now),
        grantee=ConsentGrantee(
            name=request.grantee.name, uscc=Uscc(request.grantee.uscc), contact=request.grantee.contact
        ),
        subjectRef=strawberry.ID(request.subject_ref) if actor.kind is ActorKind.PARTNER else None,
        scenario=ScenarioCode(request.purpose.scenario_code),
        scenarioName=catalogue.scenarios[request.purpose.scenario_code].name.zh,
        reason=request.purpose.reason_code,
        purpose=request.purpose.text,
        caseNo=request.purpose.case_no,
        items=[_item(item, catalogue) for item in terms.authorization_details],
        mode=request.mode,
        fetchType=request.fetch_type,
        frequency=_quantity(request.frequency),
        maxUses=request.max_uses,
        uses=record.uses,
        lastUsedAt=_instant(record.last_used_at),
        dataLife=ConsentQuantity(unit=request.data_life.unit, value=request.data_life.value),
        validDays=request.valid_days,
        validFrom=_instant(artefact.validity.since if artefact else None),
        validUntil=_instant(artefact.validity.until if artefact else None),
        requestedAt=Instant(request.requested_at),
        answerBy=Instant(request.answer_by),
        notice=ConsentNotice(text=text, sha256=digest_of(text.encode()), version=VERSION),
        confirmationsNeeded=sorted(needed(terms.authorization_details, catalogue)),
        refusalConsequence=Withdrawal().refusal_consequence,
        events=[_event(event) for event in record.history(now)],
        artefact=record.payload.decode() if record.payload else None,
        signature=record.signature,
        receipt=record.receipt,
    )


def _item(item: Item, catalogue: Catalogue) -> ConsentItem:
    entry = catalogue.record_types[item.record_type]
    fields = [entry.field_by_name[name] for name in item.named]
    restricted = {entry.data_class, *(field.data_class for field in fields)}
    return ConsentItem(
        recordType=RecordTypeCode(entry.code),
        recordTypeName=entry.name.zh,
        departmentName=catalogue.departments[entry.department].name.zh,
        fields=list(item.named),
        fieldNames=[field.label.zh for field in fields],
        level=item.level,
        sensitive=RESTRICTED in restricted,
        since=item.since.isoformat() if item.since else None,
        until=item.until.isoformat() if item.until else None,
        natures=list(item.natures) if item.natures else None,
    )


def _quantity(frequency: Any) -> ConsentQuantity | None:
    return ConsentQuantity(unit=frequency.unit, value=frequency.value) if frequency else None


def _instant(at: datetime | None) -> Instant | None:
    return None if at is None else Instant(at)


def _event(event: Event) -> ConsentEvent:
    return ConsentEvent(act=event.act, state=event.state, by=event.party, at=Instant(event.at))
