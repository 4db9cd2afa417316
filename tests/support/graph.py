"""A small strawberry graph behind the real edge: what the gateway's own tests ask."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path

import aiohttp
import strawberry
from graphql import execute
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount, Route
from strawberry.schema.config import StrawberryConfig

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.errors import SubjectNotConfirmed, Unauthenticated
from catalogue.identifiers import normalize_citizen_id
from connectors.errors import SourceTimeout
from gateway import ide, logs
from gateway.documents import DocumentCache
from gateway.graphql_http import ExecutionOutcome, GraphQLEndpoint, Operation
from gateway.health import live
from gateway.metrics import Metrics
from gateway.middleware import edge
from gateway.replies import EXCEPTION_HANDLERS
from gateway.reports import OperationReport, SourceReport
from gateway.settings import Settings
from tests.support.http import served

CITIZEN = "990101198001010014"
NAME = "测试甲"
TOKEN = "good-token"
METRICS_TOKEN = "metrics-of-a-test-and-of-nothing-else"
ROUTES = ("/graphql", "/livez", "/metrics")

CitizenId = strawberry.scalar(
    name="CitizenId", serialize=str, parse_value=lambda raw: normalize_citizen_id(str(raw))
)


class CitizenIdText(str):
    """The Python type behind the CitizenId scalar."""


@strawberry.input
class PersonLookup:
    citizen_id: CitizenIdText
    name: str


@strawberry.type
class Person:
    name: str | None

    @strawberry.field
    def penalties(self) -> list[str] | None:
        raise SourceTimeout("double-publicity")

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(f"driver text with {CITIZEN} and {NAME}")


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, times: int = 1) -> str:
        return "hello" * times

    @strawberry.field
    def person(self, lookup: PersonLookup) -> Person | None:
        if lookup.name != NAME:
            raise SubjectNotConfirmed
        return Person(name="测**")

    @strawberry.field
    async def slow(self, info: strawberry.Info) -> str:
        stage: Stage = info.context
        stage.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stage.cancelled.set()
            raise
        return "never"

    @strawberry.field
    async def poisoned(self) -> str:
        raise asyncio.CancelledError

    @strawberry.field
    def rows(self, first: int = 10) -> list[Person]:
        return [Person(name="测**")] * min(first, 3)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> str:
        return "touched"


SCHEMA = strawberry.Schema(Query, Mutation, config=StrawberryConfig(scalar_map={CitizenIdText: CitizenId}))


@dataclass
class Stage:
    """What a test can watch of the slow field, and everything that was reported."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    reports: list[OperationReport] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    url: str = ""

    def observe(self, report: OperationReport) -> None:
        self.reports.append(report)
        self.over.set()

    async def execute(self, operation: Operation) -> ExecutionOutcome:
        self.operations.append(operation)
        result = execute(
            SCHEMA._schema,
            operation.document.ast,
            context_value=self,
            variable_values=dict(operation.raw_variables),
            operation_name=operation.name,
        )
        if isawaitable(result):
            result = await result
        sources = [SourceReport("double-publicity", "TIMEOUT", 0.8)] if result.errors else []
        return ExecutionOutcome(result.data, result.errors or [], {"trace": "x"}, sources)


async def identify(connection: HTTPConnection) -> Actor:
    """Anyone without a token, one officer's client with the good one."""
    header = connection.headers.get("authorization")
    if header is None:
        return ANONYMOUS
    if header != f"Bearer {TOKEN}":
        raise Unauthenticated("TOKEN_SIGNATURE", "The token does not hold.")
    return Actor(ActorKind.OFFICER, "approval-system")


def settings(**changes: object) -> Settings:
    """Complete settings with some changed."""
    paths = {name: Path(name) for name in ("jwks", "keys", "clients", "mandates", "sources")}
    return Settings.model_validate(
        {"issuer": "https://id.example.cn", "audience": "gateway", **paths, **changes}
    )


@asynccontextmanager
async def county(routes: Sequence[Route] = (), **changes: object) -> AsyncIterator[Stage]:
    """The small graph behind the whole edge, on a real server."""
    stage, chosen = Stage(), settings(**changes)
    endpoint = GraphQLEndpoint(
        DocumentCache(SCHEMA._schema, chosen.limits, ["PersonLookup.citizenId", "PersonLookup.name"]),
        stage.execute,
        identify,
        chosen.limits,
        chosen.deadlines.operation_ms / 1000,
        (logs.observe, stage.metrics.observe, stage.observe),
        ide.page if chosen.graphiql else None,
    )
    app = Starlette(
        routes=[
            Route("/graphql", endpoint),
            Route("/livez", live),
            Route("/metrics", stage.metrics.page(METRICS_TOKEN)),
            Mount(ide.MOUNT, ide.assets()),
            *routes,
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    async with served(edge(app, chosen, stage.metrics, ROUTES, chosen.cors_origins)) as stage.url:
        yield stage


@asynccontextmanager
async def asked(
    stage: Stage, query: str, variables: object = None, **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """POST one query to the stage."""
    body = {"query": query, "variables": variables}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stage.url}/graphql", json=body, headers=headers) as response,
    ):
        yield response
