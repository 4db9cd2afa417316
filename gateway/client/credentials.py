"""How a client proves to be itself (docs/oauth.md)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.client.errors import Refused, Unreachable

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 60
_EARLY: Final = 30
"""Seconds before its end at which a token is renewed."""


class BearerToken:
    """A token that was issued elsewhere."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def headers(self, session: aiohttp.ClientSession, url: str) -> Mapping[str, str]:
        """`Authorization`."""
        return {"Authorization": f"Bearer {self._token}"}

    def heard(self, headers: Mapping[str, str]) -> None:
        """Nothing is."""


class PrivateKey:
    """A token by client credentials with `private_key_jwt` (RFC 7523), renewed before it ends.

    `key` is the client's private JWK of P-256; `operator` the staff reference the client vouches for. With
    `dpop` the token is bound to the key (RFC 9449).
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        key: Mapping[str, Any],
        *,
        operator: str | None = None,
        scope: str = "credit:check",
        dpop: bool = False,
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._key = ECKey.import_key(dict(key))
        self._operator = operator
        self._scope = scope
        self._dpop = dpop
        self._nonce: str | None = None
        self._token: tuple[str, float] | None = None
        self._renewing = asyncio.Lock()

    async def headers(self, session: aiohttp.ClientSession, url: str) -> Mapping[str, str]:
        """`Authorization`, and a DPoP proof where the token is bound; raises GatewayError."""
        async with self._renewing:
            if self._token is None or self._token[1] < time.monotonic():
                self._token = await self._fetched(session)
        token, _ = self._token
        if not self._dpop:
            return {"Authorization": f"Bearer {token}"}
        return {"Authorization": f"DPoP {token}", "DPoP": self._proof(url, token)}

    def heard(self, headers: Mapping[str, str]) -> None:
        """The nonce for the next proof."""
        self._nonce = headers.get("DPoP-Nonce", self._nonce)

    async def _fetched(self, session: aiohttp.ClientSession) -> tuple[str, float]:
        """A token and until when it is good, by the monotonic clock."""
        url = f"{self._issuer}/oauth/token"
        form = {
            "grant_type": "client_credentials",
            "scope": self._scope,
            "client_assertion_type": _ASSERTION_TYPE,
        }
        for _ in range(2):
            headers = {"DPoP": self._proof(url)} if self._dpop else {}
            try:
                async with session.post(
                    url, data={**form, "client_assertion": self._assertion()}, headers=headers
                ) as response:
                    self.heard(response.headers)
                    told = await response.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise Unreachable("ISSUER_UNREACHABLE", "No token could be fetched.", sent=False) from error
            if response.ok:
                return told["access_token"], time.monotonic() + told["expires_in"] - _EARLY
            if told.get("error") != "use_dpop_nonce":
                break
        raise Refused(
            f"TOKEN_{str(told.get('error', 'REFUSED')).upper()}",
            str(told.get("error_description", "The issuer refused a token.")),
            retryable=False,
        )

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._issuer,
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(16),
            **({"operator": self._operator} if self._operator else {}),
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)

    def _proof(self, url: str, token: str | None = None) -> str:
        claims = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": url, "iat": int(time.time())}
        if self._nonce:
            claims["nonce"] = self._nonce
        if token:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = urlsafe_b64encode(digest).rstrip(b"=").decode()
        public = {name: self._key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
        return jwt.encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}, claims, self._key)
