"""The HTTP side: token, introspection, revocation, metadata and keys.

A request is read, the protocol core says what it comes to, and what it changes is durable
before anything is answered: an assertion and a proof are used up together, or neither is.
An assertion is used up by the answer it gets, so a client may send it again with the nonce
that it was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from authz.clients import ClientRegister, GrantType
from authz.errors import StoreUnavailable, Unauthenticated
from authz.jose import ALGORITHMS
from authz.keys import KeyRing
from authz.once import Kind, OnceOnly, Replayed
from authz.revocations import Revocations
from catalogue.values import CHINA_TIME
from gateway.oauth.proofs import ERRORS, ProofReader
from gateway.oauth.protocol import METHOD, Answer, Exchange, TokenServer

TOKEN: Final = "/oauth/token"  # noqa: S105 - a path
INTROSPECTION: Final = "/oauth/introspect"
REVOCATION: Final = "/oauth/revoke"
METADATA: Final = "/.well-known/oauth-authorization-server"
KEYS: Final = "/.well-known/jwks.json"
FORM: Final = "application/x-www-form-urlencoded"
MOST_PARAMETERS: Final = 20
KEYS_SECONDS: Final = 300
"""How long others may keep our public keys."""

_REPLAYED: Final = {Kind.ASSERTION: "invalid_client", Kind.PROOF: "invalid_dpop_proof"}
_log: Final = structlog.get_logger(__name__)


class _Refused(Exception):
    """A request that ends before the protocol core sees it; `error` is of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.answer = _refusal(error, description, status)


@dataclass(frozen=True, slots=True)
class OAuthEndpoints:
    """The routes of the embedded authorization server. `deadline` is seconds for reading a body."""

    server: TokenServer
    proofs: ProofReader
    once: OnceOnly
    revocations: Revocations
    clients: ClientRegister
    keys: KeyRing
    issuer: str
    deadline: float

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route(TOKEN, self._endpoint(TOKEN, self._token), methods=["POST"]),
            Route(INTROSPECTION, self._endpoint(INTROSPECTION, self._introspect), methods=["POST"]),
            Route(REVOCATION, self._endpoint(REVOCATION, self._revoke), methods=["POST"]),
            Route(METADATA, self._metadata, methods=["GET"]),
            Route(KEYS, self._keys, methods=["GET"]),
        ]

    def _endpoint(
        self, path: str, answer: Callable[[Exchange], Awaitable[Answer]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            """Read, decide, make durable, answer."""
            now = datetime.now(CHINA_TIME)
            try:
                form = await self._form(request)
                proof = self.proofs.read(request.headers, "POST", path, now)
                answered = await answer(Exchange(self.proofs.public_url + path, form, now, proof))
            except _Refused as refusal:
                answered = refusal.answer
            except Unauthenticated as refusal:
                answered = _refusal(ERRORS[refusal.code], refusal.message)
            except Replayed as replay:
                answered = _refusal(
                    _REPLAYED[replay.kind], f"The {replay.kind} was used before. Make a new one."
                )
            except StoreUnavailable as refusal:
                answered = _refusal("temporarily_unavailable", refusal.message, 503)
            if answered.status != 200:
                _log.warning("oauth_refused", path=path, error=answered.body["error"])
            return _json(answered.body, answered.status, self.proofs.offer(now))

        return respond

    async def _token(self, exchange: Exchange) -> Answer:
        answer: Answer = self.server.create_token_response(exchange)
        await self._use_up(exchange, answer)
        return answer

    async def _introspect(self, exchange: Exchange) -> Answer:
        await self.revocations.refresh()
        answer: Answer = self.server.create_endpoint_response("introspection", exchange)
        await self._use_up(exchange, answer)
        return answer

    async def _revoke(self, exchange: Exchange) -> Answer:
        answer: Answer = self.server.create_endpoint_response("revocation", exchange)
        await self._use_up(exchange, answer)
        if exchange.revoked:
            jti, expires = exchange.revoked["jti"], exchange.revoked["exp"]
            await self.revocations.revoke(str(jti), float(str(expires)))
        return answer

    async def _use_up(self, exchange: Exchange, answer: Answer) -> None:
        if answer.status == 200 and exchange.assertion:
            proofs = [exchange.proof.use] if exchange.proof else []
            await self.once.spend(exchange.assertion.use, *proofs)

    async def _form(self, request: Request) -> Mapping[str, str]:
        """The parameters of the body, each once (RFC 6749 §3.2); nothing is taken from the address."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise _Refused("invalid_request", f"Send {FORM}.", 415)
        try:
            async with asyncio.timeout(self.deadline):
                body = (await request.body()).decode()
            pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
        except TimeoutError:
            raise _Refused("invalid_request", "The body did not arrive in time.", 408) from None
        except ClientDisconnect:
            raise
        except ValueError:
            raise _Refused("invalid_request", "The body is not a form.") from None
        form = dict(pairs)
        if len(form) != len(pairs):
            raise _Refused("invalid_request", "A parameter is given twice.")
        return form

    async def _metadata(self, _: Request) -> Response:
        """RFC 8414, with RFC 9449's algorithms."""
        url, algorithms = self.proofs.public_url, sorted(ALGORITHMS)
        scopes = sorted({scope for client in self.clients.clients.values() for scope in client.scopes})
        document: dict[str, object] = {
            "issuer": self.issuer,
            "jwks_uri": url + KEYS,
            "token_endpoint": url + TOKEN,
            "introspection_endpoint": url + INTROSPECTION,
            "revocation_endpoint": url + REVOCATION,
            "grant_types_supported": sorted(GrantType),
            # required by RFC 8414 §2; there is no authorization endpoint, so none it answers
            "response_types_supported": [],
            "scopes_supported": scopes,
            "dpop_signing_alg_values_supported": algorithms,
        }
        for endpoint in ("token", "introspection", "revocation"):
            document[f"{endpoint}_endpoint_auth_methods_supported"] = [METHOD]
            document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = algorithms
        return _json(document, cache=f"public, max-age={KEYS_SECONDS}")

    async def _keys(self, _: Request) -> Response:
        """Public keys of all versions (RFC 7517)."""
        document = dict(self.keys.verification_keys().as_dict(private=False))
        return _json(document, cache=f"public, max-age={KEYS_SECONDS}")


def _refusal(error: str, description: str, status: int = 400) -> Answer:
    return Answer(status, {"error": error, "error_description": description})


def _json(
    body: Mapping[str, object],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cache: str = "no-store",
) -> Response:
    response = Response(orjson.dumps(body), status, dict(headers or {}), "application/json")
    response.headers["Cache-Control"] = cache
    return response
