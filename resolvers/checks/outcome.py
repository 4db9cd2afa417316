"""`reportOutcome` and `advanceMeasure`: what a named person concluded after a check, and did then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from strawberry.types.info import Info

from authz.errors import AccessDenied
from authz.grants import Statutory
from authz.outcomes.book import Report
from authz.outcomes.states import Hearing, MeasureState, OutcomeKind
from authz.outcomes.tables import Measure, Step
from catalogue.model import Label
from resolvers.access import AccessContext
from resolvers.checks.manual import day_of
from resolvers.checks.must_check import scenario_of
from resolvers.checks.types import AUTHORIZED
from resolvers.context import RequestContext
from resolvers.fields import bilingual, described, named_enum
from resolvers.recording import RefusalsRecorded, denied
from resolvers.roots import grant_of_operation
from resolvers.scalars import RecordTypeCode


class Refused(StrEnum):
    """Why it was not kept."""

    RECEIPT_INVALID = "RECEIPT_INVALID"
    RECEIPT_CASE = "RECEIPT_CASE"
    RECEIPT_EXPIRED = "RECEIPT_EXPIRED"
    OUTCOME_REPORTED = "OUTCOME_REPORTED"
    OUTCOME_INCOMPLETE = "OUTCOME_INCOMPLETE"
    OUTCOME_BEFORE_CHECK = "OUTCOME_BEFORE_CHECK"
    OUTCOME_OWN_CASE = "OUTCOME_OWN_CASE"
    OUTCOME_OFFICER = "OUTCOME_OFFICER"
    OUTCOME_REASONS = "OUTCOME_REASONS"
    OUTCOME_NOTICE = "OUTCOME_NOTICE"
    OUTCOME_MEASURE = "OUTCOME_MEASURE"
    MEASURE_UNKNOWN = "MEASURE_UNKNOWN"
    MEASURE_STEP = "MEASURE_STEP"
    MEASURE_FEEDBACK = "MEASURE_FEEDBACK"
    MEASURE_DISPUTED = "MEASURE_DISPUTED"


named_enum(
    Refused,
    "OutcomeRefusalCode",
    Label(zh="未登记的原因", en="Why an outcome or a step was not kept"),
    {
        Refused.RECEIPT_INVALID: Label(zh="不是本网关的回执", en="No receipt of this gateway"),
        Refused.RECEIPT_CASE: Label(
            zh="属于其他办件、场景或者单位", en="Of another case, scenario or organization"
        ),
        Refused.RECEIPT_EXPIRED: Label(zh="核查已过有效期", en="The check is out of date"),
        Refused.OUTCOME_REPORTED: Label(zh="已登记其他结果", en="Another outcome was reported already"),
        Refused.OUTCOME_INCOMPLETE: Label(zh="应查必查尚不完整", en="A mandatory check is not whole"),
        Refused.OUTCOME_BEFORE_CHECK: Label(zh="早于核查", en="Concluded before the check"),
        Refused.OUTCOME_OWN_CASE: Label(zh="本人的办件", en="The officer's own case"),
        Refused.OUTCOME_OFFICER: Label(zh="须为工号，不得为姓名或者证件号", en="No staff reference"),
        Refused.OUTCOME_REASONS: Label(
            zh="理由缺失、过长或者含个人号码", en="Reasons missing, too long, or with a personal number"
        ),
        Refused.OUTCOME_NOTICE: Label(zh="未事先告知或者未给予陈述机会", en="No prior notice, or no hearing"),
        Refused.OUTCOME_MEASURE: Label(zh="不是该场景可采取的措施", en="No measure of the scenario"),
        Refused.MEASURE_UNKNOWN: Label(zh="该办件无此措施", en="No such measure in this case"),
        Refused.MEASURE_STEP: Label(zh="当前状态不能进行此步", en="Not a step from where it stands"),
        Refused.MEASURE_FEEDBACK: Label(zh="反馈须说明是否已执行", en="Feedback says whether it was done"),
        Refused.MEASURE_DISPUTED: Label(zh="异议处理中", en="An objection is under way"),
    },
)
named_enum(
    OutcomeKind,
    "OutcomeKind",
    Label(zh="办理结果", en="What a named person concluded"),
    {
        OutcomeKind.GRANTED: Label(zh="准予", en="Granted"),
        OutcomeKind.GRANTED_WITH_CONDITIONS: Label(zh="附条件准予", en="Granted with conditions"),
        OutcomeKind.DECLINED: Label(zh="不予", en="Declined"),
        OutcomeKind.NOT_PURSUED: Label(zh="未作出结果即终结", en="The case ended without a conclusion"),
    },
)
named_enum(
    Hearing,
    "Hearing",
    Label(zh="听取陈述申辩", en="Whether the subject could speak before"),
    {
        Hearing.NOT_OFFERED: Label(zh="未给予", en="Not offered"),
        Hearing.OFFERED: Label(zh="已给予，当事人未陈述", en="Offered; nothing was said within the term"),
        Hearing.HELD: Label(zh="已听取", en="Held"),
    },
)
named_enum(
    MeasureState,
    "MeasureState",
    Label(zh="措施状态", en="Where a measure stands"),
    {
        MeasureState.INITIATED: Label(zh="发起", en="Initiated"),
        MeasureState.NOTIFIED: Label(zh="已告知", en="The subject was told what is intended, and why"),
        MeasureState.RESPONDED: Label(zh="响应", en="The subject was heard, or let the term pass"),
        MeasureState.EXECUTED: Label(zh="执行", en="Executed"),
        MeasureState.FED_BACK: Label(zh="已反馈", en="It was said whether it was done"),
        MeasureState.CLOSED: Label(zh="办结", en="Closed"),
        MeasureState.SUSPENDED: Label(zh="中止：异议处理中", en="Suspended, for an objection"),
        MeasureState.REVOKED: Label(zh="撤销：更正", en="Revoked: it should not have been"),
        MeasureState.ENDED: Label(zh="终止：期满或者修复", en="Ended: its time is over, or it was repaired"),
    },
)


def _input(zh: str, en: str, **options: Any) -> Any:
    return strawberry.field(description=bilingual(zh, en), **options)


@strawberry.input(description=bilingual("办理结果登记", "What a named person concluded, and how"))
class OutcomeInput:
    """Reasons are kept as a digest; they themselves are in what was served on the subject."""

    result: OutcomeKind = _input("结果", "What was concluded")
    officer: str = _input("责任人工号，不得为姓名", "Who answers for it, by staff reference, never a name")
    concludedOn: str = _input("日期", "On which day, YYYY-MM-DD")
    reasons: str = _input("理由，最多 500 字", "Why, at most 500 characters")
    receipt: str | None = _input(
        "回执；空为未核查", "The receipt of the check; null says that nobody checked", default=None
    )
    noticedOn: str | None = _input(
        "事先告知日期；空为未告知", "When the subject was told beforehand; null: not", default=None
    )
    hearing: Hearing = _input("听取陈述申辩", "Whether the subject could speak", default=Hearing.NOT_OFFERED)
    measures: list[str] = _input(
        "采取的措施代码，限该场景所列",
        "Codes of measures taken, of those of the scenario",
        default_factory=list,
    )


@strawberry.input(description=bilingual("措施进展登记", "One step of a measure"))
class MeasureStepInput:
    """By a named person."""

    id: strawberry.ID = _input("措施编号", "Id of the measure")
    state: MeasureState = _input("进入的状态", "To which state")
    officer: str = _input("责任人工号，不得为姓名", "Who answers for it, by staff reference, never a name")
    doneOn: str = _input("日期", "On which day, YYYY-MM-DD")
    executed: bool | None = _input("反馈：是否已执行", "With FED_BACK: whether it was done", default=None)


@strawberry.type(description=bilingual("采取的措施", "A measure that somebody took"))
class TakenMeasure:
    """As it stands now."""

    id: strawberry.ID = described("措施编号", "Id", AUTHORIZED)
    measureCode: str = described("措施代码", "Its code in the list", AUTHORIZED)
    state: MeasureState = described("状态", "Where it stands", AUTHORIZED)


@strawberry.type(description=bilingual("已登记的办理结果", "An outcome that is kept"))
class OutcomeReported:
    """The same report again gives the same answer."""

    id: strawberry.ID = described("登记编号", "Id", AUTHORIZED)
    overridden: list[RecordTypeCode] = described(
        "核查时未知的信息类型", "Record types the check did not know", AUTHORIZED
    )
    measures: list[TakenMeasure] = described("采取的措施", "The measures, as they stand now", AUTHORIZED)


@strawberry.type(description=bilingual("未登记", "Why nothing was kept"))
class OutcomeRefusal:
    """Nothing was changed."""

    code: Refused = described("代码", "Code")
    message: str = described("说明", "What to do")


OutcomeResult = Annotated[
    OutcomeReported | OutcomeRefusal,
    strawberry.union("OutcomeResult", description=bilingual("登记结果", "Kept, or why it was not")),
]
MeasureResult = Annotated[
    TakenMeasure | OutcomeRefusal,
    strawberry.union("MeasureResult", description=bilingual("登记结果", "Kept, or why it was not")),
]
Access = Annotated[
    AccessContext, strawberry.argument(description=bilingual("查询依据", "Basis of the operation"))
]


async def report_outcome(
    info: Info,
    input: Annotated[  # noqa: A002 - the customary name of a mutation's one argument
        OutcomeInput, strawberry.argument(description=bilingual("登记内容", "What was concluded"))
    ],
    access: Access,
) -> Any:
    """Keep it under the mandate and in the case of the check."""
    context: RequestContext = info.context

    async def report(grant: Statutory) -> OutcomeReported:
        today = context.services.receipts.now.date()
        told = Report(
            receipt=input.receipt,
            kind=input.result,
            officer=input.officer,
            concluded_on=day_of(input.concludedOn, date.min, today),
            reasons=input.reasons,
            noticed_on=day_of(input.noticedOn, date.min, today) if input.noticedOn is not None else None,
            hearing=input.hearing,
            measures=tuple(input.measures),
        )
        kept = await context.services.outcomes.report(told, scenario_of(context), grant, context.query)
        return OutcomeReported(
            id=strawberry.ID(kept.id),
            overridden=[RecordTypeCode(code) for code in kept.overridden],
            measures=[_shown(one) for one in kept.measures],
        )

    return await _kept(context, report)


async def advance_measure(
    info: Info,
    input: Annotated[  # noqa: A002
        MeasureStepInput, strawberry.argument(description=bilingual("登记内容", "What was done"))
    ],
    access: Access,
) -> Any:
    """Make the step under the mandate and in the case of the measure."""
    context: RequestContext = info.context

    async def advance(grant: Statutory) -> TakenMeasure:
        now = context.services.receipts.now
        day = day_of(input.doneOn, date.min, now.date())
        step = Step(input.state, input.officer, grant.actor.operator, day, now, input.executed)
        return _shown(await context.services.measures.advance(str(input.id), step, grant, context.query))

    return await _kept(context, advance)


async def _kept(context: RequestContext, act: Callable[[Statutory], Awaitable[Any]]) -> Any:
    """What the act came to, or why it was refused; either way the log holds it."""
    grant = grant_of_operation(context)
    async with RefusalsRecorded(context):
        if not isinstance(grant, Statutory):
            raise AccessDenied("ACTOR_NOT_ALLOWED", "Outcomes are for case officers of an authority.")
        try:
            return await act(grant)
        except AccessDenied as refusal:
            if refusal.code not in set(Refused):
                raise
            await denied(context, refusal.code)
            return OutcomeRefusal(code=Refused(refusal.code), message=refusal.message)


def _shown(measure: Measure) -> TakenMeasure:
    return TakenMeasure(id=strawberry.ID(measure.id), measureCode=measure.code, state=measure.state)
