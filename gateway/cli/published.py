"""What commands check signatures with: a published JWK set, from a file or its https address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.cli.common import CommandError

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_PATIENCE: Final = aiohttp.ClientTimeout(total=10)


def published_keys(place: str) -> KeySet:
    """The keys; CommandError KEYS_UNREADABLE, or KEYS_INSECURE for an address in the clear."""
    url = urlsplit(place)
    if url.scheme == "http" and url.hostname not in _LOCAL:
        raise CommandError("KEYS_INSECURE", "Fetch keys by https, or name a file.")
    try:
        content = (
            asyncio.run(_fetched(place)) if url.scheme in ("http", "https") else Path(place).read_bytes()
        )
        return KeySet.import_key_set(orjson.loads(content))
    except (OSError, aiohttp.ClientError, JoseError, KeyError, TypeError, ValueError):
        raise CommandError(
            "KEYS_UNREADABLE", "No JWK set can be read there. Save the gateway's keys to a file instead."
        ) from None


async def _fetched(address: str) -> bytes:
    async with (
        aiohttp.ClientSession(timeout=_PATIENCE, raise_for_status=True) as session,
        session.get(address, allow_redirects=False) as response,
    ):
        return await response.read()
