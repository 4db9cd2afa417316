"""The demo county for tests: generated on SQLite, its fixed cast, and the tax bureau's service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import yaml
from aiohttp.test_utils import TestServer

from catalogue.identifiers import KeyKind, SubjectKey, citizen_id_15
from examples.county import tax_service
from examples.county.generator.county import County, database_urls, environment, generate

COUNTY: Final = Path(tax_service.__file__).parent
TODAY: Final = date(2026, 11, 21)
"""The newest day of the county's data; tests read on this day."""
PHONE: Final = "13800138000"
"""Of everybody in the cast's free texts; nobody ever needs to see it."""
_SMALL: Final = County(persons=12, entities=6, today=TODAY)
"""Some bystanders beside the cast, so that no table holds one subject only."""


async def write_county(folder: Path) -> dict[str, str]:
    """Generate the databases into `folder`; returns the variables that the manifests read."""
    urls = database_urls(folder)
    await generate(_SMALL, urls)
    return environment(urls)


@asynccontextmanager
async def serving_tax(folder: Path) -> AsyncIterator[str]:
    """The tax bureau's REST service on a real port; yields its base URL."""
    server = TestServer(tax_service.application(folder / "tax.db", "demo-only-secret", rate=10_000))
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


@cache
def cast() -> Mapping[str, SubjectKey]:
    """The fixed cast by name: persons and entities."""
    script = yaml.safe_load((COUNTY / "cast.yaml").read_text("utf-8"))
    persons = {one["name"]: SubjectKey.person(one["id"]) for one in script["persons"]}
    return persons | {one["name"]: SubjectKey.entity(one["uscc"]) for one in script["entities"]}


@cache
def personal_values() -> frozenset[str]:
    """Full names and numbers, in both lengths, of the cast's persons."""
    keys = {name: key.value for name, key in cast().items() if key.kind is KeyKind.CITIZEN_ID}
    short = {digits for number in keys.values() if (digits := citizen_id_15(number))}
    return frozenset({*keys, *keys.values(), *short})
