"""`announceListChange`: a department's steward says that one of its lists has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry
from strawberry.types.info import Info

from catalogue.model import DataClass
from resolvers.access import require_scope
from resolvers.context import RequestContext
from resolvers.fields import bilingual, described, mutation
from resolvers.recording import RefusalsRecorded
from resolvers.rights import CASE_SCOPE
from resolvers.scalars import RecordTypeCode

_AUTHORIZED = DataClass.AUTHORIZED


@strawberry.type(
    description=bilingual("已通知名单使用单位", "The users of a list were told that it has changed")
)
class ListAnnounced:
    """Which list, and nothing of whom it holds."""

    recordType: RecordTypeCode = described("信息类型", "The list, by its record type", _AUTHORIZED)
    told: int = described("通知的系统数", "How many approval systems were told", _AUTHORIZED)


async def _announce(
    info: Info,
    recordType: Annotated[  # noqa: N803
        RecordTypeCode,
        strawberry.argument(description=bilingual("本部门的名单", "A list of one's department")),
    ],
) -> ListAnnounced:
    context: RequestContext = info.context
    async with RefusalsRecorded(context):
        require_scope(context.actor, CASE_SCOPE)
        told = await context.services.lists.announce(context.actor, context.query, recordType)
    return ListAnnounced(recordType=recordType, told=told)


def list_mutations() -> Mapping[str, Any]:
    """What a department sends in."""
    return {
        "announceListChange": mutation(
            _announce,
            ListAnnounced | None,
            "通知使用单位：本部门的一份名单已有变化（部门数据管理），只有指引",
            "Tell the authorities that use a list of the department that it has changed; a pointer only",
        )
    }
