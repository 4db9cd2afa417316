"""`me { measures }`: what somebody did about a person after a check; never the officer's staff number."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types.info import Info

from authz.outcomes.states import MeasureState
from authz.outcomes.tables import Measure
from resolvers.checks.types import AUTHORIZED
from resolvers.consents import person_of
from resolvers.context import RequestContext
from resolvers.fields import bilingual, described
from resolvers.scalars import ScenarioCode, Uscc


@strawberry.type(description=bilingual("措施的一步进展", "One step of a measure"))
class MyMeasureStep:
    """In the order in which they were reported."""

    state: MeasureState = described("状态", "To which state", AUTHORIZED)
    on: str = described("日期", "On which day, YYYY-MM-DD", AUTHORIZED)


@strawberry.type(description=bilingual("对本人采取的措施", "A measure about oneself"))
class MyMeasure:
    """By its id, as notices point to it."""

    id: strawberry.ID = described("措施编号", "Id", AUTHORIZED)
    measureCode: str = described("措施代码", "Its code in the list", AUTHORIZED)
    state: MeasureState = described("状态", "Where it stands", AUTHORIZED)
    scenario: ScenarioCode = described("场景", "Scenario", AUTHORIZED)
    caseNo: str = described("办件编号", "Number of the case", AUTHORIZED)
    organizationUscc: Uscc = described("单位代码", "Code of the organization", AUTHORIZED)
    steps: list[MyMeasureStep] = described("进展", "What was done, and when", AUTHORIZED)


async def my_measures(self: Any, info: Info) -> Any:
    """Newest first."""
    context: RequestContext = info.context
    refs = context.services.references.audit_refs(person_of(context))
    return [_shown(each) for each in await context.services.measures.of_subject(refs)]


def _shown(measure: Measure) -> MyMeasure:
    return MyMeasure(
        id=strawberry.ID(measure.id),
        measureCode=measure.code,
        state=measure.state,
        scenario=ScenarioCode(measure.scenario),
        caseNo=measure.case_no,
        organizationUscc=Uscc(measure.organization),
        steps=[MyMeasureStep(state=step.state, on=step.on_day.isoformat()) for step in measure.steps],
    )
