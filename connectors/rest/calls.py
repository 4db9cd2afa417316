"""One HTTP call to a department: filled in, signed, bounded, and its faults named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from connectors.errors import (
    SourceBusy,
    SourceDrift,
    SourceError,
    SourceRubbish,
    SourceUnavailable,
)
from connectors.http import exchange
from connectors.manifest import Manifest
from connectors.parts import Rest
from connectors.rest.answers import Page, TokenExpired, page_of
from connectors.rest.filling import FORM, JSON, Turn, body, path, query, safe_trace
from connectors.rest.signing import Signed, signature
from connectors.rest.tokens import Tokens

Admission = Callable[[], Awaitable[None]]
"""Waits until one more call may be made; raises SourceBusy."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, filled in but not yet signed."""

    method: str
    url: URL
    body: bytes = b""
    media_type: str = ""
    trace: str = ""
    statuses: tuple[int, ...] = (200,)


class Caller:
    """Makes the calls of one source. `now` gives epoch seconds, for signatures and tokens."""

    def __init__(self, manifest: Manifest, url: str, now: Callable[[], float]) -> None:
        self._source = manifest.source
        self._base = url.rstrip("/")
        self._headers = manifest.headers
        self._signing = manifest.signing
        self._token = manifest.token
        self._tokens = Tokens(self._source, manifest.token, now) if manifest.token else None
        self._now = now

    async def call(self, session: aiohttp.ClientSession, rest: Rest, turn: Turn, admitted: Admission) -> Page:
        """Ask for one page; raises a SourceError. A refused token is renewed once."""
        values = turn.values(rest)
        url = self._url(path(rest, values)).update_query(query(rest, values))
        content, media_type = body(rest, turn, values)
        request = Request(rest.method, url, content, media_type, safe_trace(turn.trace), rest.statuses)
        for last in (self._tokens is None, True):
            bearer = await self._bearer(session, admitted)
            try:
                await admitted()
                return page_of(self._source, rest, *await self._sent(session, request, bearer))
            except TokenExpired:
                if self._tokens is None or last:
                    raise
                self._tokens.refused(bearer)
        raise AssertionError

    async def close(self) -> None:
        """Forget what is on its way."""
        if self._tokens:
            await self._tokens.close()

    def _url(self, step: str) -> URL:
        return URL(f"{self._base}/{step.lstrip('/')}", encoded=True)

    async def _bearer(self, session: aiohttp.ClientSession, admitted: Admission) -> dict[str, str]:
        if self._tokens is None or self._token is None:
            return {}
        token = self._token
        content = urlencode(token.form or {}).encode() if token.body is None else orjson.dumps(token.body)
        media_type = FORM if token.body is None else JSON
        request = Request("POST", self._url(token.path), content, media_type)

        async def asked() -> tuple[bytes, str | None]:
            await admitted()
            return await self._sent(session, request, {})

        return await self._tokens.header(asked)

    async def _sent(
        self, session: aiohttp.ClientSession, request: Request, bearer: Mapping[str, str]
    ) -> tuple[bytes, str | None]:
        """Body and declared charset of an answer that may be read."""
        reply = await exchange(
            self._source,
            session,
            request.method,
            request.url,
            request.body,
            {**self._signed(request), **bearer},
        )
        if reply.status not in request.statuses:
            raise self._refusal(reply.status)
        return reply.body, reply.charset

    def _signed(self, request: Request) -> dict[str, str]:
        headers = {"Accept": "*/*", **self._headers}
        if request.media_type:
            headers["Content-Type"] = request.media_type
        if request.trace:
            headers["X-Request-Id"] = request.trace
        if self._signing:
            call = Signed(request.method, request.url.raw_path_qs, request.body)
            headers |= signature(self._signing, call, self._now())
        return headers

    def _refusal(self, status: int) -> SourceError:
        if status in (429, 503):
            return SourceBusy(self._source, "HTTP_BUSY")
        if status >= 500:
            return SourceUnavailable(self._source, "HTTP_SERVER_ERROR")
        if status == 401 and self._tokens:
            return TokenExpired(self._source, "TOKEN_REFUSED")
        if status in (401, 403):
            return SourceUnavailable(self._source, "HTTP_REFUSED")
        if status in (404, 405, 410):
            return SourceDrift(self._source, "HTTP_NOT_FOUND")
        # A redirect would carry a signed question about a person to an address nobody approved.
        return SourceRubbish(self._source, "HTTP_REDIRECT" if 300 <= status < 400 else "HTTP_STATUS")
