"""The reviewer's part of the graph: `review { items item locks … }`, `recordReview`, `liftLock`.

For auditors and the credit office, with a scope of its own. They see that and how somebody read,
and open no record by it: no role both reviews a use and makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import orjson
import strawberry
from strawberry.types.info import Info

from authz.actors import Actor, ActorKind
from authz.errors import AccessDenied
from authz.review.desk import Reviewer
from authz.review.items import Finding, ItemKind, ItemState
from authz.review.refusals import ReviewRefused
from catalogue.model import DataClass
from resolvers.access import require_scope
from resolvers.checks.rates import CheckRate, check_rates
from resolvers.consents import page_info
from resolvers.context import RequestContext
from resolvers.errors import BadArgument
from resolvers.fields import bilingual, described, mutation
from resolvers.recording import RefusalsRecorded, deny
from resolvers.review_types import (
    ClientLock,
    LockResult,
    ReviewItem,
    ReviewItemConnection,
    ReviewItemEdge,
    ReviewResult,
    shown_item,
    shown_lock,
    shown_refusal,
)
from resolvers.statistics import MonthlyStatistics, statistics, statistics_months
from resolvers.subjects import PAGE_DEFAULT, PAGE_MAX

REVIEW_SCOPE: Final = "credit:review"
_REVIEWERS: Final = frozenset({ActorKind.AUDITOR, ActorKind.OPERATOR})
_AUTHORIZED: Final = DataClass.AUTHORIZED


def _input(zh: str, en: str, **options: Any) -> Any:
    return strawberry.field(description=bilingual(zh, en), **options)


@strawberry.input(description=bilingual("审查结论", "What a review came to"))
class RecordReviewInput:
    """One entry; those before it stay."""

    id: strawberry.ID = _input("事项编号", "Id of the item")
    finding: Finding = _input("结论", "What the review came to")
    note: str = _input("说明，一行，不含个人号码", "One line, without a person's number")
    change: bool = _input("更改已有结论", "There is a result already; this one replaces it", default=False)


@strawberry.input(description=bilingual("解除锁定", "Why somebody may read again"))
class LiftLockInput:
    """A suspension for ids in sequence takes two reviewers."""

    id: strawberry.ID = _input("锁定编号", "Id of the lock")
    reason: str = _input("理由，一行", "One line: why")


async def _items(
    self: Any,
    info: Info,
    kinds: Annotated[
        list[ItemKind] | None,
        strawberry.argument(description=bilingual("限定类别", "Only of these kinds; all if absent")),
    ] = None,
    state: Annotated[
        ItemState | None,
        strawberry.argument(description=bilingual("限定状态", "Only those that stand so; all if absent")),
    ] = None,
    first: Annotated[
        int, strawberry.argument(description=bilingual("条数，最多 100", "How many, at most 100"))
    ] = PAGE_DEFAULT,
    after: Annotated[
        str | None, strawberry.argument(description=bilingual("上一页末条游标", "Cursor to go on from"))
    ] = None,
) -> Any:
    context: RequestContext = info.context
    references = context.services.references
    if not 1 <= first <= PAGE_MAX:
        raise BadArgument("PAGE_SIZE", f"`first` must be from 1 to {PAGE_MAX}.")
    seal = f"review {context.actor.client_id}".encode()
    found = await context.services.desk.items(kinds or (), state)
    if after:
        due, item_id = orjson.loads(references.open_cursor(after, seal))
        found = [each for each in found if (each[0].due_at.isoformat(), each[0].id) > (due, item_id)]
    edges = [
        ReviewItemEdge(
            node=shown_item(item, stands),
            cursor=references.seal_cursor(orjson.dumps([item.due_at.isoformat(), item.id]), seal),
        )
        for item, stands in found[:first]
    ]
    return ReviewItemConnection(edges=edges, pageInfo=page_info(edges, more=len(found) > first, after=after))


async def _item(
    self: Any,
    info: Info,
    id: Annotated[  # noqa: A002 - the customary name
        strawberry.ID, strawberry.argument(description=bilingual("事项编号", "Id of the item"))
    ],
) -> Any:
    context: RequestContext = info.context
    return await _shown(context, str(id))


async def _locks(
    self: Any,
    info: Info,
    ended: Annotated[  # noqa: FBT002 - an argument of the graph is always named
        bool, strawberry.argument(description=bilingual("含已结束的", "Those that have ended too"))
    ] = False,
) -> Any:
    context: RequestContext = info.context
    return [shown_lock(each) for each in await context.services.desk.locks(holding=not ended)]


@strawberry.type(description=bilingual("查询使用审查", "The review of use"))
class ReviewDesk:
    """What reviewers look at."""

    items: ReviewItemConnection = described(
        "审查事项，期限早的在前", "Items, the oldest due first", _AUTHORIZED, resolver=_items
    )
    item: ReviewItem | None = described("一项审查事项", "One item", _AUTHORIZED, resolver=_item)
    locks: list[ClientLock] = described("锁定", "Who is locked out", _AUTHORIZED, resolver=_locks)
    checkRates: list[CheckRate] = described(
        "应查必查率，按单位和场景",
        "Must-check rates by organization and scenario",
        _AUTHORIZED,
        resolver=check_rates,
    )
    statistics: list[MonthlyStatistics] = described(
        "月度统计，近的在前；只有已结月份",
        "Monthly figures, the newest first; of closed months only",
        _AUTHORIZED,
        resolver=statistics,
    )
    statisticsMonths: list[str] = described(
        "已结月份，近的在前",
        "Months that are closed, the newest first",
        _AUTHORIZED,
        resolver=statistics_months,
    )


async def review(info: Info) -> Any:
    """`review`: for reviewers only."""
    context: RequestContext = info.context
    async with RefusalsRecorded(context):
        _require_reviewer(context.actor)
    return ReviewDesk()


async def _record(
    info: Info,
    input: Annotated[  # noqa: A002
        RecordReviewInput, strawberry.argument(description=bilingual("结论", "What was found"))
    ],
) -> Any:
    context: RequestContext = info.context
    item_id = str(input.id)

    async def record(reviewer: Reviewer) -> Any:
        desk = context.services.desk
        await desk.record(reviewer, item_id, input.finding, input.note, change=input.change)
        return await _shown(context, item_id)

    return await _done(context, record)


async def _lift(
    info: Info,
    input: Annotated[  # noqa: A002
        LiftLockInput, strawberry.argument(description=bilingual("解除", "Which, and why"))
    ],
) -> Any:
    context: RequestContext = info.context

    async def lift(reviewer: Reviewer) -> Any:
        return shown_lock(await context.services.desk.lift(reviewer, str(input.id), input.reason))

    return await _done(context, lift)


async def _done(context: RequestContext, act: Callable[[Reviewer], Any]) -> Any:
    """What the act came to, or why it was refused; either way the log holds it."""
    async with RefusalsRecorded(context):
        _require_reviewer(context.actor)
    try:
        return await act(Reviewer(context.actor.operator, context.actor.client_id))
    except ReviewRefused as refused:
        await deny(context.services, context.actor, context.query, f"REVIEW_{refused.fault}")
        return shown_refusal(refused)


async def _shown(context: RequestContext, item_id: str) -> ReviewItem | None:
    found = await context.services.desk.items()
    return next((shown_item(item, state) for item, state in found if item.id == item_id), None)


def _require_reviewer(actor: Actor) -> None:
    if actor.kind not in _REVIEWERS:
        raise AccessDenied("ACTOR_NOT_ALLOWED", "The review of use is for auditors and the credit office.")
    require_scope(actor, REVIEW_SCOPE)


def review_mutations() -> Mapping[str, Any]:
    """The reviewer's acts, each with a typed result."""
    acts: dict[str, tuple[Callable[..., Any], Any, str, str]] = {
        "recordReview": (_record, ReviewResult, "记录审查结论（审查人员）", "Record what a review came to"),
        "liftLock": (_lift, LockResult, "解除锁定（审查人员）", "Let somebody read again"),
    }
    return {name: mutation(*told) for name, told in acts.items()}
