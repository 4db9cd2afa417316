"""One visit of a browser to a page: its session, its language, and the person as an Actor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from authz.actors import Actor
from authz.clients import ClientRegister
from authz.errors import AuthzError, SubjectNotConfirmed
from authz.sessions import Session, Sessions
from catalogue.values import CHINA_TIME
from gateway import logs
from gateway.web.render import Templates
from gateway.web.security import LANGUAGE_COOKIE, PageRefused, Site, local
from gateway.web.texts import Words, language_of


class LoginNeeded(Exception):
    """The page needs somebody who is logged in, or who is so by a fresh strong login."""

    def __init__(self, *, strong: bool, then: str | None = None) -> None:
        super().__init__()
        self.strong = strong
        self.then = then


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page knows of whoever looks at it."""

    request: Request
    session: Session | None
    words: Words
    actor: Actor | None
    desk: Desk

    def person(self, *, strong: bool = False, then: str | None = None) -> Actor:
        """The person who is logged in; raises LoginNeeded, which leads on to `then` or back to here."""
        if self.actor is None or (strong and not self.actor.step_up):
            raise LoginNeeded(strong=strong, then=then)
        return self.actor

    async def form(self) -> Mapping[str, list[str]]:
        """The fields of a form of this session; raises PageRefused, LoginNeeded."""
        if self.session is None:
            raise LoginNeeded(strong=False)
        return await self.desk.site.form(self.request, self.session.csrf)

    def show(
        self,
        template: str,
        status: int = 200,
        form_targets: tuple[str, ...] = (),
        **values: object,
    ) -> Response:
        """A page with the frame that all pages share."""
        html = self.desk.templates.render(
            template,
            words=self.words,
            person=self.actor,
            csrf=self.session.csrf if self.session else "",
            here_path=self.request.url.path,
            demo=not self.desk.site.secure,
            **values,
        )
        response = Response(html, status, media_type="text/html; charset=utf-8")
        self.desk.site.protect(response, form_targets)
        return response

    def go(self, path: str) -> Response:
        """On to another page of ours, after a form."""
        response = RedirectResponse(path, 303)
        self.desk.site.protect(response)
        return response

    def refuse(self, refused: PageRefused) -> Response:
        """The page that says why not, and what to do."""
        response = self.show(
            "refused.html", refused.status, reason=refused.reason, client_address=refused.client_address
        )
        response.headers.update(refused.headers)
        return response

    def login_first(self, needed: LoginNeeded) -> Response:
        """To the login, and back to where they wanted to go; a form is not sent by itself."""
        here = "/"
        if self.request.method == "GET":
            asked = self.request.url.query
            here = f"{self.request.url.path}{'?' if asked else ''}{asked}"
        query = {"next": needed.then or here} | ({"strong": "1"} if needed.strong else {})
        return self.go(f"/login?{urlencode(query)}")


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page needs: where it is, who comes, and how it looks."""

    site: Site
    sessions: Sessions
    clients: ClientRegister
    client_id: str
    step_up_seconds: int
    templates: Templates

    async def visit(self, request: Request) -> Visit:
        """Who comes; a session whose person cannot be read any more is none."""
        token = request.cookies.get(self.site.session_cookie)
        session = await self.sessions.find(token) if token else None
        language = language_of(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language"))
        actor = None
        if session is not None:
            try:
                actor = self._actor(session)
            except SubjectNotConfirmed:
                session = None
        return Visit(request, session, Words(language), actor, self)

    def _actor(self, session: Session) -> Actor | None:
        subject = self.sessions.subject_of(session)
        if subject is None:
            return None
        client = self.clients.active(self.client_id, datetime.now(CHINA_TIME).date())
        return Actor(
            kind=client.kind,
            client_id=client.client_id,
            organization=client.organization,
            organization_name=client.organization_name,
            subject=subject,
            step_up=session.strong_within(self.step_up_seconds, self.sessions.now),
            scopes=client.scopes,
        )

    def page(self, view: Callable[[Visit], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """A view as an endpoint: refusals become pages that say what to do."""

        async def respond(request: Request) -> Response:
            visit = Visit(request, None, Words("zh"), None, self)
            try:
                visit = await self.visit(request)
                return await view(visit)
            except LoginNeeded as needed:
                return visit.login_first(needed)
            except PageRefused as refused:
                return visit.refuse(refused)
            except AuthzError:
                return visit.refuse(PageRefused(503, "unavailable"))
            except ClientDisconnect:
                raise
            except Exception as fault:
                logs.fault(fault)
                return visit.refuse(PageRefused(500, "unavailable"))

        return respond


def next_of(visit: Visit) -> str:
    """Where the person was going, if it is a page of ours."""
    return local(visit.request.query_params.get("next"))
