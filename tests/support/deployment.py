"""A whole deployment over the test county: real databases, a real REST service, a real server."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import yaml
from sqlalchemy import make_url

from authz.actors import ActorKind
from authz.demo_tokens import demo_operator_issuer, issue_token
from authz.keys import generate_keys
from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from catalogue.values import CHINA_TIME
from connectors.registry import load_manifest
from connectors.sql.statement import every_column
from gateway.app import create_app
from gateway.deployment import Deployment, deploy
from gateway.settings import load_settings
from resolvers.context import Services
from tests.support.bank import BOUND
from tests.support.county import COUNTY, TODAY, serving_tax, write_county
from tests.support.http import served
from tests.support.recording import Ledger, Recorded
from tests.support.unhurried import UNHURRIED_MS, copy_unhurried
from tests.support.use import BOUNDLESS

ISSUER, AUDIENCE = "http://127.0.0.1:1", "credit-gateway-test"
PERSON_CLIENT = "citizen-app"


@dataclass(frozen=True)
class TestDeployment(Deployment):
    """The deployment on the county's day, in one locality."""

    __test__ = False

    @cached_property
    def services(self) -> Services:
        """As deployed, but for the day."""
        return replace(super().services, today=lambda: TODAY)

    def of_locality(self, code: str) -> TestDeployment:
        """The same sources and store under another locality's profile."""
        other = replace(self, locality=self.catalogue.localities[code])
        other.__dict__["schema"] = self.schema  # built from the catalogue alone, and slowly
        other.__dict__["public_quota"], other.__dict__["turns"] = self.public_quota, self.turns
        return other

    def with_settings(self, **groups: Mapping[str, Any]) -> TestDeployment:
        """The same sources and store, with some settings of some groups changed."""
        changed = {name: getattr(self.settings, name).model_copy(update=new) for name, new in groups.items()}
        other = replace(self, settings=self.settings.model_copy(update=changed))
        other.__dict__["schema"] = self.schema
        return other

    @property
    def expected_proof(self) -> tuple[str, str]:
        """The address and the nonce that a DPoP proof must name now."""
        return f"{self.settings.public_url}/graphql", self.nonces.current(datetime.now(CHINA_TIME))

    def token(
        self, client: str, operator: str | None = None, person: SubjectKey | None = None, **more: Any
    ) -> str:
        """An access token as the demo issuer makes it; a bank's is bound to its key."""
        now = datetime.now(CHINA_TIME)
        registered = self.clients.active(client, now.date())
        if registered.kind is ActorKind.PARTNER:
            more["key_thumbprint"] = BOUND["jkt"]
        return issue_token(
            self.keys,
            registered,
            issuer=self.settings.issuer,
            audience=AUDIENCE,
            now=now,
            operator=operator,
            subject=person,
            **more,
        )


@dataclass(frozen=True)
class Stage:
    """A running deployment, its addresses by locality, and what its sources were asked."""

    deployment: TestDeployment
    urls: Mapping[str, str]
    ledger: Ledger


@asynccontextmanager
async def county_stage(
    folder: Path,
    overlay: Path,
    *localities: str,
    use: Mapping[str, Any] = BOUNDLESS,
    change: Callable[[Path], None] = lambda _: None,
) -> AsyncIterator[Stage]:
    """The county with an overlay, generated, deployed and served, once for each locality.

    `use` are the terms of every client: docs/review.md. `change` may alter the settings file, and
    what lies beside it, before anything starts.
    """
    environment = await write_county(folder)
    async with serving_tax(folder) as tax:
        environment |= {"COUNTY_TAX_URL": tax}
        config = _write_deployment(folder, overlay, environment, use)
        change(config)
        settings = load_settings(config, environ={})
        built = deploy(settings, environ=environment, demo=True)
        ledger = Ledger()
        recorded = {name: Recorded(source, ledger) for name, source in built.sources.items()}
        fields = {name: getattr(built, name) for name in built.__dataclass_fields__}
        deployment = TestDeployment(**(fields | {"sources": recorded}))
        async with deployment.running(), _served(deployment, localities) as urls:
            yield Stage(deployment, urls, ledger)


@asynccontextmanager
async def _served(
    deployment: TestDeployment, localities: tuple[str, ...]
) -> AsyncIterator[Mapping[str, str]]:
    """One server a locality; the deployment itself is already running."""
    if not localities:
        yield {}
        return
    first, *others = localities
    app = create_app(deployment.of_locality(first))
    async with served(without_lifespan(app)) as url, _served(deployment, tuple(others)) as urls:
        yield {first: url, **urls}


def without_lifespan(app: Any) -> Any:
    """Several servers share one store, which is opened and closed outside of them."""

    async def shared(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})

    return shared


def _write_deployment(
    folder: Path, overlay: Path, environment: dict[str, str], use: Mapping[str, Any]
) -> Path:
    """Keys, clients, mandates, catalogue and manifests, as a county's own folder has them."""
    keys = generate_keys(demo=True)
    keys.write(folder / "keys.yaml")
    (folder / "jwks.json").write_bytes(orjson.dumps(keys.verification_keys().as_dict(private=False)))
    for name in ("clients", "mandates"):
        entries = [*_yaml(COUNTY / f"{name}.yaml"), *_yaml(overlay / f"{name}.yaml")]
        if name == "clients":  # tokens are checked by the real clock
            valid = {
                "validFrom": date.today() - timedelta(days=1),
                "validUntil": date.today() + timedelta(days=30),
                "use": dict(use),
            }
            issuer = demo_operator_issuer(keys)
            entries = [entry | valid | _operators(entry, issuer) for entry in entries]
        else:  # most tests are about something else than who vouches for the officer
            entries = [{"operatorAssertion": False} | entry for entry in entries]
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(entries, allow_unicode=True), "utf-8")
    for source in (COUNTY, overlay):
        for path in sorted((source / "catalogue").rglob("*.yaml")):
            copy = folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text("utf-8"), "utf-8")
        copy_unhurried(source / "sources", folder / "sources")
    _write_samples(folder, overlay, environment)
    settings = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        **{name: f"{name}.yaml" for name in ("keys", "clients", "mandates")},
        "jwks": "jwks.json",
        "sources": "sources",
        "catalogue": "catalogue",
        "store": "sqlite:///gateway.db",
        "deadlines": {"operation_ms": UNHURRIED_MS},
        # A suite sends more new documents than a client in its right mind.
        "limits": {
            "document_burst_kib": 1_000_000,
            "public_subjects_per_minute": 10**9,
            "authorizations_per_minute": 10**9,
        },
        "log": {"level": "ERROR"},
    }
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump(settings), "utf-8")
    return config


def _operators(client: Mapping[str, Any], issuer: Mapping[str, Any]) -> dict[str, Any]:
    return {"operatorIssuer": issuer} if client["kind"] == "OFFICER" else {}


def _write_samples(folder: Path, overlay: Path, environment: dict[str, str]) -> None:
    """The overlay's own department, and its persons in the police register."""
    database = folder / "samples.db"
    environment["COUNTY_SAMPLES_URL"] = f"sqlite:///{database}"
    catalogue = load_catalogue(folder / "catalogue")
    manifest = load_manifest(overlay / "sources" / "samples.yaml", catalogue, environment)
    rows = _yaml(overlay / "rows.yaml")
    with sqlite3.connect(database) as opened:
        for record in manifest.records.values():
            columns = ", ".join(f"{name} text" for name in every_column(record))
            opened.execute(f"CREATE TABLE {record.table} ({columns})")
            for row in rows[str(record.table)]:
                _insert(opened, str(record.table), row)
    opened.close()
    register = make_url(environment["COUNTY_PSB_URL"]).database
    with sqlite3.connect(str(register)) as opened:
        for row in _yaml(overlay / "persons.yaml"):
            _insert(opened, "T_CZRK_JBXX", row)
    opened.close()


def _insert(opened: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    places = ", ".join("?" for _ in row)
    opened.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))
