"""The seam between the authorization server and the pages on which a person decides.

`GET /oauth/authorize` checks a request, parks it (a pushed one, RFC 9126, is parked already)
and sends the browser to `/consent-requests/{handle}`. The page there makes the person log in,
with step-up, shows what `pending` tells, and ends with `grant` or `refuse`; both answer the
address to which the page then redirects (303), once:

    pending(handle) -> PendingAuthorization     raises OAuthError where nothing waits under it
    grant(handle, person, consent_id) -> str    redirect URL with code, state, iss
    refuse(handle, error) -> str                redirect URL with error=access_denied or another, state, iss

`person` is anything with `subject`, `strong` and `authenticated_at`, such as
`authz.sessions.Login`. For a partner, `pending(…).details` is the consent that it asks for: the
page hands it to `ConsentDialogue.ask`, shows the notice, lets the person `give`, and hands the
id of the given consent to `grant`. An app of the person's own has no details and takes no
consent: `consent_id` is None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from authlib.common.urls import add_params_to_uri

from authz.actors import Actor, ActorKind
from authz.authorizations import Allowed, AuthorizationRequest, AuthorizationStore, Waiting, new_grant_id
from authz.clients import Client, ClientRegister
from authz.consent.artefact import ConsentArtefact, Terms
from authz.consent.rar import requested
from authz.consent.register import ConsentRegister
from authz.consent.states import State
from authz.errors import Unauthenticated
from authz.references import References
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME

PAGE: Final = "/consent-requests/"
PUBLIC_REFRESH_SECONDS: Final = 14 * 86_400
"""How long a person's app may refresh before the person logs in again."""


class SignedIn(Protocol):
    """A person who has logged in at the pages."""

    @property
    def subject(self) -> SubjectKey:
        """Who."""
        ...

    @property
    def strong(self) -> bool:
        """Whether strongly."""
        ...

    @property
    def authenticated_at(self) -> int:
        """When, in seconds since the epoch."""
        ...


class OAuthError(Exception):
    """An authorization that cannot go on: `error` of RFC 6749 §4.1.2.1, and what to tell the person."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(error)
        self.error = error
        self.message = message


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """What waits for a person's decision."""

    handle: str
    client: Client
    scopes: tuple[str, ...]
    details: list[dict[str, Any]] | None
    """The consent that a partner asks for, for `ConsentDialogue`; None for an app of the person's own."""
    redirect_uri: str
    """Where the browser goes afterwards, either way."""
    expires_at: datetime


class Authorizations:
    """Requests that wait for a person, and what the person's decision makes of them."""

    def __init__(
        self,
        waiting: AuthorizationStore,
        clients: ClientRegister,
        references: References,
        consents: ConsentRegister,
        issuer: str,
        clock: Callable[[], datetime] = lambda: datetime.now(CHINA_TIME),
    ) -> None:
        self._waiting = waiting
        self._clients = clients
        self._references = references
        self._consents = consents
        self._issuer = issuer
        self._clock = clock

    async def pending(self, handle: str) -> PendingAuthorization:
        """What waits under a handle; raises OAuthError, StoreUnavailable."""
        return self._pending(handle, await self._found(handle))

    async def grant(self, handle: str, person: SignedIn, consent_id: str | None) -> str:
        """Let the client have its code; the redirect URL. Raises OAuthError, StoreUnavailable.

        `consent_id` is the consent in force that the person just gave to this very request.
        """
        waiting = await self._found(handle)
        client = self._pending(handle, waiting).client
        request = waiting.request
        artefact = await self._agreed(request, client, person.subject, consent_id)
        allowed = Allowed(
            grant_id=new_grant_id(),
            client_id=client.client_id,
            subject_ref=self._references.subject_ref(person.subject, client.client_id),
            redirect_uri=request.redirect_uri,
            scopes=request.scopes,
            code_challenge=request.code_challenge,
            key_thumbprint=request.key_thumbprint,
            consent_id=consent_id,
            strong_login=person.authenticated_at if person.strong else None,
            refresh_until=self._refresh_until(artefact),
        )
        code = await self._waiting.allow(handle, allowed)
        if code is None:
            raise _gone()
        return self._answer(request, code=code)

    async def refuse(self, handle: str, error: str = "access_denied") -> str:
        """Tell the client that the person does not agree, or `error`; the redirect URL. Raises as `grant`."""
        waiting = await self._found(handle)
        if not await self._waiting.drop(handle):
            raise _gone()
        return self._answer(waiting.request, error=error)

    async def _found(self, handle: str) -> Waiting:
        waiting = await self._waiting.waiting(handle)
        if waiting is None:
            raise _gone()
        return waiting

    def _pending(self, handle: str, waiting: Waiting) -> PendingAuthorization:
        request, now = waiting.request, self._clock()
        try:
            client = self._clients.active(request.client_id, now.astimezone(CHINA_TIME).date())
        except Unauthenticated:
            raise OAuthError("unauthorized_client", "The client's registration is not in force.") from None
        expires = datetime.fromtimestamp(waiting.until, UTC).astimezone(CHINA_TIME)
        details = None if request.details is None else list(request.details)
        return PendingAuthorization(handle, client, request.scopes, details, request.redirect_uri, expires)

    async def _agreed(
        self, request: AuthorizationRequest, client: Client, subject: SubjectKey, consent_id: str | None
    ) -> ConsentArtefact | None:
        """The consent that answers the request: given, in force, this person's, and to these terms."""
        if request.details is None and consent_id is None:
            return None
        mismatched = OAuthError("invalid_request", "The consent does not answer this request.")
        if request.details is None or consent_id is None:
            raise mismatched
        person = Actor(ActorKind.PERSON, client.client_id, subject=subject)
        record = await self._consents.find(person, consent_id)
        artefact = record.artefact if record is not None else None
        if record is None or artefact is None or record.state(self._clock()) is not State.ACTIVE:
            raise mismatched
        terms = Terms.model_validate(requested(list(request.details)).terms())
        if any(getattr(record.request, name) != getattr(terms, name) for name in Terms.model_fields):
            raise mismatched
        if artefact.grantee.client_id != client.client_id:
            raise mismatched
        return artefact

    def _refresh_until(self, artefact: ConsentArtefact | None) -> int | None:
        if artefact is None:
            return self._waiting.now + PUBLIC_REFRESH_SECONDS
        # one use needs one token (ruling 21)
        return int(artefact.validity.until.timestamp()) if artefact.max_uses > 1 else None

    def _answer(self, request: AuthorizationRequest, **parameters: str) -> str:
        return answered(request.redirect_uri, self._issuer, request.state, **parameters)


def answered(redirect_uri: str, issuer: str, state: str | None, **parameters: str) -> str:
    """The redirect URL of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2)."""
    given = {} if state is None else {"state": state}
    url: str = add_params_to_uri(redirect_uri, list({**parameters, **given, "iss": issuer}.items()))
    return url


def _gone() -> OAuthError:
    return OAuthError("invalid_request", "Nothing waits here any more. Begin again at the application.")
