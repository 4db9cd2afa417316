import hashlib
import json
import re

import aiohttp

from catalogue.loader import load_catalogue
from gateway.documents import DocumentCache
from gateway.ide import FOLDER, MOUNT
from gateway.settings import Limits
from resolvers.schema import build_schema
from tests.support.graph import county

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
TYPES = {".js": "javascript", ".css": "text/css"}


async def test_a_browser_gets_the_page_with_a_policy_that_allows_nothing_from_elsewhere():
    async with county() as stage, aiohttp.ClientSession() as session:
        async with session.get(f"{stage.url}/graphql", headers=BROWSER) as response:
            assert (response.status, response.content_type) == (200, "text/html")
            assert len(response.headers.getall("Content-Security-Policy")) == 1
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            page = await response.text()
        linked = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert [link for link in linked if not link.startswith((MOUNT, "data:"))] == []
        assert re.search(r"<script(?![^>]*\bsrc=)", page) is None
        assert re.search(r"<style|\son\w+=|\sstyle=", page) is None
        assets = [link for link in linked if link.startswith(MOUNT)]
        assert len(assets) == 6
        for link in assets:
            async with session.get(stage.url + link) as response:
                assert response.status == 200
                assert TYPES["." + link.rsplit(".", 1)[1]] in response.content_type
                assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_policy_is_strict_and_its_nonce_used_once():
    policies = []
    async with county() as stage, aiohttp.ClientSession(headers=BROWSER) as session:
        for _ in range(2):
            async with session.get(f"{stage.url}/graphql") as response:
                policy = response.headers["Content-Security-Policy"]
                (nonce,) = re.findall(r"'nonce-([\w-]{22})'", policy)
                assert f'nonce="{nonce}"' in await response.text()
                policies.append(policy)
    directives = policies[0].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(directives)
    assert not [text for text in directives if "unsafe" in text or "*" in text or "http" in text]
    assert policies[0] != policies[1]


async def test_a_program_gets_no_page_and_a_closed_gateway_none_at_all():
    async with (
        county() as stage,
        aiohttp.ClientSession() as session,
        session.get(f"{stage.url}/graphql") as response,
    ):
        assert (response.status, response.content_type) == (400, "application/graphql-response+json")
    async with (
        county(graphiql=False) as stage,
        aiohttp.ClientSession() as session,
        session.get(f"{stage.url}/graphql", headers=BROWSER) as response,
    ):
        assert response.content_type == "application/graphql-response+json"


def test_the_vendored_files_are_those_that_were_fetched():
    rows = json.loads((FOLDER / "VERSIONS.json").read_text(encoding="utf-8"))
    assert {row["file"]: row["sha256"] for row in rows} == {
        row["file"]: hashlib.sha256((FOLDER / row["file"]).read_bytes()).hexdigest() for row in rows
    }
    packages = {row["package"] for row in rows}
    assert packages == {"graphiql", "react", "react-dom"}
    assert {f"{package}.LICENSE" for package in packages} <= {row["file"] for row in rows}
    own = {"index.html", "page.css", "page.js", "VERSIONS.json"}
    assert {path.name for path in FOLDER.iterdir()} == own | {row["file"] for row in rows}


def test_the_first_query_fits_the_schema_and_needs_no_variables():
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    (query,) = re.findall(r"const query = `(.*?)`;", script, re.DOTALL)
    schema = build_schema(load_catalogue()).executable
    document = DocumentCache(schema, Limits()).get(query, "browser")
    assert not document.operation(None).variable_definitions


def test_the_page_keeps_nothing_in_the_browser():
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    assert "storage: forgetful" in script
    assert "shouldPersistHeaders: false" in script
    assert "localStorage" not in script
