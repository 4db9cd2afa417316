"""What other processes changed in the store, noticed in time (ruling 19).

A process asks the store for what is new when its last look is older than `FRESH`; concurrent
requests share that look. A store that does not answer means no answer: nobody can say then
that what was known still holds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from authz.errors import AuditUnavailable
from authz.store import Store

FRESH: Final = 0.25
"""Seconds for which a look at the store holds; a change must bite within one second."""
PATIENCE: Final = 2.0
"""Seconds to wait for the store; a look holds from its beginning, however long it took."""

Learn: TypeAlias = Callable[[Connection], None]
"""Takes over what is new; what it has not finished reading it must not have taken over.

It may run in another thread, one look at a time.
"""


class Freshness:
    """Keeps something that was learnt from the store as new as a second look would make it."""

    def __init__(self, store: Store, learn: Learn, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._learn = learn
        self._timer = timer
        self._looks = 0
        """How many have begun."""
        self._known = 0
        """The number of the last that succeeded."""
        self._known_since = float("-inf")
        """When that one began."""
        self._needed = 0
        """The number of the first that is no older than what this process changed itself."""
        self._ended: asyncio.Future[bool] | None = None
        """Of the look under way: whether the store may be asked again."""

    async def refresh(self) -> None:
        """Know what was changed until this call, or until `FRESH` ago; raises AuditUnavailable."""
        asked, needed = self._timer(), self._needed
        while self._known < needed or not (self._known_since >= asked or self._is_fresh()):
            await self._share()

    async def confirm(self) -> None:
        """Know what was changed until this call; raises AuditUnavailable."""
        needed = self._looks + 1
        while self._known < needed:
            await self._share()

    def forget(self) -> None:
        """Look again at the next `refresh`: this process has changed something itself."""
        self._needed = self._looks + 1

    def _is_fresh(self) -> bool:
        return self._timer() - self._known_since < FRESH

    async def _share(self) -> None:
        """Wait for the look under way, with all others, or else take one.

        One that fails is denied to all. Where it was given up, the first of those who wait takes the next.
        """
        if self._ended is not None:
            if not await asyncio.shield(self._ended):
                raise AuditUnavailable
            return
        ended = self._ended = asyncio.get_running_loop().create_future()
        available = True
        try:
            await asyncio.sleep(0)  # who asks in the same round of the loop still comes along
            await self._look()
        except AuditUnavailable:
            available = False
            raise
        finally:
            self._ended = None
            ended.set_result(available)

    async def _look(self) -> None:
        self._looks += 1
        number, began = self._looks, self._timer()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.read(self._learn)
        except (SQLAlchemyError, OSError, TimeoutError):
            raise AuditUnavailable from None
        self._known, self._known_since = number, began
