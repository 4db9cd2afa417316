"""Tokens signed with demo keys, for the CLI's `token`, the demo and tests. Real ones come from an issuer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from joserfc.jwk import Key

from authz.access_tokens import sign_access_token
from authz.clients import Client
from authz.consent.token_scope import TYPE
from authz.errors import ConfigurationError
from authz.keys import KeyRing
from authz.operators import sign_operator
from authz.references import References
from catalogue.identifiers import SubjectKey

LIFETIME: Final = timedelta(hours=1)


OPERATOR_ISSUER: Final = "https://login.approval.example.cn"
"""The demo approval systems' own login; it signs with the demo keys."""


def issue_operator(keys: KeyRing, client: Client, *, audience: str, now: datetime, operator: str) -> str:
    """An operator assertion of a demo approval system; raises ConfigurationError as `issue_token` does."""
    _require_demo(keys)
    return sign_operator(
        keys.signing_key,
        issuer=OPERATOR_ISSUER,
        client_id=client.client_id,
        audience=audience,
        operator=operator,
        now=now,
    )


def demo_operator_issuer(keys: KeyRing, *others: Key) -> dict[str, object]:
    """`operatorIssuer` of a demo client, as its register has it; `others` are keys it signs with as well."""
    public = [*keys.verification_keys().keys, *others]
    return {"issuer": OPERATOR_ISSUER, "jwks": {"keys": [dict(key.as_dict(private=False)) for key in public]}}


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
    key_thumbprint: str = "",
    consent_id: str = "",
) -> str:
    """An RFC 9068 access token (ES256); raises ConfigurationError unless the keys are demo keys."""
    _require_demo(keys)
    login = {"acr": "phr", "auth_time": int(now.timestamp())} if step_up else {}
    details = [{"type": TYPE, "consentId": consent_id}]
    reach = {"authorization_details": details} if consent_id else {}
    return sign_access_token(
        keys,
        client,
        issuer=issuer,
        audience=audience,
        now=now,
        lifetime=lifetime,
        scopes=client.scopes,
        subject=References(keys).subject_ref(subject, client.client_id) if subject else "",
        operator=operator or "",
        key_thumbprint=key_thumbprint,
        **login,
        **reach,
    )


def _require_demo(keys: KeyRing) -> None:
    if not keys.demo:
        raise ConfigurationError(
            "KEYS_NOT_DEMO", "keys", "Tokens are only made with demo keys. Ask your issuer for a real one."
        )
