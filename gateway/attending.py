"""Work in the request's own task, given up when its time is over or its client has gone.

A task beside it for the work itself would cost more than all the rest of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Late(Exception):
    """The time is over."""


class Gone(Exception):
    """The client closed the connection: there is nobody to answer."""


async def attended(
    work: Awaitable[_T], seconds: float, leaving: Coroutine[Any, Any, None] | None = None
) -> _T:
    """What the work comes to; `leaving` ends when the client goes, and raises for what it may not send.

    Raises:
        Late: the time was over first.
        Gone: the client had left first.
        Exception: what `leaving` raised first.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("only a task can be attended")
    loop, before, ending = asyncio.get_running_loop(), task.cancelling(), _Ending(task)
    timer = loop.call_later(seconds, ending.late)
    watcher = loop.create_task(leaving) if leaving else None
    if watcher:
        watcher.add_done_callback(ending.gone)
    try:
        return await work
    finally:
        timer.cancel()
        if watcher:
            watcher.cancel()
        ending.over = True
        if ending.reason and task.uncancel() <= before:
            raise ending.reason


class _Ending:
    """Cancels the task while it works, once, and remembers why."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self.reason: BaseException | type[Exception] | None = None
        self.over = False

    def late(self) -> None:
        self._cancel(Late)

    def gone(self, watcher: asyncio.Task[None]) -> None:
        self._cancel(Gone if watcher.cancelled() else watcher.exception() or Gone)

    def _cancel(self, reason: BaseException | type[Exception]) -> None:
        if not self.over and self.reason is None:
            self.reason = reason
            self._task.cancel()
