"""The demo county as the connectors see it: its catalogue, its cast, and its sources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from aiohttp import web

from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue
from connectors.protocol import Answer, Ask, Source
from connectors.registry import load_sources
from examples.county import tax_service
from tests.support.unhurried import copy_unhurried

COUNTY = Path(tax_service.__file__).parent
SECRET = "demo-only-secret"


@cache
def catalogue() -> Catalogue:
    return load_catalogue(COUNTY / "catalogue")


@cache
def cast() -> dict[str, SubjectKey]:
    """The fixed cast by name."""
    written: dict[str, list[dict[str, Any]]] = yaml.safe_load((COUNTY / "cast.yaml").read_text("utf-8"))
    found = {person["name"]: SubjectKey.person(person["id"]) for person in written["persons"]}
    return found | {entity["name"]: SubjectKey.entity(str(entity["uscc"])) for entity in written["entities"]}


@asynccontextmanager
async def serving_tax(data: Path, rate: float = 10_000) -> AsyncIterator[str]:
    """The tax bureau's service over a file; yields its address."""
    runner = web.AppRunner(tax_service.application(data, SECRET, rate))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sources(environment: Mapping[str, str]) -> AsyncIterator[dict[str, Source]]:
    """All sources of the county's manifests, closed behind the test."""
    with TemporaryDirectory() as folder:
        found = load_sources(copy_unhurried(COUNTY / "sources", Path(folder)), catalogue(), environment)
    try:
        yield found
    finally:
        for source in found.values():
            await source.close()


async def ask(source: Source, code: str, *keys: SubjectKey) -> Answer:
    """Every field of a record type for some subjects."""
    fields = frozenset(catalogue().record_types[code].field_by_name)
    return await source.fetch(Ask(code, fields, keys))
