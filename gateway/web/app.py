"""The pages' routes, put together from a deployment and the graph."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from authz.actors import ActorKind
from authz.clients import ClientRegister
from authz.errors import ConfigurationError
from authz.references import References
from authz.sessions import Sessions
from authz.store import Store
from catalogue.model import Catalogue
from gateway.documents import Budget
from gateway.oauth.authorizations import PAGE
from gateway.settings import Pages
from gateway.transparency import Transparency
from gateway.web import signing_in
from gateway.web.consents import Consents
from gateway.web.decisions import Decisions
from gateway.web.graph import Graph
from gateway.web.looked import Looked
from gateway.web.provider import CALLBACK, IdentityProvider
from gateway.web.records import Records
from gateway.web.render import FOLDER, Templates
from gateway.web.report import ReportDesk
from gateway.web.rights import Rights
from gateway.web.security import Site
from gateway.web.signing_in import SigningIn
from gateway.web.transparency import Report
from gateway.web.visit import Desk, Visit

STATIC: Final = "/static/pages"
_MINUTE: Final = 60
_HOUR: Final = 3_600

View = Callable[[Visit], Awaitable[Response]]


async def home(visit: Visit) -> Response:
    """GET /."""
    return visit.show("home.html")


def pages(
    settings: Pages,
    site: Site,
    clients: ClientRegister,
    store: Store,
    references: References,
    catalogue: Catalogue,
    graph: Graph,
    decisions: Decisions,
    transparency: Transparency,
) -> list[BaseRoute]:
    """Every route of the pages; raises ConfigurationError where the client is not a person's."""
    desk = _desk(settings, site, clients, store, references)
    provider = IdentityProvider(settings.provider, site.origin + CALLBACK, desk.step_up_seconds)
    rate = settings.logins_per_minute
    budget = Budget(rate, rate / _MINUTE, monotonic, code="LOGIN_BUDGET")
    entrance = SigningIn(provider, budget)
    views = [*_entrance(entrance, transparency), *_views(graph, catalogue, decisions)]
    routes: list[BaseRoute] = [Route(path, desk.page(view), methods=[method]) for method, path, view in views]
    return [*routes, Mount(STATIC, StaticFiles(directory=FOLDER / "static"))]


def _entrance(entrance: SigningIn, transparency: Transparency) -> list[tuple[str, str, View]]:
    """What anybody may see, and the way in and out."""
    return [
        ("GET", "/", home),
        ("GET", "/transparency", Report(transparency).view),
        ("GET", "/login", entrance.login),
        ("GET", CALLBACK, entrance.callback),
        ("POST", "/logout", entrance.logout),
        ("GET", "/language", signing_in.language),
    ]


def _views(graph: Graph, catalogue: Catalogue, decisions: Decisions) -> list[tuple[str, str, View]]:
    """What is for the person who has signed in."""
    records, looked = Records(graph, catalogue), Looked(graph, catalogue)
    consents, rights, reports = Consents(graph, catalogue), Rights(graph, catalogue), ReportDesk(graph)
    return [
        ("GET", "/records", records.overview),
        ("GET", "/records/{domain}", records.domain),
        ("GET", "/represented", records.whom),
        ("POST", "/represented", records.represent),
        ("GET", "/represented/{kind}/{ref}", records.overview),
        ("GET", "/represented/{kind}/{ref}/{domain}", records.domain),
        ("GET", "/report", reports.form),
        ("POST", "/report", reports.make),
        ("GET", "/looked", looked.view),
        ("GET", "/consents", consents.listed),
        ("GET", "/consents/{id}", consents.one),
        ("GET", "/consents/{id}/decide", decisions.consider),
        ("POST", "/consents/{id}/decide", decisions.decide),
        ("POST", "/consents/{id}/{act}", consents.change),
        ("GET", "/rights", rights.listed),
        ("POST", "/rights/withdraw/{id}", rights.withdraw),
        ("GET", "/rights/{kind}/{type}/{record}", rights.form),
        ("POST", "/rights/{kind}/{type}/{record}", rights.file),
        ("GET", "/rights/{kind}/{read}", rights.form),
        ("POST", "/rights/{kind}/{read}", rights.file),
        ("GET", PAGE + "{handle}", decisions.pending),
        ("POST", PAGE + "{handle}", decisions.answer),
    ]


def _desk(settings: Pages, site: Site, clients: ClientRegister, store: Store, references: References) -> Desk:
    registered = clients.clients.get(settings.client)
    if registered is None or registered.kind is not ActorKind.PERSON:
        raise ConfigurationError(
            "PAGES_CLIENT", "pages.client", "Name a registered client of kind PERSON: what persons read by."
        )
    sessions = Sessions(
        store,
        references,
        settings.client,
        idle=settings.idle_minutes * _MINUTE,
        longest=settings.longest_hours * _HOUR,
    )
    return Desk(
        site,
        sessions,
        clients,
        settings.client,
        settings.step_up_minutes * _MINUTE,
        Templates(registered.organization_name),
    )
