"""Keys of an external issuer: from a file, or from where its metadata says (RFC 8414, OpenID Discovery)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from authz.errors import AuthzError
from authz.jose import public_key
from gateway.settings import SettingsError

RENEW_SECONDS: Final = 60.0
"""How soon a new key of the issuer is known, and an old one forgotten."""
LONGEST_HOLD: Final = 3_600.0
"""How long the last keys hold while the issuer cannot be reached, in seconds."""
PATIENCE: Final = 5.0
LARGEST_DOCUMENT: Final = 256 * 1024

_log: Final = structlog.get_logger(__name__)


def filed_keys(path: Path) -> Callable[[], KeySet]:
    """The issuer's public keys from a JWK set file, read once."""
    try:
        keys = key_set(orjson.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise SettingsError("BAD_VALUE", "jwks", "not a readable JWK set (RFC 7517)") from error
    return lambda: keys


class DiscoveredKeys:
    """The keys that an issuer publishes, renewed while the gateway runs."""

    def __init__(
        self,
        issuer: str,
        discovery: str,
        *,
        renew: float = RENEW_SECONDS,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._discovery = discovery
        self._renew = renew
        self._timer = timer
        self._keys: KeySet | None = None
        self._document: object = None
        self._renewed = float("-inf")
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Read the keys, and keep them new. An issuer that is down does not stop the start."""
        await self._look()
        self._renewing = asyncio.create_task(self._keep_new(), name="issuer-keys")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])

    def __call__(self) -> KeySet:
        """The current keys; raises AuthzError ISSUER_UNAVAILABLE when there are none to believe."""
        if self._keys is None or self._timer() - self._renewed > LONGEST_HOLD:
            raise AuthzError(
                "ISSUER_UNAVAILABLE", "The issuer's keys cannot be read, so no token can be checked."
            )
        return self._keys

    async def _keep_new(self) -> None:
        while True:
            await asyncio.sleep(self._renew)
            await self._look()

    async def _look(self) -> None:
        began = self._timer()
        try:
            document = await self._fetch()
            keys = key_set(document)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            _log.error("issuer_keys_failed", error=type(error).__name__)
            return
        if document != self._document:  # a new object makes the verifier forget its cached tokens
            self._keys, self._document = keys, document
        self._renewed = began

    async def _fetch(self) -> object:
        """The issuer's JWK set; ValueError where the metadata is another issuer's (RFC 8414 §3.3)."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            metadata = await document(session, self._discovery)
            if not isinstance(metadata, dict) or metadata.get("issuer") != self._issuer:
                raise ValueError("the metadata of another issuer")
            address = metadata.get("jwks_uri")
            if not isinstance(address, str) or not trusted(address, self._discovery):
                raise ValueError("keys at an address that cannot be trusted")
            return await document(session, address)


async def document(session: aiohttp.ClientSession, url: str) -> object:
    """A JSON document of an issuer; raises what aiohttp raises, and ValueError for anything else."""
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        if response.status != 200:
            raise ValueError("not a document")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LARGEST_DOCUMENT:
                raise ValueError("too large for a key set")
        return orjson.loads(bytes(body))


def trusted(address: str, discovery: str) -> bool:
    """https, or plain http on the host that the operator configured with plain http (the loopback one)."""
    there, here = urlsplit(address), urlsplit(discovery)
    return there.scheme == "https" or (there.scheme, there.netloc) == (here.scheme, here.netloc)


def key_set(told: object) -> KeySet:
    """The keys that we could believe; an issuer may publish others beside them."""
    if not isinstance(told, dict) or not isinstance(told.get("keys"), list):
        raise ValueError("not a JWK set")
    found = []
    for jwk in told["keys"]:
        try:
            found.append(public_key(jwk))
        except (ValueError, JoseError):
            continue
    if not found:
        raise ValueError("no key for ES256, EdDSA or PS256")
    return KeySet(found)
