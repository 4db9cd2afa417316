"""Batching by hand: whoever asks while two statements of a kind are under way shares the next one."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, Final

from bench.floor.pools import Pool, Rows

AT_ONCE: Final = 2
MOST: Final = 64
"""Questions in one statement, as a manifest gives by default."""
_LISTED: Final = re.compile(r"\((%s(?:, %s)*)\) LIMIT 201$")


@dataclass(slots=True)
class _Waiter:
    values: tuple[str, ...]
    done: asyncio.Future[Rows]
    rows: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Lane:
    waiting: list[_Waiter] = field(default_factory=list)
    running: int = 0


class Batching:
    """A Pool whose rows begin with the key they were asked by."""

    def __init__(self, pool: Pool) -> None:
        self.open, self.close = pool.open, pool.close
        self._pool = pool
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def fetch(self, sql: str, *values: str) -> Rows:
        """Rows of these values, asked for together with whoever else waits."""
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault(sql, _Lane())
        waiter = _Waiter(values, loop.create_future())
        lane.waiting.append(waiter)
        if lane.running < AT_ONCE:
            lane.running += 1
            task = loop.create_task(self._run(lane, sql))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiter.done

    async def _run(self, lane: _Lane, sql: str) -> None:
        try:
            while lane.waiting:
                batch, lane.waiting = lane.waiting[:MOST], lane.waiting[MOST:]
                await self._ask(batch, sql)
        finally:
            lane.running -= 1

    async def _ask(self, batch: list[_Waiter], sql: str) -> None:
        asking: dict[str, list[_Waiter]] = {}
        for waiter in batch:
            for value in set(waiter.values):
                asking.setdefault(value, []).append(waiter)
        try:
            for row in await self._pool.fetch(statement_for(sql, len(asking)), *asking):
                for waiter in asking[row[0]]:
                    waiter.rows.append(row)
        except Exception as error:
            for waiter in batch:
                waiter.done.set_exception(error)
            return
        for waiter in batch:
            waiter.done.set_result(waiter.rows)


def statement_for(sql: str, values: int) -> str:
    """The statement for so many values: an array on PostgreSQL, a list on MariaDB."""
    marks = ", ".join(["%s"] * values)
    return _LISTED.sub(f"({marks}) LIMIT {201 * MOST}", sql).replace(
        "ANY ($1) LIMIT 201", f"ANY ($1) LIMIT {201 * MOST}"
    )
