"""One request at the authorization server, from its parameters to what it would change.

authlib is synchronous, so what it consults is looked up before (`held`), and what a request
comes to stands here afterwards; the HTTP layer makes it durable before it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from authz.actors import Actor
from authz.audit import Act, TokenIssued
from authz.authorizations import AuthorizationRequest, Held
from authz.clients import Client
from authz.consent.tables import Record
from authz.dpop import Proof
from authz.once import Use

METHOD = "private_key_jwt"
PUBLIC = "none"
"""How a public client authenticates: it does not (RFC 6749 §2.1); PKCE and DPoP bind what it gets."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Party(ClientMixin):
    """A client, as authlib asks of one."""

    client: Client
    operator: str = ""
    """Staff reference of the employee behind it, as its assertion says."""

    @property
    def actor(self) -> Actor:
        """As the audit log names it."""
        client = self.client
        return Actor(
            client.kind, client.client_id, client.organization, client.organization_name, self.operator
        )

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Public clients have no key, and no other client comes without."""
        return method == (PUBLIC if self.client.public else METHOD)

    def check_grant_type(self, grant_type: str) -> bool:
        """Refreshing is part of the grant that it carries on."""
        wanted = "authorization_code" if grant_type == "refresh_token" else grant_type
        return wanted in self.client.grant_types

    def check_response_type(self, response_type: str) -> bool:
        """The only one there is."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exactly as registered."""
        return self.client.takes_redirect(redirect_uri)

    def get_default_redirect_uri(self) -> None:
        """A request names its own (RFC 9700 §2.1)."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What it asked for, or all it has where it did not say; None for more than it has."""
        wanted = frozenset((scope or "").split()) or self.client.scopes
        return " ".join(sorted(wanted)) if wanted <= self.client.scopes else None


class Exchange(OAuth2Request):
    """One request, and what it comes to."""

    def __init__(self, url: str, form: Mapping[str, str], now: datetime, proof: Proof | None = None) -> None:
        super().__init__("POST", url)
        self.payload = BasicOAuth2Payload(form)
        self.now = now
        self.proof = proof
        self.uses: list[Use] = [proof.use] if proof else []
        """What must not happen twice; a client assertion comes to it."""
        self.held: Held | None = None
        """The grant of the code or the refresh token in the form, looked up before."""
        self.consent: Record | None = None
        """The consent which the request is about, while it is in force, looked up before."""
        self.reused = ""
        """The grant whose code or refresh token came a second time: it ends."""
        self.revoked: Mapping[str, object] = {}
        """Claims of the access token to revoke; empty where there is none."""
        self.ended = ""
        """The grant of the refresh token to revoke; empty where there is none."""
        self.address = ""
        """The network address it came from, whose budget an unauthenticated one uses."""
        self.in_front = False
        """Whether it came through a browser, where a bank's may not come (ruling 21)."""
        self.asked: AuthorizationRequest | None = None
        """The authorization request, once it was found to be in order."""
        self.issued: TokenIssued | None = None
        self.act: Act | None = None
        """What the issue changes in the store."""

    def consent_of(self, party: Party) -> Record | None:
        """The consent, if it was given to this client."""
        held = self.consent
        return held if held and held.request.grantee.client_id == party.client.client_id else None

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters of the body."""
        found: Mapping[str, str] = self.payload.data
        return found
