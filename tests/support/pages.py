"""The county with web pages and an identity provider, and a plain HTTP visitor of them."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import yaml
from yarl import URL

from examples.county.identity_provider import CLIENT, Provider
from gateway.app import create_app
from gateway.web.provider import CALLBACK
from tests.support.county import COUNTY
from tests.support.deployment import Stage, TestDeployment, county_stage
from tests.support.http import served
from tests.support.oauth import with_grants
from tests.support.processes import free_port
from tests.support.scenarios import OVERLAY

NAMES: Final = [one["name"] for one in yaml.safe_load((COUNTY / "cast.yaml").read_text("utf-8"))["persons"]]
COOKIE: Final = "demo-session"
SPARING_BANK: Final = "sparing-bank"
"""The bank once more, as a client that may ask one person once."""
_CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')


class Pliant(Provider):
    """The demo's provider, which tests can make lie."""

    def __init__(self, issuer: str, callback: str) -> None:
        super().__init__(issuer, callback)
        self.lies: dict[str, Any] = {}

    def claims(self, login: Mapping[str, Any], now: int) -> dict[str, Any]:
        told = super().claims(login, now) | self.lies
        return {name: value for name, value in told.items() if value is not None}


@contextmanager
def _away(path: Path) -> Iterator[None]:
    away = path.rename(path.with_suffix(".off"))
    try:
        yield
    finally:
        away.rename(path)


@dataclass(frozen=True)
class Site:
    """The pages of a running county."""

    url: str
    provider_url: str
    provider: Pliant
    stage: Stage
    deployment: TestDeployment
    folder: Path

    @contextmanager
    def down(self, department: str) -> Iterator[None]:
        """The department's file is away for the block."""
        with _away(self.folder / f"{department}.db"):
            yield

    @contextmanager
    def storeless(self) -> Iterator[None]:
        """The gateway's own store is away for the block."""
        database = self.deployment.store.engine.url.database or ""
        with _away(Path(database.removeprefix("file:"))):
            yield


@asynccontextmanager
async def pages_stage(folder: Path, **settings: Any) -> AsyncIterator[Site]:
    """A county served with pages, at an address that its settings know."""
    port, provider_port = free_port(), free_port()
    url, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{provider_port}"
    provider = Pliant(issuer, url + CALLBACK)
    known = {"issuer": issuer, "client_id": CLIENT, "scope": "openid"}
    pages = {"client": "citizen-pages", "provider": known, "logins_per_minute": 100_000} | settings

    def embed(config: Path) -> None:
        """The gateway as its own authorization server, at the address of its pages."""
        content = yaml.safe_load(config.read_text("utf-8")) | {"issuer": url, "issuer_mode": "embedded"}
        del content["jwks"]
        config.write_text(yaml.safe_dump(content | {"pages": pages}), "utf-8")
        register = config.with_name("clients.yaml")
        clients = with_grants(yaml.safe_load(register.read_text("utf-8")))
        bank = next(client for client in clients if client["clientId"] == "sample-bank")
        asking = {"asking": {"waiting": 1, "in30Days": 1}}
        clients.append({**bank, "clientId": SPARING_BANK, "use": {**bank["use"], **asking}})
        register.write_text(yaml.safe_dump(clients, allow_unicode=True), "utf-8")

    async with (
        county_stage(folder, OVERLAY, change=embed) as stage,
        served(provider.application(), provider_port),
    ):
        app = create_app(stage.deployment)

        async def shared(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "lifespan":  # the stage has the deployment running already
                await app(scope, receive, send)

        async with served(shared, port):
            yield Site(url, issuer, provider, stage, stage.deployment, folder)


@dataclass
class Seen:
    """One page as it came."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str

    @property
    def words(self) -> str:
        """What a person reads, without the mark-up."""
        plain = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", self.text, flags=re.DOTALL)
        return re.sub(r"\s+", " ", html.unescape(plain))

    @property
    def csrf(self) -> str:
        found = _CSRF.search(self.text)
        assert found, self.words[:300]
        return found[1]


@dataclass
class Visitor:
    """A browser without a screen: cookies, forms, and redirects that are seen."""

    site: Site
    http: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> Seen:
        return await self._ask("GET", path, follow=follow, headers=headers)

    async def post(self, path: str, form: Any, *, follow: bool = True, **headers: str) -> Seen:
        return await self._ask("POST", path, follow=follow, headers=headers, data=form)

    async def _ask(self, method: str, path: str, *, follow: bool, headers: Any, **more: Any) -> Seen:
        url = path if path.startswith("http") else self.site.url + path
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, url, headers=sent, allow_redirects=follow, **more) as reply:
            return Seen(reply.status, dict(reply.headers), await reply.text(), str(reply.url))

    async def choose(self, name: str, *, strong: bool = False, then: str = "/records") -> Seen:
        """Go to the provider, be somebody, and stop before the gateway hears of it."""
        query = f"/login?next={then}{'&strong=1' if strong else ''}"
        left = await self.get(query, follow=False)
        assert left.status == 303, left.words
        return await self.post(left.headers["Location"], {"person": NAMES.index(name)}, follow=False)

    async def sign_in(self, name: str, *, strong: bool = False, then: str = "/records") -> Seen:
        return await self.get((await self.choose(name, strong=strong, then=then)).headers["Location"])

    @property
    def cookie(self) -> str:
        found = self.http.cookie_jar.filter_cookies(URL(self.site.url))
        return found[COOKIE].value

    def take_cookie(self, value: str) -> None:
        self.http.cookie_jar.update_cookies({COOKIE: value}, URL(self.site.url))


@asynccontextmanager
async def visitor(site: Site) -> AsyncIterator[Visitor]:
    """Somebody with an empty cookie jar."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Visitor(site, http)


def path_of(address: str) -> str:
    return urlsplit(address).path


__all__ = ["SPARING_BANK", "Pliant", "Seen", "Site", "Visitor", "pages_stage", "path_of", "visitor"]
