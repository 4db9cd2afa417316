"""Every scenario of `tests/scenarios/*.yaml`, asked over HTTP of a county of real databases."""

import pytest

from tests.support.deployment import Stage
from tests.support.scenario_run import problems
from tests.support.scenarios import Scenario, scenarios

SUITE = list(scenarios().values())
EXPECTED_COUNT = 142
"""Raise it with each scenario: none may go missing in silence."""
_ran: set[str] = set()


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("scenario", SUITE, ids=[scenario.id for scenario in SUITE])
async def test_the_gateway_does_what_the_scenario_says(stage: Stage, scenario: Scenario) -> None:
    _ran.add(scenario.name)
    assert await problems(stage, scenario) == []


def test_every_scenario_ran(request: pytest.FixtureRequest) -> None:
    """All that are written, or all that the person who runs the tests has asked for."""
    asked_for = {
        item.callspec.params["scenario"].name
        for item in request.session.items
        if getattr(item, "function", None) is test_the_gateway_does_what_the_scenario_says
    }
    assert len(SUITE) == EXPECTED_COUNT
    assert _ran == asked_for
