"""`publicity(month)`: decisions that were not public in time, for the credit office and the department."""

from __future__ import annotations

from typing import Annotated, Any, Final

import strawberry
from strawberry.types.info import Info

from authz.actors import ActorKind
from authz.errors import AccessDenied
from authz.publicity import Counted
from catalogue.model import DataClass
from catalogue.values import PartialDate
from resolvers.access import require_scope
from resolvers.context import RequestContext
from resolvers.fields import bilingual, described
from resolvers.recording import RefusalsRecorded
from resolvers.review import REVIEW_SCOPE
from resolvers.rights import CASE_SCOPE
from resolvers.scalars import CalendarDate, Instant, RecordTypeCode

AUTHORIZED = DataClass.AUTHORIZED
_SCOPES: Final = {
    ActorKind.AUDITOR: REVIEW_SCOPE,
    ActorKind.OPERATOR: REVIEW_SCOPE,
    ActorKind.STEWARD: CASE_SCOPE,
}
"""Who may ask, by which scope."""


@strawberry.type(description=bilingual("逾期公示", "Decisions of one day that were not public in time"))
class PublicityBreach:
    """A pointer: the department finds them in its own system."""

    department: str = described("部门代码；空为未知", "Code of the department; empty if unknown", AUTHORIZED)
    determinedOn: CalendarDate = described("决定日期", "Day of the decisions", AUTHORIZED)
    dueOn: CalendarDate = described("最迟公示日", "Last day of the term", AUTHORIZED)
    late: int = described("逾期公示数", "Published later than that", AUTHORIZED)
    unpublished: int = described("尚未公示数", "Not published when they were counted", AUTHORIZED)


@strawberry.type(description=bilingual("双公示统计", "What a source had in a month"))
class PublicityCount:
    """As its database last counted it."""

    source: str = described("来源", "Source", AUTHORIZED)
    recordType: RecordTypeCode = described("信息类型", "Record type", AUTHORIZED)
    countedAt: Instant = described("统计时间", "When it was counted", AUTHORIZED)
    decisions: int = described("决定数", "Decisions of the month, of every department", AUTHORIZED)
    unread: int = described("日期无法识别数", "Those whose days cannot be read", AUTHORIZED)
    breaches: list[PublicityBreach] = described("逾期", "Where the term was broken", AUTHORIZED)


async def publicity(
    info: Info,
    month: Annotated[str, strawberry.argument(description=bilingual("月份", "Month, such as 2026-10"))],
) -> Any:
    """`publicity(month)`: a steward sees the breaches of their own department."""
    context: RequestContext = info.context
    actor = context.actor
    async with RefusalsRecorded(context):
        if actor.kind not in _SCOPES:
            raise AccessDenied(
                "ACTOR_NOT_ALLOWED", "This is for the credit office, auditors and departments' stewards."
            )
        require_scope(actor, _SCOPES[actor.kind])
    own = actor.department if actor.kind is ActorKind.STEWARD else None
    return [_shown(each) for each in await context.services.publicity.counted(month, own)]


def _shown(counted: Counted) -> PublicityCount:
    return PublicityCount(
        source=counted.source,
        recordType=RecordTypeCode(counted.record_type),
        countedAt=Instant(counted.counted_at),
        decisions=counted.decisions,
        unread=counted.unread,
        breaches=[
            PublicityBreach(
                department=each.department,
                determinedOn=CalendarDate(PartialDate.parse(each.determined_on.isoformat())),
                dueOn=CalendarDate(PartialDate.parse(each.due_on.isoformat())),
                late=each.late,
                unpublished=each.unpublished,
            )
            for each in counted.breaches
        ],
    )
