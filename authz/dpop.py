"""Demonstrating proof of possession (RFC 9449): what a proof must be, and the nonces that date it.

Pure: whether a proof was used before is asked of `authz.once`, with `Proof.use`. Messages
never hold a part of the proof.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from cachetools import LRUCache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from authz.errors import Unauthenticated
from authz.jose import REGISTRY, public_key
from authz.keys import KeyRing, Purpose
from authz.once import Kind, Use

PROOF_AGE: Final = timedelta(seconds=60)
"""How far `iat` may lie from our clock, either way."""
NONCE_SPAN: Final = timedelta(seconds=60)
"""A nonce is new for this long, and accepted for as long again."""
LONGEST_PROOF: Final = 6 * 1024
LONGEST_ID: Final = 256

_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: made by the owner of this key, for this request, about now."""

    key_thumbprint: str
    """RFC 7638, base64url of SHA-256."""
    proof_id: str
    issued: float

    @property
    def use(self) -> Use:
        """What must not happen twice (RFC 9449 §11.1)."""
        until = self.issued + 2 * PROOF_AGE.total_seconds()
        return Use(Kind.PROOF, self.key_thumbprint, self.proof_id, until)


class Nonces:
    """Server nonces (RFC 9449 §8): made of the time by a secret key, so all processes know them."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def current(self, now: datetime) -> str:
        """The nonce to hand out."""
        return self._of(_window(now))

    def valid(self, nonce: str, now: datetime) -> bool:
        """Whether it was handed out a moment ago; one window ahead, for the clocks of several machines."""
        window = _window(now)
        known = [self._of(each).encode() for each in (window, window - 1, window + 1)]
        given = nonce.encode("utf-8", "surrogatepass")
        return sum(hmac.compare_digest(given, each) for each in known) > 0

    def _of(self, window: int) -> str:
        return _text(self._keys.current(Purpose.DPOP_NONCE).mac(window.to_bytes(8, "big"))[:16])


def check_proof(
    proof: str,
    *,
    method: str,
    url: str,
    nonces: Nonces,
    now: datetime,
    access_token: str | None = None,
) -> Proof:
    """The twelve checks of RFC 9449 §4.3, but for replay and for the token's own binding.

    `access_token` is the one presented with it, at a resource; None at the token endpoint.
    Raises Unauthenticated DPOP_PROOF, or DPOP_NONCE where only a current nonce is missing.
    """
    claims, holder = _decode(proof)
    if claims.get("htm") != method:
        raise _refused("`htm` is not the method of this request")
    if not _same_place(claims.get("htu"), url):
        raise _refused("`htu` is not the address of this request")
    proof_id, issued = claims.get("jti"), claims.get("iat")
    if not isinstance(proof_id, str) or not 0 < len(proof_id) <= LONGEST_ID:
        raise _refused(f"`jti` must be text of up to {LONGEST_ID} characters")
    if isinstance(issued, bool) or not isinstance(issued, int | float) or not 0 <= issued < 2**53:
        raise _refused("`iat` must be seconds since 1970")
    if abs(now.timestamp() - issued) > PROOF_AGE.total_seconds():
        raise _refused("`iat` is not now; check the clock")
    if access_token is not None and claims.get("ath") != token_hash(access_token):
        raise _refused("`ath` is not the hash of the access token")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonces.valid(nonce, now):
        raise Unauthenticated("DPOP_NONCE", "Make the proof again with the nonce of `DPoP-Nonce`.")
    return Proof(holder.thumbprint, proof_id, issued)


def make_proof(
    key: Key,
    *,
    method: str,
    url: str,
    now: datetime,
    nonce: str | None = None,
    access_token: str | None = None,
) -> str:
    """A proof by a client's private key (ES256 for P-256, EdDSA for Ed25519, PS256 for RSA)."""
    algorithm = {"EC": "ES256", "OKP": "EdDSA", "RSA": "PS256"}[key.key_type]
    claims: dict[str, Any] = {
        "jti": secrets.token_urlsafe(16),
        "htm": method,
        "htu": url,
        "iat": int(now.timestamp()),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if access_token is not None:
        claims["ath"] = token_hash(access_token)
    public = {name: value for name, value in key.as_dict(private=False).items() if name in _PUBLIC_MEMBERS}
    return jwt.encode({"typ": "dpop+jwt", "alg": algorithm, "jwk": public}, claims, key, registry=REGISTRY)


_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")


def thumbprint(key: Key) -> str:
    """`jkt`: RFC 7638 of the public key."""
    return key.thumbprint()


def token_hash(access_token: str) -> str:
    """`ath`: base64url of the SHA-256 of the token (RFC 9449 §4.2)."""
    return _text(hashlib.sha256(access_token.encode("utf-8", "surrogatepass")).digest())


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who signs proofs with one header: the key that it carries."""

    key: Key
    thumbprint: str


_HOLDERS: Final[LRUCache[str, _Holder]] = LRUCache(1024)
"""By the header as it was sent: one client's proofs differ in their payload alone."""


def _decode(proof: str) -> tuple[Mapping[str, object], _Holder]:
    """The claims of a proof signed by the key that it carries, and that key."""
    if len(proof) > LONGEST_PROOF or not proof.isascii():
        raise _refused("it is not one signed JWT")
    header = proof.partition(".")[0]
    held = [_HOLDERS[header]] if header in _HOLDERS else []

    def own_key(signed: Any) -> Key:  # noqa: ANN401 - joserfc's protocol is not exported
        if not held:
            key = public_key(signed.headers().get("jwk"))
            held.append(_Holder(key, thumbprint(key)))
        return held[0].key

    try:
        token = jwt.decode(proof, own_key, registry=REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise _refused(
            "it is not a JWT signed with ES256, EdDSA or PS256 by the public key in `jwk`"
        ) from None
    if token.header.get("typ") != "dpop+jwt":
        raise _refused("`typ` must be `dpop+jwt`")
    _HOLDERS[header] = held[0]
    return token.claims, held[0]


def _same_place(claimed: object, url: str) -> bool:
    """Whether two addresses are one, without query and fragment (RFC 9449 §4.3, RFC 3986 §6.2)."""
    try:
        return isinstance(claimed, str) and _place(claimed) == _place(url)
    except ValueError:
        return False


def _place(url: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(url)
    if parts.username is not None or not parts.hostname:
        raise ValueError
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme), unquote(parts.path) or "/"


def _window(now: datetime) -> int:
    return int(now.timestamp() // NONCE_SPAN.total_seconds())


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated("DPOP_PROOF", f"The DPoP proof does not hold: {reason}.")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
