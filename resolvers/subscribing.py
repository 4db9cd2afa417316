"""Follow one subscription: graphql-core's response stream over a context of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from inspect import isawaitable

from graphql import ExecutionResult, subscribe

from authz.audit import Query
from resolvers.context import RequestContext, Services
from resolvers.execution import Request
from resolvers.planning import Walk
from resolvers.schema import GraphSchema


async def follow(
    schema: GraphSchema, services: Services, request: Request
) -> AsyncGenerator[ExecutionResult, None]:
    """Results as they come, from the return of this on; whoever stops listening closes them.

    No department is asked.
    """
    plan = services.plans.of(
        schema.executable, request.document, request.digest, request.operation, request.coerced
    )
    context = RequestContext(
        services=services,
        actor=request.actor,
        query=Query(request.operation_name, request.operation_hash, request.request_id),
        walk=Walk(schema.executable, plan.fragments, request.coerced, plan.readers),
        plan=plan,
        grant=None,
    )
    stream = subscribe(
        schema.executable,
        request.document,
        context_value=context,
        variable_values=dict(request.variables),
        operation_name=request.operation_name or None,
        hide_suggestions=True,
    )
    if isawaitable(stream):
        stream = await stream
    return _only(stream) if isinstance(stream, ExecutionResult) else _all(stream)


async def _only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result


async def _all(stream: AsyncIterator[ExecutionResult]) -> AsyncGenerator[ExecutionResult, None]:
    try:
        async for result in stream:
            yield result
    finally:
        await stream.aclose()  # type: ignore[attr-defined]
