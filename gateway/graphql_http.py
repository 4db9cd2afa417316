"""GraphQL over HTTP: one endpoint from bytes to bytes, for any schema and any executor.

What the executor must bring is one function from an Operation to an ExecutionOutcome. The
endpoint cancels it when the client goes away or the deadline passes, so that nobody asks the
departments on behalf of no one. Cookies are never read (ruling 22).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_network
from time import perf_counter
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

import orjson
from graphql import GraphQLError, OperationDefinitionNode, OperationType
from graphql.execution.values import VariableValues
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from authz.actors import Actor, ActorKind
from gateway import logs
from gateway.attending import Gone, Late, attended
from gateway.documents import Document, DocumentCache
from gateway.errors import RequestRefused, code_of, formatted, of_exception, origin_of
from gateway.limits import check_variables
from gateway.replies import (
    EVENT_STREAM,
    JSON,
    events_response,
    json_response,
    negotiate,
    refusal_response,
    request_id_of,
)
from gateway.reports import Observer, OperationReport, Outcome, SourceReport
from gateway.settings import Limits
from gateway.values import coerce_variables

MAX_OPERATION_NAME: Final = 128
_IPV6_NETWORK: Final = 64
"""Bits: what one household or office has for itself (RFC 6177)."""


class Operation(NamedTuple):
    """One operation, ready to be executed."""

    document: Document
    definition: OperationDefinitionNode
    name: str | None
    raw_variables: Mapping[str, object]
    """As sent; for an executor that coerces them itself."""
    coerced: VariableValues
    """As resolvers get them, defaults included."""
    actor: Actor
    request_id: str
    connection: HTTPConnection


class ExecutionOutcome(NamedTuple):
    """What the executor made of it."""

    data: object
    """A mapping, None, or an orjson.Fragment. Execution that cannot begin raises instead."""
    errors: Sequence[GraphQLError] = ()
    extensions: Mapping[str, object] = MappingProxyType({})
    sources: Sequence[SourceReport] = ()
    status: int | None = None
    """Overrules the HTTP status where the executor knows better."""
    left: str = ""
    """Why the executor left it to graphql-core, as `OperationReport.left`."""


Execute: TypeAlias = Callable[[Operation], Awaitable[ExecutionOutcome]]
Identify: TypeAlias = Callable[[HTTPConnection], Awaitable[Actor]]
"""Who asks; raises authz.Unauthenticated for a token that does not hold."""


class Parameters(NamedTuple):
    """What a request asks for."""

    query: str
    operation_name: str | None
    variables: Mapping[str, object]


class GraphQLEndpoint:
    """The ASGI application behind `/graphql`."""

    def __init__(
        self,
        documents: DocumentCache,
        execute: Execute,
        identify: Identify,
        limits: Limits,
        deadline: float,
        observers: Sequence[Observer] = (),
        ide: Callable[[Request], Awaitable[Response]] | None = None,
        stream: Callable[[Operation], Response] | None = None,
    ) -> None:
        """Put the endpoint together.

        Args:
            documents: where documents are read and kept.
            execute: runs one operation.
            identify: says who asks.
            limits: what variables may ask for.
            deadline: seconds for reading the body, and again for the execution.
            observers: told of every operation once it is over.
            ide: answers GET requests of browsers.
            stream: answers a subscription with events.
        """
        self._documents = documents
        self._execute = execute
        self._identify = identify
        self._limits = limits
        self._deadline = deadline
        self._observers = observers
        self._ide = ide
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        if self._ide and request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            page = await self._ide(request)
            await page(scope, receive, send)
            return
        started = perf_counter()
        report = OperationReport()
        try:
            response = await self._respond(request, report)
            report.status = response.status_code
            await response(scope, receive, send)
        except (Gone, ClientDisconnect):
            report.outcome, report.status = Outcome.GONE, 499
        finally:
            report.seconds = perf_counter() - started
            for observe in self._observers:
                observe(report)

    async def _respond(self, request: Request, report: OperationReport) -> Response:
        request_id = request_id_of(request.scope)
        media = JSON
        try:
            media = negotiate(request.headers.get("accept"))
            operation = await self._prepare(request, report)
            if operation.definition.operation is OperationType.SUBSCRIPTION:
                return self._subscribed(operation, media)
            outcome = await self._run(operation, request.receive)
            return _answered(outcome, request_id, media, report)
        except RequestRefused as refusal:
            return _refused(refusal, request_id, media, report)
        except (Gone, ClientDisconnect):
            raise
        except Exception as fault:
            _log_fault(fault)
            return _refused(RequestRefused(of_exception(fault)), request_id, media, report)

    def _subscribed(self, operation: Operation, media: str) -> Response:
        if media != EVENT_STREAM or self._stream is None:
            raise RequestRefused.because("SUBSCRIPTION_TRANSPORT")
        return self._stream(operation)

    async def _prepare(self, request: Request, report: OperationReport) -> Operation:
        parameters = await self._parameters(request)
        actor = await self._identify(request)
        report.client = actor.client_id
        operation = self.prepare(parameters, actor, request, report)
        if request.method == "GET" and operation.definition.operation is not OperationType.QUERY:
            raise RequestRefused.because("METHOD_NOT_ALLOWED", Allow="POST")
        return operation

    def prepare(
        self,
        parameters: Parameters,
        actor: Actor,
        connection: HTTPConnection,
        report: OperationReport | None = None,
    ) -> Operation:
        """The operation that somebody asks for; raises RequestRefused, and reports what is known by then."""
        document = self._documents.get(parameters.query, payer_of(actor, connection))
        definition = document.operation(parameters.operation_name)
        if report:
            report.document = document.hash
            report.kind = definition.operation.value
            report.operation = definition.name.value if definition.name else ""
        variables = coerce_variables(document.signature(definition), parameters.variables)
        check_variables(parameters.variables, variables.coerced, document.weight.slices, self._limits)
        return Operation(
            document,
            definition,
            parameters.operation_name,
            parameters.variables,
            variables,
            actor,
            request_id_of(connection.scope),
            connection,
        )

    async def _parameters(self, request: Request) -> Parameters:
        if request.method == "GET":
            return _from_query(request)
        if request.method != "POST":
            raise RequestRefused.because("METHOD_NOT_ALLOWED", Allow="GET, POST")
        _check_content(request)
        try:
            return _from_body(await attended(_body(request.receive), self._deadline))
        except Late:
            raise RequestRefused.because("REQUEST_TIMEOUT", Connection="close") from None

    async def _run(self, operation: Operation, receive: Receive) -> ExecutionOutcome:
        """Execute, unless the client goes away or the deadline passes first."""
        try:
            return await attended(self._execute(operation), self._deadline, _disconnection(receive))
        except Late:
            raise RequestRefused.because("OPERATION_TIMEOUT") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task and task.cancelling():
                raise
            # by itself, as a poisoned loader does; nobody cancelled the request
            raise RequestRefused.because("INTERNAL") from None


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def payer_of(actor: Actor, connection: HTTPConnection) -> str:
    """Whose budgets are used: the client's, or for anonymous ones the address's, of IPv6 its network's."""
    if actor.kind is not ActorKind.ANONYMOUS:
        return f"client {actor.client_id}"
    return f"address {address_of(connection)}"


def address_of(connection: HTTPConnection) -> str:
    """Where it comes from: the address, of IPv6 its network's, for one caller has all of that."""
    host = connection.client.host if connection.client else ""
    with suppress(ValueError):
        host = str(ip_network((IPv6Address(host), _IPV6_NETWORK), strict=False))
    return host


def _check_content(request: Request) -> None:
    sent = request.headers.get("content-type", "")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if sent == JSON and encoding == "identity":
        return
    content_type, *parameters = sent.lower().split(";")
    charsets = {part.strip().removeprefix("charset=").strip('"') for part in parameters if "charset=" in part}
    if content_type.strip() != JSON or charsets - {"utf-8", "utf8"} or encoding != "identity":
        raise RequestRefused.because("UNSUPPORTED_MEDIA_TYPE", Accept_Post="application/json")


def _from_query(request: Request) -> Parameters:
    """An anonymous query without variables: nothing personal may stand in an address."""
    parameters = request.query_params
    if "authorization" in request.headers or "variables" in parameters or "extensions" in parameters:
        raise RequestRefused.because("METHOD_NOT_ALLOWED", Allow="POST")
    return checked(parameters.get("query"), parameters.get("operationName"), None)


def _from_body(body: bytes) -> Parameters:
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RequestRefused.because("BAD_REQUEST", "The body is not valid UTF-8 JSON.") from None
    if isinstance(raw, list):
        raise RequestRefused.because("BATCHING_NOT_SUPPORTED")
    if not isinstance(raw, dict):
        raise RequestRefused.because("BAD_REQUEST")
    extensions = raw.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise RequestRefused.because("BAD_REQUEST", "`extensions` must be an object.")
    return checked(raw.get("query"), raw.get("operationName"), raw.get("variables"))


def checked(query: object, operation_name: object, variables: object) -> Parameters:
    """What a request asks for; raises RequestRefused BAD_REQUEST for what is no request."""
    if not isinstance(query, str) or not query.strip():
        raise RequestRefused.because("BAD_REQUEST", "`query` must hold a GraphQL document.")
    if operation_name is not None and (
        not isinstance(operation_name, str) or len(operation_name) > MAX_OPERATION_NAME
    ):
        raise RequestRefused.because("BAD_REQUEST", "`operationName` must be the name of an operation.")
    if variables is not None and not isinstance(variables, dict):
        raise RequestRefused.because("BAD_REQUEST", "`variables` must be an object.")
    return Parameters(query, operation_name or None, variables or {})


def _answered(outcome: ExecutionOutcome, request_id: str, media: str, report: OperationReport) -> Response:
    report.sources = tuple(outcome.sources)
    report.left = outcome.left
    report.outcome = Outcome.PARTIAL if outcome.errors else Outcome.OK
    body: dict[str, object] = {"data": outcome.data}
    if outcome.errors:
        report.codes = _codes(outcome.errors)
        for error in outcome.errors:
            _log_fault(origin_of(error))
        # Errors come first, where people look first (GraphQL specification §7.1).
        body = {"errors": [formatted(error, request_id) for error in outcome.errors], **body}
    if outcome.extensions:
        body["extensions"] = outcome.extensions
    if media == EVENT_STREAM:
        return events_response(body)
    return json_response(body, outcome.status or 200, media)


def _refused(refusal: RequestRefused, request_id: str, media: str, report: OperationReport) -> Response:
    report.codes = _codes(refusal.errors)
    if refusal.code.code == "OPERATION_TIMEOUT":
        report.outcome = Outcome.TIMEOUT
    else:
        report.outcome = Outcome.FAILED if refusal.code.status >= 500 else Outcome.REFUSED
    return refusal_response(refusal, request_id, media)


def _codes(errors: Sequence[GraphQLError]) -> tuple[str, ...]:
    return tuple(sorted({code_of(error).code for error in errors}))


def _log_fault(fault: Exception) -> None:
    """Log what the table does not know; everything else is the client's business."""
    if code_of(of_exception(fault)).code == "INTERNAL":
        logs.fault(fault)
