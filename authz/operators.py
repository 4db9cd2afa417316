"""Operator assertions: an approval system's own issuer says which employee asks.

A JWT of type `operator+jwt`, signed by a key that is registered with the client, in the header
`Operator-Assertion` of the request:

    iss         the registered issuer            sub   the employee's staff reference, no name
    aud         this gateway                     iat, exp   at most five minutes apart
    client_id   the client that presents it      jti   used once
    subject_ref (optional) the employee's own reference as this client knows it, so that
                nobody reads their own record through a mandate

Algorithms are those of `authz.jose`. It proves nothing by itself: the client's token comes with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from authz.actors import Actor
from authz.clients import ClientRegister, OperatorIssuer
from authz.errors import AccessDenied, SubjectNotConfirmed
from authz.jose import REGISTRY
from authz.once import Kind, OnceOnly, Ticket, Use
from authz.references import References
from authz.tokens import is_operator
from catalogue.identifiers import SubjectKey

HEADER: Final = "Operator-Assertion"
TYPE: Final = "operator+jwt"
LIFETIME: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=10)
"""How far the issuer's clock may be ahead."""
LONGEST: Final = 4 * 1024
LONGEST_ID: Final = 256


@dataclass(frozen=True, slots=True)
class Vouched:
    """An actor whose operator the client's issuer vouches for, and what that uses up."""

    actor: Actor
    use: Use | None = None
    """None where no assertion came."""


class Operators:
    """Reads the assertions that come to this gateway, and takes each once."""

    def __init__(
        self, clients: ClientRegister, audience: str, references: References, once: OnceOnly
    ) -> None:
        self._clients = clients
        self._audience = audience
        self._references = references
        self._once = once

    def vouched(self, actor: Actor, assertion: str | None, now: datetime) -> Vouched:
        """The actor with the operator of the assertion; raises AccessDenied OPERATOR_ASSERTION."""
        if assertion is None:
            return Vouched(actor)
        client = self._clients.clients.get(actor.client_id)
        issuer = client.operator_issuer if client else None
        if issuer is None:
            raise _refused("no issuer of operators is registered for the client")
        claims = _claims(assertion, issuer)
        if (claims.get("iss"), claims.get("aud")) != (issuer.issuer, self._audience):
            raise _refused("`iss` must be the registered issuer, and `aud` this gateway alone")
        if claims.get("client_id") != actor.client_id:
            raise _refused("it was made for another client")
        operator = claims.get("sub")
        if not isinstance(operator, str) or not is_operator(operator):
            raise _refused("`sub` must be a staff reference, not a name or an id number")
        if actor.operator not in ("", operator):
            raise _refused("the token names another operator")
        use = Use(Kind.OPERATOR, actor.client_id, _id(claims), _check_times(claims, now.timestamp()))
        own = self._own(claims, actor.client_id)
        return Vouched(replace(actor, operator=operator, vouched=True, own_subject=own), use)

    async def spend(self, vouched: Vouched) -> None:
        """Use the assertion up; raises AccessDenied where it was used before, StoreUnavailable."""
        if vouched.use is not None:
            await self._once.spend(vouched.use)

    def ticket(self, vouched: Vouched) -> Ticket | None:
        """To use the assertion up with the intent of a read, or before it is answered otherwise."""
        return None if vouched.use is None else Ticket(self._once, vouched.use)

    def _own(self, claims: Mapping[str, object], client_id: str) -> SubjectKey | None:
        reference = claims.get("subject_ref")
        if reference is None:
            return None
        try:
            return self._references.resolve(str(reference), client_id)
        except SubjectNotConfirmed:
            raise _refused("`subject_ref` is no reference of this client") from None


def sign_operator(
    key: Key,
    *,
    issuer: str,
    client_id: str,
    audience: str,
    operator: str,
    now: datetime,
    algorithm: str = "ES256",
    **claims: object,
) -> str:
    """An assertion as an approval system makes it, for one request; `claims` are added or overrule."""
    issued = int(now.timestamp())
    body = {
        "iss": issuer,
        "sub": operator,
        "aud": audience,
        "client_id": client_id,
        "iat": issued,
        "exp": issued + int(LIFETIME.total_seconds()),
        "jti": secrets.token_urlsafe(16),
        **claims,
    }
    return jwt.encode({"alg": algorithm, "typ": TYPE, "kid": key.kid}, body, key, registry=REGISTRY)


def _claims(assertion: str, issuer: OperatorIssuer) -> Mapping[str, object]:
    if len(assertion) > LONGEST or not assertion.isascii():
        raise _refused("it is not one signed JWT")
    try:
        token = jwt.decode(assertion, issuer.keys, registry=REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise _refused("no key of the registered issuer made its signature") from None
    if str(token.header.get("typ", "")).lower() != TYPE:
        raise _refused(f"`typ` must be `{TYPE}`")
    return token.claims


def _id(claims: Mapping[str, object]) -> str:
    name = claims.get("jti")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        raise _refused(f"`jti` must be text of up to {LONGEST_ID} characters")
    return name


def _check_times(claims: Mapping[str, object], now: float) -> float:
    """Until when it must be remembered, in seconds since the epoch."""
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    skew, longest = SKEW.total_seconds(), LIFETIME.total_seconds()
    if now >= expires:
        raise _refused("it has expired")
    if issued > now + skew:
        raise _refused("it is not valid yet; check the clock")
    if expires - issued > longest:
        raise _refused(f"it may live for {longest:.0f} seconds at most")
    return expires + skew


def _time(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise _refused(f"`{name}` must be seconds since 1970")
    return value


def _refused(reason: str) -> AccessDenied:
    return AccessDenied("OPERATOR_ASSERTION", f"The operator assertion does not hold: {reason}.")
