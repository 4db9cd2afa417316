"""A client that goes away takes its questions with it: nothing goes on at the departments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import orjson

from tests.e2e.conftest import EngineCounty
from tests.support.county_answers import PERSON, back_to, mine
from tests.support.processes import Server, eventually

HONOURS = "{ me { person { honours { honours { state records { title } } } } } }"
TRACE = "e2e-disconnect-0001"


@asynccontextmanager
async def asking(server: Server, query: str) -> AsyncIterator[asyncio.StreamWriter]:
    """A bare socket with a question on its way, and nobody reading the answer."""
    address = urlsplit(server.url)
    body = orjson.dumps({"query": query})
    token = server.home.token("citizen-app", PERSON)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nX-Request-ID: {TRACE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(head.encode() + body)
        await writer.drain()
        yield writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_closed_socket_ends_the_query_at_the_database(engine_county: EngineCounty) -> None:
    server = engine_county.server
    whole = await mine(server)
    before = await gone(server)

    async def asked() -> list[str]:
        return await engine_county.running("civil")

    async def idle() -> bool:
        return not await asked()

    async def counted() -> bool:
        return await gone(server) == before + 1

    await engine_county.pace("civil", 50)  # its deadline is a minute away
    async with asking(server, HONOURS) as writer:
        (statement,) = await eventually(asked)
        assert TRACE in statement
        writer.close()
        await eventually(idle, patience=40)
    await eventually(counted)
    await engine_county.pace("civil", 0)
    await back_to(server, whole)


async def gone(server: Server) -> float:
    """Operations whose client had left, by the gateway's own count."""
    return await server.metric("gateway_operations_total", outcome="gone")
