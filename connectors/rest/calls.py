"""One HTTP call to a department: filled in, signed, bounded, and its faults named."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from connectors.errors import (
    ConnectionDied,
    SourceBusy,
    SourceDrift,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.manifest import Rest, Signing

MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of an answer, decompressed; a page of rows is some kilobytes."""

_PLACE: Final = re.compile(r"\{(key|page|trace)\}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """The body of an HTTP 200 and the charset its header claims."""

    body: bytes
    charset: str | None


class Caller:
    """Makes the calls of one source on its session. `now` gives epoch seconds for signatures."""

    def __init__(self, source: str, base: str, signing: Signing | None, now: Callable[[], float]) -> None:
        self._source = source
        self._base = base.rstrip("/")
        self._signing = signing
        self._now = now

    async def call(
        self, session: aiohttp.ClientSession, rest: Rest, key: str, page: int, trace: str
    ) -> Reply:
        """Ask for one page of one key; raises a SourceError."""
        values = {"key": key, "page": str(page), "trace": _UNSAFE.sub("", trace)}
        body = b"" if rest.body is None else json.dumps(_filled(rest.body, values)).encode()
        headers = self._headers(body, values["trace"])
        url = f"{self._base}/{rest.path.lstrip('/')}"
        query = {name: _fill(text, values) for name, text in rest.query.items()}
        try:
            response = await session.request(
                rest.method, url, params=query, data=body or None, headers=headers, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._before_answer(error) from error
        async with response:
            if response.status != 200:
                raise self._refusal(response.status)
            try:
                return Reply(await self._body(response), response.charset)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise self._within_answer(error) from error

    def _headers(self, body: bytes, trace: str) -> dict[str, str]:
        headers = {"Accept": "*/*"}
        if body:
            headers["Content-Type"] = "application/json;charset=UTF-8"
        if trace:
            headers["X-Request-Id"] = trace
        if self._signing:
            headers |= signature(self._signing, body, int(self._now()))
        return headers

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY:
                raise SourceRubbish(self._source, "BODY_TOO_LARGE")
        return bytes(body)

    def _before_answer(self, error: Exception) -> SourceError:
        if isinstance(error, TimeoutError):
            return SourceTimeout(self._source, "DEADLINE")
        if isinstance(error, aiohttp.ClientConnectorError):
            return SourceUnavailable(self._source, "CONNECT")
        if isinstance(error, aiohttp.ServerDisconnectedError | OSError):
            return ConnectionDied(self._source, "CONNECTION_DIED")
        if isinstance(error, aiohttp.ClientResponseError):
            return SourceRubbish(self._source, "NOT_HTTP")
        return SourceUnavailable(self._source, "CONNECT")

    def _within_answer(self, error: Exception) -> SourceError:
        if isinstance(error, TimeoutError):
            return SourceTimeout(self._source, "DEADLINE")
        return SourceRubbish(self._source, "BODY_CUT_SHORT")

    def _refusal(self, status: int) -> SourceError:
        if status in (429, 503):
            return SourceBusy(self._source, "HTTP_BUSY")
        if status >= 500:
            return SourceUnavailable(self._source, "HTTP_SERVER_ERROR")
        if status in (401, 403):
            return SourceUnavailable(self._source, "HTTP_REFUSED")
        if status in (404, 405, 410):
            return SourceDrift(self._source, "HTTP_NOT_FOUND")
        # A redirect would carry a signed question about a person to an address nobody approved.
        return SourceRubbish(self._source, "HTTP_REDIRECT" if 300 <= status < 400 else "HTTP_STATUS")


def signature(signing: Signing, body: bytes, seconds: int) -> dict[str, str]:
    """Headers of the tax proxy's scheme: `sign` is upper(md5(appid + ts + body + secret)).

    MD5 is what the service accepts; it proves nothing to us.
    """
    text = f"{signing.app_id}{seconds}".encode() + body + signing.secret.encode()
    digest = hashlib.md5(text, usedforsecurity=False).hexdigest().upper()
    return {"appid": signing.app_id, "ts": str(seconds), "sign": digest}


def _filled(part: object, values: Mapping[str, str]) -> object:
    if isinstance(part, str):
        return _fill(part, values)
    if isinstance(part, Mapping):
        return {name: _filled(inner, values) for name, inner in part.items()}
    if isinstance(part, list | tuple):
        return [_filled(inner, values) for inner in part]
    return part


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values[found[1]], text)
