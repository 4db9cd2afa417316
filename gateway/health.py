"""Liveness and readiness, without a word about addresses or reasons.

Live means the process answers. Ready means the store and every identity authority answer; a
department that is down only degrades, for the graph says so section by section.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from time import monotonic
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from connectors.errors import SourceError
from connectors.protocol import Source
from gateway import logs
from gateway.replies import JSON, json_response

FRESH_SECONDS: Final = 1.0
"""How long one look is good for, so that asking for readiness cannot burden the departments."""


async def live(_: Request) -> Response:
    """`/livez`: the event loop turns."""
    return json_response({"status": "live"}, 200, JSON)


@dataclass(frozen=True, slots=True)
class Readiness:
    """One look at everything the gateway leans on."""

    store: bool
    sources: dict[str, bool]
    essential: frozenset[str]

    @property
    def ready(self) -> bool:
        """Whether requests can be answered at all."""
        return self.store and all(self.sources.get(name, False) for name in self.essential)

    @property
    def body(self) -> dict[str, object]:
        """As JSON: names and states only."""
        down = sorted(name for name, up in self.sources.items() if not up)
        return {
            "status": "unready" if not self.ready else "degraded" if down else "ready",
            "store": _word(up=self.store),
            "sources": {name: _word(up=up) for name, up in sorted(self.sources.items())},
            "degraded": down,
        }


def _word(*, up: bool) -> str:
    return "up" if up else "down"


class Ready:
    """`/readyz`: 200 when ready or degraded, 503 when not."""

    def __init__(
        self,
        sources: Collection[Source],
        store: Callable[[], Awaitable[None]],
        essential: Collection[str],
        deadline: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Put the check together.

        Args:
            sources: every source of the deployment.
            store: touches the gateway's own store; raises when it cannot.
            essential: names of the sources that confirm identity.
            deadline: seconds that each of them may take.
            clock: seconds, for the age of the last look.
        """
        self._sources = sources
        self._store = store
        self._essential = frozenset(essential)
        self._deadline = deadline
        self._clock = clock
        self._looking = asyncio.Lock()
        self._last: tuple[float, Readiness] | None = None

    async def respond(self, _: Request) -> Response:
        """Answer one request."""
        found = await self.look()
        return json_response(found.body, 200 if found.ready else 503, JSON)

    async def look(self) -> Readiness:
        """Ask everything at once; requests that come together share one look."""
        async with self._looking:
            if self._last is None or self._clock() - self._last[0] >= FRESH_SECONDS:
                self._last = (self._clock(), await self._fresh())
            return self._last[1]

    async def _fresh(self) -> Readiness:
        asked = [self._store, *(source.ping for source in self._sources)]
        store, *answers = await asyncio.gather(*(self._up(ask) for ask in asked))
        names = (source.name for source in self._sources)
        return Readiness(store, dict(zip(names, answers, strict=True)), self._essential)

    async def _up(self, ask: Callable[[], Awaitable[None]]) -> bool:
        try:
            async with asyncio.timeout(self._deadline):
                await ask()
        except (SourceError, TimeoutError):
            return False
        except Exception as fault:
            logs.fault(fault)
            return False
        return True
