"""One running county for all scenarios."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.deployment import Stage, county_stage
from tests.support.scenarios import OVERLAY


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with county_stage(tmp_path_factory.mktemp("county"), OVERLAY, "default", "zj-330800") as running:
        yield running
