"""What is asked: how many clients, about how many persons at once, with which text, of which departments."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy.engine import URL

from bench.databases import connected, urls


@dataclass(frozen=True, slots=True)
class Workload:
    """One way of asking."""

    name: str
    clients: tuple[int, ...]
    subjects: int = 1
    every_round: bool = False
    """Measured in every round; others in the first, unless they are chosen."""
    persons: int | None = None
    """Over a county of this size instead of the run's."""
    large: bool = False
    """About persons with many records."""
    new_documents: bool = False
    """Every request is a text that nobody has sent, and that shares nothing with those before."""
    hanging: tuple[str, str, str] | None = None
    """Source, table and section that do not answer; every other client asks for all else."""


FEW: Final = 10_000
BESIDE: Final = "beside one that hangs"
"""What those are told as who do not ask for the section that hangs."""
ONE: Final = Workload("one subject", (1, 32, 256), every_round=True)
WORKLOADS: Final = {
    each.name: each
    for each in (
        ONE,
        Workload("few persons", (32,), persons=FEW, every_round=True),
        Workload("100 subjects", (1, 32, 256), subjects=100),
        Workload("new document", (1, 32), new_documents=True),
        Workload("100 KB", (1, 32), large=True),
        Workload("one hangs", (32,), hanging=("fg", "xzcf", "administrativePenalties")),
    )
}


@contextmanager
def hanging(workload: Workload, persons: int) -> Iterator[None]:
    """Its source does not answer: the table is locked, as by a department's own nightly work."""
    if workload.hanging is None:
        yield
        return
    source, table, _ = workload.hanging
    with asyncio.Runner() as runner:
        stack = runner.run(_lock(urls(persons)[source], table))
        try:
            yield
        finally:
            runner.run(stack.aclose())


async def _lock(url: URL, table: str) -> AsyncExitStack:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connected(url))
        await database.execute("BEGIN")
        await database.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        return stack.pop_all()
