"""The edge around every route: request id, access log, security headers, CORS, body limit. Pure ASGI."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authz.ids import letters
from catalogue.identifiers import holds_citizen_id
from gateway import logs
from gateway.errors import RequestRefused, of_exception
from gateway.metrics import Metrics
from gateway.personal import is_personal
from gateway.replies import refusal_response, request_id_of
from gateway.settings import Settings

REQUEST_ID: Final = "X-Request-ID"
CONTENT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For everything but pages, which bring their own."""
_TAKEN: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": CONTENT_POLICY,
}
_HSTS: Final = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


def edge(
    app: ASGIApp, settings: Settings, metrics: Metrics, routes: Collection[str], origins: Collection[str]
) -> ASGIApp:
    """Wrap the application.

    `routes` are the paths that may be named in the log; `origins` those of front ends that may
    call from browsers, never with cookies.
    """
    headers = {**_HEADERS, **(_HSTS if settings.hsts else {})}
    return Edge(
        app,
        settings.limits.body_bytes,
        metrics,
        frozenset(routes),
        [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        CORSMiddleware(
            app,  # which it never calls: it answers preflights, and says who may read an answer
            allow_origins=tuple(origins),
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "DPoP", REQUEST_ID),
            expose_headers=(REQUEST_ID, "WWW-Authenticate", "DPoP-Nonce", "Retry-After"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """What every request meets before the application, and every answer after it.

    One layer for all of it: each layer more is two coroutines more for every message.
    """

    app: ASGIApp
    limit: int
    """Of a body, in bytes."""
    metrics: Metrics
    routes: frozenset[str]
    headers: Sequence[tuple[bytes, bytes]]
    """For browsers, wherever the application has not set stricter ones of its own."""
    cors: CORSMiddleware

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, and pass it on or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = dict(reversed(scope["headers"]))
        request_id = _request_id(given.get(b"x-request-id", b"").decode("latin-1"))
        scope.setdefault("state", {})["request_id"] = request_id
        token = logs.request_id.set(request_id)
        try:
            if scope["type"] == "http":
                await self._logged(scope, _Exchange(self, scope, given, receive, send))
            else:
                await self.app(scope, receive, send)
        finally:
            logs.request_id.reset(token)

    async def _logged(self, scope: Scope, exchange: _Exchange) -> None:
        """One line a request: method, route, status, time. Never an address, a query string or a header."""
        started = perf_counter()
        self.metrics.running += 1
        try:
            if exchange.preflight:
                await self.cors(scope, exchange.receive, exchange.send)
            else:
                await self._guarded(scope, exchange)
        finally:
            self.metrics.running -= 1
            path = scope["path"]
            facts = {
                "method": scope["method"],
                "route": path if path in self.routes else "other",
                "status": exchange.status,
                "ms": round((perf_counter() - started) * 1000, 1),
                "event": "request",
            }
            logs.line(logging.INFO, facts)

    async def _guarded(self, scope: Scope, exchange: _Exchange) -> None:
        """Answer whatever no one caught, so that the server never prints an exception's text."""
        try:
            exchange.check_announced()
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as fault:
            refusal = fault if isinstance(fault, RequestRefused) else RequestRefused(of_exception(fault))
            if refusal.code.code == "INTERNAL":
                logs.fault(fault)
            if not exchange.begun:
                answer = refusal_response(refusal, request_id_of(scope))
                await answer(scope, exchange.receive, exchange.send)
            elif not exchange.over:
                raise BrokenAnswer from None


def _request_id(offered: str) -> str:
    """The client's id when it is harmless, one of ours otherwise."""
    if not offered or not _TAKEN.fullmatch(offered) or is_personal(offered):
        return letters()
    return letters() if holds_citizen_id(offered.replace("-", "")) else offered


class _Exchange:
    """The messages of one request and its answer, as they pass."""

    __slots__ = (
        "_edge",
        "_given",
        "_read",
        "_receive",
        "_request_id",
        "_send",
        "begun",
        "over",
        "preflight",
        "status",
    )

    def __init__(
        self, edge: Edge, scope: Scope, given: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        self._edge = edge
        self._request_id = request_id_of(scope).encode()
        self._given = given
        self._receive = receive
        self._send = send
        self._read = 0
        self.status = 499
        """As long as nothing was answered."""
        self.begun = self.over = False
        self.preflight = (
            scope["method"] == "OPTIONS" and b"origin" in given and b"access-control-request-method" in given
        )
        """Whether a browser asks if it may ask (Fetch §4.8)."""

    def check_announced(self) -> None:
        """Raise RequestRefused BODY_TOO_LARGE for a body whose announced length is above the limit."""
        announced = self._given.get(b"content-length", b"0").decode("latin-1")
        if not announced.isdecimal() or int(announced[:20]) > self._edge.limit:
            raise _too_large()

    async def receive(self) -> Message:
        """The next message; RequestRefused BODY_TOO_LARGE once more than the limit has arrived."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._edge.limit:
            raise _too_large()
        return message

    async def send(self, message: Message) -> None:
        """Send a message, the first one with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.begun = True
            self.status = message["status"]
            message["headers"] = self._headers(message.get("headers", ()))
        else:
            self.over = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    def _headers(self, sent: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        own = {name for name, _ in sent}
        return [
            *(sent if self.preflight else self._across(sent, own)),
            *(header for header in self._edge.headers if header[0] not in own),
            (b"x-request-id", self._request_id),
        ]

    def _across(
        self, sent: Sequence[tuple[bytes, bytes]], own: Container[bytes]
    ) -> Sequence[tuple[bytes, bytes]]:
        """What tells a browser whether a page of this origin may read the answer (Fetch §3.2)."""
        origin = self._given.get(b"origin")
        if origin is None and b"vary" not in own:
            return [*sent, (b"vary", b"Origin")]
        headers, cors = MutableHeaders(raw=[*sent]), self._edge.cors
        if origin is not None:
            headers.update(cors.simple_headers)
            if cors.is_allowed_origin(origin.decode("latin-1")):
                headers["Access-Control-Allow-Origin"] = origin.decode("latin-1")
        headers.add_vary_header("Origin")
        return headers.raw


def _too_large() -> RequestRefused:
    return RequestRefused.because("BODY_TOO_LARGE", Connection="close")


class BrokenAnswer(Exception):
    """An answer that broke off after it had begun; the server closes the connection. Holds no text."""
