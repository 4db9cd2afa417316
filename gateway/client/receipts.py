"""A receipt checked offline, with nothing but the gateway's published keys (docs/receipts.md)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from gateway.client.answers import Receipt
from gateway.client.errors import Refused

_ALGORITHM: Final = "ES256"
_TYPE: Final = "must-check-receipt+jws"


@dataclass(frozen=True, kw_only=True, config=ConfigDict(alias_generator=to_camel))
class Proof:
    """What a receipt proves; whether it is still valid is for you to compare."""

    jti: str
    sub: str
    scenario: str
    case_no: str
    organization: str
    completeness: str
    result_sha256: str
    audit_index: int
    checked_at: datetime
    valid_until: datetime


_PROOF: Final = TypeAdapter(Proof)


def check_receipt(receipt: Receipt, jwks: Mapping[str, Any]) -> Proof:
    """What it proves, by the keys of `/.well-known/receipt-jwks.json`; raises Refused RECEIPT_INVALID."""
    try:
        signed = jws.deserialize_compact(receipt.jws.strip(), KeySet.import_key_set(dict(jwks)), [_ALGORITHM])  # type: ignore[arg-type]
        proof = _PROOF.validate_json(signed.payload or b"")
        nonce = urlsafe_b64decode(receipt.nonce + "=")
    except (JoseError, ValidationError, ValueError) as error:
        raise _invalid() from error
    digest = hashlib.sha256(nonce + receipt.statement.encode()).hexdigest()
    if signed.headers().get("typ") != _TYPE or digest != proof.result_sha256:
        raise _invalid()
    return proof


def _invalid() -> Refused:
    message = "This is no receipt of this gateway, or not the one of this statement."
    return Refused("RECEIPT_INVALID", message, retryable=False)
