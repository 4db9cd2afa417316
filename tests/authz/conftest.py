from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import Database, throwaway


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def own_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """The gateway's own store, on both engines it may live on."""
    async with throwaway(request.param, tmp_path) as found:
        yield found
