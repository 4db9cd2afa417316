"""One small county on SQLite, generated once; every test reads it, none writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.protocol import Source
from examples.county.generator.county import County, database_urls, environment, generate
from tests.support.county_sources import serving_tax, sources

SMALL = County(persons=300, entities=100)


@dataclass(frozen=True)
class Written:
    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("county")
    urls = database_urls(folder)
    asyncio.run(generate(SMALL, urls))
    return Written(folder, environment(urls))


@pytest.fixture
async def county(written: Written) -> AsyncIterator[dict[str, Source]]:
    """The county's sources, by name, with the tax bureau's service running."""
    async with (
        serving_tax(written.folder / "tax.db") as tax,
        sources(written.environment | {"COUNTY_TAX_URL": tax}) as found,
    ):
        yield found
