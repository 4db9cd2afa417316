"""The identity provider as an OpenID Connect relying party sees it (OpenID Connect Core 1.0, code flow).

PKCE, state and nonce are always used. The algorithms are the deployment's and not, as
authlib's own client has it, whatever the provider's metadata lists. The citizen number
is turned into a SubjectKey here and goes no further than the sealed reference.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from authz.jose import Algorithms
from authz.sessions import Login
from catalogue.identifiers import IdentifierError, SubjectKey
from gateway.issuer import document, key_set, trusted
from gateway.settings import Provider
from gateway.web.security import PageRefused

CALLBACK: Final = "/login/callback"
PATIENCE: Final = 10.0
METADATA_SECONDS: Final = 3_600.0
LEEWAY: Final = 60
_VERIFIER_LENGTH: Final = 64
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login under way: what the callback must bring back, and where the person was going."""

    state: str
    nonce: str
    verifier: str
    strong: bool
    then: str

    @classmethod
    def begin(cls, then: str, *, strong: bool) -> Attempt:
        """A new attempt with fresh secrets."""
        verifier = generate_token(_VERIFIER_LENGTH)
        return cls(generate_token(32), generate_token(32), verifier, strong, then)


class IdentityProvider:
    """Sends persons to log in, and reads what the provider says about them."""

    def __init__(self, settings: Provider, callback: str, step_up_seconds: int) -> None:
        self._settings = settings
        self._callback = callback
        self._step_up = step_up_seconds
        self._registry = Algorithms(settings.algorithms, strict_check_header=False)
        self._metadata: Mapping[str, Any] = {}
        self._read_at = float("-inf")
        self._keys: KeySet | None = None

    async def address(self, attempt: Attempt) -> str:
        """Where the person logs in; raises PageRefused when the provider cannot be reached."""
        async with _session() as http:
            metadata = await self._known(http)
        parameters = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._callback,
            "scope": self._settings.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        if attempt.strong:
            parameters |= {
                "acr_values": " ".join(self._settings.strong_acr),
                "max_age": str(self._step_up),
                "prompt": "login",
            }
        return str(add_params_to_uri(metadata["authorization_endpoint"], list(parameters.items())))

    async def login(self, attempt: Attempt, code: str) -> Login:
        """Who logged in; raises PageRefused for whatever does not hold."""
        async with _session() as http:
            metadata = await self._known(http)
            answer = await self._exchange(http, metadata, attempt, code)
            claims = await self._claims(http, metadata, answer, attempt)
            number = claims.get(self._settings.citizen_id_claim)
            if number is None and "userinfo_endpoint" in metadata:
                told = await _userinfo(http, metadata["userinfo_endpoint"], answer, str(claims["sub"]))
                number = told.get(self._settings.citizen_id_claim)
        strong = claims.get("acr") in self._settings.strong_acr and "auth_time" in claims
        authenticated = int(claims.get("auth_time", time.time()))
        if attempt.strong and not (strong and time.time() - authenticated <= self._step_up + LEEWAY):
            raise PageRefused(403, "login_weak")
        try:
            subject = SubjectKey.person(str(number))
        except IdentifierError:
            raise PageRefused(403, "login_nobody") from None
        return Login(subject, strong, authenticated)

    async def _known(self, http: aiohttp.ClientSession) -> Mapping[str, Any]:
        """The provider's metadata, renewed hourly (OpenID Connect Discovery 1.0 §4)."""
        if time.monotonic() - self._read_at < METADATA_SECONDS:
            return self._metadata
        issuer = self._settings.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            metadata = await document(http, url)
            if not isinstance(metadata, dict) or metadata.get("issuer") != issuer:
                raise ValueError("the metadata of another issuer")
            for name in _ENDPOINTS:
                if not isinstance(metadata.get(name), str) or not trusted(metadata[name], url):
                    raise ValueError(f"no {name} that can be trusted")
            keys = key_set(await document(http, metadata["jwks_uri"]))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, JoseError) as error:
            raise _unavailable(error) from None
        self._metadata, self._keys, self._read_at = metadata, keys, time.monotonic()
        return metadata

    async def _exchange(
        self, http: aiohttp.ClientSession, metadata: Mapping[str, Any], attempt: Attempt, code: str
    ) -> Mapping[str, Any]:
        """The token response (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": attempt.verifier,
            "client_id": self._settings.client_id,
        }
        secret, auth = self._settings.client_secret, None
        if secret is not None:
            auth = aiohttp.BasicAuth(self._settings.client_id, secret.get_secret_value())
        try:
            async with http.post(
                metadata["token_endpoint"], data=form, auth=auth, allow_redirects=False
            ) as response:
                answer = await response.json(content_type=None)
                if response.status != 200 or not isinstance(answer, dict):
                    raise PageRefused(403, "login_failed")
                return answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _unavailable(error) from None

    async def _claims(
        self,
        http: aiohttp.ClientSession,
        metadata: Mapping[str, Any],
        answer: Mapping[str, Any],
        attempt: Attempt,
    ) -> Mapping[str, Any]:
        """The claims of the ID token, checked as OpenID Connect Core §3.1.3.7 wants it."""
        raw = str(answer.get("id_token"))
        options = {"iss": {"values": [self._settings.issuer]}, "aud": {"values": [self._settings.client_id]}}
        expected = {"nonce": attempt.nonce, "client_id": self._settings.client_id}
        try:
            try:
                token = jwt.decode(raw, self._keys, registry=self._registry)  # type: ignore[arg-type]
            except InvalidKeyIdError:  # the provider has changed its key
                self._read_at = float("-inf")
                await self._known(http)
                token = jwt.decode(raw, self._keys, registry=self._registry)  # type: ignore[arg-type]
            claims = CodeIDToken(token.claims, token.header, options, expected)
            claims.validate(leeway=LEEWAY)
        except (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError) as error:
            _log.warning("login_token_refused", fault=type(error).__name__)
            raise PageRefused(403, "login_failed") from None
        return dict(claims)


async def _userinfo(
    http: aiohttp.ClientSession, url: str, answer: Mapping[str, Any], sub: str
) -> Mapping[str, Any]:
    """Claims that are not in the ID token; only of the same `sub` (OpenID Connect Core §5.3.2)."""
    headers = {"Authorization": f"Bearer {answer.get('access_token')}"}
    try:
        async with http.get(url, headers=headers, allow_redirects=False) as response:
            response.raise_for_status()
            told = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise _unavailable(error) from None
    if not isinstance(told, dict) or told.get("sub") != sub:
        raise PageRefused(403, "login_failed")
    return told


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))


def _unavailable(error: Exception) -> PageRefused:
    _log.error("identity_provider_failed", fault=type(error).__name__)
    return PageRefused(503, "login_unavailable")
