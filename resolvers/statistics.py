"""`review { statistics statisticsMonths }`: months that are closed, as they were told for good."""

from __future__ import annotations

from typing import Annotated, Any, Final

import strawberry
from strawberry.types.info import Info

from authz.statistics.figures import Figure
from catalogue.model import DataClass, Label
from resolvers.context import RequestContext
from resolvers.errors import BadArgument
from resolvers.fields import bilingual, described, named_enum
from resolvers.scalars import Instant

AUTHORIZED = DataClass.AUTHORIZED
MOST_MONTHS: Final = 24

named_enum(
    Figure,
    "StatisticsFigure",
    Label(zh="统计指标", en="What a table of figures tells"),
    {
        Figure.READS: Label(zh="查询次数：单位×场景", en="Reads of others: organization by scenario"),
        Figure.DENIALS: Label(zh="拒绝次数：单位×代码", en="Refusals: organization by error code"),
        Figure.PUBLIC_READS: Label(zh="依法公示信息查询次数：信息类型", en="Anonymous reads by record type"),
        Figure.CHECKED: Label(
            zh="有核查回执的办理结果：单位×场景", en="Outcomes with a check: organization by scenario"
        ),
        Figure.UNCHECKED: Label(
            zh="无核查回执的办理结果：单位×场景", en="Outcomes without: organization by scenario"
        ),
        Figure.CHECK_RATE: Label(
            zh="应查必查率，百分数：单位×场景", en="Must-check rate in percent: organization by scenario"
        ),
        Figure.CASES_FILED: Label(zh="异议等申请：部门×类别", en="Cases filed: department by kind"),
        Figure.CASES_CLOSED: Label(zh="已办结：部门×类别", en="Cases concluded: department by kind"),
        Figure.CASE_DAYS: Label(
            zh="办理工作日中位数：部门×类别", en="Median working days to a conclusion: department by kind"
        ),
        Figure.AVAILABILITY: Label(
            zh="来源应答率，百分数", en="Answers out of a hundred questions to a source"
        ),
    },
)


@strawberry.type(description=bilingual("统计单元", "One cell of a month"))
class StatisticsCell:
    """A cell that is not listed is zero; an empty row or column is the total."""

    figure: Figure = described("指标", "Of which table", AUTHORIZED)
    row: str = described("行代码；空为合计", "Code of the row; empty for the total", AUTHORIZED)
    column: str = described("列代码；空为合计", "Code of the column; empty for the total", AUTHORIZED)
    value: int | None = described(
        "数值；空为不予公布（可推知十以下的数）", "Null where it is withheld", AUTHORIZED
    )


@strawberry.type(description=bilingual("已结月份的统计", "The figures of a month that is over"))
class MonthlyStatistics:
    """Counted once and never changed."""

    month: str = described("月份", "Such as 2026-10, in China's time", AUTHORIZED)
    closedAt: Instant = described("结账时间", "When it was counted", AUTHORIZED)
    digest: str = described(
        "单元摘要，与审计日志一致", "SHA-256 of the cells, as the audit log has it", AUTHORIZED
    )
    cells: list[StatisticsCell] = described("统计单元", "The cells that are not zero", AUTHORIZED)


async def statistics(
    self: Any,
    info: Info,
    months: Annotated[
        list[str],
        strawberry.argument(description=bilingual("月份，最多 24 个", "Months such as 2026-10, at most 24")),
    ],
) -> Any:
    """Of the months that are closed; reviewers were let in by `review`."""
    if len(months) > MOST_MONTHS:
        raise BadArgument("PAGE_SIZE", f"Ask for at most {MOST_MONTHS} months.")
    context: RequestContext = info.context
    return [
        MonthlyStatistics(
            month=found.month,
            closedAt=Instant(found.closed_at),
            digest=found.digest,
            cells=[
                StatisticsCell(figure=each.figure, row=each.row, column=each.column, value=each.value)
                for each in found.cells
            ],
        )
        for found in await context.services.statistics.told(months)
    ]


async def statistics_months(self: Any, info: Info) -> Any:
    """Which months there are."""
    context: RequestContext = info.context
    return await context.services.statistics.months()
