"""What the authorization server publishes about itself: its metadata and its keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authz.clients import ClientRegister, GrantType
from authz.consent.token_scope import TYPE
from authz.jose import ALGORITHMS
from authz.keys import KeyRing
from gateway.oauth.exchange import METHOD, PUBLIC
from gateway.oauth.paths import AUTHORIZATION, INTROSPECTION, KEYS, METADATA, PUSHED, REVOCATION, TOKEN

KEYS_SECONDS: Final = 300
"""How long others may keep our public keys."""


@dataclass(frozen=True, slots=True)
class Published:
    """The two documents of an issuer at `public_url`."""

    issuer: str
    public_url: str
    clients: ClientRegister
    keys: KeyRing

    def routes(self) -> list[Route]:
        """Both of them."""
        return [
            Route(METADATA, self._metadata, methods=["GET"]),
            Route(KEYS, self._keys, methods=["GET"]),
        ]

    async def _metadata(self, _: Request) -> Response:
        """RFC 8414 with RFC 9126 §5, RFC 9207 §3, RFC 9396 §10 and RFC 9449 §5.1."""
        url, algorithms = self.public_url, sorted(ALGORITHMS)
        scopes = sorted({scope for client in self.clients.clients.values() for scope in client.scopes})
        document: dict[str, object] = {
            "issuer": self.issuer,
            "jwks_uri": url + KEYS,
            "authorization_endpoint": url + AUTHORIZATION,
            "pushed_authorization_request_endpoint": url + PUSHED,
            # of banks it is required; an app of the person's own may do without
            "require_pushed_authorization_requests": False,
            "token_endpoint": url + TOKEN,
            "introspection_endpoint": url + INTROSPECTION,
            "revocation_endpoint": url + REVOCATION,
            "grant_types_supported": sorted([*GrantType, "refresh_token"]),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "authorization_details_types_supported": [TYPE],
            "scopes_supported": scopes,
            "dpop_signing_alg_values_supported": algorithms,
        }
        for endpoint, methods in (
            ("token", [METHOD, PUBLIC]),
            ("introspection", [METHOD]),
            ("revocation", [METHOD, PUBLIC]),
        ):
            document[f"{endpoint}_endpoint_auth_methods_supported"] = methods
            document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = algorithms
        return _public(document)

    async def _keys(self, _: Request) -> Response:
        """Public keys of all versions (RFC 7517)."""
        return _public(dict(self.keys.verification_keys().as_dict(private=False)))


def _public(document: dict[str, object]) -> Response:
    headers = {"Cache-Control": f"public, max-age={KEYS_SECONDS}"}
    return Response(orjson.dumps(document), headers=headers, media_type="application/json")
