"""The HTTP side: authorization, pushed requests, tokens, introspection and revocation.

A request is read, the protocol core says what it comes to, and what it changes is durable
before anything is answered: an assertion and a proof are used up together, or neither is.
An assertion is used up by the answer it gets, so a client may send it again with the nonce
that it was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import orjson
import structlog
from authlib.oauth2 import OAuth2Error
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from authz.audit import AuditLog
from authz.authorizations import PUSHED_SECONDS, AuthorizationStore, UsedBefore
from authz.consent.use import ConsentUse
from authz.errors import AuditUnavailable, StoreUnavailable, Unauthenticated
from authz.once import Kind, OnceOnly, Replayed
from authz.revocations import Revocations
from catalogue.values import CHINA_TIME
from gateway.documents import Budget
from gateway.errors import RequestRefused
from gateway.graphql_http import address_of
from gateway.oauth.authorizations import PAGE, answered
from gateway.oauth.exchange import Answer, Exchange
from gateway.oauth.grants import named_consent
from gateway.oauth.paths import AUTHORIZATION, INTROSPECTION, PUSHED, REVOCATION, TOKEN
from gateway.oauth.proofs import ERRORS, ProofReader
from gateway.oauth.protocol import TokenServer

FORM: Final = "application/x-www-form-urlencoded"
MOST_PARAMETERS: Final = 30
REQUEST_URI: Final = "urn:ietf:params:oauth:request_uri:"
"""What a pushed request is called (RFC 9126 §2.2)."""

_REPLAYED: Final = {Kind.ASSERTION: "invalid_client", Kind.PROOF: "invalid_dpop_proof"}
_log: Final = structlog.get_logger(__name__)


class _Refused(Exception):
    """A request that ends before the protocol core sees it; `error` is of RFC 6749 §5.2."""

    def __init__(
        self, error: str, description: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.answer = replace(_refusal(error, description, status), headers=headers or {})


@dataclass(frozen=True, slots=True)
class OAuthEndpoints:
    """The routes of the embedded authorization server.

    `deadline` is seconds for reading a body, `budget` of requests that wait for a person, by caller.
    """

    server: TokenServer
    proofs: ProofReader
    once: OnceOnly
    revocations: Revocations
    grants: AuthorizationStore
    consents: ConsentUse
    audit: AuditLog
    deadline: float
    budget: Budget

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route(TOKEN, self._endpoint(TOKEN, self._token), methods=["POST"]),
            Route(INTROSPECTION, self._endpoint(INTROSPECTION, self._introspect), methods=["POST"]),
            Route(REVOCATION, self._endpoint(REVOCATION, self._revoke), methods=["POST"]),
            Route(PUSHED, self._endpoint(PUSHED, self._push), methods=["POST"]),
            Route(AUTHORIZATION, self._authorize, methods=["GET"]),
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
                exchange = Exchange(self.proofs.public_url + path, form, now, proof)
                exchange.address = address_of(request)
                answered = await answer(exchange)
            except _Refused as refusal:
                answered = refusal.answer
            except OAuth2Error as refusal:
                answered = _refusal(str(refusal.error), str(refusal.description))
            except Unauthenticated as refusal:
                answered = _refusal(ERRORS[refusal.code], refusal.message)
            except Replayed as replay:
                answered = _refusal(
                    _REPLAYED[replay.kind], f"The {replay.kind} was used before. Make a new one."
                )
            except (StoreUnavailable, AuditUnavailable) as refusal:
                answered = _refusal("temporarily_unavailable", refusal.message, 503)
            if answered.status >= 400:
                _log.warning("oauth_refused", route=path, error=answered.body["error"])
            return _json(answered, self.proofs.offer(now))

        return respond

    async def _token(self, exchange: Exchange) -> Answer:
        await self._look_up(exchange)
        answer: Answer = self.server.create_token_response(exchange)
        if exchange.reused:
            await self.grants.end(exchange.reused)
        if answer.status != 200 or exchange.issued is None:
            return answer
        await self.once.spend(*exchange.uses)
        try:
            await self.audit.token(exchange.issued, exchange.act)
        except UsedBefore:  # another request came first with the same code or refresh token
            if exchange.held:
                await self.grants.end(exchange.held.allowed.grant_id)
            return _refusal("invalid_grant", "It was used before.")
        return answer

    async def _look_up(self, exchange: Exchange) -> None:
        """What the protocol core will want to know of the store, by the kind of grant alone.

        A code in a request for anything else is no way around what a code has to come with.
        """
        form = exchange.form
        match form.get("grant_type"):
            case "authorization_code":
                exchange.held = await self.grants.by_code(form.get("code", ""))
            case "refresh_token":
                exchange.held = await self.grants.by_refresh(form.get("refresh_token", ""))
        if exchange.held:
            consent_id = exchange.held.allowed.consent_id
        else:
            wanted = named_consent(form)
            consent_id = wanted.consent_id if wanted else None
        if consent_id:
            exchange.consent = await self.consents.in_force(consent_id)

    async def _introspect(self, exchange: Exchange) -> Answer:
        await self.revocations.refresh()
        answer: Answer = self.server.create_endpoint_response("introspection", exchange)
        await self._use_up(exchange, answer)
        return answer

    async def _revoke(self, exchange: Exchange) -> Answer:
        exchange.held = await self.grants.by_refresh(exchange.form.get("token", ""))
        answer: Answer = self.server.create_endpoint_response("revocation", exchange)
        if not (exchange.ended or exchange.revoked):
            # remembering proofs that ended nothing, anybody could fill the store with
            exchange.uses = [use for use in exchange.uses if use.kind is not Kind.PROOF]
        await self._use_up(exchange, answer)
        if exchange.ended:
            await self.grants.end(exchange.ended)
        if exchange.revoked:
            jti, expires = exchange.revoked["jti"], exchange.revoked["exp"]
            await self.revocations.revoke(str(jti), float(str(expires)))
        return answer

    async def _push(self, exchange: Exchange) -> Answer:
        """RFC 9126: the request comes from the client itself, and the browser only brings its name."""
        party = self.server.authenticate_pushed(exchange)
        client = party.client
        self._spend(f"address {exchange.address}" if client.public else f"client {client.client_id}")
        if "request_uri" in exchange.form:
            raise _Refused("invalid_request", "A pushed request has no `request_uri`.")
        asked = self.server.checked(exchange, client.client_id)
        await self.once.spend(*exchange.uses)
        handle = await self.grants.park(asked, opened=False)
        return Answer(201, {"request_uri": REQUEST_URI + handle, "expires_in": PUSHED_SECONDS})

    async def _authorize(self, request: Request) -> Response:
        """RFC 6749 §4.1.1: check, park, and send the person to the page that asks them."""
        try:
            self._spend(f"address {address_of(request)}")
            form = _parameters(request.url.query)
            handle = await self._parked(form)
        except _Refused as refusal:
            answer = refusal.answer
            return _told(str(answer.body["error_description"]), answer.status, answer.headers)
        except OAuth2Error as refusal:
            if not refusal.redirect_uri:
                return _told(str(refusal.description), 400)
            told = {"error": str(refusal.error), "error_description": str(refusal.description)}
            state = form.get("state")
            return _sent(answered(refusal.redirect_uri, self.server.issuer, state, **told))
        except StoreUnavailable as refusal:
            return _told(refusal.message, 503)
        return _sent(PAGE + handle)

    async def _parked(self, form: Mapping[str, str]) -> str:
        """The handle of the request; raises OAuth2Error or _Refused."""
        pushed = form.get("request_uri")
        if pushed is not None:  # what else the browser says does not count (RFC 9126 §4)
            handle = pushed.removeprefix(REQUEST_URI)
            if handle == pushed or not await self.grants.open(handle, form.get("client_id", "")):
                raise _Refused("invalid_request", "The request is unknown or has expired. Begin again.")
            return handle
        exchange = Exchange(self.proofs.public_url + AUTHORIZATION, form, datetime.now(CHINA_TIME))
        exchange.in_front = True
        asked = self.server.checked(exchange, form.get("client_id", ""))
        return await self.grants.park(asked, opened=True)

    def _spend(self, payer: str) -> None:
        """Take one request from the payer's budget, for each that waits is a row; raises _Refused 429."""
        try:
            self.budget.spend(payer, 1)
        except RequestRefused as refused:
            message = refused.errors[0].message
            raise _Refused("temporarily_unavailable", message, 429, refused.headers) from None

    async def _use_up(self, exchange: Exchange, answer: Answer) -> None:
        if answer.status == 200 and exchange.uses:
            await self.once.spend(*exchange.uses)

    async def _form(self, request: Request) -> Mapping[str, str]:
        """The parameters of the body, each once (RFC 6749 §3.2); nothing is taken from the address."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise _Refused("invalid_request", f"Send {FORM}.", 415)
        try:
            async with asyncio.timeout(self.deadline):
                body = (await request.body()).decode()
        except TimeoutError:
            raise _Refused("invalid_request", "The body did not arrive in time.", 408) from None
        except ClientDisconnect:
            raise
        except ValueError:
            raise _Refused("invalid_request", "The body is not a form.") from None
        return _parameters(body)


def _parameters(text: str) -> Mapping[str, str]:
    """The parameters, each once (RFC 6749 §3.1)."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise _Refused("invalid_request", "The parameters are not a form.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _Refused("invalid_request", "A parameter is given twice.")
    return form


def _sent(url: str) -> Response:
    return RedirectResponse(url, 303, {"Cache-Control": "no-store"})


def _told(message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """For the person, where there is no application to send them back to."""
    kept = {**(headers or {}), "Cache-Control": "no-store"}
    return PlainTextResponse(f"无法继续授权,请返回应用重新开始。\n{message}\n", status, kept)


def _refusal(error: str, description: str, status: int = 400) -> Answer:
    return Answer(status, {"error": error, "error_description": description})


def _json(answer: Answer, headers: Mapping[str, str]) -> Response:
    kept = {**headers, **answer.headers, "Cache-Control": "no-store"}
    return Response(orjson.dumps(answer.body), answer.status, kept, "application/json")
