"""From an access token to an `Actor`, or a refusal that says what to do.

RFC 9068 access tokens with the algorithms of the FAPI 2.0 security profile. Who the
actor is comes from the client register; the token only proves which client asks, for
which operator or person, until when. Messages never hold the token or a claim of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cachetools import LRUCache
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    InvalidKeyCurveError,
    InvalidKeyIdError,
    InvalidKeyTypeError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import KeySet

from authz.actors import Actor, ActorKind
from authz.clients import Client, ClientRegister
from authz.consent.token_scope import ReadGrant, of_token
from authz.errors import ConfigurationError, SubjectNotConfirmed, Unauthenticated
from authz.jose import ALGORITHMS, REGISTRY
from authz.references import References
from catalogue.identifiers import SubjectKey, holds_citizen_id
from catalogue.personal_text import scrub
from catalogue.values import CHINA_TIME

LEEWAY: Final = timedelta(seconds=60)
STEP_UP_AGE: Final = timedelta(minutes=10)
_LEEWAY: Final = LEEWAY.total_seconds()
_STEP_UP_AGE: Final = STEP_UP_AGE.total_seconds()
STRONG_LOGIN: Final = ("phr", "phrh")
"""`acr` values of a strong login (OpenID Connect Extended Authentication Profile, ACR values 1.0)."""
LONGEST_TOKEN: Final = 8 * 1024

_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_JOINTS: Final = str.maketrans("", "", "._:-")
"""What a number may be written with, and still be one."""
_OPERATOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
HUMANS: Final = frozenset({ActorKind.OFFICER, ActorKind.OPERATOR, ActorKind.AUDITOR, ActorKind.STEWARD})
"""Kinds behind which one employee stands, whom the query log must be able to name."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a verified token says, whenever it is presented. Times are seconds since the epoch."""

    client_id: str
    operator: str
    subject_ref: str
    scopes: frozenset[str]
    expires: float
    not_before: float
    strong_login: float
    """When the person logged in strongly; 0 for never."""
    token_id: str
    """`jti`; empty where an external issuer gives none, which nobody can then revoke here."""
    grant_id: str
    """What a person allowed, of which the token is one; empty where no person did."""
    key_thumbprint: str
    """`cnf.jkt`: the key whose holder alone may present it (RFC 9449 §6.1); empty for a bearer token."""
    consent: ReadGrant | None
    """The consent it was issued for (RFC 9396 §9.1)."""


class TokenVerifier:
    """Verifies access tokens of one issuer for one audience.

    `keys` answers the issuer's current public keys; the same object until they change,
    because a change of object forgets every cached token. `revoked` answers whether the
    token of a `jti` was revoked; it is asked at every presentation.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: Callable[[], KeySet],
        clients: ClientRegister,
        references: References,
        revoked: Callable[[str], bool],
        *,
        cached: int = 10_000,
    ) -> None:
        if not issuer:
            raise ConfigurationError("ISSUER_MISSING", "issuer", "Name the issuer whose tokens are accepted.")
        if not audience:
            raise ConfigurationError("AUDIENCE_MISSING", "audience", "Name this gateway as tokens must.")
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clients = clients
        self._references = references
        self._revoked = revoked
        self._cache: LRUCache[bytes, _Verified] = LRUCache(cached)
        self._cached_under: KeySet | None = None

    def verify(self, bearer: str, now: datetime, key_thumbprint: str = "") -> Actor:
        """Who presents this token; raises Unauthenticated with a `TOKEN_…` code.

        `key_thumbprint` is the key (RFC 7638) that a DPoP proof showed the sender to hold;
        empty for a token presented as a bearer token.
        """
        seconds = now.timestamp()
        unseen, verified, client = self._taken(bearer, now, seconds, key_thumbprint)
        actor = self._actor(verified, client, seconds)
        if unseen:
            self._cache[unseen] = verified
        return actor

    def check(self, bearer: str, now: datetime, key_thumbprint: str = "") -> None:
        """Raise as `verify` does where it would not take the token."""
        self._taken(bearer, now, now.timestamp(), key_thumbprint)

    def _taken(
        self, bearer: str, now: datetime, seconds: float, key_thumbprint: str
    ) -> tuple[bytes | None, _Verified, Client]:
        """What the token says and its client; its digest, where it was not seen before."""
        keys = self._keys()
        if keys is not self._cached_under:
            self._cache.clear()
            self._cached_under = keys
        digest = hashlib.sha256(bearer.encode("utf-8", "surrogatepass")).digest()
        known = self._cache.get(digest)
        verified = known or self._read(_decode(bearer, keys))
        _check_times(verified, seconds)
        if self._is_revoked(verified):
            raise Unauthenticated("TOKEN_REVOKED", "The token was revoked. Request a new one.")
        client = self._clients.active(verified.client_id, now.astimezone(CHINA_TIME).date())
        _check_sender(verified, client, key_thumbprint)
        _check_operator(verified, client)
        return None if known else digest, verified, client

    def held(self, token: str, now: datetime) -> Mapping[str, object]:
        """The claims of a token that would be taken now from its rightful sender; empty for any other."""
        try:
            claims = _decode(token, self._keys())
            verified = self._read(claims)
            _check_times(verified, now.timestamp())
            self._clients.active(verified.client_id, now.astimezone(CHINA_TIME).date())
        except Unauthenticated:
            return {}
        return {} if self._is_revoked(verified) else claims

    def _is_revoked(self, verified: _Verified) -> bool:
        """Whether the token was revoked, or what it was issued on."""
        consent_id = verified.consent.consent_id if verified.consent else ""
        for name in (verified.token_id, verified.grant_id, consent_id):
            if name and self._revoked(name):
                return True
        return False

    def _read(self, claims: Mapping[str, object]) -> _Verified:
        if claims.get("iss") != self._issuer:
            raise Unauthenticated("TOKEN_ISSUER", "The token is from another issuer. Get one from ours.")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise Unauthenticated(
                "TOKEN_AUDIENCE", "The token is meant for another service. Request one for this gateway."
            )
        if claims.get("exp") is None:
            raise Unauthenticated("TOKEN_EXPIRED", "The token never expires. Request one with a lifetime.")
        strong = claims.get("acr") in STRONG_LOGIN and "auth_time" in claims
        starts = [_time(claims, name) for name in ("nbf", "iat") if name in claims]
        return _Verified(
            client_id=_text(claims, "client_id"),
            operator=_operator(_text(claims, "operator")) if "operator" in claims else "",
            subject_ref=_text(claims, "sub") if "sub" in claims else "",
            scopes=frozenset(_text(claims, "scope").split()) if "scope" in claims else frozenset(),
            expires=_time(claims, "exp"),
            not_before=max(starts, default=0),
            strong_login=_time(claims, "auth_time") if strong else 0,
            token_id=_text(claims, "jti") if "jti" in claims else "",
            grant_id=_text(claims, "grant_id") if "grant_id" in claims else "",
            key_thumbprint=_bound_to(claims["cnf"]) if "cnf" in claims else "",
            consent=_consent(claims),
        )

    def _actor(self, verified: _Verified, client: Client, seconds: float) -> Actor:
        return Actor(
            kind=client.kind,
            client_id=client.client_id,
            organization=client.organization,
            organization_name=client.organization_name,
            operator=verified.operator,
            subject=self._subject(verified, client),
            step_up=-_LEEWAY <= seconds - verified.strong_login <= _STEP_UP_AGE,
            scopes=verified.scopes & client.scopes,
            department=client.department,
            consent=verified.consent,
        )

    def _subject(self, verified: _Verified, client: Client) -> SubjectKey | None:
        if client.kind is not ActorKind.PERSON:
            return None
        try:
            return self._references.resolve(verified.subject_ref, client.client_id)
        except SubjectNotConfirmed:
            raise Unauthenticated(
                "TOKEN_SUBJECT", "The token's `sub` is not this client's reference of a person. Log in again."
            ) from None


def _decode(bearer: str, keys: KeySet) -> Mapping[str, object]:
    """The claims of a correctly signed token."""
    malformed = Unauthenticated("TOKEN_MALFORMED", "The bearer token is not a signed JWT (RFC 9068).")
    if len(bearer) > LONGEST_TOKEN or not bearer.isascii():
        raise malformed
    try:
        token = jwt.decode(bearer, keys, registry=REGISTRY)
    except (UnsupportedAlgorithmError, InvalidKeyTypeError, InvalidKeyCurveError):
        raise Unauthenticated(
            "TOKEN_ALGORITHM",
            f"Sign tokens with one of {', '.join(sorted(ALGORITHMS))}, with a key made for it.",
        ) from None
    except (BadSignatureError, InvalidKeyIdError):
        raise Unauthenticated(
            "TOKEN_SIGNATURE", "No published key of the issuer made this signature. Get a new token."
        ) from None
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise malformed from None
    if str(token.header.get("typ", "")).lower() not in _TYPES:
        raise Unauthenticated("TOKEN_TYPE", "Not an access token: `typ` must be `at+jwt` or `JWT`.")
    return token.claims


def _check_times(verified: _Verified, now: float) -> None:
    if now >= verified.expires:
        raise Unauthenticated("TOKEN_EXPIRED", "The token has expired. Request a new one.")
    if now + _LEEWAY < verified.not_before:
        raise Unauthenticated("TOKEN_EARLY", "The token is not valid yet. Check the clocks of both servers.")


def _bound_to(confirmation: object) -> str:
    """The thumbprint of a `cnf` claim; a way of binding that we cannot check is refused (RFC 7800 §3)."""
    match confirmation:
        case {"jkt": str(thumbprint), **others} if thumbprint and not others:
            return thumbprint
    raise Unauthenticated("TOKEN_SENDER", "The token is bound in a way other than DPoP (RFC 9449).")


def _check_sender(verified: _Verified, client: Client, key_thumbprint: str) -> None:
    """A bound token only from the key's holder, a bearer token never as a bound one, banks always bound."""
    if verified.key_thumbprint != key_thumbprint:
        raise Unauthenticated(
            "TOKEN_SENDER",
            "Present a bound token with a DPoP proof by its own key, and no other token with a proof.",
        )
    if client.kind is ActorKind.PARTNER and not key_thumbprint:
        raise Unauthenticated(
            "TOKEN_UNBOUND", "A bank's token must be bound to its key. Request it with DPoP."
        )


def is_operator(text: str) -> bool:
    """Whether it can be a staff reference; a number of a person never is."""
    joined = text.translate(_JOINTS)
    personal = any(scrub(form) != form or holds_citizen_id(form) for form in (text, joined))
    return bool(_OPERATOR.fullmatch(text)) and not personal


def _operator(text: str) -> str:
    if not is_operator(text):
        raise _no_operator()
    return text


def _check_operator(verified: _Verified, client: Client) -> None:
    """A human kind must have a staff reference, here or from the client's issuer of operators."""
    if not verified.operator and client.kind in HUMANS and client.operator_issuer is None:
        raise _no_operator()


def _no_operator() -> Unauthenticated:
    return Unauthenticated(
        "TOKEN_OPERATOR", "`operator` must be the employee's staff reference, not a name or an id number."
    )


def _consent(claims: Mapping[str, object]) -> ReadGrant | None:
    try:
        return of_token(claims["authorization_details"]) if "authorization_details" in claims else None
    except ValueError:
        raise Unauthenticated(
            "TOKEN_CLAIM", "The token's `authorization_details` does not name one consent (RFC 9396)."
        ) from None


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise Unauthenticated("TOKEN_CLAIM", f"The token needs a text claim `{name}`.")
    return value


def _time(claims: Mapping[str, object], name: str) -> float:
    """A NumericDate (RFC 7519 §2); Python's JSON lets NaN and infinity through, the range does not."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise Unauthenticated("TOKEN_CLAIM", f"The token's `{name}` must be seconds since 1970.")
    return value
