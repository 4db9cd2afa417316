"""The five stories, on SQLite with one process of the gateway and on PostgreSQL with two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import ModuleType

import pytest
import pytest_asyncio

from tests.stories import STORIES
from tests.stories.county import County, county

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    scope="module",
    loop_scope="session",
)
async def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[County]:
    async with county(request.param, tmp_path_factory.mktemp(request.param), print) as running:
        yield running


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.rpartition(".")[2])
async def test_it_ends_as_the_law_promises(here: County, story: ModuleType):
    await story.play(here)
