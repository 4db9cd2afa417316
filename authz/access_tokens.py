"""Access tokens as this gateway makes them: RFC 9068, ES256, for a few minutes."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt

from authz.clients import Client
from authz.jose import REGISTRY
from authz.keys import KeyRing


def sign_access_token(
    keys: KeyRing,
    client: Client,
    *,
    issuer: str,
    audience: str,
    now: datetime,
    lifetime: timedelta,
    scopes: Collection[str],
    subject: str = "",
    operator: str = "",
    key_thumbprint: str = "",
    **claims: object,
) -> str:
    """A token of a client, signed by the current key.

    `subject` is the client's reference of a person; without one the client speaks for itself
    (RFC 9068 §2.2). `key_thumbprint` binds the token to a key (RFC 9449 §6.1).
    """
    issued = int(now.timestamp())
    body: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "client_id": client.client_id,
        "sub": subject or client.client_id,
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
        "jti": secrets.token_urlsafe(16),
        **claims,
    }
    if scopes:
        body["scope"] = " ".join(sorted(scopes))
    if operator:
        body["operator"] = operator
    if key_thumbprint:
        body["cnf"] = {"jkt": key_thumbprint}
    key = keys.signing_key
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, body, key, registry=REGISTRY)
