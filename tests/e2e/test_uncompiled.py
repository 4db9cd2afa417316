"""Operators see how many answers are left to graphql-core, which is right and slower."""

from __future__ import annotations

from tests.support.processes import Server


async def test_answers_that_are_not_compiled_are_counted_by_why(server: Server) -> None:
    async def left(**labels: str) -> float:
        return await server.metric("gateway_uncompiled_operations_total", kind="query", **labels)

    before = await left()
    compiled = await server.ask('{ enterprise(uscc: "91990100MA9TE00142") { displayName } }')
    assert compiled.data["enterprise"]
    assert await left() == before
    await server.ask("{ __schema { queryType { name } } }")
    assert await left(why="document") == before + 1
