"""Loads the departments' schemas and rows as given, on their engine or one with the nearest types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import asyncmy
from sqlalchemy.engine import make_url

from tests.support.databases import Database

GIVEN = Path(__file__).parent / "given"

_ORACLE = ((r"VARCHAR2", "varchar"), (r"NUMBER\(", "numeric("))
_SQL_SERVER = (
    (r"\bint IDENTITY\(1,1\)", "int GENERATED ALWAYS AS IDENTITY"),
    (r"\bnvarchar\b", "varchar"),
    (r"\bntext\b", "text"),
    (r"\b(small)?datetime\b", "timestamp"),
    (r"\bbit\b", "smallint"),
    (r"\buniqueidentifier\b", "uuid"),
    (r"\bN'", "'"),
)
"""Types of the engine → the nearest of PostgreSQL."""


def statements(path: Path) -> list[str]:
    """The statements of a script, without its comments."""
    text = re.sub(r"--.*$", "", path.read_text("utf-8"), flags=re.M)
    return [part.strip() for part in re.split(r";\s*$", text, flags=re.M) if part.strip()]


async def oracle(database: Database, *scripts: Path) -> None:
    """On PostgreSQL."""
    await database.execute(*_translated(scripts, _ORACLE))


async def sql_server(database: Database, *scripts: Path) -> None:
    """On PostgreSQL, in the schema `dbo`."""
    await database.execute("CREATE SCHEMA dbo", *_translated(scripts, _SQL_SERVER))


async def mariadb(database: Database, *scripts: Path) -> None:
    """On MariaDB, as the script was written."""
    await _in_one_session(database, "utf8mb4", [one for script in scripts for one in statements(script)])


async def gbk_in_latin1(database: Database, *scripts: Path) -> None:
    """On MariaDB, by a client that writes GBK bytes and says that they are latin1, as the database does."""
    await database.execute(f"ALTER DATABASE {make_url(database.url).database} CHARACTER SET latin1")
    written = [one.encode("gbk").decode("latin1") for script in scripts for one in statements(script)]
    await _in_one_session(database, "latin1", written)


async def _in_one_session(database: Database, charset: str, written: Iterable[str]) -> None:
    url = make_url(database.url)
    opened = await asyncmy.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=url.password or "",
        db=url.database, charset=charset, autocommit=True,
    )  # fmt: skip
    try:
        async with opened.cursor() as cursor:
            # the servers are in China, and as lenient as they were
            await cursor.execute("SET SESSION time_zone = '+08:00', sql_mode = ''")
            for statement in written:
                await cursor.execute(statement)
    finally:
        await opened.ensure_closed()


def _translated(scripts: Iterable[Path], types: Iterable[tuple[str, str]]) -> list[str]:
    found = [statement for script in scripts for statement in statements(script)]
    for ours, nearest in types:
        found = [re.sub(ours, nearest, statement) for statement in found]
    return found
