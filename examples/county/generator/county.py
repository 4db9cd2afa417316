"""The whole county: every person and entity passes every department once, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path

from sqlalchemy.engine import URL

from .cast import cast_rows
from .departments import DEPARTMENTS, Department
from .dice import ENTITIES, PEOPLE, Dice
from .entities import entity, head_of
from .people import person
from .writer import Writer, parse


class Engine(Enum):
    """Where the departments keep their databases. The tax bureau's is always its own SQLite file."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    MARIADB = "mariadb"


@dataclass(frozen=True, slots=True)
class County:
    """What to generate. The same county twice is the same rows twice."""

    persons: int = 2_000
    entities: int = 600
    seed: int = 20260401
    today: date = date(2026, 11, 21)


def database_urls(out: Path, server: str | None = None, prefix: str = "county_") -> Mapping[str, URL]:
    """Each department's database: files in `out`, or databases `<prefix><name>` of a server's URL."""
    urls = {each.NAME: parse(f"sqlite:///{out / each.NAME}.db") for each in DEPARTMENTS}
    if server is not None:
        home = parse(server)
        urls |= {name: home.set(database=prefix + name) for name in urls if name != "tax"}
    return urls


def environment(urls: Mapping[str, URL]) -> dict[str, str]:
    """Variables the manifests in `sources/` read, for all departments that are databases."""
    return {
        f"COUNTY_{name.upper()}_URL": url.render_as_string(hide_password=False)
        for name, url in urls.items()
        if name != "tax"
    }


async def generate(
    county: County, urls: Mapping[str, URL], progress: Callable[[int], None] = lambda step: None
) -> dict[str, int]:
    """Write all departments and return how many rows each got; `progress` hears of subjects done."""
    async with AsyncExitStack() as stack:
        writers = [
            (each, await stack.enter_async_context(Writer(urls[each.NAME], each.metadata)))
            for each in DEPARTMENTS
        ]
        await _write_cast(writers)
        await _write_people(county, writers, progress)
        await _write_entities(county, writers, progress)
    return {each.NAME: writer.rows for each, writer in writers}


async def _write_cast(writers: list[tuple[Department, Writer]]) -> None:
    for department, writer in writers:
        for row in cast_rows(department):
            await writer.add(row)


async def _write_people(
    county: County, writers: list[tuple[Department, Writer]], progress: Callable[[int], None]
) -> None:
    for index in range(county.persons):
        dice = Dice(county.seed, PEOPLE, index, county.today)
        subject = person(index, dice)
        for department, writer in writers:
            for row in department.person_rows(subject, dice):
                await writer.add(row)
        progress(1)


async def _write_entities(
    county: County, writers: list[tuple[Department, Writer]], progress: Callable[[int], None]
) -> None:
    for index in range(county.entities):
        dice = Dice(county.seed, ENTITIES, index, county.today)
        subject = entity(index, dice, head_of(index, county.persons, dice))
        for department, writer in writers:
            for row in department.entity_rows(subject, dice):
                await writer.add(row)
        progress(1)
