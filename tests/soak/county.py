"""The county of the soak: departments on PostgreSQL, MariaDB, SQLite and HTTP, each with its faults."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.engine import URL, make_url

from examples.county.generator.county import County, database_urls, environment, generate
from examples.county.generator.writer import drop_database
from tests.soak.faults import SESSIONS, Fault, Service, of_file, of_line
from tests.support.county import COUNTY
from tests.support.databases import Database, server_url
from tests.support.network import Line
from tests.support.processes import Home, Server, free_port, listens, serving, settle, wait_for

ENGINES = {"psb": "postgresql", "court": "postgresql", "market": "mariadb", "hr": "mariadb"}
OPEN_FOR = 1.0
DEADLINE = 2.0
"""Seconds. Long enough that a busy machine is not taken for a fault of ours."""
POOL = 4
SETTINGS = {"log": {"level": "ERROR"}, "limits": {"public_subjects_per_minute": 10_000_000}}


@dataclass(frozen=True)
class Soaked:
    """What runs, and what can happen to it."""

    server: Server
    faults: Mapping[str, Mapping[str, Fault]]
    databases: Mapping[str, Database]

    async def sessions(self) -> dict[str, int]:
        """Connections that each database server counts."""
        return {
            name: len(await owner.fetch(SESSIONS[owner.engine].format(make_url(owner.url).database)))
            for name, owner in self.databases.items()
        }


@asynccontextmanager
async def soaked(dice: random.Random) -> AsyncIterator[Soaked]:
    """Everything up; taken down behind the block."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    prefix = f"gateway_soak_{uuid.uuid4().hex[:8]}_"
    urls = _urls(folder, prefix)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        await generate(County(persons=40, entities=20), urls)
        stack.push_async_callback(_drop, urls)
        lines, databases = {}, {}
        for name, engine in ENGINES.items():
            databases[name] = Database(engine, urls[name].render_as_string(hide_password=False))
            lines[name] = line = Line(urls[name].host or "127.0.0.1", urls[name].port or 0)
            await line.open()
            stack.push_async_callback(line.close)
        port = free_port()
        tax = Service(lambda: _tax(urls["tax"], port))
        stack.callback(tax.close)
        home = _settled(folder / "home", urls, lines, port)
        server = stack.enter_context(serving(home))
        faults: dict[str, Mapping[str, Fault]] = {
            name: of_line(line, databases[name], str(urls[name].database), dice)
            for name, line in lines.items()
        }
        for name in ("housing", "civil", "sgs"):
            faults[name] = of_file(Path(str(urls[name].database)))
        yield Soaked(server, {**faults, "tax": tax.faults()}, databases)


def _urls(folder: Path, prefix: str) -> dict[str, URL]:
    urls = dict(database_urls(folder))
    for name, engine in ENGINES.items():
        urls[name] = make_url(server_url(engine)).set(database=prefix + name)
    return urls


def _settled(folder: Path, urls: Mapping[str, URL], lines: Mapping[str, Line], tax_port: int) -> Home:
    through = {name: urls[name].set(host="127.0.0.1", port=line.port) for name, line in lines.items()}
    variables = environment({**urls, **through}) | {"COUNTY_TAX_URL": f"http://127.0.0.1:{tax_port}"}
    clients = yaml.safe_load((COUNTY / "clients.yaml").read_text("utf-8"))
    for client in clients:
        client["use"] = {"subjects": dict.fromkeys(("perMinute", "perHour", "perDay"), 10_000_000)}
    home = settle(folder, variables, clients="clients.yaml", **SETTINGS)
    (folder / "clients.yaml").write_text(yaml.safe_dump(clients, allow_unicode=True), "utf-8")
    for path in (COUNTY / "sources").glob("*.yaml"):
        home.manifest(path.stem, _paced)
    return home


def _paced(manifest: dict[str, Any]) -> None:
    manifest |= {
        "deadlineMs": int(DEADLINE * 1000),
        "pool": POOL,
        "inFlight": 64,
        "breaker": {"failures": 5, "openForMs": int(OPEN_FOR * 1000)},
    }
    manifest.pop("ratePerSecond", None)


def _tax(url: URL, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(COUNTY / "tax_service.py"), "--data", str(url.database)]
    process = subprocess.Popen([*command, "--port", str(port), "--rate", "1000000"])
    wait_for(lambda: listens(port), "the tax bureau")
    return process


async def _drop(urls: Mapping[str, URL]) -> None:
    await asyncio.gather(*(drop_database(urls[name]) for name in ENGINES))
