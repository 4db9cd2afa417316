"""The rights of the person in the graph: what they file, and what is decided on it.

`fileObjection`, `requestRepair`, `addStatement` name a record that the person has in view by its
`recordId`; `fileComplaint` a line of their access log. The record is found live, under the person's
own right, so a stranger gets the answer of a record that does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final

import orjson
import strawberry
from strawberry.types.info import Info

from authz.actors import ActorKind
from authz.cases.desk import Verdict, require_handler
from authz.cases.refusals import CaseRefused, Code, refused
from authz.cases.register import Filing
from authz.cases.states import Act, Kind, Reason, Remedy
from authz.cases.tables import Case, position
from authz.consent.register import person_of as person_in
from authz.consent.representation import Caller
from authz.errors import AccessDenied, AuthzError
from catalogue.model import DataClass
from resolvers.access import SELF_SCOPE, require_scope
from resolvers.access_log import opened_read
from resolvers.consents import page_info, person_of
from resolvers.context import RequestContext
from resolvers.errors import BadArgument
from resolvers.fields import bilingual, mutation
from resolvers.locating import locate
from resolvers.lookups import SubjectLookup, resolve_lookup
from resolvers.recording import RefusalsRecorded, deny
from resolvers.rights_types import (
    CaseResult,
    RightsCase,
    RightsCaseConnection,
    RightsCaseEdge,
    shown,
    shown_refusal,
)
from resolvers.scalars import RecordTypeCode
from resolvers.subjects import PAGE_DEFAULT, PAGE_MAX

CASE_SCOPE: Final = "credit:cases"
_AUTHORIZED: Final = DataClass.AUTHORIZED


def _input(zh: str, en: str, **options: Any) -> Any:
    return strawberry.field(description=bilingual(zh, en), **options)


@strawberry.input(description=bilingual("对哪条记录、由谁", "On which record, and for whom"))
class RecordInput:
    """A record in view."""

    recordId: strawberry.ID = _input(
        "记录标识，读取时所给", "The record's id, as it was given to this client"
    )
    recordType: RecordTypeCode = _input("信息类型", "Its type; only that type's department is asked")
    of: SubjectLookup | None = _input(
        "代为办理时为谁：子女或企业",
        "Whose record, where a guardian or a legal representative files",
        default=None,
    )


@strawberry.input(description=bilingual("异议", "What is wrong with a record"))
class ObjectionInput:
    """From the moment it is filed the record does not count."""

    record: RecordInput = _input("记录", "The record")
    reason: Reason = _input("理由", "Why")
    text: str = _input("说明，最多 500 字", "In words, at most 500 characters", default="")
    evidence: list[str] = _input(
        "证据材料，每项一行", "What it can be seen by: a document's name or number each", default_factory=list
    )


@strawberry.input(description=bilingual("信用修复申请", "Why a record is made good"))
class RepairInput:
    """With evidence that it was put right."""

    record: RecordInput = _input("记录", "The record")
    text: str = _input("说明，最多 500 字", "In words, at most 500 characters", default="")
    evidence: list[str] = _input("证据材料，至少一项", "What it can be seen by, at least one")


@strawberry.input(description=bilingual("本人声明", "Words to be shown with a record"))
class StatementInput:
    """Shown wherever the record is, until it is taken back."""

    record: RecordInput = _input("记录", "The record")
    text: str = _input("声明，最多 500 字", "At most 500 characters")


@strawberry.input(description=bilingual("对一次查询的投诉", "What was wrong with a read"))
class ComplaintInput:
    """Goes to the auditors and the credit office."""

    read: strawberry.ID = _input("查询记录标识", "Id of the entry of one's access log")
    reason: Reason = _input("理由", "Why")
    text: str = _input("说明，最多 500 字", "In words, at most 500 characters")


@strawberry.input(description=bilingual("决定", "What was decided on a case, and why"))
class DecideCaseInput:
    """By a named human, who gives reasons."""

    id: strawberry.ID = _input("事项编号", "Id")
    outcome: Act = _input(
        "结果：CORRECTED、UPHELD、REPAIRED、REFUSED、ANSWERED",
        "CORRECTED or UPHELD an objection, REPAIRED or REFUSED a repair, ANSWERED a complaint",
    )
    reasons: str = _input("理由，本人可见", "Reasons, which the person reads")
    remedy: Remedy = _input("更正方式", "How a record that was wrong is corrected", default=Remedy.REMOVED)
    noConflictOfInterest: bool = _input("声明无利益冲突", "Nothing of one's own is at stake", default=False)


CaseIdArgument = Annotated[
    strawberry.ID, strawberry.argument(description=bilingual("事项编号", "Id of the case"))
]


def _argument(zh: str, en: str) -> Any:
    return strawberry.argument(description=bilingual(zh, en))


async def _object(info: Info, input: Annotated[ObjectionInput, _argument("异议", "The objection")]) -> Any:  # noqa: A002
    filing = Filing(Kind.OBJECTION, input.reason, input.text, input.evidence)
    return await _filed(info.context, input.record, filing)


async def _repair(info: Info, input: Annotated[RepairInput, _argument("申请", "The application")]) -> Any:  # noqa: A002
    filing = Filing(Kind.REPAIR, Reason.DUTY_PERFORMED, input.text, input.evidence)
    return await _filed(info.context, input.record, filing)


async def _state(info: Info, input: Annotated[StatementInput, _argument("声明", "The statement")]) -> Any:  # noqa: A002
    return await _filed(info.context, input.record, Filing(Kind.STATEMENT, Reason.OWN_WORDS, input.text))


async def _filed(context: RequestContext, record: RecordInput, filing: Filing) -> Any:
    """Find the record under the person's own right, and file the case on it."""
    services = context.services

    async def file(caller: Caller) -> Case:
        _require_strong(caller)
        subject = person_in(caller.actor)
        if record.of is not None:
            subject = resolve_lookup(record.of, services.references, context.actor.client_id).key
        right = await services.cases.right_of(caller, subject)
        target = await locate(context, right, record.recordType, record.recordId)
        return await services.cases.file(caller, subject, filing, target)

    return await _done(context, file)


async def _complain(
    info: Info,
    input: Annotated[ComplaintInput, _argument("投诉", "The complaint")],  # noqa: A002
) -> Any:
    context: RequestContext = info.context
    filing = Filing(Kind.COMPLAINT, input.reason, input.text)

    async def file(caller: Caller) -> Case:
        _require_strong(caller)
        try:
            read = opened_read(context.services.references, person_in(caller.actor), input.read)
        except AuthzError:
            raise refused(Code.RECORD_UNKNOWN) from None
        return await context.services.cases.complain(caller, filing, read)

    return await _done(context, file)


async def _withdraw(info: Info, id: CaseIdArgument) -> Any:  # noqa: A002
    context: RequestContext = info.context

    async def withdraw(caller: Caller) -> Case:
        require_scope(caller.actor, SELF_SCOPE)
        return await context.services.cases.withdraw(caller, id)

    return await _done(context, withdraw)


def _require_strong(caller: Caller) -> None:
    require_scope(caller.actor, SELF_SCOPE)
    if not caller.actor.step_up:
        raise AccessDenied("STEP_UP_REQUIRED", "Log in strongly once more, then file it.")


async def _take(
    info: Info,
    id: CaseIdArgument,  # noqa: A002
    noConflictOfInterest: Annotated[bool, _argument("声明无利益冲突", "Nothing of one's own is at stake")],  # noqa: N803
) -> Any:
    context: RequestContext = info.context
    desk = context.services.case_desk
    return await _handled(
        context, lambda: desk.take(context.actor, context.query, id), declared=noConflictOfInterest
    )


async def _extend(
    info: Info,
    id: CaseIdArgument,  # noqa: A002
    reasons: Annotated[str, _argument("理由，本人可见", "Reasons, which the person reads")],
    noConflictOfInterest: Annotated[bool, _argument("声明无利益冲突", "Nothing of one's own is at stake")],  # noqa: N803
) -> Any:
    context: RequestContext = info.context
    desk = context.services.case_desk
    return await _handled(
        context, lambda: desk.extend(context.actor, context.query, id, reasons), declared=noConflictOfInterest
    )


async def _decide(
    info: Info,
    input: Annotated[DecideCaseInput, _argument("决定", "The decision")],  # noqa: A002
) -> Any:
    context: RequestContext = info.context
    desk, verdict = context.services.case_desk, Verdict(input.outcome, input.reasons, input.remedy)
    return await _handled(
        context,
        lambda: desk.decide(context.actor, context.query, input.id, verdict),
        declared=input.noConflictOfInterest,
    )


async def _handled(context: RequestContext, act: Callable[[], Awaitable[Case]], *, declared: bool) -> Any:
    async def handle(caller: Caller) -> Case:
        require_handler(caller.actor)
        require_scope(caller.actor, CASE_SCOPE)
        if not declared:
            raise refused(Code.UNDECLARED)
        return await act()

    return await _done(context, handle)


async def _done(context: RequestContext, act: Callable[[Caller], Awaitable[Case]]) -> Any:
    """The case after the act, or why it was refused; either way the log holds it."""
    async with RefusalsRecorded(context):
        try:
            case = await act(Caller(context.actor, context.query))
        except CaseRefused as refusal:
            await deny(context.services, context.actor, context.query, refusal.code)
            return shown_refusal(refusal)
    return _shown(context, case)


def _shown(context: RequestContext, case: Case) -> RightsCase:
    return shown(case, context.services.cases.content(case), context.actor, context.services)


async def find_case(info: Info, id: CaseIdArgument) -> Any:  # noqa: A002
    """`rightsCase(id)`: for its person and those who decide on it; null for everybody else."""
    context: RequestContext = info.context
    services, actor = context.services, context.actor
    async with RefusalsRecorded(context):
        if actor.kind is ActorKind.PERSON:
            require_scope(actor, SELF_SCOPE)
            case = await services.cases.find(Caller(actor, context.query), id)
        else:
            require_handler(actor)
            require_scope(actor, CASE_SCOPE)
            case = await services.case_desk.find(actor, id)
    return case and _shown(context, case)


async def case_desk(
    info: Info,
    waiting: Annotated[bool, _argument("仅待办", "Only those that wait for a decision")] = True,  # noqa: FBT002
    first: Annotated[int, _argument("条数，最多 100", "How many, at most 100")] = PAGE_DEFAULT,
    after: Annotated[str | None, _argument("上一页末条游标", "Cursor to go on from")] = None,
) -> Any:
    """`caseDesk`: the cases that a steward, the credit office or an auditor may see."""
    context: RequestContext = info.context
    actor, desk = context.actor, context.services.case_desk
    async with RefusalsRecorded(context):
        require_handler(actor)
        require_scope(actor, CASE_SCOPE)
    seal = f"cases {actor.client_id}".encode()

    async def page(size: int, before: tuple[int, str] | None) -> list[Case]:
        return await desk.listed(actor, size, before, waiting=waiting)

    return await _page(context, seal, first, after, page)


async def my_cases(
    self: Any,
    info: Info,
    first: Annotated[int, _argument("条数，最多 100", "How many, at most 100")] = PAGE_DEFAULT,
    after: Annotated[str | None, _argument("上一页末条游标", "Cursor to go on from")] = None,
) -> Any:
    """`me { cases }`: what the person filed, or somebody filed for them, newest first."""
    context: RequestContext = info.context
    subject = person_of(context)
    seal = f"cases {context.services.references.audit_ref(subject)}".encode()

    async def page(size: int, before: tuple[int, str] | None) -> list[Case]:
        return await context.services.cases.of_person(subject, size, before)

    return await _page(context, seal, first, after, page)


async def _page(
    context: RequestContext,
    seal: bytes,
    first: int,
    after: str | None,
    page: Callable[[int, tuple[int, str] | None], Awaitable[list[Case]]],
) -> RightsCaseConnection:
    references = context.services.references
    if not 1 <= first <= PAGE_MAX:
        raise BadArgument("PAGE_SIZE", f"`first` must be from 1 to {PAGE_MAX}.")
    at = orjson.loads(references.open_cursor(after, seal)) if after else None
    cases = await page(first + 1, (at[0], at[1]) if at else None)
    edges = [
        RightsCaseEdge(
            node=_shown(context, case),
            cursor=references.seal_cursor(orjson.dumps(position(case)), seal),
        )
        for case in cases[:first]
    ]
    return RightsCaseConnection(edges=edges, pageInfo=page_info(edges, more=len(cases) > first, after=after))


def case_mutations() -> Mapping[str, Any]:
    """Acts on cases, each with a typed result."""
    acts: dict[str, tuple[Callable[..., Any], str, str]] = {
        "fileObjection": (
            _object,
            "提出异议（本人，须强认证）：立即标注，处理期间不得作为不利依据",
            "Object to a record: it is marked at once and does not count meanwhile; needs a strong login",
        ),
        "requestRepair": (
            _repair,
            "申请信用修复（本人，须强认证）",
            "Apply for repair; needs a strong login",
        ),
        "addStatement": (
            _state,
            "添加本人声明（本人，须强认证）",
            "Have words of one's own shown with a record; needs a strong login",
        ),
        "fileComplaint": (
            _complain,
            "投诉一次查询（本人，须强认证）",
            "Complain about a read; needs a strong login",
        ),
        "withdrawCase": (_withdraw, "撤回（本人）", "Take back what was filed"),
        "takeCase": (_take, "受理（部门、信用办、审计）", "Take a case up"),
        "extendCase": (
            _extend,
            "批准延长办理期限（须由他人批准）",
            "Approve the longer term, as a second person",
        ),
        "decideCase": (_decide, "作出决定，说明理由（部门、信用办、审计）", "Decide, with reasons"),
    }
    return {name: mutation(resolver, CaseResult, zh, en) for name, (resolver, zh, en) in acts.items()}
