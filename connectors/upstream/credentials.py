"""This gateway as a client of another one: its key proves it at every step.

The token is asked for with an assertion (private_key_jwt, RFC 7523) and bound to the same key by
DPoP (RFC 9449), for each officer one; nonces of the server are taken from its answers.
"""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from cachetools import LRUCache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from yarl import URL

from connectors.errors import ManifestError, SourceUnavailable
from connectors.http import Reply
from connectors.parts import Client, Token
from connectors.rest.answers import document_of
from connectors.rest.tokens import Tokens

_ALGORITHMS: Final = {"EC": "ES256", "OKP": "EdDSA"}
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME: Final = 60
_OFFICERS: Final = 256
"""Tokens kept: each is of one officer, whom the other side audits."""
_METADATA: Final = "/.well-known/oauth-authorization-server"
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}

Send = Callable[[str, URL, bytes, Mapping[str, str]], Awaitable[Reply]]
"""One HTTP exchange: method, address, body, headers; raises a SourceError."""


class Credentials:
    """Headers for each request, and the token behind them."""

    def __init__(
        self, source: str, client: Client, graph: URL, base_dir: Path, now: Callable[[], float]
    ) -> None:
        self._source = source
        self._client = client
        self._key = _key(client, base_dir)
        self._issuer = (client.issuer or str(graph.origin())).rstrip("/")
        self._now = now
        self._nonce = ""
        self._endpoint: URL | None = None
        self._tokens: LRUCache[str, Tokens] = LRUCache(_OFFICERS)

    async def headers(self, method: str, url: URL, send: Send, operator: str) -> dict[str, str]:
        """`Authorization` and a proof for one request of an officer; raises a SourceError."""
        operator = operator or self._client.operator or ""
        tokens = self._tokens.get(operator)
        if tokens is None:
            tokens = Tokens(self._source, Token(path="", value="DPoP {token}"), self._now)
            self._tokens[operator] = tokens
        header = await tokens.header(lambda: self._granted(send, operator))
        token = header["Authorization"].removeprefix("DPoP ")
        return {**header, "DPoP": self._proof(method, url, token)}

    def again(self, reply: Reply, headers: dict[str, str]) -> bool:
        """Whether a refused request is worth one more: with the server's nonce, or another token."""
        self._heard(reply)
        if reply.status != 401:
            return False
        if "use_dpop_nonce" not in reply.headers.get("WWW-Authenticate", ""):
            for tokens in self._tokens.values():
                tokens.refused({"Authorization": headers["Authorization"]})
        return True

    async def close(self) -> None:
        """Forget what is on its way."""
        for tokens in self._tokens.values():
            await tokens.close()

    async def _granted(self, send: Send, operator: str) -> tuple[bytes, str | None]:
        """The token endpoint's answer; asked again where it wants a nonce of its own."""
        endpoint = self._endpoint = self._endpoint or await self._discovered(send)
        for _ in range(2):
            asked = {
                "grant_type": "client_credentials",
                "client_id": self._client.id,
                "scope": self._client.scope,
                "client_assertion_type": _ASSERTION,
                "client_assertion": self._assertion(operator),
            }
            proof = {"DPoP": self._proof("POST", endpoint)}
            reply = await send("POST", endpoint, urlencode(asked).encode(), _FORM | proof)
            self._heard(reply)
            if reply.status == 200:
                return reply.body, reply.charset
            if b"use_dpop_nonce" not in reply.body:
                break
        raise SourceUnavailable(self._source, "TOKEN")

    async def _discovered(self, send: Send) -> URL:
        """The token endpoint by RFC 8414; metadata of another issuer is no metadata."""
        reply = await send("GET", URL(self._issuer + _METADATA), b"", {})
        document = document_of(self._source, reply.body, reply.charset) if reply.status == 200 else None
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise SourceUnavailable(self._source, "TOKEN")
        try:
            endpoint = URL(str(document.get("token_endpoint", "")))
        except ValueError:
            raise SourceUnavailable(self._source, "TOKEN") from None
        if endpoint.scheme != URL(self._issuer).scheme:
            raise SourceUnavailable(self._source, "TOKEN")
        return endpoint

    def _heard(self, reply: Reply) -> None:
        self._nonce = reply.headers.get("DPoP-Nonce", self._nonce)

    def _assertion(self, operator: str) -> str:
        now = int(self._now())
        claims = {
            "iss": self._client.id,
            "sub": self._client.id,
            "aud": self._issuer,
            "iat": now,
            "exp": now + _LIFETIME,
            "jti": secrets.token_urlsafe(16),
            **({"operator": operator} if operator else {}),
        }
        header = {"alg": _ALGORITHMS[self._key.key_type]}
        if self._key.kid:
            header["kid"] = self._key.kid
        return jwt.encode(header, claims, self._key, algorithms=list(_ALGORITHMS.values()))

    def _proof(self, method: str, url: URL, token: str = "") -> str:
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": str(url.with_query(None).with_fragment(None)),
            "iat": int(self._now()),
            **({"nonce": self._nonce} if self._nonce else {}),
            **({"ath": _hash(token)} if token else {}),
        }
        known = self._key.as_dict(private=False)
        public = {name: known[name] for name in ("kty", "crv", "x", "y") if name in known}
        header = {"typ": "dpop+jwt", "alg": _ALGORITHMS[self._key.key_type], "jwk": public}
        return jwt.encode(header, claims, self._key, algorithms=list(_ALGORITHMS.values()))


def _key(client: Client, base_dir: Path) -> ECKey | OKPKey:
    where = "client.key"
    try:
        content = json.loads((base_dir / client.key).read_text("utf-8"))
        key: ECKey | OKPKey = (OKPKey if content.get("kty") == "OKP" else ECKey).import_key(content)
    except (OSError, ValueError, AttributeError, JoseError):
        raise ManifestError("MANIFEST_KEY_FILE", where, "no private key in JWK form there") from None
    if not key.is_private or key.as_dict(private=False).get("crv") not in ("P-256", "Ed25519"):
        raise ManifestError("MANIFEST_KEY_FILE", where, "needs a private key, EC P-256 or Ed25519")
    return key


def _hash(token: str) -> str:
    return urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
