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
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def refresh(self) -> None:
        """Know what was changed until at most `FRESH` ago; raises AuditUnavailable."""
        await self._look_unless(lambda: self._timer() - self._looked < FRESH)

    async def confirm(self) -> None:
        """Know what was changed until this call; raises AuditUnavailable."""
        asked = self._timer()
        await self._look_unless(lambda: self._looked > asked)

    def forget(self) -> None:
        """Look again at the next `refresh`: this process has changed something itself."""
        self._looked = float("-inf")

    async def _look_unless(self, known: Callable[[], bool]) -> None:
        if known():
            return
        async with self._looking:
            if not known():
                await self._look()

    async def _look(self) -> None:
        began = self._timer()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.read(self._learn)
        except (SQLAlchemyError, OSError, TimeoutError):
            raise AuditUnavailable from None
        self._looked = began
