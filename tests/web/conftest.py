"""One county with pages for all tests of this folder, and visitors of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.pages import Site, Visitor, pages_stage, visitor


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(tmp_path_factory) -> AsyncIterator[Site]:
    async with pages_stage(tmp_path_factory.mktemp("pages")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def someone(site: Site) -> AsyncIterator[Visitor]:
    async with visitor(site) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def another(site: Site) -> AsyncIterator[Visitor]:
    async with visitor(site) as found:
        yield found
