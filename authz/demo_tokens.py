"""Tokens signed with demo keys, for the CLI's `token`, the demo and tests. Real ones come from an issuer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from joserfc import jwt

from authz.clients import Client
from authz.errors import ConfigurationError
from authz.keys import KeyRing
from authz.references import References
from catalogue.identifiers import SubjectKey

LIFETIME: Final = timedelta(hours=1)


def issue_token(
    keys: KeyRing,
    client: Client,
    *,
    issuer: str,
    audience: str,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    operator: str | None = None,
    subject: SubjectKey | None = None,
    step_up: bool = False,
) -> str:
    """An RFC 9068 access token (ES256); raises ConfigurationError unless the keys are demo keys."""
    if not keys.demo:
        raise ConfigurationError(
            "KEYS_NOT_DEMO", "keys", "Tokens are only made with demo keys. Ask your issuer for a real one."
        )
    issued = int(now.timestamp())
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "client_id": client.client_id,
        "sub": References(keys).subject_ref(subject, client.client_id) if subject else client.client_id,
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
    }
    if client.scopes:
        claims["scope"] = " ".join(sorted(client.scopes))
    if operator:
        claims["operator"] = operator
    if step_up:
        claims |= {"acr": "phr", "auth_time": issued}
    key = keys.signing_key
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, key)
