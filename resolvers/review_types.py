"""The review of use in the graph: what reviewers see. Never a value, never whom a read was about."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Union

import strawberry
from strawberry.types.info import Info

from authz.audit import Operation
from authz.review.items import Finding, Item, ItemKind, ItemState, Result
from authz.review.lockouts import Cause, Lock
from authz.review.refusals import Fault, ReviewRefused
from catalogue.model import DataClass, Label
from resolvers.fields import bilingual, described, named_enum
from resolvers.records import PageInfo
from resolvers.scalars import Instant, RecordTypeCode, ScenarioCode, Uscc

AUTHORIZED = DataClass.AUTHORIZED


def _labels(members: type[StrEnum], *labels: tuple[str, str]) -> dict[Any, Label]:
    return {member: Label(zh=zh, en=en) for member, (zh, en) in zip(members, labels, strict=True)}


named_enum(
    ItemKind,
    "ReviewItemKind",
    Label(zh="审查事项类别", en="What is to be reviewed"),
    _labels(
        ItemKind,
        ("月度抽查", "A read of the monthly sample"),
        ("连号查询", "A client asked for ids in sequence"),
        ("多次核验不符", "Too many subjects could not be confirmed"),
        ("非工作时间集中查询", "Many reads outside working hours"),
        ("多次被拒", "Many refusals"),
    ),
)
named_enum(
    ItemState,
    "ReviewItemState",
    Label(zh="审查状态", en="How an item stands"),
    _labels(ItemState, ("待审查", "To be reviewed"), ("已逾期", "Late"), ("已审查", "Reviewed")),
)
named_enum(
    Finding,
    "ReviewFinding",
    Label(zh="审查结论", en="What a review comes to"),
    _labels(
        Finding,
        ("符合规定", "The case exists and needed what was read"),
        ("情况已说明", "Unusual, and the reason holds"),
        ("查无办件", "There is no such case"),
        ("目的不明", "The file does not say what the read was for"),
        ("超出需要", "More than the case needed"),
        ("违规查询", "Without basis"),
    ),
)
named_enum(
    Cause,
    "LockCause",
    Label(zh="锁定原因", en="Why somebody is locked out"),
    _labels(Cause, ("多次核验不符", "Failed confirmations"), ("连号查询", "Ids in sequence")),
)
named_enum(
    Fault,
    "ReviewRefusalCode",
    Label(zh="未办理原因", en="Why an act of a reviewer was not done"),
    _labels(
        Fault,
        ("无此事项", "There is no such item"),
        ("不得审查本人的查询", "Nobody reviews their own use"),
        ("已有结论", "It has a result; a change is a new entry"),
        ("尚无结论", "There is no result to change"),
        ("说明不合要求", "The note is missing, too long, or holds a personal number"),
        ("无此锁定", "There is no such lock"),
        ("锁定已结束", "The lock has ended already"),
        ("他人刚刚办理", "Somebody else has just acted on it"),
        ("须另一人同意", "A second reviewer has to agree"),
        ("月份格式不对", "Not a month"),
        ("月份未结束", "The month is not over"),
        ("当月无记录", "The log has no event of that month"),
        ("已抽取", "The sample was drawn already"),
        ("已由另一进程通知", "Another process has told of it"),
    ),
)


@strawberry.type(description=bilingual("查询涉及的一类信息", "One record type of a read"))
class ReviewedRecords:
    """Names of fields, never what was in them."""

    recordType: RecordTypeCode = described("信息类型", "Record type", AUTHORIZED)
    fields: list[str] = described("字段", "Fields", AUTHORIZED)


@strawberry.type(description=bilingual("一次查询，不含主体与内容", "One read, without whom and what"))
class ReviewedRead:
    """As the audit log has it."""

    event: int = described("审计序号", "Index of the audit event", AUTHORIZED)
    at: Instant = described("时间", "When", AUTHORIZED)
    organization: str = described("查询机构", "Which organization", AUTHORIZED)
    organizationUscc: Uscc = described("查询机构代码", "Its code", AUTHORIZED)
    operator: str = described("经办人编号", "Staff reference", AUTHORIZED)
    basis: str | None = described("依据种类", "STATUTORY or CONSENT", AUTHORIZED)
    scenario: ScenarioCode | None = described("场景", "Scenario", AUTHORIZED)
    caseNo: str | None = described("办件编号", "Number of the case", AUTHORIZED)
    purpose: str | None = described("目的", "Purpose in words", AUTHORIZED)
    records: list[ReviewedRecords] = described("查询内容", "What was asked for", AUTHORIZED)
    result: str = described("结果", "PERMIT, PARTIAL, DENY, ERROR or UNANSWERED", AUTHORIZED)
    returned: int = described("提供条数", "Records that left", AUTHORIZED)


@strawberry.type(description=bilingual("一次审查结论", "One entry of what was found"))
class ReviewEntry:
    """Entries are never changed; the newest holds."""

    number: int = described("序号", "Number of the entry", AUTHORIZED)
    finding: Finding = described("结论", "What the review came to", AUTHORIZED)
    reviewer: str = described("审查人编号", "Staff reference of the reviewer", AUTHORIZED)
    note: str = described("说明", "Note", AUTHORIZED)
    at: Instant = described("时间", "When", AUTHORIZED)


async def _entries(self: ReviewItem, info: Info) -> list[ReviewEntry]:
    _, results, _ = await info.context.services.desk.show(str(self.id))
    return [_entry(each) for each in results]


async def _reads(self: ReviewItem, info: Info) -> list[ReviewedRead]:
    _, _, reads = await info.context.services.desk.show(str(self.id))
    return [_read(each) for each in reads]


@strawberry.type(description=bilingual("一项审查事项", "Something to review: a sampled read or an alarm"))
class ReviewItem:
    """A pointer into the audit log, and what was found."""

    id: strawberry.ID = described("事项编号", "Id", AUTHORIZED)
    kind: ItemKind = described("类别", "Kind", AUTHORIZED)
    period: str = described("时段", "Month of a sample, hour of an alarm", AUTHORIZED)
    client: str = described("查询系统", "Client id", AUTHORIZED)
    organizationUscc: Uscc = described("查询机构代码", "Code of the organization", AUTHORIZED)
    operator: str | None = described("经办人编号", "Staff reference; null for the whole client", AUTHORIZED)
    count: int = described("涉及次数", "How many events it is about", AUTHORIZED)
    madeAt: Instant = described("生成时间", "Since when", AUTHORIZED)
    dueAt: Instant = described("审查期限", "Until when it is to be reviewed", AUTHORIZED)
    state: ItemState = described("状态", "How it stands", AUTHORIZED)
    finding: Finding | None = described("最新结论", "What was found last", AUTHORIZED)
    entries: list[ReviewEntry] = described(
        "历次结论", "What was found, first entry first", AUTHORIZED, resolver=_entries
    )
    reads: list[ReviewedRead] = described(
        "有关查询，最多五十次", "The reads it is about, at most fifty", AUTHORIZED, resolver=_reads
    )


@strawberry.type(description=bilingual("事项及其游标", "An item and its cursor"))
class ReviewItemEdge:
    """Relay edge."""

    node: ReviewItem = described("事项", "The item", AUTHORIZED)
    cursor: str = described("加密游标", "Encrypted cursor")


@strawberry.type(description=bilingual("审查事项，期限早的在前", "Items, the oldest due first"))
class ReviewItemConnection:
    """Relay connection."""

    edges: list[ReviewItemEdge] = described("事项", "Items", AUTHORIZED)
    pageInfo: PageInfo = described("分页信息", "Page information")


@strawberry.type(description=bilingual("一次锁定", "Who may not read for now"))
class ClientLock:
    """A client or one of its operators."""

    id: strawberry.ID = described("锁定编号", "Id", AUTHORIZED)
    client: str = described("查询系统", "Client id", AUTHORIZED)
    operator: str | None = described("经办人编号", "Staff reference; null for the whole client", AUTHORIZED)
    cause: Cause = described("原因", "Why", AUTHORIZED)
    since: Instant = described("起始时间", "Since when", AUTHORIZED)
    until: Instant | None = described("自动解除时间", "When it ends by itself; null for never", AUTHORIZED)
    agreedBy: str | None = described("首位同意解除者", "Who has agreed first to end it", AUTHORIZED)
    liftedBy: str | None = described("解除者", "Who ended it", AUTHORIZED)
    liftedAt: Instant | None = described("解除时间", "When it was ended", AUTHORIZED)


@strawberry.type(description=bilingual("未办理", "Nothing was done, and why"))
class ReviewRefusal:
    """A refusal that the reviewer can do something about."""

    code: Fault = described("原因", "Reason")
    message: str = described("说明", "What to do")


ReviewResult = Annotated[
    Union[ReviewItem, ReviewRefusal],  # noqa: UP007 - strawberry reads a typing union
    strawberry.union(
        "ReviewResult", description=bilingual("办理结果", "The item as it is now, or a refusal")
    ),
]
LockResult = Annotated[
    Union[ClientLock, ReviewRefusal],  # noqa: UP007
    strawberry.union("LockResult", description=bilingual("办理结果", "The lock as it stands, or a refusal")),
]


def shown_item(item: Item, state: ItemState) -> ReviewItem:
    """An item as reviewers see it."""
    return ReviewItem(
        id=strawberry.ID(item.id),
        kind=item.kind,
        period=item.period,
        client=item.client_id,
        organizationUscc=Uscc(item.organization),
        operator=item.operator or None,
        count=item.number,
        madeAt=Instant(item.made_at),
        dueAt=Instant(item.due_at),
        state=state,
        finding=item.finding,
    )


def shown_lock(lock: Lock) -> ClientLock:
    """A lock as reviewers see it."""
    return ClientLock(
        id=strawberry.ID(lock.id),
        client=lock.client_id,
        operator=lock.operator or None,
        cause=lock.cause,
        since=Instant(lock.since),
        until=_instant(lock.until),
        agreedBy=lock.first_lifter,
        liftedBy=lock.lifted_by,
        liftedAt=_instant(lock.lifted_at),
    )


def shown_refusal(refused: ReviewRefused) -> ReviewRefusal:
    """The typed result of a refused act."""
    return ReviewRefusal(code=refused.fault, message=refused.message)


def _entry(result: Result) -> ReviewEntry:
    return ReviewEntry(
        number=result.number,
        finding=result.finding,
        reviewer=result.reviewer,
        note=result.note,
        at=Instant(result.at),
    )


def _read(found: Operation) -> ReviewedRead:
    return ReviewedRead(
        event=found.index,
        at=Instant(found.at),
        organization=found.organization_name,
        organizationUscc=Uscc(found.organization),
        operator=found.operator,
        basis=found.basis,
        scenario=None if found.scenario is None else ScenarioCode(found.scenario),
        caseNo=found.case_no,
        purpose=found.purpose,
        records=[
            ReviewedRecords(recordType=RecordTypeCode(code), fields=names)
            for code, names in found.fields.items()
        ],
        result=found.result,
        returned=found.returned,
    )


def _instant(at: datetime | None) -> Instant | None:
    return None if at is None else Instant(at)
