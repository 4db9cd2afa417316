"""A line between the gateway and a database that can be cut, held, slowed, or broken in mid-answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK = 16_384


@dataclass
class Line:
    """Forwards one local port to `host:port`; faults hold for old and new connections alike."""

    host: str
    target: int
    port: int = 0
    delay: float = 0.0
    """Seconds that each chunk of an answer is late."""
    cut_after: int | None = None
    """Bytes towards the client after which a connection is cut, its greeting included."""
    cut_answer_after: int | None = None
    """Bytes of the next answer after which an open connection is cut."""
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    connections: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Take connections, on the same port as before."""
        self.flowing.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse new connections and cut those there are."""
        if self._server:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Cut every connection; new ones are taken."""
        for connection in list(self.connections):
            connection.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    async def heal(self) -> None:
        """No fault any more."""
        self.delay, self.cut_after, self.cut_answer_after = 0.0, None, None
        self.flowing.set()
        if self._server is None:
            await self.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        try:
            await self._forward(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # cut by us, or by one of the two ends
        finally:
            self.connections.discard(task)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.flowing.wait()
        there_reader, there = await asyncio.open_connection(self.host, self.target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, there, answering=False))
                group.create_task(self._pump(there_reader, writer, answering=True))
        except ExceptionGroup:
            pass
        finally:
            there.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answering: bool
    ) -> None:
        sent = 0
        while chunk := await source.read(CHUNK):
            await self.flowing.wait()
            if answering and self.delay:
                await asyncio.sleep(self.delay)
            if answering and self.cut_after is not None and sent + len(chunk) > self.cut_after:
                sink.write(chunk[: max(0, self.cut_after - sent)])
                with suppress(OSError):
                    await sink.drain()
                raise ConnectionResetError
            if answering and self.cut_answer_after is not None:
                sink.write(chunk[: self.cut_answer_after])
                with suppress(OSError):
                    await sink.drain()
                raise ConnectionResetError
            sent += len(chunk)
            sink.write(chunk)
            await sink.drain()
        raise ConnectionResetError
