"""GR-04: whatever is returned about a person, the person sees an event that names it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from authz.audit import AuditLog, Origin
from authz.store import Store
from catalogue.identifiers import KeyKind, SubjectKind
from tests.support.county import COUNTY, cast
from tests.support.declared import DECLARED
from tests.support.departments import Departments, Settle
from tests.support.processes import Server, serving
from tests.support.questions import catalogue, types_of

PEOPLE: Final = sorted(name for name, key in cast().items() if key.kind is KeyKind.CITIZEN_ID)
CASES: Final = {
    "S01": "HJQY-2026-0001",
    "S04": "RSKS-2026-0001",
    "S06": "JSRZ-2026-0001",
    "S11": "XZXK-2026-00001",
    "S16": "LSTD-2026-00001",
    "S20": "XZGX-2026-000001",
}
TYPES: Final = {entry.code: entry for entry in types_of(SubjectKind.NATURAL_PERSON)}


def listed(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((COUNTY / f"{name}.yaml").read_text("utf-8"))
    return found


MANDATES: Final = {each["scenario"]: each for each in listed("mandates")}
CLIENTS: Final = {each["organization"]: each["clientId"] for each in listed("clients")}


@dataclass(frozen=True)
class Question:
    """One read of one person: all of `selection`'s fields of each type, by section or as one page."""

    person: str
    scenario: str | None
    """None is the person's own read."""
    selection: dict[str, list[str]]
    paged: bool

    @property
    def body(self) -> str:
        if self.paged:
            wanted = ", ".join(f'"{code}"' for code in self.selection)
            of_types = " ".join(
                f"... on {TYPES[code].graphql_type} {{ {own(code, names)} }}"
                for code, names in self.selection.items()
            )
            return f"records(types: [{wanted}], first: 50) {{ edges {{ node {{ recordType {of_types} }} }} }}"
        domains = catalogue().domains
        return " ".join(
            f"{domains[entry.domain].field} {{ {entry.section} {{ records {{ recordType {fields} }} }} }}"
            for entry, fields in ((TYPES[code], own(code, names)) for code, names in self.selection.items())
        )


def own(code: str, names: list[str]) -> str:
    """Aliased, because one name may have two types in two record types."""
    return " ".join(f"f_{code.replace('-', '_')}_{name}: {name}" for name in names)


def some(values: Iterable[str], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=most, unique=True)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Half of them about PERSON, who has records everywhere; officers ask for what they may, mostly."""
    scenario = draw(st.sampled_from([None, *CASES]))
    bearing = MANDATES[scenario]["recordTypes"].keys() & TYPES if scenario else TYPES
    codes = draw(st.one_of(some(bearing, 5), some(TYPES, 5)))
    selection = {code: draw(some((field.name for field in TYPES[code].fields), 4)) for code in codes}
    person = draw(st.one_of(st.just("测试甲"), st.sampled_from(PEOPLE)))
    return Question(person, scenario, selection, draw(st.booleans()))


@pytest.fixture(scope="module")
def gateway(settled: Settle) -> Iterator[Server]:
    home = settled(limits={"document_burst_kib": 100_000, "public_subjects_per_minute": 10**9})
    with ExitStack() as tax, serving(home) as running:
        Departments(home, tax).start_tax()
        yield running


async def asked(server: Server, question: Question) -> Any:
    key = cast()[question.person]
    if question.scenario is None:
        text = f"{{ me {{ person {{ {question.body} }} }} }}"
        return (await server.ask(text, token=server.home.token("citizen-app", key))).body
    text = (
        "query Case($who: SubjectLookup!, $access: AccessContext!)"
        f" {{ subject(lookup: $who, access: $access) {{ ... on NaturalPerson {{ {question.body} }} }} }}"
    )
    access = {
        "scenario": question.scenario,
        "caseNo": CASES[question.scenario],
        "purpose": "依法核查",
    } | DECLARED
    who = {"person": {"citizenId": key.value, "name": question.person}}
    token = server.home.token(CLIENTS[MANDATES[question.scenario]["authority"]])
    return (await server.ask(text, {"who": who, "access": access}, token)).body


def returned(node: Any) -> Iterator[dict[str, Any]]:
    """Every record of an answer, wherever it stands."""
    if isinstance(node, dict):
        if "recordType" in node:
            yield node
        for child in node.values():
            yield from returned(child)
    for child in node if isinstance(node, list) else ():
        yield from returned(child)


async def seen_by(server: Server, person: str, start: int) -> tuple[list[dict[str, Any]], int]:
    """What the person sees of the log from an index on, and the index after it."""
    async with Store(f"sqlite:///{server.home.store}") as store:
        log = AuditLog(store, server.home.keys, Origin("any", "any", "any", "any"))
        events = [leaf.event async for leaf in log.read(start=start, subject=cast()[person])]
        whole = [leaf.index async for leaf in log.read(start=start)]
    return events, max(whole, default=start - 1) + 1


def test_no_record_is_returned_without_an_event_that_its_subject_sees(gateway: Server) -> None:
    position, answers = 0, 0

    @settings(max_examples=150, deadline=None)
    @given(questions())
    def check(question: Question) -> None:
        nonlocal position, answers
        reply = asyncio.run(asked(gateway, question))
        events, position = asyncio.run(seen_by(gateway, question.person, position))
        records = list(returned(reply.get("data")))
        answers += bool(records)
        if not records:
            return
        (intent,) = (event for event in events if event["phase"] == "INTENT")
        (outcome,) = (event for event in events if event["phase"] == "OUTCOME")
        assert {
            read["recordType"]: read["returned"] for read in outcome["entity"] if read["returned"]
        } == Counter(record["recordType"] for record in records)
        named = {read["recordType"]: set(read["fields"]) for read in intent["entity"]}
        for record in records:
            told = {key for key, value in record.items() if value is not None} - {"recordType"}
            assert {key.rpartition("_")[2] for key in told} <= named[record["recordType"]]

    check()
    assert answers > 40
