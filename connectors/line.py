"""A line in which parties take turns, and those who wait for one party stand in the order they came."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import TypeAlias

_Waiters: TypeAlias = deque[asyncio.Future[None]]


class Line:
    """True while somebody waits. Whoever joins waits for a future, and leaves if they give it up."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, _Waiters] = OrderedDict()
        """By party, the next to be served first."""

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def join(self, party: Hashable) -> asyncio.Future[None]:
        """A place behind the others of the party."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party, deque()).append(waiter)
        return waiter

    def leave(self, party: Hashable, waiter: asyncio.Future[None]) -> None:
        """Give the place up, if it was not served."""
        waiters = self._waiting.get(party, deque())
        if waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[party]

    def ahead(self, party: Hashable) -> int:
        """How many are served before who joins now, if nobody else comes."""
        own = len(self._waiting.get(party, ()))
        return own + sum(
            min(len(waiters), own + 1) for other, waiters in self._waiting.items() if other != party
        )

    def next(self) -> asyncio.Future[None] | None:
        """The next one still waiting, of the party whose turn it is; out of the line now."""
        while self._waiting:
            party, waiters = self._waiting.popitem(last=False)
            while waiters:
                waiter = waiters.popleft()
                if not waiter.done():
                    if waiters:
                        self._waiting[party] = waiters
                    return waiter
        return None
