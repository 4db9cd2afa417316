"""What the operating system and the databases counted."""

from __future__ import annotations

import asyncio
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from bench.databases import connected, server, urls
from bench.tables import MARIADB, POSTGRESQL, SOURCES

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PACKAGES: Final = (
    "strawberry-graphql",
    "graphql-core",
    "starlette",
    "uvicorn",
    "uvloop",
    "asyncpg",
    "asyncmy",
    "SQLAlchemy",
)


def cpu_seconds(process: int) -> float:
    """User and system time of a process and its threads so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def machine_busy(seconds: float = 0.5) -> float:
    """Percent of all cores' time that is used now, by whomever; asked while nothing of ours runs."""
    return psutil.cpu_percent(interval=seconds)


def resident_mib(process: int) -> float:
    """Resident memory now."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements the servers ran: PostgreSQL's for our databases, MariaDB's for everyone."""

    postgresql: int
    mariadb: int

    def __sub__(self, earlier: Statements) -> Statements:
        return Statements(self.postgresql - earlier.postgresql, self.mariadb - earlier.mariadb)


def statements(persons: int) -> Statements:
    """Totals so far. Sessions report when they end, so ask after a contender has stopped."""
    return asyncio.run(_statements(persons))


async def _statements(persons: int) -> Statements:
    names = [urls(persons)[source].database for source, engine in SOURCES.items() if engine == POSTGRESQL]
    listed = ", ".join(f"'{name}'" for name in names)
    async with connected(server(POSTGRESQL)) as database:
        # each statement of an autocommit session is one transaction
        committed = await database.fetch(
            f"SELECT sum(xact_commit)::bigint FROM pg_stat_database WHERE datname IN ({listed})"
        )
    async with connected(server(MARIADB)) as database:
        selected = await database.fetch("SHOW GLOBAL STATUS LIKE 'Com_select'")
    return Statements(int(committed[0][0]), int(selected[0][1]))


def machine() -> dict[str, object]:
    """Where and with what the figures were taken."""
    cpu = (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": next(cpu, ": unknown").partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "memoryGiB": round(pages / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "loadBefore": round(os.getloadavg()[0], 1),
        "databases": asyncio.run(_versions()),
        "packages": {name: version(name) for name in _PACKAGES},
    }


async def _versions() -> dict[str, str]:
    found = {}
    for engine, question in ((POSTGRESQL, "SHOW server_version"), (MARIADB, "SELECT version()")):
        async with connected(server(engine)) as database:
            found[engine] = str((await database.fetch(question))[0][0])
    return found
