"""Acts on consents and their lists: the mutations, `me { consents }` and `consent(id)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import orjson
import strawberry
from strawberry.types.info import Info

from authz.actors import ActorKind
from authz.consent.drafting import Choice, draft_item
from authz.consent.register import require_partner
from authz.consent.representation import Caller
from authz.consent.rules import ConsentRefused
from authz.consent.tables import Record, position
from authz.grants import SelfAccess
from authz.wording import refuse_name
from catalogue.identifiers import SubjectKey
from resolvers.access import CONSENT_SCOPE, SELF_SCOPE, require_scope
from resolvers.consent_enums import Act, Confirmation, FetchType, Level, Mode, Reason, RowNature
from resolvers.consent_types import (
    Consent,
    ConsentConnection,
    ConsentEdge,
    ConsentRefusal,
    ConsentResult,
    refusal,
    shown,
)
from resolvers.context import RequestContext
from resolvers.errors import BadArgument
from resolvers.fields import bilingual, mutation
from resolvers.lookups import SubjectLookup, resolve_lookup
from resolvers.recording import RefusalsRecorded, deny
from resolvers.records import PageInfo
from resolvers.scalars import RecordTypeCode, ScenarioCode
from resolvers.subjects import PAGE_DEFAULT, PAGE_MAX


def _input(zh: str, en: str, **options: Any) -> Any:
    return strawberry.field(description=bilingual(zh, en), **options)


@strawberry.input(description=bilingual("数量与单位", "A number and its unit: HOUR, DAY, MONTH or YEAR"))
class ConsentQuantityInput:
    """A frequency or a time to keep."""

    unit: str = _input("单位", "Unit")
    value: int = _input("数量", "How many")


@strawberry.input(description=bilingual("一项授权内容", "One record type and what of it"))
class ConsentItemInput:
    """An RFC 9396 authorization detail."""

    recordType: RecordTypeCode = _input("信息类型", "Record type")
    fields: list[str] = _input("字段，逐一列明", "Fields one by one; no wildcard exists")
    level: Level = _input("程度", "How much of them")
    since: str | None = _input("起始日期", "Records from this day on, YYYY-MM-DD", name="from", default=None)
    until: str | None = _input("截止日期", "Records up to this day, YYYY-MM-DD", name="to", default=None)
    natures: list[RowNature] | None = _input("性质限定", "Only records of these natures", default=None)


@strawberry.input(description=bilingual("授权申请", "What a partner asks a person for"))
class ConsentRequestInput:
    """Nothing can be read on it until the person agrees."""

    subject: SubjectLookup = _input("向谁申请", "Whom")
    scenario: ScenarioCode = _input("场景", "Scenario, such as S17")
    reason: Reason = _input("原因", "Reason")
    purpose: str = _input("目的，本人可见", "Purpose in 10 to 300 characters; the person will read it")
    caseNo: str = _input("业务编号", "Number of the case")
    items: list[ConsentItemInput] = _input("内容", "What is to be read")
    validDays: int = _input("有效天数", "Days it holds from being given")
    dataLife: ConsentQuantityInput = _input("保存期限", "How long what was read is kept")
    mode: Mode = _input("使用方式", "What is done with the answer", default=Mode.CHECK)
    fetchType: FetchType = _input("一次或定期", "Once or again", default=FetchType.ONETIME)
    frequency: ConsentQuantityInput | None = _input("频次上限", "For PERIODIC", default=None)
    maxUses: int = _input("次数上限", "How many uses at most", default=1)
    parentId: strawberry.ID | None = _input("所扩展的授权", "The consent this one widens", default=None)


@strawberry.input(description=bilingual("本人同意", "What the person ticked"))
class GiveConsentInput:
    """Agreement to a request, or to less than it asks for."""

    id: strawberry.ID = _input("授权编号", "Id")
    confirmations: list[Confirmation] = _input("逐项确认", "Confirmations, each made on its own")
    noticeSha256: str = _input("所展示告知书的摘要", "Hash of the notice that was shown")
    items: list[ConsentItemInput] | None = _input(
        "所选内容；缺省为申请的全部", "What was ticked; everything asked for if absent", default=None
    )


ConsentIdArgument = Annotated[
    strawberry.ID, strawberry.argument(description=bilingual("授权编号", "Id of the consent"))
]


async def _request(
    info: Info,
    input: Annotated[  # noqa: A002 - the customary name of a mutation's one argument
        ConsentRequestInput, strawberry.argument(description=bilingual("申请", "The request"))
    ],
) -> Any:
    context: RequestContext = info.context
    async with RefusalsRecorded(context):
        require_partner(context.actor)
        require_scope(context.actor, CONSENT_SCOPE)
        found = resolve_lookup(input.subject, context.services.references, context.actor.client_id)
        refuse_name(found.name, input.purpose, input.caseNo)
    terms: dict[str, object] = {
        "parent_consent_id": input.parentId,
        "purpose": {
            "scenario_code": input.scenario,
            "reason_code": input.reason,
            "text": input.purpose,
            "case_no": input.caseNo,
        },
        "authorization_details": [_raw(item) for item in input.items],
        "mode": input.mode,
        "fetch_type": input.fetchType,
        "frequency": _quantity(input.frequency),
        "max_uses": input.maxUses,
        "data_life": _quantity(input.dataLife),
    }
    register = context.services.consents
    return await _done(context, lambda caller: register.request(caller, terms, input.validDays, found.key))


async def _give(
    info: Info,
    input: Annotated[  # noqa: A002
        GiveConsentInput, strawberry.argument(description=bilingual("同意", "The agreement"))
    ],
) -> Any:
    context: RequestContext = info.context

    async def give(caller: Caller) -> Record:
        require_scope(caller.actor, SELF_SCOPE)
        items = None if input.items is None else tuple(draft_item(_raw(item)) for item in input.items)
        choice = Choice(items, frozenset(input.confirmations), input.noticeSha256)
        return await context.services.consents.give(caller, input.id, choice)

    return await _done(context, give)


def _change(act: Act) -> Callable[..., Awaitable[Any]]:
    async def change(info: Info, id: ConsentIdArgument) -> Any:  # noqa: A002
        context: RequestContext = info.context

        async def move(caller: Caller) -> Record:
            require_scope(caller.actor, SELF_SCOPE)
            return await context.services.consents.change(caller, id, act)

        return await _done(context, move)

    return change


async def _done(
    context: RequestContext, act: Callable[[Caller], Awaitable[Record]]
) -> Consent | ConsentRefusal:
    """The consent after the act, or why it was refused; either way the log holds it."""
    services = context.services
    async with RefusalsRecorded(context):
        try:
            record = await act(Caller(context.actor, context.query))
        except ConsentRefused as refused:
            await deny(services, context.actor, context.query, f"CONSENT_{refused.code}")
            return refusal(refused)
    return shown(record, context.actor, services.consents, services.catalogue)


def _raw(item: ConsentItemInput) -> dict[str, object]:
    return {
        "record_type": item.recordType,
        "named": item.fields,
        "level": item.level,
        "since": item.since,
        "until": item.until,
        "natures": item.natures,
    }


def _quantity(given: ConsentQuantityInput | None) -> dict[str, object] | None:
    return None if given is None else {"unit": given.unit, "value": given.value}


async def find_consent(info: Info, id: ConsentIdArgument) -> Any:  # noqa: A002
    """`consent(id)`: for its grantee and its person; null for everybody else."""
    context: RequestContext = info.context
    services = context.services
    async with RefusalsRecorded(context):
        partner = context.actor.kind is ActorKind.PARTNER
        require_scope(context.actor, CONSENT_SCOPE if partner else SELF_SCOPE)
        record = await services.consents.see(Caller(context.actor, context.query), id)
    return record and shown(record, context.actor, services.consents, services.catalogue)


async def my_consents(
    self: Any,
    info: Info,
    first: Annotated[
        int, strawberry.argument(description=bilingual("条数，最多 100", "How many, at most 100"))
    ] = PAGE_DEFAULT,
    after: Annotated[
        str | None, strawberry.argument(description=bilingual("上一页末条游标", "Cursor to go on from"))
    ] = None,
) -> Any:
    """`me { consents }`: everything anybody asked of the person, newest first."""
    context: RequestContext = info.context
    services = context.services
    if not 1 <= first <= PAGE_MAX:
        raise BadArgument("PAGE_SIZE", f"`first` must be from 1 to {PAGE_MAX}.")
    subject = person_of(context)
    seal = f"consents {services.references.audit_ref(subject)}".encode()
    opened = orjson.loads(services.references.open_cursor(after, seal)) if after else None
    before = (opened[0], opened[1]) if opened else None
    records = await services.consents.of_person(subject, first + 1, before)
    edges = [
        ConsentEdge(
            node=shown(record, context.actor, services.consents, services.catalogue),
            cursor=services.references.seal_cursor(orjson.dumps(position(record)), seal),
        )
        for record in records[:first]
    ]
    return ConsentConnection(edges=edges, pageInfo=page_info(edges, more=len(records) > first, after=after))


def person_of(context: RequestContext) -> SubjectKey:
    """Whose own page it is."""
    assert isinstance(context.grant, SelfAccess)  # noqa: S101 - `me` has no other grant
    return context.grant.subject


def page_info(edges: list[Any], *, more: bool, after: str | None) -> PageInfo:
    """Relay page information of a page that was read forwards."""
    return PageInfo(
        hasNextPage=more,
        hasPreviousPage=after is not None,
        startCursor=edges[0].cursor if edges else None,
        endCursor=edges[-1].cursor if edges else None,
    )


def consent_mutations() -> Mapping[str, Any]:
    """Acts on consents, each with a typed result."""
    acts: dict[str, tuple[Callable[..., Any], str, str]] = {
        "requestConsent": (_request, "向本人申请授权（合作机构）", "Ask a person for consent; for partners"),
        "giveConsent": (
            _give,
            "同意（本人，须强认证）",
            "Agree, to all or to less; needs a fresh strong login",
        ),
        "rejectConsent": (_change(Act.REJECTED), "不同意（本人）", "Do not agree"),
        "pauseConsent": (_change(Act.PAUSED), "暂停（本人）", "Pause"),
        "resumeConsent": (
            _change(Act.RESUMED),
            "恢复（本人，须强认证）",
            "Resume; needs a fresh strong login",
        ),
        "revokeConsent": (
            _change(Act.REVOKED),
            "撤回（本人），立即生效",
            "Take back; the next read is refused at once",
        ),
    }
    return {name: mutation(resolver, ConsentResult, zh, en) for name, (resolver, zh, en) in acts.items()}
