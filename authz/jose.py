"""The signatures that are believed: ES256, EdDSA and PS256, as the FAPI 2.0 security profile lists them.

One list for access tokens, client assertions and DPoP proofs, and one reading of public keys.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ALGORITHMS: Final = frozenset({"ES256", "EdDSA", "PS256"})
RSA_BITS: Final = range(2048, 8193)
_HEADER_BYTES: Final = 3 * 1024
"""A DPoP proof carries its key in the header; one of RSA does not fit in joserfc's 512 bytes."""


class Algorithms(JWSRegistry):
    """A fixed list; `EdDSA` can only mean Ed25519 (RFC 9864 tells the curves apart)."""

    max_header_length = _HEADER_BYTES

    def __init__(self, allowed: Collection[str], *, strict_check_header: bool = True) -> None:
        super().__init__(strict_check_header=strict_check_header)
        self._allowed = frozenset(allowed)

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm of a header; UnsupportedAlgorithmError for one that is not listed."""
        if name not in self._allowed:
            raise UnsupportedAlgorithmError
        return self.algorithms["Ed25519" if name == "EdDSA" else name]


REGISTRY: Final = Algorithms(ALGORITHMS)
"""For `joserfc.jwt.decode` and `encode`."""


def public_key(jwk: object) -> Key:
    """The key of a JWK (RFC 7517) that may verify; ValueError for a private, symmetric or weak one."""
    if not isinstance(jwk, Mapping):
        raise ValueError("not a JWK")
    try:
        key = _KINDS[jwk["kty"]].import_key(dict(jwk))
    except (JoseError, KeyError, TypeError, ValueError):
        raise ValueError("not a public key of EC, OKP or RSA") from None
    if key.is_private:
        raise ValueError("a private key: whoever has this file has the client's identity")
    if not _fits(key):
        raise ValueError("not P-256, Ed25519 or RSA of 2048 bits or more")
    return key


_KINDS: Final[Mapping[object, type[ECKey] | type[OKPKey] | type[RSAKey]]] = {
    "EC": ECKey,
    "OKP": OKPKey,
    "RSA": RSAKey,
}


def _fits(key: Key) -> bool:
    """Whether one of the algorithms can use it."""
    if isinstance(key, RSAKey):
        return key.raw_value.key_size in RSA_BITS
    return isinstance(key, ECKey | OKPKey) and key.curve_name in ("P-256", "Ed25519")
