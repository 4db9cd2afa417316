"""Nothing of the policy, the masks or the clocks is without a scenario."""

import pytest

from authz.lifecycle import Effect
from authz.rules import RULES
from tests.support.coverage_matrix import possible, shown
from tests.support.deployment import Stage
from tests.support.mutations import masks_in_use, mutations
from tests.support.scenario_run import ask
from tests.support.scenarios import scenarios

PROVED = {what for scenario in scenarios().values() for what in scenario.proves}


@pytest.mark.asyncio(loop_scope="session")
async def test_every_grant_class_and_mask_is_shown_in_each_way_the_policy_treats_it(stage: Stage) -> None:
    found = set()
    for scenario in scenarios().values():
        found |= shown(stage.deployment, scenario, await ask(stage, scenario))
    missing = possible(stage.deployment) - found
    assert sorted(missing, key=str) == []


def test_every_rule_of_the_policy_is_proved() -> None:
    assert {rule.id for rule in (*RULES.forbid, *RULES.permit, *RULES.presence, *RULES.masks)} <= PROVED


def test_every_mask_in_use_is_proved() -> None:
    assert masks_in_use() <= PROVED


def test_every_effect_of_the_clocks_is_proved() -> None:
    assert {effect.value for effect in Effect} <= PROVED


def test_whatever_a_scenario_claims_to_prove_can_be_broken() -> None:
    assert {mutation.breaks for mutation in mutations()} | {"clock.running"} == PROVED


def test_every_scenario_of_a_basis_states_what_becomes_of_it() -> None:
    """A scenario that expects nothing proves nothing."""
    silent = [
        scenario.name
        for scenario in scenarios().values()
        if not scenario.expected and not scenario.errors and not scenario.must_not_appear
    ]
    assert silent == []
