"""The same manifests over PostgreSQL and MariaDB answer as they do over SQLite, record by record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from catalogue.identifiers import KeyKind, SubjectKey
from examples.county.tax_service import BUSY_WITH
from tests.e2e.conftest import EngineCounty
from tests.support.county import cast
from tests.support.county_answers import faults
from tests.support.declared import DECLARED
from tests.support.departments import Departments
from tests.support.processes import Server
from tests.support.questions import about, about_me

SEVEN = {"psb", "court", "market", "hr", "housing", "civil", "sgs"}
OFFICER = """
query Officer($lookup: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $lookup, access: $access) {
    kind displayName
    records(first: 100) {
      state
      sections { recordType state reason }
      edges { node { recordId recordType nature severity status determinedOn publishUntil } }
    }
  }
}
"""
CASES = [
    ("hr-approval", "S04", "RSKS-2026-0001", "测试甲"),
    ("hr-approval", "S04", "RSKS-2026-0001", "更号样例"),
    ("education-approval", "S06", "JSRZ-2026-0001", "买买提·样例"),
    ("service-hall", "S11", "XZXK-2026-00001", "异议样例"),
    ("service-hall", "S11", "XZXK-2026-00001", "测试有限公司"),
    ("procurement-centre", "S09", "ZFCG-2026-00001", "测试个体店"),
    ("hr-approval", "S04", "RSKS-2026-0001", "重号甲"),
    ("hr-approval", "S04", "RSKS-2026-0001", "样𠮷野"),
]


async def told(server: Server, name: str) -> dict[str, Any]:
    """What a person sees of themselves, or anyone of an entity."""
    key = cast()[name]
    if key.kind is KeyKind.CITIZEN_ID:
        reply = await server.ask(about_me(), token=server.home.token("citizen-app", key))
    else:
        reply = await server.ask(about(key.subject_kind), {"uscc": key.value})
    return {"data": reply.data, "faults": faults(reply), "states": reply.sources}


async def officer(server: Server, client: str, scenario: str, case: str, name: str) -> dict[str, Any]:
    """What an authority sees in a case."""
    variables = {
        "lookup": _lookup(cast()[name], name),
        "access": {"scenario": scenario, "caseNo": case, "purpose": "跨库一致性"} | DECLARED,
    }
    reply = await server.ask(OFFICER, variables, server.home.token(client))
    return {"status": reply.status, "data": reply.body.get("data"), "codes": reply.codes}


def _lookup(key: SubjectKey, name: str) -> dict[str, object]:
    if key.kind is KeyKind.USCC:
        return {"uscc": key.value}
    return {"person": {"citizenId": key.value, "name": name}}


def differences(here: Any, there: Any) -> dict[str, Any]:
    """Where two answers differ, by path."""
    left, right = dict(leaves(here)), dict(leaves(there))
    paths = sorted(left.keys() | right.keys())
    return {path: (left.get(path), right.get(path)) for path in paths if left.get(path) != right.get(path)}


def leaves(answer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path; records by their id, for a section promises no order."""
    if isinstance(answer, dict | list) and answer:
        pairs = answer.items() if isinstance(answer, dict) else enumerate(answer)
        for key, value in pairs:
            name = value.get("recordId", key) if isinstance(value, dict) else key
            yield from leaves(value, f"{path}.{name}")
    else:
        yield path, answer


def records(answer: Any) -> int:
    """How many records an answer holds, however deep."""
    if isinstance(answer, dict):
        return ("recordId" in answer) + sum(records(value) for value in answer.values())
    return sum(map(records, answer)) if isinstance(answer, list) else 0


async def test_each_of_the_cast_reads_the_same(
    engine_county: EngineCounty, server: Server, departments: Departments
) -> None:
    total = 0
    for name in cast():
        here, there = await asyncio.gather(told(server, name), told(engine_county.server, name))
        assert differences(here, there) == {}, name
        busy = {"OK", "BUSY"} if cast()[name].value == BUSY_WITH else {"OK"}
        assert set().union(*here["states"].values()) == busy, name
        total += records(here["data"])
    assert total > 60


@pytest.mark.parametrize(("client", "scenario", "case", "name"), CASES)
async def test_each_officer_reads_the_same(
    engine_county: EngineCounty,
    server: Server,
    departments: Departments,
    client: str,
    scenario: str,
    case: str,
    name: str,
) -> None:
    here = await officer(server, client, scenario, case, name)
    there = await officer(engine_county.server, client, scenario, case, name)
    assert differences(here, there) == {}


async def test_seven_departments_really_are_on_the_server(engine_county: EngineCounty) -> None:
    assert engine_county.databases.keys() == SEVEN
    urls = [engine_county.server.home.environment[f"COUNTY_{name.upper()}_URL"] for name in SEVEN]
    assert all(url.startswith(f"{engine_county.engine}://") for url in urls)
