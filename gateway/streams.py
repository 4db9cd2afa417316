"""Subscriptions at the edge: how many a party may hold, and that each ends with the token behind it.

What travels is the same for both transports: payloads of `data` and `errors`, until the client
leaves, its token expires or is revoked (looked at before every payload, and every few seconds
without one), or the store cannot be reached.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Final, TypeAlias

from graphql import ExecutionResult

from authz.actors import Actor
from gateway import logs
from gateway.errors import RequestRefused, code_of, formatted, of_exception
from gateway.graphql_http import Operation
from gateway.identity import Door
from gateway.settings import Limits

QUIET_SECONDS: Final = 15.0
"""How long nothing may come before the token is looked at again and the connection kept alive."""

Payload: TypeAlias = dict[str, object]
Follow: TypeAlias = Callable[[Operation], Awaitable[AsyncGenerator[ExecutionResult, None]]]


class Streams:
    """All subscriptions of this process."""

    def __init__(self, follow: Follow, door: Door, limits: Limits) -> None:
        self._follow = follow
        self._door = door
        self._limits = limits
        self._held: Counter[tuple[str, str]] = Counter()

    async def payloads(self, operation: Operation) -> AsyncGenerator[Payload | None, None]:
        """What is sent, and None where a sign of life is due: first once the subscription stands.

        Raises RequestRefused before anything was sent where the party holds too many already, and
        Unauthenticated once the token behind it does not hold any more.
        """
        with self._counted(operation.actor):
            async with aclosing(await self._follow(operation)) as results:
                yield None
                upcoming = asyncio.ensure_future(anext(results))
                try:
                    while True:
                        await asyncio.wait((upcoming,), timeout=QUIET_SECONDS)
                        await self._door.look_again(operation.connection)
                        if not upcoming.done():
                            yield None
                            continue
                        payload = _payload(upcoming, operation.request_id)
                        if payload is None:
                            return
                        yield payload
                        upcoming = asyncio.ensure_future(anext(results))
                finally:
                    upcoming.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await upcoming

    def require_room(self, actor: Actor) -> None:
        """Raise RequestRefused where the party, or everybody together, holds as many as may be."""
        limits = self._limits
        if self._held.total() >= limits.streams or self._held[_party(actor)] >= limits.streams_of_one_party:
            raise RequestRefused.because("STREAM_LIMIT")

    @contextmanager
    def _counted(self, actor: Actor) -> Iterator[None]:
        self.require_room(actor)
        party = _party(actor)
        self._held[party] += 1
        try:
            yield
        finally:
            self._held[party] -= 1
            if not self._held[party]:
                del self._held[party]


def _party(actor: Actor) -> tuple[str, str]:
    """Who holds a stream: the client, and the person or the employee behind it."""
    return actor.client_id, actor.subject.value if actor.subject else actor.staff


def _payload(upcoming: asyncio.Future[ExecutionResult], request_id: str) -> Payload | None:
    """What came; None at the end of the stream. A fault is told as an error, and the stream is over then."""
    try:
        result = upcoming.result()
    except StopAsyncIteration:
        return None
    except Exception as fault:
        error = of_exception(fault)
        if code_of(error).code == "INTERNAL":
            logs.fault(fault)
        return {"errors": [formatted(error, request_id)]}
    payload: Payload = {"data": result.data}
    if result.errors:
        payload["errors"] = [formatted(error, request_id) for error in result.errors]
    return payload
