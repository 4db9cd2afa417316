"""The demo county for tests: generated once on SQLite, its fixed cast, and the tax bureau's service."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

import yaml
from aiohttp.test_utils import TestServer

from catalogue.identifiers import SubjectKey, citizen_id_15

COUNTY: Final = Path(__file__).parents[2] / "examples" / "county"
TODAY: Final = date(2026, 11, 21)
"""The newest day of the county's data; tests read on this day."""
BYSTANDERS: Final = ("--persons", "12", "--entities", "6")
"""Random rows beside the cast, so that no table holds one subject only."""
PHONES: Final = ("13800138000", "6281234")
"""Of the cast's free texts; never to be seen by anyone else."""


def write_county(folder: Path) -> dict[str, str]:
    """Generate the databases into `folder`; returns the variables that the manifests read."""
    command = [sys.executable, str(COUNTY / "generate.py"), "--out", str(folder), *BYSTANDERS]
    subprocess.run([*command, "--today", str(TODAY)], check=True, capture_output=True)
    lines = (folder / "county.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


@asynccontextmanager
async def tax_service(folder: Path) -> AsyncIterator[str]:
    """The tax bureau's REST service on a real port; yields its base URL."""
    application = _tax_module().application(folder / "tax.db", "demo-only-secret", rate=10_000)
    server = TestServer(application)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


def _tax_module() -> ModuleType:
    spec = spec_from_file_location("county_tax_service", COUNTY / "tax_service.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def cast() -> Mapping[str, SubjectKey]:
    """The fixed cast by name: persons and entities."""
    script = yaml.safe_load((COUNTY / "cast.yaml").read_text("utf-8"))
    found = {one["name"]: SubjectKey.person(one["id"]) for one in script["persons"]}
    return found | {one["name"]: SubjectKey.entity(one["uscc"]) for one in script["entities"]}


@cache
def citizen_ids() -> frozenset[str]:
    """Every number of the cast's persons, in both lengths."""
    full = {key.value for key in cast().values() if key.kind.value == "CITIZEN_ID"}
    return frozenset(full | {short for number in full if (short := citizen_id_15(number))})


@cache
def person_names() -> frozenset[str]:
    """The full names of the cast's persons."""
    return frozenset(name for name, key in cast().items() if key.kind.value == "CITIZEN_ID")
