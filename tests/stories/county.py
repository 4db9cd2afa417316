"""The county of the stories: departments, the gateway behind one https address, an identity provider."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml
from sqlalchemy.engine import URL

from catalogue.values import CHINA_TIME
from examples.county.generator.county import County as Size
from examples.county.generator.county import database_urls, environment, generate
from examples.county.generator.dice import PEOPLE, Dice
from examples.county.generator.people import person
from examples.county.generator.writer import drop_database
from examples.county.identity_provider import CLIENT, Provider
from gateway.web.provider import CALLBACK
from tests.support.bank import BANK_KEY, presented
from tests.support.commands import command
from tests.support.county import COUNTY
from tests.support.databases import Database, server_url, throwaway
from tests.support.http import served
from tests.support.oauth import OFFICE_KEY, embed, with_grants
from tests.support.processes import Home, Reply, free_port, serving, settle, tax_bureau
from tests.support.tls import certificate, front
from tests.support.unhurried import UNHURRIED_MS
from tests.support.use import BOUNDLESS

SIZE: Final = Size(persons=420, entities=40)
PROCESSES: Final = {"sqlite": 1, "postgresql": 2}
"""How many processes of the gateway, by the engine of its store and of the departments."""
OPERATORS: Final = "https://login.county.example.cn"
"""The authorities' own login, which says who of their staff asks."""
APP_CALLBACK: Final = "https://app.example.cn/callback"
TODAY: Final = datetime.now(CHINA_TIME).date()


@dataclass
class County:
    """Where everybody finds the gateway, and where the departments keep their own books."""

    url: str
    home: Home
    departments: Mapping[str, Database]
    pem: Path
    http: aiohttp.ClientSession
    tell: Callable[[str], None]
    nonce: str | None = None

    async def ask(
        self, query: str, variables: Any = None, token: str | None = None, key: Any = BANK_KEY, **headers: str
    ) -> Reply:
        """One operation; a bound token with a proof, and again with the nonce that it is told."""
        for _ in range(2):
            told = headers | (presented(token, f"{self.url}/graphql", self.nonce, key) if token else {})
            reply = await self.post("/graphql", json={"query": query, "variables": variables}, headers=told)
            if not reply.raw.startswith(b"{") or reply.codes != ["DPOP_NONCE"]:
                break
        return reply

    async def post(self, path: str, **request: Any) -> Reply:
        """POST to a path of the gateway; keeps the nonce it is told."""
        async with self.http.post(self.url + path, **request) as response:
            self.nonce = response.headers.get("DPoP-Nonce", self.nonce)
            return Reply(response.status, dict(response.headers), await response.read())

    async def published(self, name: str) -> Any:
        """A document below `/.well-known/`."""
        async with self.http.get(f"{self.url}/.well-known/{name}") as response:
            return await response.json()

    async def command(self, *words: str | Path) -> str:
        """`credit-gateway …`, typed beside the gateway's settings; what it prints."""
        result = await command(*words, cwd=self.home.folder, env={"SSL_CERT_FILE": str(self.pem)})
        assert result.code == 0, result
        return result.out

    @asynccontextmanager
    async def down(self, department: str, table: str) -> AsyncIterator[None]:
        """A table is gone for the block, as after a department's own release on a Friday."""
        books = self.departments[department]
        await books.execute(f'ALTER TABLE "{table}" RENAME TO "{table}_gone"')
        yield
        await books.execute(f'ALTER TABLE "{table}_gone" RENAME TO "{table}"')

    async def enter(self, department: str, table: str, row: Mapping[str, str]) -> None:
        """A department's own people enter a row."""
        names = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f"'{value}'" for value in row.values())
        await self.departments[department].execute(f'INSERT INTO "{table}" ({names}) VALUES ({values})')


def residents(count: int) -> list[tuple[str, str]]:
    """Numbers and names of residents of working age, as they write them on applications."""
    everybody = (person(index, Dice(SIZE.seed, PEOPLE, index, SIZE.today)) for index in range(SIZE.persons))
    return [(one.citizen_id, one.name) for one in everybody if one.working][:count]


@asynccontextmanager
async def county(engine: str, folder: Path, tell: Callable[[str], None]) -> AsyncIterator[County]:
    """A running county; everything of it is gone behind the block."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(throwaway(engine, folder))
        urls = await stack.enter_async_context(_departments(engine, folder))
        pem, tax = certificate(folder), free_port()
        port, provider = free_port(), free_port()
        url, issuer = f"https://127.0.0.1:{port}", f"https://127.0.0.1:{provider}"
        variables = {"COUNTY_TAX_URL": f"http://127.0.0.1:{tax}", "SSL_CERT_FILE": str(pem)}
        home = settle(folder / "home", environment(urls) | variables, store=store.url)
        _deploy(home, url, issuer)
        stack.enter_context(tax_bureau(folder / "tax.db", tax))
        behind = [stack.enter_context(serving(home)).url for _ in range(PROCESSES[engine])]
        known = await stack.enter_async_context(served(Provider(issuer, url + CALLBACK).application()))
        await stack.enter_async_context(front(pem, provider, [known]))
        await stack.enter_async_context(front(pem, port, behind))
        http = await stack.enter_async_context(browser(pem))
        yield County(url, home, _books(urls), pem, http, tell)


def browser(pem: Path) -> aiohttp.ClientSession:
    """An HTTP client with cookies, which trusts the county's certificate and takes a new line each time."""
    context = ssl.create_default_context(cafile=str(pem))
    connector = aiohttp.TCPConnector(ssl=context, force_close=True)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.CookieJar(unsafe=True))


@asynccontextmanager
async def _departments(engine: str, folder: Path) -> AsyncIterator[Mapping[str, URL]]:
    """Eight departments, the tax bureau on its own SQLite file as ever."""
    server = None if engine == "sqlite" else server_url(engine)
    urls = database_urls(folder, server, prefix=f"gateway_story_{uuid.uuid4().hex[:8]}_")
    try:
        await generate(SIZE, urls)
        yield urls
    finally:
        for name, url in urls.items():
            if server and name != "tax":
                await drop_database(url)


def _books(urls: Mapping[str, URL]) -> dict[str, Database]:
    return {
        name: Database(url.get_backend_name(), url.render_as_string(hide_password=False))
        for name, url in urls.items()
    }


def _deploy(home: Home, url: str, issuer: str) -> None:
    """The gateway as its own authorization server with pages, and everybody's keys in its register."""
    provider = {"issuer": issuer, "client_id": CLIENT, "scope": "openid"}
    pages = {"client": "citizen-pages", "provider": provider, "logins_per_minute": 600}
    embed(home, url, pages=pages, deadlines={"operation_ms": UNHURRIED_MS})
    public = {"keys": [dict(OFFICE_KEY.as_dict(private=False))]}
    clients = with_grants(yaml.safe_load((COUNTY / "clients.yaml").read_text("utf-8")))
    for each in clients:
        each["use"] = BOUNDLESS
        if each["kind"] == "OFFICER":
            each |= {"grantTypes": ["client_credentials"], "jwks": public}
            each["operatorIssuer"] = {"issuer": OPERATORS, "jwks": public}
        if each["clientId"] == "citizen-app":
            each |= {"grantTypes": ["authorization_code"], "redirectUris": [APP_CALLBACK]}
    (home.folder / "clients.yaml").write_text(yaml.safe_dump(clients, allow_unicode=True), "utf-8")
    (home.folder / "mandates.yaml").write_bytes((COUNTY / "mandates.yaml").read_bytes())
