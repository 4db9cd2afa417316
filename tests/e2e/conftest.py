"""One generated county on every engine, and gateways over copies of it that tests may break."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import make_url

from examples.county.generator.county import database_urls, environment, generate
from examples.county.generator.writer import drop_database
from tests.support.databases import Database, server_url
from tests.support.departments import COUNTY, PATIENT_MS, Departments, Settle, county_files, settled
from tests.support.processes import Server, free_port, serving, settle, tax_bureau

SHORT_MS: Final = 10_000
__all__ = ["county_files", "settled"]

NAPS: Final = {
    ("postgresql", "housing"): "SELECT pg_sleep(seconds) FROM pace OFFSET 0",
    ("postgresql", "civil"): "SELECT pg_sleep(seconds) FROM pace OFFSET 0",
    ("mariadb", "housing"): "SELECT SLEEP(seconds) AS slept FROM pace LIMIT 1",
    # a sleep would notice by itself that its client has gone; work does not
    ("mariadb", "civil"): "SELECT BENCHMARK(seconds * 20000000, MD5(1)) AS worked FROM pace LIMIT 1",
}


@pytest.fixture(scope="session")
def server(settled: Settle) -> Iterator[Server]:
    """A gateway over SQLite files, shared by all tests that leave it as it was."""
    with serving(settled()) as running:
        yield running


@pytest.fixture(scope="session")
def departments(server: Server) -> Iterator[Departments]:
    """What stands behind `server`, up and running."""
    with ExitStack() as tax:
        found = Departments(server.home, tax)
        found.start_tax()
        yield found


@dataclass(frozen=True)
class EngineCounty:
    """The same county on a database server, with two departments that sleep on demand."""

    engine: str
    server: Server
    databases: dict[str, Database]

    async def pace(self, department: str, seconds: int) -> None:
        """How long housing (deadline short) or civil (deadline far away) takes from now on."""
        await self.databases[department].execute(f"UPDATE pace SET seconds = {seconds}")

    async def running(self, department: str) -> list[str]:
        """Statements over `pace` that the server is working on, in that department's database."""
        name = make_url(self.databases[department].url).database
        if self.engine == "postgresql":
            sql = (
                "SELECT application_name || ': ' || query FROM pg_stat_activity"
                f" WHERE datname = '{name}' AND state = 'active' AND pid <> pg_backend_pid()"
            )
        else:
            sql = (
                "SELECT info FROM information_schema.processlist"
                f" WHERE db = '{name}' AND id <> connection_id()"
            )
        statements = [row[0] for row in await self.databases[department].fetch(sql)]
        return [text for text in statements if text and "pace" in text]


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
)
def engine_county(
    request: pytest.FixtureRequest,
    server: Server,
    county_files: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EngineCounty]:
    """Seven departments on PostgreSQL or MariaDB; the tax bureau stays what it is."""
    folder = tmp_path_factory.mktemp(request.param)
    urls = database_urls(folder, server_url(request.param), prefix=f"gateway_e2e_{uuid.uuid4().hex[:8]}_")
    asyncio.run(generate(COUNTY, urls))
    databases = {
        name: Database(request.param, url.render_as_string(hide_password=False))
        for name, url in urls.items()
        if name != "tax"
    }
    port = free_port()
    variables = environment(urls) | {"COUNTY_TAX_URL": f"http://127.0.0.1:{port}"}
    # the keys of the other server, so that references and tokens are the same
    home = settle(folder / "home", variables, server.home.keys, deadlines={"operation_ms": PATIENT_MS})
    try:
        for department, deadline in (("housing", SHORT_MS), ("civil", PATIENT_MS // 2)):
            asyncio.run(_make_sleepy(databases[department]))
            nap = NAPS[request.param, department]
            home.manifest(department, partial(_sleepy, nap=nap, deadline_ms=deadline))
        with tax_bureau(county_files / "tax.db", port), serving(home) as server:
            yield EngineCounty(request.param, server, databases)
    finally:
        asyncio.run(_drop(urls))


async def _make_sleepy(database: Database) -> None:
    await database.execute("CREATE TABLE pace (seconds INTEGER)", "INSERT INTO pace VALUES (0)")


def _sleepy(manifest: dict[str, Any], nap: str, deadline_ms: int) -> None:
    """The same rows through a fixed query of the department that takes as long as `pace` says."""
    manifest["deadlineMs"] = deadline_ms
    for record in manifest["records"].values():
        slow = f"SELECT rows_of.* FROM {record.pop('table')} rows_of, ({nap}) nap"
        record["query"] = f"SELECT {{columns}} FROM ({slow}) slowly"


async def _drop(urls: Any) -> None:
    for name, url in urls.items():
        if name != "tax":
            await drop_database(url)
