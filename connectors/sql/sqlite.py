"""SQLite: one worker thread per file, opened read-only, interrupted at the deadline."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import Dialect

from connectors.sql.aliases import tables_called
from connectors.sql.pool import Connection
from connectors.sql.statement import Parameters, Rows

_STEPS_BETWEEN_CHECKS: Final = 10_000
"""Virtual machine steps between two looks at the deadline: about a tenth of a millisecond."""


_Identity: TypeAlias = tuple[int, int]
"""Device and inode."""


def _identity(path: Path) -> _Identity:
    found = path.stat()
    return found.st_dev, found.st_ino


class SQLite:
    """A database file; one that is taken away or replaced is noticed at the next question."""

    connections: Final = 1
    ping: Final = "SELECT 1"
    dialect: Final[Dialect] = sqlite.dialect()

    def __init__(self, path: str, deadline: float) -> None:
        self._path = Path(path)
        self._deadline = deadline

    async def connect(self) -> Connection:
        """Open the file read-only in its worker thread."""
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{self._path.stem}")
        try:
            opened, identity = await asyncio.wrap_future(thread.submit(self._open))
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return _Connection(opened, thread, self._deadline, self._path, identity)

    def _open(self) -> tuple[sqlite3.Connection, _Identity]:
        opened = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=self._deadline,
            isolation_level=None,
            check_same_thread=False,
        )
        opened.execute("PRAGMA query_only = ON")
        return opened, _identity(self._path)

    async def scanned(self, connection: Connection, sql: str, parameters: Parameters) -> list[str]:
        """Tables with a `SCAN` step; `SEARCH` uses an index.

        Planned on the bare schema in memory: SQLite scans small tables whatever indexes they have.
        """
        schema = await connection.fetch(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid", ()
        )
        with closing(sqlite3.connect(":memory:")) as bare:
            for (definition,) in schema:
                # its own tables, such as sqlite_stat1, may not be created
                with suppress(sqlite3.OperationalError):
                    bare.execute(str(definition))
            plan = bare.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        steps = [str(row[3]).split() for row in plan]
        derived = {"CONSTANT", "SUBQUERY", "(subquery", "r", "q"}
        scanned = [step[1] for step in steps if step[0] == "SCAN" and step[1] not in derived]
        called = tables_called(sql)
        return ["`, `".join(dict.fromkeys(called.get(name.casefold(), (name,)))) for name in scanned]

    async def writable(self, connection: Connection) -> str | None:
        """Whether the process may write the file (it is opened read-only all the same)."""
        return "the file is writable by this process" if os.access(self._path, os.W_OK) else None


class _Connection:
    def __init__(
        self,
        opened: sqlite3.Connection,
        thread: ThreadPoolExecutor,
        deadline: float,
        path: Path,
        identity: _Identity,
    ) -> None:
        self._path = path
        self._identity = identity
        self._opened = opened
        self._thread = thread
        self._deadline = deadline
        self._until = 0.0
        self._job: Future[Rows] | None = None
        opened.set_progress_handler(lambda: time.monotonic() > self._until, _STEPS_BETWEEN_CHECKS)

    async def fetch(self, sql: str, parameters: Parameters, trace: str = "") -> Rows:
        """All rows; no comment, for nobody watches the statements of a file."""
        self._until = time.monotonic() + self._deadline
        self._job = self._thread.submit(self._run, sql, parameters)
        return await asyncio.wrap_future(self._job)

    def _run(self, sql: str, parameters: Parameters) -> Rows:
        # an open handle goes on answering from a file that was taken away; to look may hang with its share
        if _identity(self._path) != self._identity:
            raise OSError(errno.ESTALE, "the file was replaced")
        return self._opened.execute(sql, parameters).fetchall()

    async def columns(self, sql: str) -> tuple[str, ...]:
        """Names from the cursor's description."""
        self._until = time.monotonic() + self._deadline
        described = self._thread.submit(lambda: self._opened.execute(sql).description)
        return tuple(column[0] for column in await asyncio.wrap_future(described))

    async def abort(self) -> None:
        """Interrupt; the passed deadline also stops a statement that starts after the interrupt."""
        self._until = 0.0
        self._opened.interrupt()
        await self.close()

    async def close(self) -> None:
        """Close in the worker thread, behind whatever still runs there."""
        await asyncio.wrap_future(self._thread.submit(self._opened.close))
        self._thread.shutdown(wait=False)
