"""Signing in and out: to the identity provider, back with a code, and into a new session."""

from __future__ import annotations

import hmac
from dataclasses import asdict, dataclass

from starlette.responses import RedirectResponse, Response

from gateway.documents import Budget
from gateway.errors import RequestRefused
from gateway.graphql_http import address_of
from gateway.web.provider import Attempt, IdentityProvider
from gateway.web.security import PageRefused, local
from gateway.web.texts import LANGUAGES
from gateway.web.visit import Visit, next_of


@dataclass(frozen=True, slots=True)
class SigningIn:
    """The views around a login; `budget` is of attempts by address."""

    provider: IdentityProvider
    budget: Budget

    async def login(self, visit: Visit) -> Response:
        """GET /login: remember the attempt, and send the person to the provider."""
        self._spend(visit)
        attempt = Attempt.begin(next_of(visit), strong=visit.request.query_params.get("strong") == "1")
        address = await self.provider.address(attempt)
        state = {**(visit.session.state if visit.session else {}), "attempt": asdict(attempt)}
        token = await visit.desk.sessions.begin(state, visit.session)
        response = RedirectResponse(address, 303)
        visit.desk.site.protect(response)
        visit.desk.site.keep(response, token)
        return response

    async def callback(self, visit: Visit) -> Response:
        """GET /login/callback: the browser that left comes back with a code, once."""
        self._spend(visit)
        query, session = visit.request.query_params, visit.session
        raw = session.state.get("attempt") if session else None
        if session is None or raw is None:
            raise PageRefused(400, "login_stale")
        attempt = Attempt(**raw)
        if not hmac.compare_digest(query.get("state", "").encode(), attempt.state.encode()):
            raise PageRefused(400, "login_stale")
        known = visit.desk.sessions.subject_of(session)
        rest = {name: value for name, value in session.state.items() if name != "attempt"}
        await visit.desk.sessions.remember(session, rest)
        if "error" in query or not query.get("code"):
            raise PageRefused(403, "login_cancelled")
        login = await self.provider.login(attempt, query["code"])
        if known is not None and login.subject != known:
            await visit.desk.sessions.end(session)
            raise PageRefused(403, "login_other")
        response = visit.go(local(attempt.then))
        visit.desk.site.keep(response, await visit.desk.sessions.enter(session, login))
        return response

    async def logout(self, visit: Visit) -> Response:
        """POST /logout."""
        await visit.form()
        if visit.session is not None:
            await visit.desk.sessions.end(visit.session)
        response = visit.go("/")
        visit.desk.site.forget(response)
        return response

    def _spend(self, visit: Visit) -> None:
        """Take an attempt from this address's budget; raises PageRefused 429."""
        try:
            self.budget.spend(address_of(visit.request), 1)
        except RequestRefused as refused:
            raise PageRefused(429, "too_many", refused.headers) from None


async def language(visit: Visit) -> Response:
    """GET /language: Chinese or English from now on."""
    response = visit.go(next_of(visit))
    chosen = visit.request.query_params.get("to")
    if chosen in LANGUAGES:
        visit.desk.site.remember_language(response, chosen)
    return response
