"""HTTP replies: JSON bodies, media types of GraphQL over HTTP, and the status of a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from graphql import GraphQLError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Scope

from authz.jose import ALGORITHMS
from gateway.errors import RequestRefused, Stage, formatted

GRAPHQL: Final = "application/graphql-response+json"
"""The media type whose status codes mean something (GraphQL over HTTP §6.4.2)."""
JSON: Final = "application/json"
"""The legacy type: 200 for whatever is a well-formed request (§6.4.1)."""
EVENT_STREAM: Final = "text/event-stream"
"""graphql-sse in distinct connections mode: a stream of `next` events, then `complete`."""
OFFERED: Final = (GRAPHQL, JSON, EVENT_STREAM)
CHALLENGE: Final = (
    'Bearer realm="credit-gateway", error="invalid_token", '
    f'DPoP realm="credit-gateway", algs="{" ".join(sorted(ALGORITHMS))}"'
)
"""What a request without DPoP is told; one with it hears what is wrong with its proof."""


def request_id_of(scope: Scope) -> str:
    """The id that the edge gave this request."""
    return str(scope["state"]["request_id"])


def negotiate(accept: str | None) -> str:
    """The media type to answer with; RequestRefused NOT_ACCEPTABLE when the client takes neither."""
    if not accept or not accept.strip():
        return GRAPHQL
    if accept in OFFERED:
        return accept
    ranges = [_media_range(part) for part in accept.split(",")]
    best = max(OFFERED, key=lambda offer: _quality(offer, ranges))
    if _quality(best, ranges) <= 0:
        raise RequestRefused.because("NOT_ACCEPTABLE")
    return best


def _media_range(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0


def _quality(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The weight of the most specific range that covers the offer (RFC 9110 §12.5.1)."""
    for pattern in (offer, f"{offer.split('/')[0]}/*", "*/*"):
        for name, weight in ranges:
            if name == pattern:
                return weight
    return 0.0


def status_of(refusal: RequestRefused, media: str) -> int:
    """HTTP status of a request that was not executed, as the media type wants it."""
    row = refusal.code
    if media == JSON and row.stage is Stage.DOCUMENT and row.status == 400:
        return 200
    return row.status


def errors_body(errors: Sequence[GraphQLError], request_id: str) -> dict[str, object]:
    """A GraphQL response with errors and no data."""
    return {"errors": [formatted(error, request_id) for error in errors]}


class JsonResponse(Response):
    """JSON that no cache may keep, with its headers written once, as they travel."""

    def __init__(self, content: bytes, status: int, media: str, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self.body = content
        self.background = None
        self.raw_headers = [
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()),
            (b"content-length", b"%d" % len(content)),
            (b"content-type", b"%s; charset=utf-8" % media.encode()),
            (b"cache-control", b"no-store"),
        ]


def json_response(
    body: Mapping[str, object], status: int, media: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON response that no cache may keep; TypeError for a value that JSON does not have."""
    return JsonResponse(orjson.dumps(body), status, media, headers or {})


def event(payload: Mapping[str, object]) -> bytes:
    """One `next` event."""
    return b"event: next\ndata: " + orjson.dumps(payload) + b"\n\n"


COMPLETE: Final = b"event: complete\ndata: \n\n"
EVENT_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""No cache keeps it, and no nginx in between collects it."""


def events_response(body: Mapping[str, object]) -> Response:
    """What is answered at once, for a client that takes nothing but events."""
    return Response(event(body) + COMPLETE, 200, EVENT_HEADERS, EVENT_STREAM)


def refusal_response(refusal: RequestRefused, request_id: str, media: str = JSON) -> Response:
    """The answer to a request that was not executed; 401 says how to authenticate (RFC 6750, RFC 9449)."""
    media = JSON if media == EVENT_STREAM else media
    status = status_of(refusal, media)
    headers = dict(refusal.headers)
    if status == 401:
        headers.setdefault("WWW-Authenticate", CHALLENGE)
    waits = [(error.extensions or {}).get("retryAfter") for error in refusal.errors]
    if any(waits):
        headers.setdefault("Retry-After", str(max(filter(None, waits))))
    return json_response(errors_body(refusal.errors, request_id), status, media, headers)


async def http_exception(request: Request, fault: Exception) -> Response:
    """The router's own refusals: an unknown address, a method that a route does not have."""
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    refusal = RequestRefused.because(_ROUTER.get(status, "INTERNAL"))
    return refusal_response(refusal, request_id_of(request.scope))


async def client_gone(_: Request, __: Exception) -> Response:
    """Nobody is there to answer: nothing unexpected, and 499 in the log."""
    return Response(status_code=499)


_ROUTER: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
EXCEPTION_HANDLERS: Final = {
    ClientDisconnect: client_gone,
    HTTPException: http_exception,
    Exception: http_exception,
}
"""For Starlette(exception_handlers=…): every answer has a code of the table."""
