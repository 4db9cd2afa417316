"""The receipt of a must-check: a compact JWS (RFC 7515, ES256) that proves the check and holds no value.

It is bound to scenario, case, client and the client's own reference of the subject, to the place of
the read in the audit log, and by a digest to what was found. The digest is SHA-256 over a nonce of
256 bits and the statement of the findings; both travel with the answer, not with the receipt
(ruling 27), so that nobody can try findings out against a receipt alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from datetime import datetime
from enum import StrEnum
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from authz.audit.leaves import canonical
from authz.errors import AccessDenied
from authz.ids import new_id

ALGORITHM: Final = "ES256"
TYPE: Final = "must-check-receipt+jws"
NONCE_BYTES: Final = 32


class ReceiptInvalid(AccessDenied):
    """Not a receipt of this gateway."""

    def __init__(self) -> None:
        super().__init__("RECEIPT_INVALID", "This is no receipt of this gateway. Send it as you received it.")


class Completeness(StrEnum):
    """Whether every permitted record type has an answer."""

    COMPLETE = "COMPLETE"
    INCOMPLETE = "INCOMPLETE"


class Receipt(BaseModel):
    """What a receipt says; `iat` and `exp` are RFC 7519 times, everything else is named as in the graph."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    iss: str
    jti: str
    sub: str
    """The client's own reference of the subject."""
    iat: int
    exp: int
    """End of validity: after it the check is made again."""
    scenario: str
    case_no: str
    client_id: str
    organization: str
    """USCC of who checked."""
    basis: str
    """Id of the mandate or of the consent."""
    completeness: Completeness
    related: tuple[str, ...] = ()
    """References of the related persons who were checked with it."""
    result_sha256: str
    audit_index: int
    catalogue_version: str
    checked_at: AwareDatetime
    valid_until: AwareDatetime

    def expired(self, now: datetime) -> bool:
        """Whether the check has to be made again."""
        return now > self.valid_until


def new_check_id() -> str:
    """`ck_…`, random."""
    return new_id("ck")


def new_nonce() -> str:
    """256 random bits, base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(NONCE_BYTES)).rstrip(b"=").decode()


def digest_of(nonce: str, statement: str) -> str:
    """SHA-256 over the nonce's bytes and the statement's UTF-8, in lower-case hexadecimal.

    Raises ValueError for a nonce that is not 256 bits of base64url.
    """
    try:
        raw = base64.b64decode(nonce + "=" * (-len(nonce) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
    if len(raw) != NONCE_BYTES:
        raise ValueError("not 256 bits")
    return hashlib.sha256(raw + statement.encode()).hexdigest()


def signed(receipt: Receipt, key: ECKey) -> str:
    """The compact JWS."""
    return compact(receipt, TYPE, key)


def compact(content: BaseModel, kind: str, key: ECKey) -> str:
    """The compact JWS over the RFC 8785 text of a model."""
    payload = canonical(content.model_dump(mode="json", by_alias=True))
    return jws.serialize_compact({"alg": ALGORITHM, "kid": key.kid, "typ": kind}, payload, key, [ALGORITHM])


def opened(text: str, keys: KeySet) -> Receipt:
    """The receipt that one of these keys signed; raises ReceiptInvalid for anything else."""
    try:
        found = jws.deserialize_compact(text.strip(), keys, [ALGORITHM])
        if found.headers().get("typ") != TYPE:
            raise ReceiptInvalid
        return Receipt.model_validate_json(found.payload or b"")
    except (JoseError, ValidationError, ValueError):
        raise ReceiptInvalid from None
