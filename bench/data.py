"""The databases `<prefix>_<persons>_<source>`: made once, reused while they fit.

Tables are filled side by side, in parts and batches, so memory does not grow with the number of persons.
Indexes come last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date, timedelta
from multiprocessing import get_context
from typing import Final

import asyncmy.errors
import asyncpg
from sqlalchemy.engine import URL

from bench.databases import connected, urls
from bench.persons import large_persons, person
from bench.processes import die_with_parent
from bench.tables import MARIADB, SOURCES, TABLES, Days, Table

VERSION: Final = 1
"""Of tables and rows: databases of another version are made anew."""
FRESH: Final = timedelta(days=365)
"""Adverse records leave by their clocks; databases are made anew before theirs run out."""
BATCH: Final = 5_000
PART: Final = 50_000
"""Rows of one job."""
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
    places = [place for place, table in enumerate(TABLES) if table.source in sources]
    context = get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context, initializer=die_with_parent) as pool:
        try:
            parts = [(place, start) for start in range(0, persons, PART) for place in places]
            jobs = [pool.submit(write, persons, place, start) for place, start in parts]
            for job in as_completed(jobs):
                advance(job.result())
            for job in [pool.submit(index, persons, place) for place in places]:
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    asyncio.run(_finish(persons, sources))


def write(persons: int, place: int, start: int) -> int:
    """Fill a part of one table; returns its rows."""
    return asyncio.run(_write(TABLES[place], persons, range(start, min(start + PART, persons))))


def index(persons: int, place: int) -> None:
    """Index a table by the numbers of persons."""
    table = TABLES[place]
    create = f"CREATE INDEX {table.name}_key ON {table.name} ({table.key})"
    asyncio.run(_execute(urls(persons)[table.source], create))


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
    for table in (table for table in TABLES if table.source in sources):
        options = " CHARACTER SET utf8mb4" if table.engine == MARIADB else ""
        create = f"CREATE TABLE {table.name} ({table.columns}, PRIMARY KEY (id)){options}"
        await _execute(urls(persons)[table.source], create)


async def _each(persons: int, sources: list[str], statement: str) -> None:
    for source in sources:
        url = urls(persons)[source]
        await _execute(url.set(database=""), statement.format(url.database))


async def _execute(url: URL, statement: str) -> None:
    async with connected(url) as database:
        await database.execute(statement)


async def _write(table: Table, persons: int, indexes: range) -> int:
    days = Days(date.today())
    async with connected(urls(persons)[table.source]) as database:
        for start in range(0, len(indexes), BATCH):
            batch = indexes[start : start + BATCH]
            await database.insert(table, [table.row(person(index), days) for index in batch])
    return len(indexes)


async def _finish(persons: int, sources: list[str]) -> None:
    """Statistics, and the mark that says the database is whole."""
    for source in sources:
        async with connected(urls(persons)[source]) as database:
            for table in (table for table in TABLES if table.source == source):
                maria = table.engine == MARIADB
                await database.fetch(f"ANALYZE {'TABLE ' if maria else ''}{table.name}")
            await database.execute("CREATE TABLE bench_made (version int, made_on date)")
            await database.execute(f"INSERT INTO bench_made VALUES ({VERSION}, CURRENT_DATE)")
