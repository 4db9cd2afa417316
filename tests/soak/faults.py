"""What can happen to a department, each as a fault that begins and ends."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from tests.support.databases import Database
from tests.support.network import Line

Fault: TypeAlias = Callable[[], AbstractAsyncContextManager[None]]
SESSIONS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()",
    "mariadb": "SELECT id FROM information_schema.processlist WHERE db = '{}' AND id <> connection_id()",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}


def of_line(line: Line, database: Database, name: str, dice: random.Random) -> dict[str, Fault]:
    """A database server behind a line."""

    @asynccontextmanager
    async def down() -> AsyncIterator[None]:
        await line.close()
        yield

    @asynccontextmanager
    async def hung() -> AsyncIterator[None]:
        line.flowing.clear()
        yield

    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        line.delay = dice.uniform(0.05, 0.4)
        yield

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        line.cut_after = dice.randrange(1, 4_000)
        await line.cut()
        yield

    @asynccontextmanager
    async def restarted() -> AsyncIterator[None]:
        await line.cut()
        yield

    @asynccontextmanager
    async def sessions_killed() -> AsyncIterator[None]:
        # a session that has gone meanwhile, or a server that takes no more logins, is no fault of ours
        with suppress(Exception):
            for (session,) in await database.fetch(SESSIONS[database.engine].format(name)):
                with suppress(Exception):
                    await database.execute(KILL[database.engine].format(session))
        yield

    faults = (down, hung, slow, broken, restarted, sessions_killed)
    return {fault.__name__: _healed(fault, line.heal) for fault in faults}


def of_file(path: Path) -> dict[str, Fault]:
    """An SQLite file."""

    beside = path.with_suffix(".away")

    @asynccontextmanager
    async def gone() -> AsyncIterator[None]:
        os.rename(path, beside)
        try:
            yield
        finally:
            os.rename(beside, path)

    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            writer.close()

    @asynccontextmanager
    async def rubbish() -> AsyncIterator[None]:
        os.rename(path, beside)
        await asyncio.to_thread(path.write_bytes, b"not a database" * 100)
        try:
            yield
        finally:
            os.rename(beside, path)

    return {"gone": gone, "locked": locked, "rubbish": rubbish}


class Service:
    """A process that can be killed and started again."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._start = start
        self.process = start()

    def faults(self) -> dict[str, Fault]:
        """What can happen to it."""

        @asynccontextmanager
        async def killed() -> AsyncIterator[None]:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)
            yield
            self.process = self._start()  # at once: a cancellation half-way would leave it alone

        @asynccontextmanager
        async def stopped() -> AsyncIterator[None]:
            self.process.send_signal(signal.SIGSTOP)
            try:
                yield
            finally:
                self.process.send_signal(signal.SIGCONT)

        return {"killed": killed, "stopped": stopped}

    def close(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


def _healed(fault: Fault, heal: Callable[[], object]) -> Fault:
    @asynccontextmanager
    async def healed() -> AsyncIterator[None]:
        try:
            async with fault():
                yield
        finally:
            await heal()  # type: ignore[misc]

    return healed
