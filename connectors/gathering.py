"""Several calls of one question at once: all of them, or the first failure."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(calls: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """Results in order; the first failure cancels the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as faults:
        first = faults.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first
