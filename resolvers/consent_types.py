"""Consent as it stands in the graph: the same for the person who decides and the partner who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Union

import strawberry

from authz.actors import Actor, ActorKind
from authz.consent.artefact import Item, Withdrawal
from authz.consent.notice import VERSION, Notice, offered
from authz.consent.notice_words import Language
from authz.consent.register import ConsentRegister
from authz.consent.rules import ConsentRefused, needed
from authz.consent.tables import Event, Record
from catalogue.model import Catalogue, DataClass
from resolvers.consent_enums import (
    Act,
    Capacity,
    Code,
    Confirmation,
    FetchType,
    Level,
    Mode,
    Party,
    Reason,
    RowNature,
    State,
)
from resolvers.fields import bilingual, described
from resolvers.records import PageInfo
from resolvers.scalars import Instant, RecordTypeCode, ScenarioCode, Uscc

AUTHORIZED = DataClass.AUTHORIZED


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


@strawberry.type(description=bilingual("告知事项", "One thing the person is told"))
class ConsentMatter:
    """A heading and its sentence."""

    heading: str = described("标题", "Heading")
    text: str = described("内容；信息项与确认项另列", "Sentence; empty above the items and the confirmations")


@strawberry.type(description=bilingual("须逐项确认的一项", "One box to tick, never ticked beforehand"))
class ConsentBox:
    """PIPL 14, 23, 29, 31."""

    confirmation: Confirmation = described("确认项", "What is confirmed")
    text: str = described("文字", "The words beside the box")


@strawberry.type(description=bilingual("告知书", "What the person is shown before deciding"))
class ConsentNotice:
    """PIPL 17, 23, 30."""

    text: str = described("全文", "The whole text, in plain Chinese")
    sha256: str = described("摘要，同意时须原样送回", "Its hash, sent back when agreeing")
    version: str = described("版本", "Version of the template")
    matters: list[ConsentMatter] = described("各事项", "The matters, in order")
    confirmations: list[ConsentBox] = described("确认项", "What agreeing takes, one by one")


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
    capacity: Capacity | None = described(
        "由谁代为同意；空为本人", "As what somebody else has to agree; null when the person does"
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
    noticeInEnglish: ConsentNotice = described("英文告知书", "The same in English; either may be agreed to")
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
    scenario = catalogue.scenarios.get(request.purpose.scenario_code)
    return Consent(
        id=strawberry.ID(record.id),
        parentId=strawberry.ID(request.parent_consent_id) if request.parent_consent_id else None,
        state=record.state(now),
        grantee=ConsentGrantee(
            name=request.grantee.name, uscc=Uscc(request.grantee.uscc), contact=request.grantee.contact
        ),
        subjectRef=strawberry.ID(request.subject_ref) if actor.kind is ActorKind.PARTNER else None,
        capacity=request.capacity,
        scenario=ScenarioCode(request.purpose.scenario_code),
        scenarioName=scenario.name.zh if scenario else request.purpose.scenario_code,
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
        notice=_notice(register.notice(record)),
        noticeInEnglish=_notice(register.notice(record, Language.ENGLISH)),
        confirmationsNeeded=sorted(needed(terms.authorization_details, catalogue, request.capacity)),
        refusalConsequence=Withdrawal().refusal_consequence,
        events=[_event(event) for event in record.history(now)],
        artefact=record.payload.decode() if record.payload else None,
        signature=record.signature,
        receipt=record.receipt,
    )


def _notice(notice: Notice) -> ConsentNotice:
    return ConsentNotice(
        text=notice.text,
        sha256=notice.sha256,
        version=VERSION,
        matters=[ConsentMatter(heading=one.heading, text=one.text) for one in notice.matters],
        confirmations=[ConsentBox(confirmation=each, text=text) for each, text in notice.confirmations],
    )


def _item(item: Item, catalogue: Catalogue) -> ConsentItem:
    told = offered(item, catalogue)
    return ConsentItem(
        recordType=RecordTypeCode(item.record_type),
        recordTypeName=told.name,
        departmentName=told.department,
        fields=[field.name for field in told.fields],
        fieldNames=[field.label for field in told.fields],
        level=item.level,
        sensitive=told.sensitive,
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
