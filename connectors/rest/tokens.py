"""The bearer token of one source: asked for when needed, kept in memory, renewed before it runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from connectors.errors import SourceUnavailable
from connectors.parts import Token
from connectors.rest.answers import at, document_of

_EARLY: Final = 0.1
"""A token is renewed when so much of its life is left, because clocks and networks are slow."""

Asked = Callable[[], Awaitable[tuple[bytes, str | None]]]
"""One call to the token endpoint: body and declared charset; raises a SourceError."""


@dataclass(frozen=True, slots=True)
class _Held:
    value: str
    until: float


class Tokens:
    """One token for all calls of a source; whoever needs it while it is being got waits for that one."""

    def __init__(self, source: str, token: Token, now: Callable[[], float]) -> None:
        self._source = source
        self._token = token
        self._now = now
        self._held: _Held | None = None
        self._coming: asyncio.Task[_Held] | None = None

    async def header(self, asked: Asked) -> dict[str, str]:
        """The header that carries a token good for now; raises a SourceError."""
        if self._held is None or self._now() >= self._held.until:
            if self._coming is None:
                self._coming = asyncio.create_task(self._get(asked))
                self._coming.add_done_callback(self._arrived)
            # a caller that goes away leaves the others their token
            await asyncio.shield(self._coming)
        assert self._held is not None  # noqa: S101 -- the task raised otherwise
        return {self._token.header: self._token.value.replace("{token}", self._held.value)}

    def refused(self, header: dict[str, str]) -> None:
        """The service refused the token of that header; a newer one that came meanwhile stays."""
        held = self._held
        if held and header.get(self._token.header) == self._token.value.replace("{token}", held.value):
            self._held = None

    async def close(self) -> None:
        """Wait for no token any more."""
        if self._coming:
            self._coming.cancel()

    def _arrived(self, coming: asyncio.Task[_Held]) -> None:
        self._coming = None
        # the exception is the callers' too; reading it here keeps it from being reported as lost
        if not coming.cancelled() and coming.exception() is None:
            self._held = coming.result()

    async def _get(self, asked: Asked) -> _Held:
        started = self._now()
        body, charset = await asked()
        document = document_of(self._source, body, charset)
        value = at(self._source, document, self._token.at)
        lifetime = at(self._source, document, self._token.expires, missing=True)
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
            raise SourceUnavailable(self._source, "TOKEN")
        seconds = float(str(lifetime)) if str(lifetime).isdecimal() else float(self._token.lifetime)
        return _Held(value, started + seconds * (1 - _EARLY))
