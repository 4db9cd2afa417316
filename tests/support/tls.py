"""The front of a deployment: takes TLS off and gives each connection to the next process of the gateway."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_CHUNK: Final = 65_536
_LOOPBACK: Final = "127.0.0.1"


def certificate(folder: Path) -> Path:
    """A PEM file with a key and a certificate for the loopback address that signs itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "county.example")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(_LOOPBACK))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "front.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def front(pem: Path, port: int, behind: Sequence[str]) -> AsyncIterator[None]:
    """HTTPS on `port`: the first connection goes to the first address, the next to the next, and around."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    turn = cycle([urlsplit(url).port for url in behind])
    lines = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        lines.add(line)
        with suppress(OSError, asyncio.CancelledError):
            await _joined(reader, writer, next(turn))
        lines.discard(line)

    server = await asyncio.start_server(serve, _LOOPBACK, port, ssl=context)
    try:
        yield
    finally:
        server.close()
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int | None) -> None:
    """Both directions until either side has said its last word, which is still delivered."""
    far_reader, far_writer = await asyncio.open_connection(_LOOPBACK, port)
    ways = [asyncio.create_task(way) for way in (_pump(reader, far_writer), _pump(far_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        for end in (far_writer, writer):
            end.close()
        await asyncio.gather(*ways, far_writer.wait_closed(), writer.wait_closed(), return_exceptions=True)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        sink.write(chunk)
        await sink.drain()
