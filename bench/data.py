"""The databases `credit_bench_<persons>_<source>`: made once, reused while they fit.

Tables are filled side by side, each by a process of its own and in batches, so memory does
not grow with the number of persons. Indexes come last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing import get_context
from queue import Empty, Queue
from typing import Final

import asyncmy.errors
import asyncpg

from bench.databases import connected, urls
from bench.persons import large_persons, person
from bench.tables import MARIADB, SOURCES, TABLES, Days, Table

VERSION: Final = 1
"""Of tables and rows: databases of another version are made anew."""
FRESH: Final = timedelta(days=365)
"""Adverse records leave by their clocks; databases are made anew before theirs run out."""
BATCH: Final = 5_000
LARGE_RECORDS: Final = 28
"""Of each type, for those who have many: answers of 100 KB."""
REGISTER_TABLE: Final = "rkjbxx"
WORKERS: Final = 3


def missing(persons: int) -> list[str]:
    """Sources whose database is not there, unfinished, or too old."""
    return [source for source in SOURCES if not asyncio.run(_fits(source, persons))]


def fill(persons: int, sources: list[str], advance: Callable[[int], None]) -> None:
    """Make the databases of these sources anew; `advance` hears of rows written."""
    asyncio.run(_recreate(persons, sources))
    tables = [table.name for table in TABLES if table.source in sources]
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        written: Queue[int] = manager.Queue()
        jobs = {pool.submit(write, name, persons, written) for name in tables}
        while jobs:
            jobs = _unfinished(jobs)
            try:
                advance(written.get(timeout=0.2))
            except Empty:
                continue
    asyncio.run(_finish(persons, sources))


def _unfinished(jobs: set[Future[None]]) -> set[Future[None]]:
    """Jobs still running; raises what a finished one raised."""
    done = {job for job in jobs if job.done()}
    for job in done:
        job.result()
    return jobs - done


def write(name: str, persons: int, written: Queue[int]) -> None:
    """Create and fill one table."""
    table = next(table for table in TABLES if table.name == name)
    asyncio.run(_write(table, persons, written))


def enlarge(persons: int) -> None:
    """Give some persons beyond the last one many records each, unless they have them."""
    asyncio.run(_enlarge(persons))


async def _enlarge(persons: int) -> None:
    days = Days(date.today())
    for table in TABLES:
        async with connected(urls(persons)[table.source]) as database:
            if await database.fetch(f"SELECT 1 FROM {table.name} WHERE id >= {persons} LIMIT 1"):
                continue
            several = 1 if table.name == REGISTER_TABLE else LARGE_RECORDS
            rows = [table.row(person(index), days) for index in large_persons(persons)]
            numbered = enumerate((row for row in rows for _ in range(several)), start=persons)
            await database.insert(table, [(number, *row[1:]) for number, row in numbered])


def drop(persons: int, sources: list[str] | None = None) -> None:
    """Remove the databases of this size."""
    asyncio.run(_each(persons, sources or list(SOURCES), "DROP DATABASE IF EXISTS {}"))


async def _fits(source: str, persons: int) -> bool:
    try:
        async with connected(urls(persons)[source]) as database:
            rows = await database.fetch("SELECT version, made_on FROM bench_made")
    except (asyncpg.InvalidCatalogNameError, asyncpg.UndefinedTableError):
        return False
    except (asyncmy.errors.OperationalError, asyncmy.errors.ProgrammingError) as error:
        if error.args[0] in (1049, 1146):  # no such database, no such table
            return False
        raise
    return bool(rows) and rows[0][0] == VERSION and rows[0][1] > date.today() - FRESH


async def _recreate(persons: int, sources: list[str]) -> None:
    await _each(persons, sources, "DROP DATABASE IF EXISTS {}")
    await _each(persons, sources, "CREATE DATABASE {}")


async def _each(persons: int, sources: list[str], statement: str) -> None:
    for source in sources:
        url = urls(persons)[source]
        async with connected(url.set(database="")) as home:
            await home.execute(statement.format(url.database))


async def _write(table: Table, persons: int, written: Queue[int]) -> None:
    days = Days(date.today())
    options = " CHARACTER SET utf8mb4" if table.engine == MARIADB else ""
    async with connected(urls(persons)[table.source]) as database:
        await database.execute(f"CREATE TABLE {table.name} ({table.columns}, PRIMARY KEY (id)){options}")
        for start in range(0, persons, BATCH):
            indexes = range(start, min(start + BATCH, persons))
            await database.insert(table, [table.row(person(index), days) for index in indexes])
            written.put(len(indexes))
        await database.execute(f"CREATE INDEX {table.name}_key ON {table.name} ({table.key})")


async def _finish(persons: int, sources: list[str]) -> None:
    """Statistics, and the mark that says the database is whole."""
    for source in sources:
        async with connected(urls(persons)[source]) as database:
            for table in (table for table in TABLES if table.source == source):
                maria = table.engine == MARIADB
                await database.fetch(f"ANALYZE {'TABLE ' if maria else ''}{table.name}")
            await database.execute("CREATE TABLE bench_made (version int, made_on date)")
            await database.execute(f"INSERT INTO bench_made VALUES ({VERSION}, CURRENT_DATE)")
