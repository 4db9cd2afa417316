"""The edge around every route: request id, access log, security headers, CORS, body limit.

Pure ASGI. The order is code in one place, `edge`; outermost first.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from time import perf_counter
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authz.ids import letters
from catalogue.identifiers import holds_citizen_id
from gateway import logs
from gateway.errors import RequestRefused, of_exception
from gateway.metrics import InFlight, Metrics
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
    app = BodyLimit(app, settings.limits.body_bytes)
    app = LastResort(app)
    app = CORSMiddleware(
        app,
        allow_origins=tuple(origins),
        allow_methods=("GET", "POST"),
        allow_headers=("Authorization", "Content-Type", "DPoP", REQUEST_ID),
        expose_headers=(REQUEST_ID, "WWW-Authenticate", "DPoP-Nonce", "Retry-After"),
    )
    app = SecurityHeaders(app, hsts=settings.hsts)
    app = AccessLog(app, routes)
    app = InFlight(app, metrics.in_flight)
    return RequestId(app)


class RequestId:
    """Names every request, in `scope["state"]`, the log and the `X-Request-ID` of the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the client's id when it is harmless, make one otherwise."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(REQUEST_ID, "")
        joined = offered.replace("-", "")
        harmless = (
            offered
            and _TAKEN.fullmatch(offered)
            and not is_personal(offered)
            and not holds_citizen_id(joined)
        )
        request_id = offered if harmless else letters()
        scope.setdefault("state", {})["request_id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, named)


class AccessLog:
    """One line a request: method, route, status, time. Never an address, a query string or a header."""

    def __init__(self, app: ASGIApp, routes: Collection[str]) -> None:
        self._app = app
        self._routes = frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log the request once it is over; status 499 when nothing was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 499

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            path = scope["path"]
            logs.log().info(
                "request",
                method=scope["method"],
                route=path if path in self._routes else "other",
                status=status,
                ms=round((perf_counter() - started) * 1000, 1),
            )


class SecurityHeaders:
    """Headers for browsers, wherever the application has not set stricter ones of its own."""

    def __init__(self, app: ASGIApp, *, hsts: bool) -> None:
        self._app = app
        headers = {**_HEADERS, **(_HSTS if hsts else {})}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers that are missing."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = message["headers"]
                own = {name for name, _ in sent}
                message["headers"] = [*sent, *(header for header in self._headers if header[0] not in own)]
            await send(message)

        await self._app(scope, receive, secured)


class LastResort:
    """Answers whatever no one caught, so that the server never prints an exception's text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn an exception into an answer, or into silence when the answer has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = over = False

        async def watched(message: Message) -> None:
            nonlocal begun, over
            begun = True
            over = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as fault:
            refusal = fault if isinstance(fault, RequestRefused) else RequestRefused(of_exception(fault))
            if refusal.code.code == "INTERNAL":
                logs.fault(fault)
            if not begun:
                await refusal_response(refusal, request_id_of(scope))(scope, receive, send)
            elif not over:
                raise BrokenAnswer from None


class BrokenAnswer(Exception):
    """An answer that broke off after it had begun; the server closes the connection. Holds no text."""


class BodyLimit:
    """Refuses bodies above the limit, by their announced length or while they arrive."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a small enough body on; RequestRefused BODY_TOO_LARGE for another."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > self._limit:
            raise self._refusal()
        read = 0

        async def measured() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise self._refusal()
            return message

        await self._app(scope, measured, send)

    def _refusal(self) -> RequestRefused:
        return RequestRefused.because("BODY_TOO_LARGE", Connection="close")
