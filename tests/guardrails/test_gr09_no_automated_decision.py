"""GR-09: the gateway states facts. Nothing in a check decides, and doubt turns against nobody."""

from __future__ import annotations

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type

from catalogue import guardrails
from resolvers.schema import build_schema
from resolvers.shape import shape_problems
from tests.checks.conftest import Office, office  # noqa: F401 - the fixture
from tests.checks.test_reported_outcomes import RESTRICTED, advanced, reported
from tests.support.questions import catalogue

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_no_word_of_a_verdict_stands_anywhere_in_a_check():
    schema = build_schema(catalogue()).executable
    waiting = ["CheckResult", "ManualCheckInput", "RelatedPersonInput"]
    waiting += ["OutcomeInput", "OutcomeReported", "OutcomeRefusal", "MeasureStepInput", "MyMeasure"]
    seen, words = set(), []
    while waiting:
        name = waiting.pop()
        kind = schema.get_type(name)
        if name in seen or kind is None:
            continue
        seen.add(name)
        if isinstance(kind, GraphQLEnumType):
            words += [value.lower() for value in kind.values]
        for field_name, field in getattr(kind, "fields", {}).items():
            words += [field_name, *getattr(field, "args", {})]
            waiting.append(get_named_type(field.type).name)
    assert {"CheckItem", "CheckPredicate", "CheckMeasure", "CheckFinding"} <= seen
    assert [word for word in words if guardrails.VERDICTS.find(word) or guardrails.SCORES.find(word)] == []


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("recommendation: String", "GR09"),
        ("decision: Boolean", "GR09"),
        ("approve: Boolean", "GR09"),
        ("creditScore: String", "GR01"),
        ("grade: String", "GR01"),
        ("total: Int", "GR01"),
        ("ratio: Float", "GR01"),
    ],
)
async def test_a_check_that_would_decide_or_grade_breaks_the_lint(field: str, code: str):
    sdl = build_schema(catalogue()).sdl
    assert shape_problems(sdl) == []
    broken = sdl.replace("type CheckResult {", f"type CheckResult {{\n  {field}", 1)
    assert [problem.code for problem in shape_problems(broken)] == [code]


async def test_no_mutation_of_the_check_takes_a_measure():
    mutation = build_schema(catalogue()).executable.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    assert not set(mutation.fields["mustCheck"].args) & {"measure", "measures", "decision", "outcome"}


async def test_the_green_channel_s_no_is_the_ordinary_channel(office: Office):  # noqa: F811
    """No measure follows from it, for nobody is worse off for having asked."""
    refused = await office.check("S16", "测试甲")
    assert (refused.truths["NO_ADVERSE_36M"], refused.measures) == ("FALSE", [])
    assert all(attached.code.startswith("I") for attached in catalogue().scenarios["S16"].measures)


async def test_a_restriction_needs_a_record_that_counts(office: Office):  # noqa: F811
    for scenario, about in (("S04", "异议样例"), ("S04", "样例乙"), ("S06", "样例乙"), ("S11", "样例乙")):
        checked = await office.check(scenario, about)
        assert [code for code, _, _ in checked.measures if code.startswith("R")] == [], (scenario, about)


async def test_a_restriction_needs_a_named_human_notice_and_a_hearing(office: Office):  # noqa: F811
    checked = await office.check("S04", "测试甲")
    for missing in ({"noticedOn": None}, {"hearing": "NOT_OFFERED"}):
        assert (await reported(office, checked, **RESTRICTED | missing))["code"] == "OUTCOME_NOTICE"
    assert (await reported(office, checked, **RESTRICTED | {"officer": ""}))["code"] == "OUTCOME_OFFICER"
    (measure,) = (await reported(office, checked, **RESTRICTED))["measures"]
    assert await advanced(office, checked, measure["id"], "EXECUTED") == "MEASURE_STEP"
