"""Public keys at well-known addresses as JWK sets (RFC 7517): what the gateway's proofs are checked with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from joserfc.jwk import KeySet
from starlette.requests import Request
from starlette.responses import Response

from authz.keys import KeyRing
from gateway.replies import JSON, json_response

CONSENT_KEYS: Final = "/.well-known/consent-jwks.json"
"""The keys of consent artefacts and their receipts."""
RECEIPT_KEYS: Final = "/.well-known/receipt-jwks.json"
"""The keys of receipts of checks."""


def published(keys: KeySet) -> Callable[[Request], Awaitable[Response]]:
    """Answers with the public halves, and with nothing else of a key."""
    content = dict(keys.as_dict(private=False))

    async def respond(_: Request) -> Response:
        return json_response(content, 200, JSON)

    return respond


def proof_keys(keys: KeyRing) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """The keys of what anyone may have to check, by their addresses."""
    return {CONSENT_KEYS: published(keys.consent_keys()), RECEIPT_KEYS: published(keys.receipt_keys())}
