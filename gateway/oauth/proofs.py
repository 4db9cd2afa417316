"""The DPoP header of a request (RFC 9449 §4.1), the same at the token endpoint and at the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.datastructures import Headers

from authz.dpop import Nonces, Proof, check_proof
from authz.errors import Unauthenticated
from authz.jose import ALGORITHMS

HEADER: Final = "DPoP"
NONCE_HEADER: Final = "DPoP-Nonce"
SIGNED_WITH: Final = " ".join(sorted(ALGORITHMS))
ERRORS: Final[Mapping[str, str]] = {
    "DPOP_PROOF": "invalid_dpop_proof",
    "DPOP_NONCE": "use_dpop_nonce",
}
"""Our codes in the words of the RFC."""


@dataclass(frozen=True, slots=True)
class ProofReader:
    """Reads the one proof of a request to this gateway."""

    nonces: Nonces
    public_url: str

    def read(
        self, headers: Headers, method: str, path: str, now: datetime, access_token: str | None = None
    ) -> Proof | None:
        """The proof that came with the request, None where none did; raises Unauthenticated."""
        proofs = headers.getlist(HEADER)
        if not proofs:
            return None
        if len(proofs) > 1:
            raise Unauthenticated("DPOP_PROOF", "Send one DPoP proof.")
        return check_proof(
            proofs[0],
            method=method,
            url=self.public_url + path,
            nonces=self.nonces,
            now=now,
            access_token=access_token,
        )

    def offer(self, now: datetime) -> dict[str, str]:
        """The header with the nonce for the next proof (RFC 9449 §8.2)."""
        return {NONCE_HEADER: self.nonces.current(now)}
