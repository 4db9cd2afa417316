"""`recordManualCheck`: that somebody asked a department by hand what a check could not know."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from strawberry.types.info import Info

from authz.errors import AccessDenied
from authz.grants import Statutory
from authz.receipts import ManualMethod
from catalogue.model import Label
from resolvers.access import AccessContext
from resolvers.checks.types import AUTHORIZED
from resolvers.context import RequestContext
from resolvers.errors import BadArgument
from resolvers.fields import bilingual, described, named_enum
from resolvers.recording import RefusalsRecorded, denied
from resolvers.roots import grant_of_operation
from resolvers.scalars import RecordTypeCode


class Refused(StrEnum):
    """Why it was not recorded."""

    RECEIPT_INVALID = "RECEIPT_INVALID"
    RECEIPT_CASE = "RECEIPT_CASE"
    RECEIPT_EXPIRED = "RECEIPT_EXPIRED"
    MANUAL_CHECK_NOT_NEEDED = "MANUAL_CHECK_NOT_NEEDED"
    MANUAL_CHECK_DONE = "MANUAL_CHECK_DONE"


named_enum(
    Refused,
    "ManualCheckRefusalCode",
    Label(zh="未登记的原因", en="Why a manual check was not recorded"),
    {
        Refused.RECEIPT_INVALID: Label(zh="不是本网关的回执", en="No receipt of this gateway"),
        Refused.RECEIPT_CASE: Label(
            zh="属于其他办件、场景或者单位", en="Of another case, scenario or organization"
        ),
        Refused.RECEIPT_EXPIRED: Label(zh="核查已过有效期", en="The check is out of date"),
        Refused.MANUAL_CHECK_NOT_NEEDED: Label(
            zh="该类信息已有结果", en="The check has an answer on this type"
        ),
        Refused.MANUAL_CHECK_DONE: Label(zh="已登记", en="Recorded already"),
    },
)


@strawberry.input(
    description=bilingual(
        "人工核查登记：只登记已核查，不登记内容", "That somebody looked, and how; never what they found"
    )
)
class ManualCheckInput:
    """Of one record type that a check could not know."""

    receipt: str = strawberry.field(description=bilingual("回执", "The receipt, as it was received"))
    recordType: RecordTypeCode = strawberry.field(description=bilingual("信息类型", "Record type"))
    method: ManualMethod = strawberry.field(description=bilingual("方式", "How"))
    checkedOn: str = strawberry.field(description=bilingual("日期", "On which day, YYYY-MM-DD"))


@strawberry.type(description=bilingual("已登记的人工核查", "A manual check that was recorded"))
class ManualCheckRecorded:
    """The check as it stands now."""

    checkId: strawberry.ID = described("核查编号", "Id of the check")
    outstanding: list[RecordTypeCode] = described(
        "仍无结果的信息类型；空为可继续办理",
        "Types still without an answer; none: the case may go on",
        AUTHORIZED,
    )


@strawberry.type(description=bilingual("未登记", "Why nothing was recorded"))
class ManualCheckRefusal:
    """Nothing was changed."""

    code: Refused = described("代码", "Code")
    message: str = described("说明", "What to do")


ManualCheckResult = Annotated[
    ManualCheckRecorded | ManualCheckRefusal,
    strawberry.union("ManualCheckResult", description=bilingual("登记结果", "Recorded, or why it was not")),
]


async def record_manual_check(
    info: Info,
    input: Annotated[  # noqa: A002 - the customary name of a mutation's one argument
        ManualCheckInput, strawberry.argument(description=bilingual("登记内容", "What was done"))
    ],
    access: Annotated[
        AccessContext, strawberry.argument(description=bilingual("查询依据", "Basis of the operation"))
    ],
) -> Any:
    """Record it under the mandate and the case of the check."""
    context: RequestContext = info.context
    grant, services = grant_of_operation(context), context.services
    async with RefusalsRecorded(context):
        if not isinstance(grant, Statutory):
            raise AccessDenied("ACTOR_NOT_ALLOWED", "Manual checks are for case officers of an authority.")
        try:
            found = await services.receipts.of_case(input.receipt, grant)
            day = day_of(input.checkedOn, found.checked_at.date(), services.receipts.now.date())
            looked = (str(input.recordType), input.method, day)
            after = await services.receipts.record_manual(found, grant, context.query, looked)
        except AccessDenied as refusal:
            if refusal.code not in set(Refused):
                raise
            await denied(context, refusal.code)
            return ManualCheckRefusal(code=Refused(refusal.code), message=refusal.message)
    outstanding = [RecordTypeCode(code) for code in after.open_types]
    return ManualCheckRecorded(checkId=strawberry.ID(after.jti), outstanding=outstanding)


def day_of(text: str, since: date, today: date) -> date:
    """A day from one until today, both included; raises BadArgument DATE_INVALID."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadArgument("DATE_INVALID", "Give a day as YYYY-MM-DD.") from None
    if not since <= day <= today:
        raise BadArgument(
            "DATE_INVALID", "Give the day on which it was done: not before what it follows, nor to come."
        )
    return day
