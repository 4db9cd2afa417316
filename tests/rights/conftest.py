"""A town of its own for each file: what is filed there stays in its store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.consent.conftest import Town
from tests.support.deployment import county_stage
from tests.support.rights import Rights
from tests.support.scenarios import OVERLAY


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rights(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rights]:
    async with county_stage(tmp_path_factory.mktemp("rights"), OVERLAY, "default") as running:
        yield Rights(Town(running))
