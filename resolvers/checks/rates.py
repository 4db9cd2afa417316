"""`review { checkRates }`: how many of the reported outcomes rest on a check. Nobody is named in it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import strawberry
from strawberry.types.info import Info

from authz.outcomes.rates import Gap, Rate
from resolvers.checks.manual import day_of
from resolvers.checks.types import AUTHORIZED
from resolvers.context import RequestContext
from resolvers.fields import bilingual, described
from resolvers.scalars import RecordTypeCode, ScenarioCode, Uscc


@strawberry.type(description=bilingual("不完整的核查", "A check that did not know everything"))
class CheckGap:
    """By its id, as its receipt has it."""

    checkId: strawberry.ID = described("核查编号", "Id of the check", AUTHORIZED)
    unknown: list[RecordTypeCode] = described("未知的信息类型", "Record types without an answer", AUTHORIZED)
    byHand: list[RecordTypeCode] = described("已人工核查的", "Those looked up by hand", AUTHORIZED)
    overridden: bool = described("是否已登记结果", "Whether an outcome was reported on it", AUTHORIZED)


@strawberry.type(description=bilingual("应查必查率", "How many reported outcomes rest on a check"))
class CheckRate:
    """One organization in one scenario."""

    organizationUscc: Uscc = described("单位代码", "Code of the organization", AUTHORIZED)
    scenario: ScenarioCode = described("场景", "Scenario", AUTHORIZED)
    checks: int = described("核查次数", "Checks made in the period", AUTHORIZED)
    reported: int = described("登记的办理结果", "Outcomes reported in the period", AUTHORIZED)
    checked: int = described("其中有回执的", "Those of them with a receipt", AUTHORIZED)
    rate: float | None = described(
        "应查必查率，0 至 1；空为无登记", "`checked` of `reported`; null where nothing was", AUTHORIZED
    )
    gaps: list[CheckGap] = described(
        "不完整的核查，近的在前", "Incomplete checks, the newest first", AUTHORIZED
    )


async def check_rates(
    self: Any,
    info: Info,
    since: Annotated[str, strawberry.argument(description=bilingual("起日", "First day, YYYY-MM-DD"))],
    until: Annotated[str, strawberry.argument(description=bilingual("止日", "Last day, YYYY-MM-DD"))],
) -> Any:
    """Of a period; reviewers were let in by `review`."""
    context: RequestContext = info.context
    first = day_of(since, date.min, context.services.receipts.now.date())
    last = day_of(until, first, context.services.receipts.now.date())
    return [_shown(each) for each in await context.services.outcomes.rates(first, last)]


def _shown(found: Rate) -> CheckRate:
    return CheckRate(
        organizationUscc=Uscc(found.organization),
        scenario=ScenarioCode(found.scenario),
        checks=found.checks,
        reported=found.reported,
        checked=found.checked,
        rate=found.rate,
        gaps=[_gap(each) for each in found.gaps],
    )


def _gap(found: Gap) -> CheckGap:
    return CheckGap(
        checkId=strawberry.ID(found.check_id),
        unknown=[RecordTypeCode(code) for code in found.unknown],
        byHand=[RecordTypeCode(code) for code in found.by_hand],
        overridden=found.overridden,
    )
