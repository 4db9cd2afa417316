"""The key of a bank in tests, and requests that prove to hold it (RFC 9449).

Banks' tokens are bound to a key. Tests that only want an answer for a bank use `home.token(…)`
and `server.ask(…)` as for anyone else, and these bind and prove by themselves.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from joserfc.jwk import ECKey

from authz.dpop import make_proof, thumbprint

BANK_KEY: Final = ECKey.generate_key("P-256", auto_kid=True)
BOUND: Final = {"jkt": thumbprint(BANK_KEY)}
"""The `cnf` claim of a token bound to it."""


def is_bound(token: str, key: ECKey = BANK_KEY) -> bool:
    """Whether the token is bound to the key."""
    bound = {"jkt": thumbprint(key)}
    try:
        body = token.split(".")[1]
        return bool(orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))).get("cnf") == bound)
    except (IndexError, ValueError, AttributeError):
        return False


def presented(
    token: str, url: str, nonce: str | None = None, key: ECKey = BANK_KEY, **changes: Any
) -> dict[str, str]:
    """Headers that present a token to `url`: with a proof if it is bound to the key, bare otherwise."""
    if not is_bound(token, key):
        return {"Authorization": f"Bearer {token}"}
    request = {"method": "POST", "url": url, "now": datetime.now(UTC), "nonce": nonce, "access_token": token}
    return {"Authorization": f"DPoP {token}", "DPoP": make_proof(key, **(request | changes))}
