"""What keeps a page safe in a browser: headers, cookies, where a form came from, where one may go next."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import RequestRefused

FORM: Final = "application/x-www-form-urlencoded"
LANGUAGE_COOKIE: Final = "lang"
_YEAR: Final = 365 * 24 * 3600


class PageRefused(Exception):
    """A page that is not shown: HTTP status, the texts that say why, and a client to go back to."""

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Mapping[str, str] | None = None,
        client_address: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
        self.client_address = client_address


@dataclass(frozen=True, slots=True)
class Site:
    """Where browsers find the pages: `scheme://host[:port]`; `deadline` is seconds for reading a form."""

    origin: str
    deadline: float

    @property
    def secure(self) -> bool:
        """Whether browsers come by https; plain http is for the demo on this machine."""
        return self.origin.startswith("https://")

    @property
    def session_cookie(self) -> str:
        """`__Host-` binds a cookie to this host and to https (RFC 6265bis §4.1.3.2)."""
        return "__Host-session" if self.secure else "demo-session"

    def keep(self, response: Response, token: str) -> None:
        """Hand the session to the browser; the store says how long it lasts."""
        response.set_cookie(
            self.session_cookie, token, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def forget(self, response: Response) -> None:
        """Take the session from the browser."""
        response.delete_cookie(
            self.session_cookie, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def remember_language(self, response: Response, language: str) -> None:
        """The one thing a browser is asked to remember beside its session."""
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=_YEAR, secure=self.secure, httponly=True, samesite="lax"
        )

    def protect(self, response: Response, form_targets: tuple[str, ...] = ()) -> None:
        """Headers of every page; `form_targets` are origins to which its form may lead on."""
        targets = " ".join(("'self'", *form_targets))
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Content-Security-Policy"] = policy
        response.headers["Cache-Control"] = "no-store"
        # not `no-referrer`: with that browsers send `Origin: null` from our own forms
        response.headers["Referrer-Policy"] = "same-origin"

    async def form(self, request: Request, csrf: str) -> Mapping[str, list[str]]:
        """The fields of a form of ours; raises PageRefused for one that somebody else made."""
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        if origin not in (None, self.origin) or site != "same-origin":
            raise PageRefused(403, "forged")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise PageRefused(415, "form_malformed")
        try:
            async with asyncio.timeout(self.deadline):
                body = (await request.body()).decode()
            pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=True, max_num_fields=500)
        except TimeoutError:
            raise PageRefused(408, "form_late", {"Connection": "close"}) from None
        except RequestRefused as refused:  # too large, found while it arrived
            raise PageRefused(refused.code.status, "form_malformed", refused.headers) from None
        except ValueError:
            raise PageRefused(400, "form_malformed") from None
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        if not hmac.compare_digest(fields.get("csrf", [""])[0].encode(), csrf.encode()):
            raise PageRefused(403, "forged")
        return fields


def local(target: str | None) -> str:
    """A path of our own to go on to; `/` for anything that could lead elsewhere."""
    if not target or not target.isascii() or not target.isprintable() or "\\" in target:
        return "/"
    parts = urlsplit(target)
    own = target.startswith("/") and not target.startswith("//") and not parts.scheme and not parts.netloc
    return target if own else "/"
