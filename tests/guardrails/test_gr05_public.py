"""GR-05: time heals what anybody reads without a token, by code and as entities of a federation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from catalogue.identifiers import SubjectKey
from tests.support.ageing.gateway import Years, ageing, on_type, sections
from tests.support.ageing.oracle import Way, profiles
from tests.support.ageing.rows import BUSINESS, CHARITY, COMPANY, INSTITUTE, types_of
from tests.support.ageing.seen import Looking, days_for

pytestmark = pytest.mark.asyncio(loop_scope="session")
KINDS = (COMPANY, CHARITY, INSTITUTE)
NOBODY = "anonymous"


def of_kind(key: SubjectKey) -> str:
    return f"... on {on_type(key)} {{ {sections(types_of(key))} }}"


SELECTED = " ".join(map(of_kind, KINDS))
ENTITIES = f"query($them: [_Any!]!) {{ _entities(representations: $them) {{ {SELECTED} }} }}"
BY_CODE = f"query($uscc: String!) {{ enterprise(uscc: $uscc) {{ {sections(types_of(BUSINESS))} }} }}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def years(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Years]:
    async with ageing(tmp_path_factory.mktemp("gr05"), *profiles()) as running:
        yield running


@pytest.mark.parametrize("locality", profiles())
async def test_entities_are_published_no_longer_than_the_law_says(years: Years, locality: str):
    looking = [Looking(years, key, Way(locality, "PUBLIC"), NOBODY) for key in KINDS]
    them = [{"__typename": on_type(key), "uscc": key.value} for key in KINDS]
    faults = []
    for day in sorted({day for one in looking for day in days_for(one.key, one.way)}):
        answer = await years.ask(locality, day, ENTITIES, {"them": them})
        assert answer.codes == ()
        for one, node in zip(looking, answer.data["_entities"], strict=True):
            faults += one.faults(day, node, answer.denied)
    assert faults == []


@pytest.mark.parametrize("locality", profiles())
async def test_of_an_individual_business_what_is_published_of_persons(years: Years, locality: str):
    looking = Looking(years, BUSINESS, Way(locality, "PUBLIC"), NOBODY)
    faults = []
    for day in days_for(BUSINESS, looking.way):
        answer = await years.ask(locality, day, BY_CODE, {"uscc": BUSINESS.value})
        assert answer.codes == ()
        faults += looking.faults(day, answer.data["enterprise"], answer.denied)
    assert faults == []
