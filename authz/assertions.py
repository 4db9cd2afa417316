"""Client assertions: `private_key_jwt` of OpenID Connect Core §9, by RFC 7523 and the FAPI 2.0 profile.

Stricter than RFC 7523: only the algorithms of `authz.jose`, one audience, no longer than a
minute, and used once. An officer's approval system names the officer in the claim `operator`,
so the client's own signature vouches for who asks.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from authz.clients import Client, ClientRegister
from authz.errors import Unauthenticated
from authz.jose import REGISTRY
from authz.once import Kind, Use
from authz.tokens import HUMANS, is_operator
from catalogue.values import CHINA_TIME

LIFETIME: Final = timedelta(seconds=60)
SKEW: Final = timedelta(seconds=10)
"""How far a client's clock may be ahead (FAPI 2.0 security profile §5.3.2.1)."""
LONGEST_ASSERTION: Final = 4 * 1024
LONGEST_ID: Final = 256

_TYPES: Final = ("", "jwt", "client-authentication+jwt")


class AssertionRefused(Exception):
    """The client has not proved to be itself; `message` holds nothing of the assertion."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Assertion:
    """A client that has proved to be itself."""

    client: Client
    operator: str
    """Staff reference of the employee behind the client; empty for a machine."""
    use: Use
    """What must not happen twice."""


def check_assertion(
    assertion: str, clients: ClientRegister, audiences: Collection[str], now: datetime
) -> Assertion:
    """The client that made this assertion; raises AssertionRefused.

    `audiences` are the issuer and the token endpoint: one of them, alone, must be `aud`.
    """
    claims = _decode(assertion, clients.clients.get(_client_id(assertion)))
    try:
        client = clients.active(_text(claims.get("sub")), now.astimezone(CHINA_TIME).date())
    except Unauthenticated:
        raise _refused("the client's registration is not in force") from None
    if claims.get("iss") != client.client_id:
        raise _refused("`iss` and `sub` must both be the client id")
    _check_audience(claims.get("aud"), audiences)
    expires = _check_times(claims, now.timestamp())
    assertion_id = claims.get("jti")
    if not isinstance(assertion_id, str) or not 0 < len(assertion_id) <= LONGEST_ID:
        raise _refused(f"`jti` must be text of up to {LONGEST_ID} characters")
    use = Use(Kind.ASSERTION, client.client_id, assertion_id, expires + SKEW.total_seconds())
    return Assertion(client, _operator(claims, client), use)


def _client_id(assertion: str) -> str:
    """The client that is claimed, before anything is proved."""
    if len(assertion) > LONGEST_ASSERTION or assertion.count(".") != 2:
        raise _refused("it is not one signed JWT")
    try:
        body = assertion.split(".")[1]
        claimed = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise _refused("it is not a JWT with a `sub`") from None
    return _text(claimed)


def _decode(assertion: str, client: Client | None) -> Mapping[str, object]:
    """The claims, if a key of the client signed them; a client that does not exist has none."""
    try:
        token = jwt.decode(assertion, client.keys if client else KeySet([]), registry=REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise _refused("no registered key of the client made its signature") from None
    # tokens and proofs may be signed by the same key, and are no assertions
    if str(token.header.get("typ", "")).lower() not in _TYPES:
        raise _refused("`typ` must be `JWT` or `client-authentication+jwt`")
    return token.claims


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _check_audience(audience: object, audiences: Collection[str]) -> None:
    named = audience if isinstance(audience, list) else [audience]
    if len(named) != 1 or _text(named[0]) not in audiences:
        raise _refused("`aud` must be this issuer alone")


def _check_times(claims: Mapping[str, object], now: float) -> float:
    """The end of the assertion, in seconds since the epoch."""
    expires = _time(claims, "exp")
    skew, longest = SKEW.total_seconds(), LIFETIME.total_seconds()
    issued = _time(claims, "iat") if "iat" in claims else now
    starts = _time(claims, "nbf") if "nbf" in claims else issued
    if now >= expires:
        raise _refused("it has expired")
    if max(issued, starts) > now + skew:
        raise _refused("it is not valid yet; check the clock")
    if expires > now + longest + skew or expires - issued > longest:
        raise _refused(f"it may live for {longest:.0f} seconds at most")
    return expires


def _time(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise _refused(f"`{name}` must be seconds since 1970")
    return value


def _operator(claims: Mapping[str, object], client: Client) -> str:
    operator = claims.get("operator", "")
    if not isinstance(operator, str) or (operator and not is_operator(operator)):
        raise _refused("`operator` must be a staff reference, not a name or an id number")
    if not operator and client.kind in HUMANS and client.operator_issuer is None:
        raise _refused("`operator` must name the employee who asks, by staff reference")
    return operator


def _refused(reason: str) -> AssertionRefused:
    return AssertionRefused(f"The client assertion does not hold: {reason}.")
