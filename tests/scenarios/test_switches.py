"""The kill switch of a scenario bites in a running gateway: between two requests, and within one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio

from authz.register.acts import Register
from authz.register.events import Item, Kind
from authz.register.standing import State
from connectors.protocol import Answer as SourceAnswer
from connectors.protocol import Ask
from tests.support.deployment import Stage
from tests.support.processes import eventually
from tests.support.recording import Recorded
from tests.support.scenario_run import Answer, ask
from tests.support.scenarios import Scenario

pytestmark = pytest.mark.asyncio(loop_scope="session")

S04 = Item(Kind.SCENARIO, "S04")
OFFICER = Scenario.model_validate(
    {
        "name": "what an officer of S04 reads",
        "actor": {"client": "hr-approval"},
        "grant": {"scenario": "S04", "caseNo": "RSKS-2026-0001"},
        "about": "测试甲",
        "query": """query Switch($who: SubjectLookup!, $access: AccessContext!) {
          subject(lookup: $who, access: $access) { displayName ... on NaturalPerson {
            judicial { judgmentDefaults { state records { caseNo } } } } } }""",
    }
)


def codes(answer: Answer) -> list[str]:
    return [error["extensions"]["code"] for error in answer.content.get("errors", ())]


@pytest_asyncio.fixture(loop_scope="session")
async def register(stage: Stage) -> AsyncIterator[Register]:
    """The credit office's register; S04 runs again behind each test."""
    built = stage.deployment
    office = Register(built.store, built.audit, built.catalogue, built.mandates)
    yield office
    for who in ("op-0101", "op-0102"):
        if (await office.standing(S04)).state is not State.RUNNING:
            await office.resume(S04, who, "测试结束")

    async def runs() -> bool:
        return not codes(await ask(stage, OFFICER))

    await eventually(runs)


async def test_a_scenario_stopped_between_two_requests_answers_nothing_more(
    stage: Stage, register: Register
) -> None:
    assert codes(await ask(stage, OFFICER)) == []
    await register.stop(S04, "op-0100", "系统异常")

    async def refused_at_the_door() -> bool:
        answer = await ask(stage, OFFICER)
        assert codes(answer) == ["SCENARIO_STOPPED"]
        assert "judgmentDefaults" not in answer.text, "not even an answer that was under way leaves"
        return answer.status == 403 and answer.questions == ()

    await eventually(refused_at_the_door)


async def test_a_scenario_stopped_within_a_request_keeps_its_answer_back(
    stage: Stage, register: Register
) -> None:
    behind = Recorded.fetch

    async def stopping(source: Recorded, asked: Ask) -> SourceAnswer:
        """The switch goes off after the department has been asked, before it has answered."""
        if (await register.standing(S04)).state is State.RUNNING:
            await register.stop(S04, "op-0100", "系统异常")
        return await behind(source, asked)

    with patch.object(Recorded, "fetch", stopping):
        answer = await ask(stage, OFFICER)
    assert codes(answer) == ["SCENARIO_STOPPED"]
    assert answer.content["data"] is None or answer.content["data"]["subject"] is None
    assert answer.questions, "the department had been asked"
    phases: list[tuple[str, Any]] = [(leaf["phase"], leaf.get("result")) for leaf in answer.leaves]
    assert phases == [("INTENT", None), ("REGISTER", None), ("OUTCOME", "DENY")]
    assert answer.leaves[-1]["codes"] == ["SCENARIO_STOPPED"]
