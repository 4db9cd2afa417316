"""authlib's grants, as this server fills them in: which requests they take, and what they look at.

Nothing here waits: a grant reads what stands in the `Exchange` and writes there what is to
be done. Tokens themselves are made by `TokenServer.issue`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import orjson
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from authz.authorizations import Allowed, AuthorizationRequest, Held
from authz.consent.dialogue import ConsentDialogue
from authz.consent.rules import ConsentRefused
from authz.consent.token_scope import ReadGrant, of_token
from gateway.oauth.exchange import METHOD, PUBLIC, Exchange, Party

LONGEST_STATE = 1_024
_UNSAID = str.maketrans({'"': "'", "\\": "/"})
"""RFC 6749 §5.2 keeps both out of a description."""

Response = tuple[int, dict[str, object], object]


class Issuer(Protocol):
    """The server as its grants see it."""

    dialogue: ConsentDialogue

    def issue(
        self,
        exchange: Exchange,
        party: Party,
        scopes: Collection[str],
        *,
        reach: ReadGrant | None = None,
    ) -> dict[str, object]:
        """A token for the client itself."""
        ...

    def issue_granted(
        self,
        exchange: Exchange,
        party: Party,
        held: Held,
        scopes: Collection[str] | None = None,
        *,
        refreshed: bool = False,
    ) -> dict[str, object]:
        """A token for what a person allowed."""
        ...


class InvalidProof(OAuth2Error):
    """RFC 9449 §5: no DPoP proof, or one that does not hold."""

    error = "invalid_dpop_proof"


class InvalidDetails(OAuth2Error):
    """RFC 9396 §5."""

    error = "invalid_authorization_details"


class Sha256Challenge(CodeChallenge):
    """PKCE (RFC 7636) for every code, by S256 alone (RFC 9700 §2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Raises InvalidRequestError for a request without one."""
        form = grant.request.form
        if not form.get("code_challenge") or form.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Send `code_challenge` with `code_challenge_method=S256` (RFC 7636).")
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge_method(self, _: object) -> str:
        """Nothing else was taken."""
        return "S256"


class ClientCredentials(ClientCredentialsGrant):
    """RFC 6749 §4.4; with `authorization_details`, for a consent that the client holds (RFC 9396 §6)."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)
    request: Exchange
    server: Issuer

    def validate_requested_scope(self) -> None:
        """Raises InvalidScopeError."""
        if self.request.client.get_allowed_scope(self.request.form.get("scope")) is None:
            raise InvalidScopeError("The client is not registered for this scope.")

    def create_token_response(self) -> Response:
        """The token."""
        party: Party = self.request.client
        scope = party.get_allowed_scope(self.request.form.get("scope")) or ""
        body = self.server.issue(self.request, party, scope.split(), reach=self._reach(party))
        return 200, body, self.TOKEN_RESPONSE_HEADER

    def _reach(self, party: Party) -> ReadGrant | None:
        """The consent that the token is for, as far as the client wants it to reach."""
        if "authorization_details" not in self.request.form:
            return None
        wanted = named_consent(self.request.form)
        if wanted is None or self.request.consent_of(party) is None:
            raise InvalidDetails("Name one consent in force that was given to you (type and consentId).")
        return wanted


def named_consent(form: Mapping[str, str]) -> ReadGrant | None:
    """The consent that a client names for a token (RFC 9396 §6); one that it asks for has no id yet."""
    try:
        return of_token(orjson.loads(form.get("authorization_details", "")))
    except ValueError:
        return None


class FoundCode:
    """A grant found by its code, as authlib asks of one."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.code_challenge = held.allowed.code_challenge

    def get_redirect_uri(self) -> str:
        """Must be repeated exactly."""
        return self.held.allowed.redirect_uri


class CodeGrant(AuthorizationCodeGrant):
    """RFC 6749 §4.1 with RFC 9126, 9396 and 9449 §10: the request, and later the code."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD, PUBLIC)
    request: Exchange
    server: Issuer

    @staticmethod
    def validate_authorization_redirect_uri(request: Exchange, client: Party) -> str:
        """Exactly as registered; a refusal never repeats it."""
        found = request.form.get("redirect_uri", "")
        if not client.check_redirect_uri(found):
            raise InvalidRequestError("`redirect_uri` must be one of the client's, exactly as registered.")
        return found

    def validate_requested_scope(self) -> None:
        """Scope, state and details, before the challenge; raises OAuth2Error."""
        form, party = self.request.form, self.request.client
        if self.request.in_front and not party.client.public:
            raise InvalidRequestError("Push the request first (RFC 9126).")
        scope = party.get_allowed_scope(form.get("scope"))
        if scope is None:
            raise InvalidScopeError("The client is not registered for this scope.")
        if len(form.get("state", "")) > LONGEST_STATE:
            raise InvalidRequestError(f"`state` may have {LONGEST_STATE} characters.")
        if "request" in form:
            raise OAuth2Error("Push the request instead (RFC 9126).", error="request_not_supported")
        if form.get("response_mode", "query") != "query":
            raise InvalidRequestError("`response_mode` can only be `query`.")
        self._key = self._bound_key()
        self._scopes = tuple(scope.split())

    def validate_authorization_request(self) -> str:
        """The redirect URI; leaves the request in `exchange.asked`."""
        redirect_uri: str = super().validate_authorization_request()
        form, party = self.request.form, self.request.client
        try:
            self.request.asked = AuthorizationRequest(
                client_id=party.client.client_id,
                redirect_uri=redirect_uri,
                scopes=self._scopes,
                state=form.get("state"),
                code_challenge=form["code_challenge"],
                key_thumbprint=self._key,
                details=self._details(party),
            )
        except OAuth2Error as refusal:
            refusal.redirect_uri = redirect_uri
            raise
        return redirect_uri

    def _bound_key(self) -> str:
        """`dpop_jkt`, or the key of the proof that came with a pushed request (RFC 9449 §10.1)."""
        named, proof = self.request.form.get("dpop_jkt", ""), self.request.proof
        if named and proof and named != proof.key_thumbprint:
            raise InvalidProof("The DPoP proof is by another key than `dpop_jkt`.")
        return named or (proof.key_thumbprint if proof else "")

    def _details(self, party: Party) -> tuple[dict[str, Any], ...] | None:
        text = self.request.form.get("authorization_details")
        if party.client.public:
            if text is not None:
                raise InvalidDetails("A person's own app asks for no `authorization_details`.")
            return None
        try:
            details = orjson.loads(text or "")
            self.server.dialogue.check(party.client.client_id, details)
        except ValueError:
            raise InvalidDetails("Say in `authorization_details`, as JSON, what is to be agreed.") from None
        except ConsentRefused as refusal:
            raise InvalidDetails(_plain(f"{refusal.code}: {refusal.message}")) from None
        return tuple(details)

    def query_authorization_code(self, code: str, client: Party) -> FoundCode | None:
        """The grant of the code, if it is this client's and was not redeemed."""
        held = self.request.held
        if held is None or held.allowed.client_id != client.client.client_id:
            return None
        if held.used:
            self.request.reused = held.allowed.grant_id
            return None
        return FoundCode(held)

    def create_token_response(self) -> Response:
        """The token, for the key that the code is bound to."""
        held: Held = self.request.authorization_code.held
        proof = self.request.proof
        if held.allowed.key_thumbprint and (
            proof is None or proof.key_thumbprint != held.allowed.key_thumbprint
        ):
            raise InvalidGrantError("The code is bound to another key (`dpop_jkt`).")
        body = self.server.issue_granted(self.request, self.request.client, held)
        return 200, body, self.TOKEN_RESPONSE_HEADER


class FoundRefresh:
    """A grant found by a refresh token, as authlib asks of one."""

    def __init__(self, held: Held) -> None:
        self.held = held

    def check_client(self, party: Party) -> bool:
        """Whether it was given to this client."""
        return self.held.allowed.client_id == party.client.client_id

    def get_scope(self) -> str:
        """What was allowed."""
        return " ".join(self.held.allowed.scopes)


class Refresh(RefreshTokenGrant):
    """RFC 6749 §6 by ruling 21: rotated for public clients, kept by those that prove themselves."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD, PUBLIC)
    request: Exchange
    server: Issuer

    def authenticate_refresh_token(self, _: str) -> FoundRefresh | None:
        """The grant, unless it is over; a second use of a rotated token ends it."""
        held = self.request.held
        if held is None or not self._in_time(held.allowed):
            return None
        if held.used:
            self.request.reused = held.allowed.grant_id
            return None
        return FoundRefresh(held)

    def _in_time(self, allowed: Allowed) -> bool:
        return (allowed.refresh_until or 0) > self.request.now.timestamp()

    def create_token_response(self) -> Response:
        """The next token, for the same key where the client has no other proof of itself."""
        held: Held = self.request.refresh_token.held
        proof, party = self.request.proof, self.request.client
        bound = held.allowed.key_thumbprint
        if party.client.public and (proof is None or proof.key_thumbprint != bound):
            raise InvalidGrantError("The refresh token is bound to another key (RFC 9449).")
        scopes = (self.request.form.get("scope") or "").split() or None
        body = self.server.issue_granted(self.request, party, held, scopes, refreshed=True)
        return 200, body, self.TOKEN_RESPONSE_HEADER


def _plain(message: str) -> str:
    """Text that an error description may hold."""
    return message.translate(_UNSAID).encode("ascii", "replace").decode()
