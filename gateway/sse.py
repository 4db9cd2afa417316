"""graphql-sse, distinct connections mode: one POST, one stream of `next` events, then `complete`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from starlette.responses import Response, StreamingResponse

from authz.errors import AuthzError
from gateway.errors import RequestRefused, formatted, of_exception
from gateway.graphql_http import Operation
from gateway.replies import COMPLETE, EVENT_HEADERS, EVENT_STREAM, event
from gateway.streams import Streams

_ALIVE: Final = b":\n\n"


def streamed(operation: Operation, streams: Streams) -> Response:
    """The answer to a subscription; raises RequestRefused STREAM_LIMIT."""
    streams.require_room(operation.actor)
    return StreamingResponse(_events(operation, streams), 200, EVENT_HEADERS, EVENT_STREAM)


async def _events(operation: Operation, streams: Streams) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(streams.payloads(operation)) as payloads:
            async for payload in payloads:
                yield _ALIVE if payload is None else event(payload)
    except (AuthzError, RequestRefused) as refusal:
        yield event({"errors": [formatted(of_exception(refusal), operation.request_id)]})
    yield COMPLETE
