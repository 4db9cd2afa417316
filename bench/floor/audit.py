"""Two durable rows a request by hand: sqlite3 in one thread, whoever waits shares a commit.

The table and the durability of the gateway's audit log, with half the bytes: codes need no names here.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import orjson

from bench.floor.sections import SECTIONS
from catalogue.values import CHINA_TIME

_TABLE: Final = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE leaf (
  leaf_index INTEGER PRIMARY KEY, subject VARCHAR(64), payload BLOB NOT NULL,
  leaf_hash BLOB NOT NULL, chain_hash BLOB NOT NULL);
CREATE INDEX leaf_subject ON leaf (subject);
"""
_KEY: Final = b"bench"
_COLUMNS: Final = {each.name: each.sql.split(" FROM ")[0].split(", ")[2:] for each in SECTIONS}
_Pending = tuple[dict[str, object], str, asyncio.Future[None]]


class Audit:
    """Appends events; each call returns once its row is on the disk."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1)
        self._queue: asyncio.Queue[_Pending] = asyncio.Queue()
        self._index = 0
        self._chain = bytes(32)

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        self._writer = asyncio.create_task(self._write_forever())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.cancel()
        await asyncio.wait([self._writer])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._database.close)
        self._thread.shutdown()

    async def intent(self, number: str, access: dict[str, str]) -> None:
        """Who is about to be read, why, and what."""
        await self.append({"phase": "INTENT", "access": access, "columns": _COLUMNS}, number)

    async def outcome(self, number: str, rows: dict[str, list[str]]) -> None:
        """Which rows came back, by keyed hash."""
        hashes = {name: [_keyed(f"{name} {each}") for each in found] for name, found in rows.items()}
        await self.append({"phase": "OUTCOME", "rows": hashes}, number)

    async def append(self, event: dict[str, object], number: str) -> None:
        """One event about one person."""
        done = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((event, _keyed(number), done))
        await done

    def _open(self) -> None:
        self._database = sqlite3.connect(self._file, isolation_level=None)
        self._database.executescript(_TABLE)

    async def _write_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await loop.run_in_executor(self._thread, self._commit, [self._row(*each[:2]) for each in batch])
            for _, _, done in batch:
                if not done.done():
                    done.set_result(None)

    def _row(self, event: dict[str, object], subject: str) -> tuple[int, str, bytes, bytes, bytes]:
        now = datetime.now(CHINA_TIME).isoformat()
        payload = orjson.dumps(event | {"recordedAt": now, "subject": subject})
        leaf = hashlib.sha256(b"\0" + payload).digest()
        self._chain = hashlib.sha256(self._chain + leaf).digest()
        self._index += 1
        return self._index, subject, payload, leaf, self._chain

    def _commit(self, rows: list[tuple[int, str, bytes, bytes, bytes]]) -> None:
        with closing(self._database.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany("INSERT INTO leaf VALUES (?, ?, ?, ?, ?)", rows)
            cursor.execute("COMMIT")


def _keyed(text: str) -> str:
    return hmac.digest(_KEY, text.encode(), "sha256").hex()
