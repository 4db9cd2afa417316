"""Break one thing at a time: a scenario that says it proves it must notice.

A mutation test, so it reaches into modules; nothing of ours is replaced by a stand-in.
"""

import pytest

from tests.support.deployment import Stage
from tests.support.mutations import Mutation, mutations
from tests.support.scenario_run import problems
from tests.support.scenarios import proving

UNNOTICED = {
    "drop forbid.subject-kind": "the planner refuses a type of another kind before the policy is asked",
    "drop forbid.consent-level": "an item of that level names no field, so forbid.consent-field denies",
    "drop mask.name": "mask.declared then applies M_NAME_PUB, which masks as M_NAME does",
    "no M_NAME_PUB": "mask.name puts M_NAME in its place",
    "take any status for active": "the connector rejects a row whose status is no known word",
}
"""Faults that change no answer, and why; each is shown to go unnoticed, so that the list stays true."""

FAULTS = mutations()


async def _noticed(stage: Stage, mutation: Mutation) -> bool:
    with mutation.applied():
        for scenario in proving(mutation.breaks):
            if await problems(stage, scenario):
                return True
    return False


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("mutation", FAULTS, ids=[mutation.name for mutation in FAULTS])
async def test_a_fault_is_noticed(stage: Stage, mutation: Mutation) -> None:
    assert await _noticed(stage, mutation) is (mutation.name not in UNNOTICED)


def test_what_goes_unnoticed_is_still_a_fault_that_can_be_made() -> None:
    assert UNNOTICED.keys() <= {mutation.name for mutation in FAULTS}
