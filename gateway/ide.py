"""GraphiQL for browsers, from our own files: offices have no internet, and the policy allows no other."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

FOLDER: Final = Path(__file__).parent / "static" / "graphiql"
MOUNT: Final = "/static/graphiql"
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""No inline script, nothing from elsewhere. The fonts are inside GraphiQL's style sheet."""


async def page(_: Request) -> Response:
    """The page itself, at `/graphql` for a browser."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "Vary": "Accept"}
    return FileResponse(FOLDER / "index.html", headers=headers)


def assets() -> StaticFiles:
    """The files the page needs, to be mounted at MOUNT."""
    return StaticFiles(directory=FOLDER)
