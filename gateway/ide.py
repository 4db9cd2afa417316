"""GraphiQL for browsers, from our own files: offices have no internet, and the policy allows no other."""

from __future__ import annotations

from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

FOLDER: Final = Path(__file__).parent / "static" / "graphiql"
MOUNT: Final = "/static/graphiql"
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'nonce-{nonce}'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""No inline script, nothing from elsewhere. The fonts are inside GraphiQL's style sheet, and the
nonce is for the one style element that its dialogs add while they are open."""


async def page(_: Request) -> Response:
    """The page itself, at `/graphql` for a browser."""
    nonce = token_urlsafe(16)
    text = (FOLDER / "index.html").read_text(encoding="utf-8").replace("{nonce}", nonce)
    headers = {
        "Content-Security-Policy": _POLICY.format(nonce=nonce),
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return HTMLResponse(text, headers=headers)


def assets() -> StaticFiles:
    """The files the page needs, to be mounted at MOUNT."""
    return StaticFiles(directory=FOLDER)
