"""The ASGI application of a deployment: routes, lifespan, and the one seam between HTTP and the graph."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, Final

from graphql import ExecutionResult
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from authz.operators import HEADER as OPERATOR_HEADER
from gateway import health, ide, logs
from gateway.deployment import Deployment
from gateway.documents import Budget, DocumentCache
from gateway.graphql_http import ExecutionOutcome, GraphQLEndpoint, Operation, payer_of
from gateway.identity import GRAPHQL, Door, OfferNonce
from gateway.key_sets import proof_keys
from gateway.metrics import Metrics
from gateway.middleware import edge
from gateway.oauth.endpoints import OAuthEndpoints
from gateway.oauth.metadata import Published
from gateway.oauth.paths import PUSHED, TOKEN
from gateway.oauth.proofs import ProofReader
from gateway.oauth.protocol import TokenServer
from gateway.replies import EXCEPTION_HANDLERS
from gateway.reports import SourceReport
from gateway.sse import streamed
from gateway.streams import Streams
from gateway.transparency import PATH as TRANSPARENCY
from gateway.web.app import pages
from gateway.web.decisions import Decisions
from gateway.web.graph import Graph
from gateway.web.security import Site
from gateway.websocket import Sockets
from resolvers.execution import Request, run
from resolvers.subscribing import follow

PERSONAL_PLACES: Final = (
    "PersonLookup.citizenId",
    "PersonLookup.name",
    "SubjectLookup.subjectRef",
    "CheckRowInput.citizenId",
    "CheckRowInput.name",
)
"""Arguments and input fields that take variables only, whatever is written there (ruling 5)."""
SECTION_COST: Final = 10
"""Each section is a question to a department."""
RECORDS_COST: Final = 10 * SECTION_COST
"""A connection is a question to most of them."""
GC_THRESHOLD: Final = (50_000, 50, 1_000)
"""After start nothing long-lived is made, so the collector has little to find (stack.md B)."""


def create_app(deployment: Deployment) -> ASGIApp:
    """The application; its lifespan opens the store and closes the sources."""
    settings = deployment.settings
    metrics = Metrics()
    documents = DocumentCache(
        deployment.schema.executable, settings.limits, PERSONAL_PLACES, _weights(deployment)
    )
    proofs = ProofReader(deployment.nonces, settings.public_url)
    door = Door(deployment.verifier, deployment.revocations, proofs, deployment.once)
    execute, deadline = _executor(deployment, door), settings.deadlines.operation_ms / 1000
    observers = (metrics.observe, logs.observe)
    streams = Streams(_follower(deployment), door, settings.limits)
    endpoint = GraphQLEndpoint(
        documents,
        execute,
        door.identify,
        settings.limits,
        deadline,
        observers=observers,
        ide=ide.page if settings.graphiql else None,
        stream=partial(streamed, streams=streams),
    )
    ready = health.Ready(
        tuple(deployment.sources.values()),
        deployment.store.ping,
        {authority.source.name for authority in deployment.services.identity.values()},
        settings.deadlines.ready_ms / 1000,
    )
    apps: dict[str, Callable[..., Any]] = {
        GRAPHQL: OfferNonce(endpoint),
        "/livez": health.live,
        "/readyz": ready.respond,
        TRANSPARENCY: deployment.transparency.respond,
        **proof_keys(deployment.keys),
    }
    if settings.metrics_token:
        apps["/metrics"] = metrics.page(settings.metrics_token.get_secret_value())
    routes: list[BaseRoute] = [Route(path, app) for path, app in apps.items()]
    if settings.issuer_mode == "embedded":
        routes += authorization_server(deployment, proofs)
    routes += person_pages(deployment, Graph(documents, execute, settings.limits, deadline, observers))
    places = [route.path for route in routes if isinstance(route, Route)]
    if settings.graphiql:
        routes.append(Mount(ide.MOUNT, ide.assets()))
    deployment.audit.observers.append(metrics.audited)
    deployment.watch.observers.append(metrics.alarmed)
    origins = {*settings.cors_origins, *deployment.clients.origins}
    routes.append(WebSocketRoute(GRAPHQL, Sockets(endpoint.prepare, door, streams, origins).serve))
    app = Starlette(routes=routes, lifespan=_lifespan(deployment), exception_handlers=EXCEPTION_HANDLERS)
    return edge(_straight(apps[GRAPHQL], app), settings, metrics, [*places, ide.MOUNT], origins)


def _straight(graph: ASGIApp, router: ASGIApp) -> ASGIApp:
    """Requests to the graph pass the router by: its layers would be a tenth of what the edge costs."""

    def route(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        straight = scope["type"] == "http" and scope["path"] == GRAPHQL
        return (graph if straight else router)(scope, receive, send)

    return route


def person_pages(deployment: Deployment, graph: Graph) -> list[BaseRoute]:
    """The routes of the web pages (docs/pages.md), where the deployment has any."""
    settings = deployment.settings
    if settings.pages is None:
        return []
    return pages(
        settings.pages,
        Site(settings.public_url, settings.deadlines.operation_ms / 1000),
        deployment.clients,
        deployment.store,
        deployment.references,
        deployment.catalogue,
        graph,
        Decisions(
            deployment.consent_dialogue,
            deployment.authorizations if settings.issuer_mode == "embedded" else None,
        ),
        deployment.transparency,
    )


def authorization_server(deployment: Deployment, proofs: ProofReader) -> list[Route]:
    """The routes of the embedded authorization server (docs/oauth.md)."""
    settings = deployment.settings
    server = TokenServer(
        issuer=settings.issuer,
        audience=settings.audience,
        endpoints=[proofs.public_url + path for path in (TOKEN, PUSHED)],
        lifetime=timedelta(seconds=settings.token_seconds),
        keys=deployment.keys,
        clients=deployment.clients,
        verifier=deployment.verifier,
        grants=deployment.grants,
        dialogue=deployment.consent_dialogue,
    )
    rate = settings.limits.authorizations_per_minute
    endpoints = OAuthEndpoints(
        server,
        proofs,
        deployment.once,
        deployment.revocations,
        deployment.grants,
        deployment.consent_use,
        deployment.audit,
        settings.deadlines.operation_ms / 1000,
        Budget(rate, rate / 60, monotonic, code="AUTHORIZATION_BUDGET"),
    )
    published = Published(settings.issuer, proofs.public_url, deployment.clients, deployment.keys)
    return [*endpoints.routes(), *published.routes()]


def _executor(deployment: Deployment, door: Door) -> Callable[[Operation], Awaitable[ExecutionOutcome]]:
    async def execute(operation: Operation) -> ExecutionOutcome:
        """From the edge's operation to the graph's request and back."""
        executed = await run(
            deployment.schema,
            deployment.services,
            _request(operation),
        )
        await door.look_again(operation.connection)
        report = executed.report
        if report is None:
            return ExecutionOutcome(executed.data, executed.errors, left=executed.left)
        sources = [
            SourceReport(entry.source, entry.state, entry.latency_ms / 1000, entry.rejected)
            for entry in report.sources
        ]
        extensions = report.as_extensions()
        return ExecutionOutcome(executed.data, executed.errors, extensions, sources, left=executed.left)

    return execute


def _follower(
    deployment: Deployment,
) -> Callable[[Operation], Awaitable[AsyncGenerator[ExecutionResult, None]]]:
    return lambda operation: follow(deployment.schema, deployment.services, _request(operation))


def _request(operation: Operation) -> Request:
    """From the edge's operation to the graph's request."""
    return Request(
        operation.document.ast,
        operation.definition,
        operation.document.hash,
        operation.document.digest,
        operation.raw_variables,
        operation.coerced,
        operation.actor,
        operation.request_id,
        payer_of(operation.actor, operation.connection),
        operation.connection.scope["state"].get("ticket"),
        operation.connection.headers.get(OPERATOR_HEADER),
    )


def _weights(deployment: Deployment) -> dict[str, int]:
    """What a field costs beyond 1: sections ask a department, `records` and `export` ask many."""
    weights = {}
    for type_name, kind in deployment.schema.executable.type_map.items():
        for name, field in getattr(kind, "fields", {}).items():
            below = str(getattr(field, "type", "")).rstrip("!")
            if below in ("CreditRecordConnection", "SubjectExport", "CreditReport"):
                weights[f"{type_name}.{name}"] = RECORDS_COST
            elif below.endswith("Section"):
                weights[f"{type_name}.{name}"] = SECTION_COST
    return weights


def _lifespan(deployment: Deployment) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with deployment.running():
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLD)
            yield

    return lifespan
