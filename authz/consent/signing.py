"""Proof of what was agreed: canonical JSON, a detached JWS over it, and a signed receipt.

The signature is RFC 7515 Appendix F (ES256) over the RFC 8785 bytes of the artefact; anyone
checks it with the artefact and the published key. The receipt (ISO/IEC TS 27560) is a whole
JWS that names the artefact by its hash and holds nothing about the person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from authz.audit.leaves import canonical
from authz.consent.artefact import ConsentArtefact, Part
from authz.keys import KeyRing

ALGORITHM: Final = "ES256"
ARTEFACT_TYPE: Final = "consent-artefact+jws"
RECEIPT_TYPE: Final = "consent-receipt+jws"
EXPORT_TYPE: Final = "subject-export+jws"
REPORT_TYPE: Final = "credit-report+jws"


def canonical_bytes(part: Part) -> bytes:
    """RFC 8785 bytes of a request or an artefact; members that are not given are left out."""
    return canonical(part.model_dump(mode="json", by_alias=True, exclude_none=True))


def digest_of(payload: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def detached_holds(payload: bytes, signature: str, keys: KeySet) -> bool:
    """Whether one of these keys made this detached signature over exactly these bytes of an artefact."""
    try:
        signed = jws.deserialize_compact(signature, keys, [ALGORITHM], payload=payload)
    except (JoseError, ValueError):
        return False
    return signed.headers().get("typ") == ARTEFACT_TYPE


class Signer:
    """Signs and verifies with the gateway's consent keys."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def sign(self, payload: bytes) -> str:
        """The detached signature, `header..signature`."""
        header, _, signature = self._signed(ARTEFACT_TYPE, payload).split(".")
        return f"{header}..{signature}"

    def holds(self, payload: bytes, signature: str) -> bool:
        """Whether a key of ours made this detached signature over exactly these bytes."""
        return detached_holds(payload, signature, self._keys.consent_keys())

    def receipt(self, artefact: ConsentArtefact, payload: bytes, at: datetime) -> str:
        """The receipt of a consent that was given, as a compact JWS."""
        content: Mapping[str, object] = {
            "consentId": artefact.consent_id,
            "artefactSha256": digest_of(payload),
            "grantee": {"name": artefact.grantee.name, "uscc": artefact.grantee.uscc},
            "issuedAt": at.isoformat(),
            "receiptId": f"cr_{artefact.consent_id.removeprefix('ca_')}",
            "scenarioCode": artefact.purpose.scenario_code,
            "schema": "ISO/IEC TS 27560:2023",
            "validUntil": artefact.validity.until.isoformat(),
            "withdrawal": list(artefact.withdrawal.channels),
        }
        return self._signed(RECEIPT_TYPE, canonical(content))

    def export(self, content: Mapping[str, object]) -> str:
        """A person's own data, as a compact JWS."""
        return self._signed(EXPORT_TYPE, orjson.dumps(content, option=orjson.OPT_SORT_KEYS))

    def report(self, content: Mapping[str, object]) -> str:
        """A person's report on themself, as a compact JWS."""
        return self._signed(REPORT_TYPE, orjson.dumps(content, option=orjson.OPT_SORT_KEYS))

    def _signed(self, kind: str, payload: bytes) -> str:
        key = self._keys.consent_key
        return jws.serialize_compact(
            {"alg": ALGORITHM, "kid": key.kid, "typ": kind}, payload, key, [ALGORITHM]
        )
