"""Database servers of this machine kept off the cores of the server and of the load, while a run lasts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.databases import connected, server
from bench.tables import MARIADB, POSTGRESQL


@contextmanager
def databases_on(cores: Collection[int], tell: Callable[[str], None]) -> Iterator[None]:
    """Both servers on these cores, and back where they were behind the block; tells where that cannot be."""
    before: dict[psutil.Process, set[int]] = {}
    try:
        for process in asyncio.run(_servers()):
            before[process] = os.sched_getaffinity(process.pid)
            _pin(process, cores)
    except (OSError, psutil.Error) as fault:
        tell(f"databases are not pinned to cores: {type(fault).__name__}")
    try:
        yield
    finally:
        for process, earlier in before.items():
            with suppress(psutil.Error):
                _pin(process, earlier)


async def _servers() -> list[psutil.Process]:
    """PostgreSQL's postmaster and MariaDB's process; raises OSError or psutil.Error if they are not here."""
    async with connected(server(POSTGRESQL)) as database:
        backend = (await database.fetch("SELECT pg_backend_pid()"))[0][0]
        postmaster = psutil.Process(backend).parent()
    async with connected(server(MARIADB)) as database:
        file, home = (await database.fetch("SELECT @@pid_file, @@datadir"))[0]
    mariadb = _process_of(Path(home, file))
    if postmaster is None or "maria" not in mariadb.name() or "postgres" not in postmaster.name():
        raise ProcessLookupError
    return [postmaster, mariadb]


def _process_of(file: Path) -> psutil.Process:
    return psutil.Process(int(file.read_text()))


def _pin(server: psutil.Process, cores: Collection[int]) -> None:
    """All threads of a process and of its children; what they start later inherits the cores."""
    for process in (server, *server.children(recursive=True)):
        for task in Path(f"/proc/{process.pid}/task").glob("*"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), cores)
