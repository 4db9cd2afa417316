"""One county behind the real edge, and somebody who asks it unkind questions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
import yaml

from authz.demo_tokens import issue_token
from authz.keys import generate_keys
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME
from gateway.app import create_app
from gateway.deployment import Deployment, deploy
from gateway.settings import load_settings
from tests.support.county import COUNTY, serving_tax, write_county
from tests.support.http import served
from tests.support.unhurried import UNHURRIED_MS, copy_unhurried
from tests.support.use import BOUNDLESS

ISSUER, AUDIENCE = "http://127.0.0.1:1", "attacked"


@dataclass(frozen=True)
class Target:
    """A served deployment and its folder."""

    deployment: Deployment
    url: str
    folder: Path

    async def ask(
        self, query: str, variables: object = None, token: str | None = None, **headers: str
    ) -> tuple[int, Any]:
        """POST a query; the status and the body."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = {"query": query, "variables": variables}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/graphql", json=body, headers=headers) as response,
        ):
            return response.status, await response.json(content_type=None)

    def token(self, client: str, **claims: Any) -> str:
        """An access token of the demo issuer."""
        registered = self.deployment.clients.clients[client]
        now = datetime.now(CHINA_TIME)
        return issue_token(
            self.deployment.keys, registered, issuer=ISSUER, audience=AUDIENCE, now=now, **claims
        )

    def person(self, number: str) -> str:
        """A token of a person who has logged in."""
        return self.token("citizen-app", subject=SubjectKey.person(number))

    def officer(self, client: str = "hr-approval") -> str:
        """A token of a case officer."""
        return self.token(client, operator="op-0001")


def codes(body: Mapping[str, Any]) -> list[str]:
    """The codes of an answer's errors."""
    return [error["extensions"]["code"] for error in body.get("errors", ())]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """The county of the tests, generated, deployed and served."""
    folder = tmp_path_factory.mktemp("target")
    environment = await write_county(folder)
    async with serving_tax(folder) as tax:
        settings = load_settings(_written(folder), environ={})
        deployment = deploy(settings, environment | {"COUNTY_TAX_URL": tax}, demo=True)
        async with served(create_app(deployment)) as url:
            target = Target(deployment, url, folder)
            await target.ask("{ __typename }")  # answered once the store is there
            yield target


def _written(folder: Path) -> Path:
    keys = generate_keys(demo=True)
    keys.write(folder / "keys.yaml")
    (folder / "jwks.json").write_bytes(orjson.dumps(keys.verification_keys().as_dict(private=False)))
    in_force = {"validFrom": date.today(), "validUntil": date.today() + timedelta(days=30)}
    for name in ("clients", "mandates"):
        entries = yaml.safe_load((COUNTY / f"{name}.yaml").read_text("utf-8"))
        # who vouches for the officer is another test's question
        own = {"use": BOUNDLESS} if name == "clients" else {"operatorAssertion": False}
        content = yaml.safe_dump([entry | in_force | own for entry in entries], allow_unicode=True)
        (folder / f"{name}.yaml").write_text(content, "utf-8")
    config = folder / "gateway.yaml"
    settings: dict[str, object] = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        **{name: f"{name}.yaml" for name in ("keys", "clients", "mandates")},
        "jwks": "jwks.json",
        "sources": str(copy_unhurried(COUNTY / "sources", folder / "sources")),
        "catalogue": str(COUNTY / "catalogue"),
        "limits": {"document_burst_kib": 1_000_000, "public_subjects_per_minute": 10**9},
        "deadlines": {"operation_ms": UNHURRIED_MS},
    }
    config.write_text(yaml.safe_dump(settings), "utf-8")
    return config
