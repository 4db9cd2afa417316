"""graphql-transport-ws: strawberry keeps the protocol, this keeps who asks, limits, and what is told.

A browser cannot put headers on a handshake, so `connection_init` carries them:
`{"authorization": "Bearer …"}`, or `{"authorization": "DPoP …", "dpop": <proof>}` with a proof for
`GET` of the endpoint's address (RFC 9449). Only subscriptions travel this way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Final, TypeGuard, cast
from urllib.parse import urlsplit

import orjson
from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    Operation as Subscribed,
)

from authz.actors import ANONYMOUS, Actor
from authz.errors import AuthzError, Unauthenticated
from gateway import logs
from gateway.errors import RequestRefused, code_of, formatted, of_exception
from gateway.graphql_http import Operation, Parameters, checked
from gateway.identity import Door
from gateway.streams import Streams

INIT_SECONDS: Final = 5.0
OPERATIONS_OF_ONE: Final = 8
"""Subscriptions on one connection."""
_LONGEST_ID: Final = 64
_UNAUTHORIZED: Final = 4401

Prepare = Callable[[Parameters, Actor, HTTPConnection], Operation]


class Sockets:
    """The WebSocket side of `/graphql`."""

    def __init__(self, prepare: Prepare, door: Door, streams: Streams, origins: Collection[str]) -> None:
        self._prepare = prepare
        self._door = door
        self._streams = streams
        self._origins = frozenset(origins)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection; a page of an unknown origin is turned away before it begins."""
        if not self._welcome(websocket):
            await websocket.close()
            return
        if GRAPHQL_TRANSPORT_WS_PROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        await websocket.accept(GRAPHQL_TRANSPORT_WS_PROTOCOL)
        await _Handler(websocket, self._prepare, self._door, self._streams).handle()

    def _welcome(self, websocket: WebSocket) -> bool:
        """Whether it is no browser, or one that shows a page of ours or of a registered front end."""
        origin = websocket.headers.get("origin")
        if origin is None or origin in self._origins:
            return True
        return urlsplit(origin).netloc == websocket.headers.get("host")


class _Connection:
    """What strawberry's handler wants of a WebSocket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def iter_json(self) -> AsyncIterator[object]:
        """Messages; ends with WebSocketDisconnected."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnected
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            try:
                yield orjson.loads(text)
            except orjson.JSONDecodeError:
                raise NonJsonMessageReceived from None

    async def send_json(self, message: object) -> None:
        """Send one message; WebSocketDisconnected once nobody is there."""
        try:
            await self._websocket.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError):
            raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        """Close, unless it is closed."""
        try:
            await self._websocket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError):
            raise WebSocketDisconnected from None


class _Handler(BaseGraphQLTransportWSHandler[Any, Any]):
    """The protocol's states are strawberry's; identity, operations and errors are the gateway's."""

    def __init__(self, websocket: WebSocket, prepare: Prepare, door: Door, streams: Streams) -> None:
        super().__init__(
            view=cast("Any", self),
            websocket=cast("Any", _Connection(websocket)),
            context={},
            root_value=None,
            schema=cast("Any", None),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=OPERATIONS_OF_ONE,
        )
        self._scope = websocket.scope
        self._prepare = prepare
        self._door = door
        self._streams = streams
        self._actor = ANONYMOUS
        self._connection: HTTPConnection = websocket

    async def handle_message(self, message: object) -> None:
        """As the protocol has it; a message of another form closes the connection."""
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("")

    async def handle_invalid_message(self, error_message: str) -> None:
        """The same words whatever was sent, for they are not repeated."""
        await self.websocket.close(4400, "Invalid message")

    async def on_ws_connect(self, context: dict[str, Any]) -> None:
        """Who asks, by what `connection_init` carried; a token that does not hold ends the connection."""
        self._connection = _presenting(self._scope, context["connection_params"])
        try:
            self._actor = await self._door.identify(self._connection)
            if (ticket := self._connection.scope["state"].get("ticket")) is not None:
                await ticket.spend()
        except (AuthzError, RequestRefused):
            raise ConnectionRejectionError from None

    async def run_operation(self, operation: Subscribed[Any, Any]) -> None:
        """Send what the subscription brings until it ends, or the token behind it does."""
        request_id = str(self._scope["state"]["request_id"])
        try:
            parameters = checked(operation.query, operation.operation_name, operation.variables)
            prepared = self._prepare(parameters, self._actor, self._connection)
            if prepared.definition.operation is not OperationType.SUBSCRIPTION:
                raise RequestRefused.because("SUBSCRIPTION_TRANSPORT")
            async with aclosing(self._streams.payloads(prepared)) as payloads:
                async for payload in payloads:
                    await self._send(operation, payload)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            pass
        except Unauthenticated:
            await self.websocket.close(_UNAUTHORIZED, "Unauthorized")
        except Exception as fault:
            refusal = fault if isinstance(fault, RequestRefused) else RequestRefused(of_exception(fault))
            if code_of(refusal.errors[0]).code == "INTERNAL":
                logs.fault(fault)
            errors = [formatted(error, request_id) for error in refusal.errors]
            await operation.send_operation_message(
                cast("Any", {"id": operation.id, "type": "error", "payload": errors})
            )

    async def _send(self, operation: Subscribed[Any, Any], payload: dict[str, object] | None) -> None:
        if payload is None:
            await self.send_message({"type": "ping"})
            return
        message = {"id": operation.id, "type": "next", "payload": payload}
        await operation.send_operation_message(cast("Any", message))

    async def handle_task_exception(self, error: Exception) -> None:
        """Logged by type and place, as everything is."""
        logs.fault(error)


def _is_message(message: object) -> TypeGuard[Any]:
    """Whether members that every message may have are of their type, and no id is longer than ids are."""
    if not isinstance(message, dict):
        return False
    name, payload = message.get("id", ""), message.get("payload", {})
    return isinstance(name, str) and len(name) <= _LONGEST_ID and isinstance(payload, dict)


def _presenting(scope: Scope, parameters: dict[str, object]) -> HTTPConnection:
    """The handshake as if it had carried the headers that a browser cannot give it."""
    given = [
        (name.encode(), value.encode("latin-1", "replace"))
        for name in ("authorization", "dpop")
        if isinstance(value := parameters.get(name), str)
    ]
    kept = [(name, value) for name, value in scope["headers"] if name not in (b"authorization", b"dpop")]
    state = dict(scope.get("state", {}))
    return HTTPConnection({**scope, "method": "GET", "headers": kept + given, "state": state})
