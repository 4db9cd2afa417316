"""One bounded HTTP exchange: what every source that is asked over HTTP shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from connectors.errors import (
    ConnectionDied,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.manifest import Manifest

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of an answer, decompressed; a page of rows is some kilobytes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the body is whole, the status anything."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    charset: str | None


def session_of(manifest: Manifest) -> aiohttp.ClientSession:
    """A session of `pool` connections without cookies; must be made inside a running loop."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=manifest.pool),
        timeout=aiohttp.ClientTimeout(total=manifest.deadline_ms / 1_000),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "credit-gateway"},
    )


async def exchange(
    source: str,
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    body: bytes,
    headers: Mapping[str, str],
) -> Reply:
    """Send one request and read its answer; raises a SourceError. Redirects are not followed."""
    try:
        response = await session.request(
            method, url, data=body or None, headers=dict(headers), allow_redirects=False
        )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _before_answer(source, error) from error
    async with response:
        try:
            content = await _body(source, response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _within_answer(source, error) from error
        return Reply(response.status, response.headers, content, response.charset)


async def _body(source: str, response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_BODY:
            raise SourceRubbish(source, "BODY_TOO_LARGE")
    return bytes(content)


def _before_answer(source: str, error: Exception) -> SourceError:
    if isinstance(error, TimeoutError):
        return SourceTimeout(source, "DEADLINE")
    if isinstance(error, aiohttp.ClientConnectorError):
        return SourceUnavailable(source, "CONNECT")
    if isinstance(error, aiohttp.ServerDisconnectedError | OSError):
        return ConnectionDied(source, "CONNECTION_DIED")
    if isinstance(error, aiohttp.ClientResponseError):
        return SourceRubbish(source, "NOT_HTTP")
    return SourceUnavailable(source, "CONNECT")


def _within_answer(source: str, error: Exception) -> SourceError:
    if isinstance(error, TimeoutError):
        return SourceTimeout(source, "DEADLINE")
    return SourceRubbish(source, "BODY_CUT_SHORT")
