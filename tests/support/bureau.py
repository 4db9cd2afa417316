"""A tax bureau that takes every call and answers none until it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.processes import Home


@dataclass
class Bureau:
    """What tests can watch and do."""

    port: int
    calls: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One call: nothing found, once the bureau is open."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.calls += 1
            await self.open.wait()
            body = b'{"code": "01", "data": null}'
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
            writer.write(head + body)
            await writer.drain()
        writer.close()

    async def called(self) -> bool:
        return self.calls > 0


@asynccontextmanager
async def bureau(home: Home) -> AsyncIterator[Bureau]:
    """On the address that the deployment's tax manifest asks."""
    found = Bureau(int(home.environment["COUNTY_TAX_URL"].rpartition(":")[2]))
    running = await asyncio.start_server(found.handle, "127.0.0.1", found.port)
    try:
        yield found
    finally:
        found.open.set()
        running.close()
        await running.wait_closed()
