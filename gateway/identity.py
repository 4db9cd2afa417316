"""Who asks: from the headers of a request to an Actor, by bearer token (RFC 6750) or DPoP (RFC 9449).

A proof is used up only by a token that holds. A token that was revoked while its operation
ran gets no answer: it is looked at again before the answer leaves (ruling 19).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.dpop import Proof
from authz.errors import StoreUnavailable, Unauthenticated
from authz.once import OnceOnly, Ticket
from authz.revocations import Revocations
from authz.tokens import TokenVerifier
from catalogue.values import CHINA_TIME
from gateway.errors import RequestRefused
from gateway.oauth.proofs import ERRORS, NONCE_HEADER, SIGNED_WITH, ProofReader

GRAPHQL: Final = "/graphql"


class _Presented(NamedTuple):
    """A token that held at the door."""

    token: str
    key_thumbprint: str


@dataclass(frozen=True, slots=True)
class Door:
    """Lets known parties in, and those without a token as nobody."""

    verifier: TokenVerifier
    revocations: Revocations
    proofs: ProofReader
    once: OnceOnly

    async def identify(self, connection: HTTPConnection) -> Actor:
        """The actor behind a request; raises Unauthenticated, or RequestRefused with a DPoP challenge."""
        header = connection.headers.get("authorization")
        if header is None:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        token = token.strip()
        if scheme.lower() == "dpop" and token:
            return await self._by_proof(connection, token)
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("TOKEN_MALFORMED", "Send `Authorization: Bearer <access token>`.")
        return await self._enter(connection, token, None)

    async def look_again(self, connection: HTTPConnection) -> None:
        """Raise Unauthenticated where the token that was let in would not be any more."""
        presented: _Presented | None = connection.scope["state"].get("presented")
        if presented is not None:
            await self.revocations.refresh()
            now = datetime.now(CHINA_TIME)
            self.verifier.check(presented.token, now, presented.key_thumbprint)

    async def _by_proof(self, connection: HTTPConnection, token: str) -> Actor:
        now = datetime.now(CHINA_TIME)
        nonce = self.proofs.nonces.current(now)
        connection.scope["state"]["dpop_nonce"] = nonce
        try:
            proof = self.proofs.read(
                connection.headers, connection.scope["method"], GRAPHQL, now, access_token=token
            )
            if proof is None:
                raise Unauthenticated("DPOP_PROOF", "Send a DPoP proof with the token.")
            actor = await self._enter(connection, token, proof)
            await self._admit(connection, actor, Ticket(self.once, proof.use))
        except Unauthenticated as refusal:
            error = ERRORS.get(refusal.code, "invalid_token")
            challenge = f'DPoP realm="credit-gateway", error="{error}", algs="{SIGNED_WITH}"'
            raise RequestRefused.because(refusal.code, refusal.message, WWW_Authenticate=challenge) from None
        return actor

    async def _admit(self, connection: HTTPConnection, actor: Actor, ticket: Ticket) -> None:
        """Use the proof up; that of a partner may wait for the intent of what it reads on a consent."""
        if actor.kind is not ActorKind.PARTNER:
            await ticket.spend()
            return
        await ticket.look()
        connection.scope["state"]["ticket"] = ticket

    async def _enter(self, connection: HTTPConnection, token: str, proof: Proof | None) -> Actor:
        await self.revocations.refresh()
        thumbprint = proof.key_thumbprint if proof else ""
        actor = self.verifier.verify(token, datetime.now(CHINA_TIME), thumbprint)
        connection.scope["state"]["presented"] = _Presented(token, thumbprint)
        return actor


class OfferNonce:
    """Hands every DPoP client the nonce for its next proof (RFC 9449 §8.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the header where the request came with a proof."""
        state = scope["state"]

        async def offering(message: Message) -> None:
            if message["type"] == "http.response.start":
                # no answer leaves before the proof of its request is used up, whatever became of the request
                if "ticket" in state:
                    await state["ticket"].spend()
                if nonce := state.get("dpop_nonce"):
                    MutableHeaders(scope=message)[NONCE_HEADER] = nonce
            await send(message)

        try:
            await self._app(scope, receive, offering)
        finally:
            if "ticket" in state:
                # whoever left before the answer has used the proof up too
                with suppress(Unauthenticated, StoreUnavailable):
                    await state["ticket"].spend()
