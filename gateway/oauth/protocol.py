"""The protocol core on authlib: which request gets a token, and what a token's owner may ask of it.

authlib is synchronous, and so is all it consults here: register, keys and revocations are in
memory. What a request would change stands in its `Exchange`; the HTTP layer makes it durable
before it answers. authlib's own verification of assertions is not used (it takes any lifetime
and several audiences), nor its response (it logs the token).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from authz.access_tokens import sign_access_token
from authz.actors import ActorKind
from authz.assertions import AssertionRefused, check_assertion
from authz.audit import TokenIssued
from authz.authorizations import AuthorizationRequest, AuthorizationStore, Held, new_refresh_token
from authz.clients import ClientRegister
from authz.consent import rar
from authz.consent.dialogue import ConsentDialogue
from authz.consent.token_scope import ReadGrant
from authz.errors import Unauthenticated
from authz.keys import KeyRing
from authz.tokens import STRONG_LOGIN, TokenVerifier
from catalogue.values import CHINA_TIME
from gateway.oauth.exchange import METHOD, PUBLIC, Answer, Exchange, Party
from gateway.oauth.grants import ClientCredentials, CodeGrant, InvalidProof, Refresh, Sha256Challenge

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
INTROSPECTED: Final = (
    "iss",
    "sub",
    "aud",
    "client_id",
    "exp",
    "iat",
    "jti",
    "scope",
    "cnf",
    "acr",
    "auth_time",
    "authorization_details",
)
"""Claims that introspection tells (RFC 7662 §2.2, RFC 9396 §9.2)."""


class TokenServer(AuthorizationServer):
    """Grants, introspection and revocation for registered clients."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        endpoints: Collection[str],
        lifetime: timedelta,
        keys: KeyRing,
        clients: ClientRegister,
        verifier: TokenVerifier,
        grants: AuthorizationStore,
        dialogue: ConsentDialogue,
    ) -> None:
        super().__init__()
        self.dialogue = dialogue
        self._issuer = issuer
        self._audience = audience
        self._audiences = frozenset({issuer, *endpoints})
        self._lifetime = lifetime
        self._keys = keys
        self._clients = clients
        self._verifier = verifier
        self._grants = grants
        self.register_client_auth_method(METHOD, self._authenticate)
        self.register_client_auth_method(PUBLIC, self._recognize)
        self.register_grant(ClientCredentials)
        self.register_grant(CodeGrant, [Sha256Challenge()])
        self.register_grant(Refresh)
        self.register_endpoint(_Introspection)
        self.register_endpoint(_Revocation)

    def issue(
        self,
        exchange: Exchange,
        party: Party,
        scopes: Collection[str],
        *,
        reach: ReadGrant | None = None,
        subject: str = "",
        claims: Mapping[str, object] = MappingProxyType({}),
    ) -> dict[str, object]:
        """A token for a client that may have it; raises InvalidProof for a bank or an app without a key.

        `subject` and further `claims` are as for `sign_access_token`.
        """
        client, proof = party.client, exchange.proof
        if proof is None and (client.public or client.kind is ActorKind.PARTNER):
            raise InvalidProof("The token is bound to the client's key. Send a DPoP proof.")
        thumbprint = proof.key_thumbprint if proof else ""
        details: dict[str, object] = {"authorization_details": [_as_json(reach)]} if reach else {}
        token = sign_access_token(
            self._keys,
            client,
            issuer=self._issuer,
            audience=self._audience,
            now=exchange.now,
            lifetime=self._lifetime,
            scopes=scopes,
            operator=party.operator,
            key_thumbprint=thumbprint,
            subject=subject,
            **{**claims, **details},
        )
        exchange.issued = TokenIssued(
            party.actor,
            exchange.form["grant_type"],
            thumbprint,
            tuple(sorted(scopes)),
            reach.consent_id if reach else None,
        )
        return {
            "access_token": token,
            "token_type": "DPoP" if proof else "Bearer",
            "expires_in": int(self._lifetime.total_seconds()),
            "scope": " ".join(sorted(scopes)),
            **details,
        }

    def issue_granted(
        self,
        exchange: Exchange,
        party: Party,
        held: Held,
        scopes: Collection[str] | None = None,
        *,
        refreshed: bool = False,
    ) -> dict[str, object]:
        """A token for what a person allowed, and a refresh token where ruling 21 gives one."""
        allowed = held.allowed
        consent = exchange.consent_of(party)
        if allowed.consent_id and consent is None:
            raise InvalidGrantError("The consent is not in force any more.")
        # the token only names the consent, whose artefact says the same and may be long
        reach = ReadGrant(type="credit_record_read", consent_id=consent.id) if consent else None
        strong = {"acr": STRONG_LOGIN[0], "auth_time": allowed.strong_login} if allowed.strong_login else {}
        body = self.issue(
            exchange,
            party,
            scopes or allowed.scopes,
            reach=reach,
            subject=allowed.subject_ref,
            claims={"grant_id": allowed.grant_id, **strong},
        )
        renewed = allowed.refresh_until is not None and (party.client.public or not refreshed)
        refresh = new_refresh_token() if renewed else None
        if not refreshed:
            bound = exchange.proof.key_thumbprint if exchange.proof else ""
            exchange.act = self._grants.redeeming(held, refresh, bound)
        elif refresh:
            exchange.act = self._grants.rotating(held, refresh)
        granted = {"authorization_details": rar.granted(consent)} if consent else {}
        return body | granted | ({"refresh_token": refresh} if refresh else {})

    @property
    def issuer(self) -> str:
        """As tokens and responses name it."""
        return self._issuer

    def checked(self, exchange: Exchange, client_id: str) -> AuthorizationRequest:
        """The authorization request of a client, in order; raises OAuth2Error."""
        form = {**exchange.form, "client_id": client_id}
        if form.get("response_type", "code") != "code":
            form["response_type"] = "other"  # authlib repeats it, and fails on what a refusal cannot hold
        exchange.payload = BasicOAuth2Payload(form)
        self.get_consent_grant(exchange)
        if exchange.asked is None:
            raise LookupError("a request that was found in order and is not there")
        return exchange.asked

    def authenticate_pushed(self, exchange: Exchange) -> Party:
        """The client that pushes a request (RFC 9126 §2.1); raises InvalidClientError."""
        party: Party = self.authenticate_client(exchange, (METHOD, PUBLIC))
        return party

    def held(self, exchange: Exchange) -> _Held | None:
        """The token that the request is about, while it is good."""
        claims = self._verifier.held(exchange.form["token"], exchange.now)
        return _Held(claims) if claims else None

    def _authenticate(self, _: object, exchange: Exchange) -> Party | None:
        """The client that an assertion proves; None where there is no assertion."""
        form = exchange.form
        if "client_assertion" not in form and "client_assertion_type" not in form:
            return None
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            raise InvalidClientError(f"Authenticate with {METHOD} (RFC 7523).")
        try:
            assertion = check_assertion(
                form["client_assertion"], self._clients, self._audiences, exchange.now
            )
        except AssertionRefused as refusal:
            raise InvalidClientError(refusal.message) from None
        if form.get("client_id", assertion.client.client_id) != assertion.client.client_id:
            raise InvalidClientError("`client_id` is not the client of the assertion.")
        exchange.uses.append(assertion.use)
        return Party(assertion.client, assertion.operator)

    def _recognize(self, _: object, exchange: Exchange) -> Party | None:
        """A public client, by its name alone."""
        if "client_assertion" in exchange.form:
            return None
        party = self.query_client(exchange.form.get("client_id", ""))
        return party if party and party.client.public else None

    def authenticate_client(
        self, request: Exchange, methods: Collection[str], endpoint: str = "token"
    ) -> Party:
        """As authlib does it, but a refusal says how to authenticate here."""
        try:
            party: Party = super().authenticate_client(request, methods, endpoint)
        except InvalidClientError as refusal:
            if refusal.description and refusal.description.startswith("The client cannot authenticate"):
                raise InvalidClientError(f"Authenticate with {METHOD} (RFC 7523).") from None
            raise
        return party

    # what authlib wants of a framework

    def create_oauth2_request(self, request: Exchange) -> Exchange:
        """The request is read already."""
        return request

    def handle_response(self, status: int, body: Mapping[str, object], headers: object) -> Answer:
        """The HTTP layer sets its own headers."""
        return Answer(status, body)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def query_client(self, client_id: str) -> Party | None:
        """A registered client in force, not yet proved to be the one who asks."""
        try:
            return Party(self._clients.active(client_id, datetime.now(CHINA_TIME).date()))
        except Unauthenticated:
            return None


@dataclass(frozen=True, slots=True)
class _Held:
    """A good token, as authlib asks of one."""

    claims: Mapping[str, object]

    def check_client(self, party: Party) -> bool:
        return self.claims["client_id"] == party.client.client_id

    def is_expired(self) -> bool:
        return False  # it was checked when it was read, and so was revocation

    is_revoked = is_expired


class _AboutOneToken:
    """What introspection and revocation share: who may ask, and which token is meant."""

    CLIENT_AUTH_METHODS: tuple[str, ...] = (METHOD,)
    server: TokenServer

    def check_params(self, request: Exchange, client: Party) -> None:
        # an unknown hint is ignored (RFC 7009 §2.1)
        if not request.form.get("token"):
            raise InvalidRequestError("`token` is missing.")


class _Introspection(_AboutOneToken, IntrospectionEndpoint):
    def authenticate_token(self, request: Exchange, client: Party) -> _Held | None:
        """Its own token; another client's is as unknown as none (RFC 7662 §2.2)."""
        self.check_params(request, client)
        token = self.server.held(request)
        return token if token and token.check_client(client) else None

    def introspect_token(self, token: _Held) -> dict[str, Any]:
        claims = token.claims
        told = {name: claims[name] for name in INTROSPECTED if name in claims}
        return {**told, "token_type": "DPoP" if "cnf" in claims else "Bearer"}


class _Revocation(_AboutOneToken, RevocationEndpoint):
    CLIENT_AUTH_METHODS = (METHOD, PUBLIC)

    def authenticate_token(self, request: Exchange, client: Party) -> _Held | None:
        """Its own token; one that is not good any more is revoked enough (RFC 7009 §2.2)."""
        self.check_params(request, client)
        if request.held is not None:
            self._end(request.held, request, client)
            return None
        token = self.server.held(request)
        if token and not token.check_client(client):
            raise InvalidRequestError("The token was issued to another client.")
        return token

    def _end(self, held: Held, request: Exchange, client: Party) -> None:
        """A refresh token: the whole grant goes (RFC 7009 §2.1)."""
        if held.allowed.client_id != client.client.client_id:
            raise InvalidRequestError("The token was issued to another client.")
        request.ended = held.allowed.grant_id

    def revoke_token(self, token: _Held, request: Exchange) -> None:
        request.revoked = token.claims


def _as_json(reach: ReadGrant) -> dict[str, object]:
    return reach.model_dump(mode="json", by_alias=True, exclude_none=True)
