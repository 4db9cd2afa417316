"""Where the authorization server is; docs/oauth.md lists them."""

from __future__ import annotations

from typing import Final

AUTHORIZATION: Final = "/oauth/authorize"
PUSHED: Final = "/oauth/par"
TOKEN: Final = "/oauth/token"  # noqa: S105 - a path
INTROSPECTION: Final = "/oauth/introspect"
REVOCATION: Final = "/oauth/revoke"
METADATA: Final = "/.well-known/oauth-authorization-server"
KEYS: Final = "/.well-known/jwks.json"
