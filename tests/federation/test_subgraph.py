"""What a federation router asks of the running subgraph: `_service`, and `_entities` in one go."""

from __future__ import annotations

import gc
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from graphql import DocumentNode, parse, print_ast

from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.loader import load_catalogue
from connectors.guard import Guarded
from connectors.sql import SqlSource
from connectors.sql.pool import Pool
from connectors.sql.statement import Rows
from examples.county.generator.county import County, database_urls, environment, generate
from gateway.app import create_app
from gateway.deployment import deploy
from gateway.settings import load_settings
from resolvers.schema import build_schema
from tests.support.county import COUNTY, cast, serving_tax
from tests.support.http import served
from tests.support.processes import Reply, ask, settle

SMALL = County(persons=20, entities=200)
ENTITIES = """
query Entities($representations: [_Any!]!) {
  _entities(representations: $representations) {
    __typename
    ... on Enterprise {
      uscc
      registration { marketEntityRegistration { state records { name uscc } } }
      market { abnormalOperations { state records { recordId } } }
      environment { environmentalCredit { state records { recordId } } }
      socialSecurity { labourCompliance { state records { recordId } } }
    }
  }
}
"""


@dataclass
class Watched:
    """A pool that passes every statement on and writes it down."""

    pool: Pool
    source: str
    statements: list[tuple[str, str]] = field(default_factory=list)

    async def fetch(self, sql: str, parameters: Sequence[object], trace: str = "") -> Rows:
        self.statements.append((self.source, sql))
        return await self.pool.fetch(sql, parameters, trace)

    async def close(self) -> None:
        await self.pool.close()


@dataclass
class Subgraph:
    """A running gateway whose databases are watched."""

    url: str
    statements: list[tuple[str, str]]
    enterprises: list[str]

    async def ask(self, query: str, variables: object = None) -> Reply:
        return await ask(self.url, query, variables)


@pytest.fixture
async def subgraph(tmp_path: Path) -> AsyncIterator[Subgraph]:
    data = tmp_path / "county"
    data.mkdir()
    urls = database_urls(data)
    await generate(SMALL, urls)
    statements: list[tuple[str, str]] = []
    thresholds = gc.get_threshold()
    async with serving_tax(data) as tax:
        home = settle(tmp_path / "home", environment(urls) | {"COUNTY_TAX_URL": tax})
        deployment = deploy(load_settings(home.config, {}), home.environment)
        for source in deployment.sources.values():
            assert isinstance(source, Guarded)
            if isinstance(source.behind, SqlSource):
                source.behind._pool = Watched(source.behind._pool, source.name, statements)  # type: ignore[assignment]
        async with served(create_app(deployment)) as url:
            yield Subgraph(url, statements, await enterprises(data / "market.db"))
    gc.unfreeze()
    gc.set_threshold(*thresholds)


async def enterprises(market: Path) -> list[str]:
    """Codes of companies that the market register holds."""
    with closing(sqlite3.connect(market)) as opened:
        codes = [row[0] for row in opened.execute("SELECT uniscid FROM e_baseinfo")]
    found: dict[str, None] = {}
    for code in codes:
        with suppress(ValueError, TypeError):
            key = SubjectKey.entity(code)
            if key.subject_kind is SubjectKind.ENTERPRISE and not key.personal:
                found[key.value] = None
    return list(found)


def represented(codes: Sequence[str], typename: str = "Enterprise") -> dict[str, Any]:
    return {"representations": [{"__typename": typename, "uscc": code} for code in codes]}


def definitions(document: DocumentNode) -> dict[str, str]:
    """Each definition by kind and name, printed without regard to how it was written."""
    found = {}
    for node in document.definitions:
        name = getattr(getattr(node, "name", None), "value", "")
        found[f"{node.kind} {name}"] = print_ast(node)
    return found


async def test_the_service_tells_the_schema_it_serves(subgraph: Subgraph) -> None:
    reply = await subgraph.ask("{ _service { sdl } }")
    assert (reply.status, reply.errors) == (200, [])
    told = definitions(parse(reply.data["_service"]["sdl"]))
    exported = definitions(parse(build_schema(load_catalogue(COUNTY / "catalogue")).sdl))
    assert told == exported
    assert "object_type_definition SmallPremisesPatrol" in told
    assert '@key(fields: "uscc"' in told["object_type_definition Enterprise"]
    assert "@key" not in told["object_type_definition NaturalPerson"]


async def test_a_hundred_entities_are_one_statement_a_source_and_type(subgraph: Subgraph) -> None:
    codes = subgraph.enterprises[:100]
    assert len(codes) == 100
    reply = await subgraph.ask(ENTITIES, represented(codes))
    assert reply.errors == []
    entities = reply.data["_entities"]
    assert [entity["uscc"] for entity in entities] == codes
    for entity in entities:
        section = entity["registration"]["marketEntityRegistration"]
        assert section["state"] == "OK"
        assert {record["uscc"] for record in section["records"]} == {entity["uscc"]}
        assert entity["market"]["abnormalOperations"]["state"] == "OK"
        assert entity["environment"]["environmentalCredit"]["state"] == "OK"
        assert entity["socialSecurity"]["labourCompliance"]["state"] == "OK"

    # the register is asked for linked numbers, to confirm the hundred, and for their registration
    assert Counter(source for source, _ in subgraph.statements) == {"market": 4, "sgs": 1, "hr": 1}
    subgraph.statements.clear()
    await subgraph.ask(ENTITIES, represented(codes[:1]))
    assert len(subgraph.statements) == 6


async def test_what_cannot_be_represented_is_an_error_in_its_place(subgraph: Subgraph) -> None:
    firm, person = cast()["测试有限公司"].value, cast()["测试甲"].value
    variables = {
        "representations": [
            {"__typename": "Enterprise", "uscc": firm},
            {"__typename": "NaturalPerson", "uscc": person},
            {"__typename": "SocialOrganization", "uscc": firm},
            {"__typename": "Enterprise", "uscc": cast()["测试个体店"].value},
            {"__typename": "Enterprise"},
            {"__typename": "Enterprise", "uscc": firm.lower()},
        ]
    }
    reply = await subgraph.ask(ENTITIES, variables)
    assert [entity and entity["uscc"] for entity in reply.data["_entities"]] == [
        firm,
        None,
        None,
        None,
        None,
        firm,
    ]
    assert sorted(error["path"][1] for error in reply.errors) == [1, 2, 3, 4]
    assert person not in reply.raw.decode()


async def test_more_than_a_hundred_are_refused_and_nobody_is_asked(subgraph: Subgraph) -> None:
    codes = [subgraph.enterprises[0]] * 101
    reply = await subgraph.ask(ENTITIES, represented(codes))
    assert reply.codes == ["LIST_LIMIT"]
    assert subgraph.statements == []
