"""GR-05: time heals what a must-check counts: its items, its predicates, and the measures that follow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from authz.ids import new_id
from catalogue.identifiers import SubjectKey
from catalogue.scenario import Predicate, Scenario
from tests.support.ageing.gateway import OFFICE, Years, ageing, lookup
from tests.support.ageing.oracle import Way, days_of, later, profiles, seen
from tests.support.ageing.rows import (
    ADULT,
    COMPANY,
    LONELY,
    LONELY_COMPANY,
    START,
    WHOLE,
    Sample,
    catalogue,
    types_of,
)
from tests.support.ageing.seen import Looking, days_for, of_subject

pytestmark = pytest.mark.asyncio(loop_scope="session")
FOUND = """
  items { recordType result state count severityMax recordIds records { recordId status } }
  predicates { code value reasons recordTypes recordIds }
  measures { predicate }
"""
CHECK = f"""
mutation C($who: SubjectLookup!, $access: AccessContext!) {{
  mustCheck(lookup: $who, access: $access) {{ {FOUND} }}
}}
"""
CHUNK = f"""
mutation C($job: ID!, $rows: [CheckRowInput!]!, $access: AccessContext!) {{
  mustCheckChunk(job: $job, number: 1, rows: $rows, access: $access) {{ rows {{ check {{ {FOUND} }} }} }}
}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def years(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Years]:
    async with ageing(tmp_path_factory.mktemp("gr05"), *profiles()) as running:
        yield running


async def checked(years: Years, key: SubjectKey, way: Way, day: date, scenario: str) -> Any:
    variables = {"who": lookup(key), "access": years.access(scenario)}
    answer = await years.ask(way.locality, day, CHECK, variables, years.officer())
    assert answer.codes == ()
    return answer.data["mustCheck"]


def as_sections(items: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Items in the shape of a subject, of whose records nobody asked for a field."""
    node: dict[str, dict[str, Any]] = {}
    for item in items:
        entry = catalogue().record_types.get(item["recordType"])
        if entry and entry.pointer is None:
            node.setdefault(catalogue().domains[entry.domain].field, {})[entry.section] = item
    return node


@pytest.mark.parametrize("key", [ADULT, COMPANY], ids=["person", "company"])
@pytest.mark.parametrize("locality", profiles())
async def test_every_record_of_an_item_is_within_its_clocks(years: Years, key: SubjectKey, locality: str):
    looking = Looking(years, key, Way(locality, "CHECK", minor=False), OFFICE, flags=False)
    faults = []
    for day in days_of((), (), every=365):
        found = await checked(years, key, looking.way, day, WHOLE)
        faults += looking.faults(day, as_sections(found["items"]), ())
        for item in found["items"]:
            if item["recordType"] == "P-RH-01":  # it points elsewhere, and holds nothing that could age
                continue
            told = [one["recordId"] for one in item["records"] or ()]
            counted = [one for one in item["records"] or () if one["status"] != "DISPUTED"]
            known = item["result"] not in ("UNKNOWN", "NOT_PERMITTED")
            number = min(len(told), 20) if known else None
            faults += [item] if (item["recordIds"], item["count"]) != (told, number) else []
            faults += [item] if bool(counted) != (item["result"] == "PRESENT") else []
    assert faults == []


@pytest.mark.parametrize("keys", [(ADULT, LONELY), (COMPANY, LONELY_COMPANY)], ids=["persons", "companies"])
@pytest.mark.parametrize("locality", profiles())
async def test_a_file_is_checked_by_the_same_clocks(
    years: Years, keys: tuple[SubjectKey, ...], locality: str
):
    way = Way(locality, "CHECK", minor=False)
    rows = [{"line": line} | (who.get("person") or who) for line, who in enumerate(map(lookup, keys), 2)]
    for day in days_of((), (), every=365):
        variables = {"job": new_id("jb"), "rows": rows, "access": years.access(WHOLE)}
        answer = await years.ask(locality, day, CHUNK, variables, years.officer())
        assert answer.codes == ()
        told = [row["check"] for row in answer.data["mustCheckChunk"]["rows"]]
        assert told == [await checked(years, key, way, day, WHOLE) for key in keys]


STATUTORY = [one for one in catalogue().scenarios.values() if "STATUTORY" in one.basis and one.code != WHOLE]
CONCERNED = {
    f"{one.code}-{key.kind.value}": (one, key)
    for one in STATUTORY
    for key in (LONELY, LONELY_COMPANY)
    if one.record_types & {entry.code for entry in types_of(key)}
}


@pytest.mark.parametrize(("scenario", "key"), CONCERNED.values(), ids=CONCERNED)
async def test_one_record_decides_a_check_for_as_long_as_it_may(
    years: Years, scenario: Scenario, key: SubjectKey
):
    way = Way("default", "CHECK", scenario.clock, minor=False)
    rows = {one.entry.code: one for one in of_subject(key) if one.entry.code in scenario.record_types}
    faults = []
    for day in days_for(key, way, scenario.record_types):
        found = await checked(years, key, way, day, scenario.code)
        results = {item["recordType"]: item["result"] for item in found["items"]}
        wrong = (code for code, row in rows.items() if results[code] != hoped(row, way, day))
        faults += [f"{day} {code}: {results[code]}" for code in wrong]
        faults += of_predicates(scenario, found, rows, way, day)
    assert faults == []


def hoped(row: Sample, way: Way, day: date) -> str:
    return {"WITHHELD": "UNKNOWN", "GONE": "NONE"}.get(seen(row, way).on(day), "PRESENT")


def of_predicates(
    scenario: Scenario, found: Any, rows: Mapping[str, Sample], way: Way, day: date
) -> Iterator[str]:
    """A record tells against somebody on the days on which it may, and on no other; nor do its measures."""
    told = {one["code"]: one for one in found["predicates"]}
    for predicate in scenario.predicates:
        if not predicate.absent or predicate.value or predicate.code not in told:
            continue
        one = told[predicate.code]
        looked = set(predicate.absent) & rows.keys()
        hits = {code for code in looked if against(rows[code], predicate, way, day)}
        concealed = "NOT_PERMITTED" in one["reasons"]
        if (one["value"] == "FALSE") != bool(hits) and not concealed:
            yield f"{day} {predicate.code}: {one['value']} {one['reasons']}, though {sorted(hits)}"
        if not hits >= set(one["recordTypes"]):
            yield f"{day} {predicate.code}: rests on {one['recordTypes']}, not {sorted(hits)}"
    false = {code for code, one in told.items() if one["value"] == "FALSE"}
    restricting = {term.when for term in scenario.measures if term.code.startswith("R")}
    taken = {one["predicate"] for one in found["measures"]} & restricting
    if taken - false:
        yield f"{day}: measures for {sorted(taken - false)}"


def against(row: Sample, predicate: Predicate, way: Way, day: date) -> bool:
    if not row.adverse or seen(row, way).on(day) != "KEPT":
        return False
    recent = predicate.within is None or row.entry.clocks.retention.kind == "UNTIL_REMOVED"
    return recent or day <= later("P3Y", date.fromisoformat(START))
