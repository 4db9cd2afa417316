"""The protocol core on authlib: which request gets a token, and what a token's owner may ask of it.

authlib is synchronous, and so is all it consults here: register, keys and revocations are in
memory. What a request would change stands in its `Exchange`; the HTTP layer makes it durable
before it answers. authlib's own verification of assertions is not used (it takes any lifetime
and several audiences), nor its response (it logs the token).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from authz.access_tokens import sign_access_token
from authz.actors import ActorKind
from authz.assertions import Assertion, AssertionRefused, check_assertion
from authz.clients import Client, ClientRegister
from authz.dpop import Proof
from authz.keys import KeyRing
from authz.tokens import TokenVerifier

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METHOD: Final = "private_key_jwt"
INTROSPECTED: Final = ("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope", "cnf")
"""Claims that introspection tells (RFC 7662 §2.2)."""


class InvalidProof(OAuth2Error):
    """RFC 9449 §5: no DPoP proof, or one that does not hold."""

    error = "invalid_dpop_proof"


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer."""

    status: int
    body: Mapping[str, object]


class Exchange(OAuth2Request):
    """One request, and what it comes to."""

    def __init__(self, url: str, form: Mapping[str, str], now: datetime, proof: Proof | None = None) -> None:
        super().__init__("POST", url)
        self.payload = BasicOAuth2Payload(form)
        self.now = now
        self.proof = proof
        self.assertion: Assertion | None = None
        """Set once the client has proved to be itself."""
        self.revoked: Mapping[str, object] = {}
        """Claims of the token to revoke; empty where there is nothing to revoke."""

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters of the body."""
        found: Mapping[str, str] = self.payload.data
        return found


class TokenServer(AuthorizationServer):
    """Grants, introspection and revocation for registered clients."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        token_endpoint: str,
        lifetime: timedelta,
        keys: KeyRing,
        clients: ClientRegister,
        verifier: TokenVerifier,
    ) -> None:
        super().__init__()
        self._issuer = issuer
        self._audience = audience
        self._audiences = frozenset({issuer, token_endpoint})
        self._lifetime = lifetime
        self._keys = keys
        self._clients = clients
        self._verifier = verifier
        self.register_client_auth_method(METHOD, self._authenticate)
        self.register_grant(_ClientCredentials)
        self.register_endpoint(_Introspection)
        self.register_endpoint(_Revocation)

    def issue(self, exchange: Exchange, assertion: Assertion) -> dict[str, object]:
        """A token for a client that may have it; raises InvalidProof for a bank without a key."""
        client, proof = assertion.client, exchange.proof
        if client.kind is ActorKind.PARTNER and proof is None:
            raise InvalidProof("A bank's token is bound to its key. Send a DPoP proof.")
        scopes = frozenset((exchange.form.get("scope") or " ".join(client.scopes)).split())
        token = sign_access_token(
            self._keys,
            client,
            issuer=self._issuer,
            audience=self._audience,
            now=exchange.now,
            lifetime=self._lifetime,
            scopes=scopes,
            operator=assertion.operator,
            key_thumbprint=proof.key_thumbprint if proof else "",
        )
        return {
            "access_token": token,
            "token_type": "DPoP" if proof else "Bearer",
            "expires_in": int(self._lifetime.total_seconds()),
            "scope": " ".join(sorted(scopes)),
        }

    def held(self, exchange: Exchange) -> _Held | None:
        """The token that the request is about, while it is good."""
        claims = self._verifier.held(exchange.form["token"], exchange.now)
        return _Held(claims) if claims else None

    def _authenticate(self, _: object, exchange: Exchange) -> _Party:
        form = exchange.form
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
        exchange.assertion = assertion
        return _Party(assertion)

    # what authlib wants of a framework

    def create_oauth2_request(self, request: Exchange) -> Exchange:
        """The request is read already."""
        return request

    def handle_response(self, status: int, body: Mapping[str, object], headers: object) -> Answer:
        """The HTTP layer sets its own headers."""
        return Answer(status, body)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def query_client(self, client_id: str) -> None:
        """Clients are found by their assertion only."""


@dataclass(frozen=True, slots=True)
class _Party(ClientMixin):
    """An authenticated client, as authlib asks of one."""

    assertion: Assertion

    @property
    def client(self) -> Client:
        return self.assertion.client

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == METHOD

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.client.grant_types


@dataclass(frozen=True, slots=True)
class _Held:
    """A good token, as authlib asks of one."""

    claims: Mapping[str, object]

    def check_client(self, party: _Party) -> bool:
        return self.claims["client_id"] == party.client.client_id

    def is_expired(self) -> bool:
        return False  # it was checked when it was read, and so was revocation

    is_revoked = is_expired


class _ClientCredentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)

    def validate_requested_scope(self) -> None:
        wanted = (self.request.form.get("scope") or "").split()
        if not self.request.client.client.scopes.issuperset(wanted):
            raise InvalidScopeError("The client is not registered for this scope.")

    def create_token_response(self) -> tuple[int, dict[str, object], object]:
        body = self.server.issue(self.request, self.request.client.assertion)
        return 200, body, self.TOKEN_RESPONSE_HEADER


class _AboutOneToken:
    """What introspection and revocation share: who may ask, and which token is meant."""

    CLIENT_AUTH_METHODS = (METHOD,)
    server: TokenServer

    def check_params(self, request: Exchange, client: _Party) -> None:
        # an unknown hint is ignored (RFC 7009 §2.1)
        if not request.form.get("token"):
            raise InvalidRequestError("`token` is missing.")


class _Introspection(_AboutOneToken, IntrospectionEndpoint):
    def authenticate_token(self, request: Exchange, client: _Party) -> _Held | None:
        """Its own token; another client's is as unknown as none (RFC 7662 §2.2)."""
        self.check_params(request, client)
        token = self.server.held(request)
        return token if token and token.check_client(client) else None

    def introspect_token(self, token: _Held) -> dict[str, Any]:
        claims = token.claims
        told = {name: claims[name] for name in INTROSPECTED if name in claims}
        return {**told, "token_type": "DPoP" if "cnf" in claims else "Bearer"}


class _Revocation(_AboutOneToken, RevocationEndpoint):
    def authenticate_token(self, request: Exchange, client: _Party) -> _Held | None:
        """Its own token; one that is not good any more is revoked enough (RFC 7009 §2.2)."""
        self.check_params(request, client)
        token = self.server.held(request)
        if token and not token.check_client(client):
            raise InvalidRequestError("The token was issued to another client.")
        return token

    def revoke_token(self, token: _Held, request: Exchange) -> None:
        request.revoked = token.claims
