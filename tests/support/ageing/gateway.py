"""The gateway over it, in every locality, with a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from sqlalchemy import delete

from authz.grants import Mandate
from authz.keys import generate_keys
from authz.mandates import MandateRegister
from authz.once import used_once
from authz.register.live import LiveRegister
from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import RecordType
from gateway.app import create_app
from gateway.deployment import deploy
from gateway.settings import load_settings
from resolvers.context import Services
from resolvers.subjects import GRAPHQL_NAME
from tests.support.ageing.rows import FIRST, LAST, SUBJECTS, catalogue, flag_of
from tests.support.ageing.tables import manifest, write_records
from tests.support.bank import presented
from tests.support.county import COUNTY
from tests.support.declared import DECLARED
from tests.support.deployment import AUDIENCE, ISSUER, PERSON_CLIENT, TestDeployment, without_lifespan
from tests.support.http import served
from tests.support.use import BOUNDLESS

OFFICE, AUTHORITY, BANK = "hr-approval", "11990100000090106G", "sample-bank"


class Clock:
    """What day it is at the gateway."""

    day: date = FIRST

    def __call__(self) -> date:
        return self.day


@dataclass(frozen=True)
class Ageing(TestDeployment):
    """The deployment, on whatever day the test says."""

    clock: Clock = field(default_factory=Clock)

    @cached_property
    def services(self) -> Services:
        return replace(super().services, today=self.clock)


@dataclass(frozen=True)
class Answer:
    """What one channel gave on one day."""

    data: Any
    denied: frozenset[str]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Years:
    """The running county, in every locality."""

    deployment: Ageing
    urls: Mapping[str, str]
    session: aiohttp.ClientSession
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def ask(
        self, locality: str, day: date, query: str, variables: Any = None, token: str | None = None
    ) -> Answer:
        """One operation at one locality's gateway on a day."""
        self.deployment.clock.day = day
        headers = presented(token, *self.deployment.expected_proof) if token else {}
        body = {"query": query, "variables": variables}
        async with self.session.post(f"{self.urls[locality]}/graphql", json=body, headers=headers) as reply:
            found = orjson.loads(await reply.read())
        codes = tuple(error["extensions"]["code"] for error in found.get("errors", ()))
        extensions = found.get("extensions", {}).get("authorization", {})
        return Answer(found.get("data"), frozenset(extensions.get("denied", ())), codes)

    def person(self, key: SubjectKey) -> str:
        return self.deployment.token(PERSON_CLIENT, person=key, step_up=True)

    def officer(self) -> str:
        return self.deployment.token(OFFICE, "op-0087")

    def access(self, scenario: str) -> dict[str, Any]:
        """The basis of a case, by an officer who looked before and says why again."""
        case = {"scenario": scenario, "caseNo": f"AJ-{next(self.numbers):06d}", "purpose": "依法核查"}
        again = {"repeatReason": "CASE_CONTINUED", "repeatNote": "同一办件继续办理"}
        return {**case, **DECLARED, **again}

    async def a_minute_passes(self) -> None:
        """One export a minute is what anybody may have; the years of this test pass faster."""
        async with self.deployment.store.writing() as connection:
            await connection.execute(delete(used_once))


def sections(types: Iterable[RecordType]) -> str:
    """The selection of sections of these types, with the field that tells the adverse part of mixed ones."""
    groups: dict[str, list[str]] = {}
    for entry in types:
        flag = flag_of(entry)
        seen = f"recordId status {flag.name if flag else ''}"
        domain = catalogue().domains[entry.domain].field
        groups.setdefault(domain, []).append(f"{entry.section} {{ state records {{ {seen} }} }}")
    return " ".join(f"{domain} {{ {' '.join(parts)} }}" for domain, parts in groups.items())


def lookup(key: SubjectKey) -> dict[str, Any]:
    """How a subject is named."""
    if key.kind is KeyKind.USCC:
        return {"uscc": key.value}
    return {"person": {"citizenId": key.value, "name": SUBJECTS[key]}}


def on_type(key: SubjectKey) -> str:
    return GRAPHQL_NAME[key.subject_kind]


def _mandates() -> list[Mandate]:
    """All that a scenario looks at, for one office; each was renewed whenever it ended."""
    return [
        Mandate(
            id=f"M-{scenario.code}",
            authority=AUTHORITY,
            scenario=scenario.code,
            record_types={item.record_type: frozenset(item.fields) or None for item in scenario.relevance},
            case_pattern=r"AJ-\d{6}",
            legal_basis=scenario.legal_basis,
            valid_from=FIRST,
            valid_until=LAST,
            approved_by=("op-0012", "op-0034"),
            operator_assertion=False,
        )
        for scenario in catalogue().scenarios.values()
        if "STATUTORY" in scenario.basis
    ]


def _write_deployment(folder: Path) -> Path:
    keys = generate_keys(demo=True)
    keys.write(folder / "keys.yaml")
    (folder / "jwks.json").write_bytes(orjson.dumps(keys.verification_keys().as_dict(private=False)))
    clients = yaml.safe_load((COUNTY / "clients.yaml").read_text("utf-8"))
    wanted = [one | {"use": BOUNDLESS} for one in clients if one["clientId"] in (OFFICE, PERSON_CLIENT, BANK)]
    (folder / "clients.yaml").write_text(yaml.safe_dump(wanted, allow_unicode=True), "utf-8")
    (folder / "mandates.yaml").write_text("[]", "utf-8")
    (folder / "sources").mkdir()
    (folder / "sources" / "ageing.yaml").write_text(yaml.safe_dump(manifest(), allow_unicode=True), "utf-8")
    write_records(folder / "ageing.db")
    settings = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        **{name: f"{name}.yaml" for name in ("keys", "clients", "mandates")},
        "jwks": "jwks.json",
        "sources": "sources",
        "store": "sqlite:///gateway.db",
        "deadlines": {"operation_ms": 60_000},
        "limits": {"document_burst_kib": 1_000_000, "public_subjects_per_minute": 10**9, "cost": 100_000},
        "log": {"level": "ERROR"},
    }
    config = folder / "gateway.yaml"
    config.write_text(yaml.safe_dump(settings), "utf-8")
    return config


@asynccontextmanager
async def ageing(folder: Path, *localities: str) -> AsyncIterator[Years]:
    """The county served once for each locality; the store and the clock are shared."""
    built = deploy(load_settings(_write_deployment(folder), environ={}), environ={}, demo=True)
    fields = {name: getattr(built, name) for name in built.__dataclass_fields__}
    mandates = MandateRegister(_mandates())
    register = LiveRegister(built.store, catalogue(), mandates)
    deployment = Ageing(**(fields | {"catalogue": catalogue(), "mandates": mandates, "register": register}))
    async with (
        deployment.running(),
        _served(deployment, localities) as urls,
        aiohttp.ClientSession() as session,
    ):
        yield Years(deployment, urls, session)


@asynccontextmanager
async def _served(deployment: Ageing, localities: Sequence[str]) -> AsyncIterator[dict[str, str]]:
    if not localities:
        yield {}
        return
    first, *others = localities
    app = create_app(deployment.of_locality(first))
    async with served(without_lifespan(app)) as url, _served(deployment, others) as urls:
        yield {first: url, **urls}
