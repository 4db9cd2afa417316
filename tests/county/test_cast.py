"""The cast as the connectors read it: exact normalized records, and the same on every engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from authz.grants import Channel
from authz.lifecycle import Adversity, Effect, facts, visible
from catalogue.identifiers import KeyKind, SubjectKey, birth_date
from catalogue.model import Role
from catalogue.values import Value
from connectors.protocol import Answer, Row, Source
from examples.county.generator.county import database_urls, environment, generate
from examples.county.generator.dice import ENTITIES, PEOPLE, Dice
from examples.county.generator.entities import entity, head_of
from examples.county.generator.people import person
from examples.county.generator.writer import drop_database
from tests.county.conftest import SMALL, Written
from tests.support.county_sources import ask, cast, catalogue, sources
from tests.support.databases import throwaway

EXPECTED: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "expected.yaml").read_text("utf-8"))
TODAY = date(2026, 11, 21)


def plain(value: Value) -> object:
    """A value as expected.yaml writes it."""
    return list(value) if isinstance(value, tuple) else str(value)


def shown(row: Row) -> dict[str, object]:
    return {name: plain(value) for name, value in row.values.items() if value is not None}


def source_of(county: dict[str, Source], code: str) -> Source:
    return next(source for source in county.values() if code in source.record_types)


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: f"{case['type']}-{case['of']}")
async def test_exact_records(county: dict[str, Source], case: dict[str, Any]) -> None:
    key = SubjectKey.person(case["id"]) if "id" in case else cast()[case["of"]]
    answer = await ask(source_of(county, case["type"]), case["type"], key)
    assert not answer.rejects
    rows = sorted(answer.rows[key], key=lambda row: row.identity)
    assert [shown(row) for row in rows] == case["records"]
    wanted = case.get("controls", [{}] * len(rows))
    for row, controls in zip(rows, wanted, strict=True):
        read = {role: plain(row.controls.get(Role(role))) for role in controls}
        assert read == controls


async def test_every_core_type_has_a_record_of_the_cast(county: dict[str, Source]) -> None:
    found: set[str] = set()
    for code in sorted(set().union(*(source.record_types for source in county.values()))):
        source = source_of(county, code)
        for kind in source.key_kinds(code):
            keys = {key for key in cast().values() if key.kind is kind}
            if source.name == "tax":  # one call a key: the proxy is slow
                keys &= {cast()["测试甲"], cast()["测试有限公司"]}
            answer = await ask(source, code, *keys)
            assert not answer.rejects
            found |= {code for rows in answer.rows.values() if rows}
    core = {code for code, entry in catalogue().record_types.items() if entry.tier == "CORE"}
    assert core - found == {"P-RH-01"}


async def test_one_person_has_records_in_all_eight_departments(county: dict[str, Source]) -> None:
    key = cast()["测试甲"]
    departments = set()
    for source in county.values():
        for code in sorted(source.record_types):
            if KeyKind.CITIZEN_ID in source.key_kinds(code) and (await ask(source, code, key)).rows[key]:
                departments.add(source.name)
    assert len(departments) == 8


async def verdicts(county: dict[str, Source], name: str, channel: Channel) -> list[Effect]:
    """What the lifecycle says of every adverse record of one of the cast."""
    key = cast()[name]
    born = birth_date(key.value) if key.kind is KeyKind.CITIZEN_ID else None
    locality, found = catalogue().localities["default"], []
    for source in county.values():
        for code in sorted(source.record_types):
            if key.kind not in source.key_kinds(code):
                continue
            entry = catalogue().record_types[code]
            for row in (await ask(source, code, key)).rows[key]:
                known = facts(entry, row.controls, row.values, born)
                if known.adversity is not Adversity.NONE:
                    found.append(visible(known, entry, channel, TODAY, locality).effect)
    return found


@pytest.mark.parametrize(("name", "count"), [("往事样例", 6), ("修复样例", 4), ("往事有限公司", 4)])
async def test_nothing_adverse_of_a_healed_past_leaves(
    county: dict[str, Source], name: str, count: int
) -> None:
    found = await verdicts(county, name, Channel.CHECK)
    assert len(found) == count
    assert set(found) <= {Effect.DROP, Effect.STRIP}


async def test_what_a_minor_did_leaves_through_no_channel(county: dict[str, Source]) -> None:
    for channel in Channel:
        assert await verdicts(county, "样例丙", channel) == [Effect.DROP]


async def test_a_record_within_its_clocks_still_leaves(county: dict[str, Source]) -> None:
    assert Effect.KEEP in await verdicts(county, "测试甲", Channel.CHECK)
    assert Effect.KEEP in await verdicts(county, "异议样例", Channel.CHECK)


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
)
async def test_every_engine_gives_the_same_answers(engine: str, written: Written, tmp_path: Path) -> None:
    async with throwaway(engine, tmp_path) as server:
        home = make_url(server.url)
        urls = database_urls(tmp_path, server.url, prefix=f"{home.database}_")
        try:
            await generate(SMALL, urls)
            async with sources(environment(urls)) as there, sources(written.environment) as here:
                compared = await compare(here, there)
        finally:
            for name in urls.keys() - {"tax"}:
                await drop_database(urls[name])
    assert compared > 900


async def compare(here: dict[str, Source], there: dict[str, Source]) -> int:
    """Ask both counties about everybody, and count the records that are the same."""
    keys = everybody()
    same = 0
    for name in sorted(here.keys() - {"tax"}):  # the tax bureau keeps its file
        for code in sorted(here[name].record_types):
            for kind in here[name].key_kinds(code):
                for part in chunks(keys[kind], 100):
                    one = told(await ask(here[name], code, *part))
                    assert told(await ask(there[name], code, *part)) == one, code
                    same += sum(map(len, one.values()))
    return same


def told(answer: Answer) -> dict[SubjectKey, list[object]]:
    """An answer without its time and the order of its rows."""
    found: dict[SubjectKey, list[object]] = defaultdict(list)
    for key, rows in answer.rows.items():
        ordered = sorted(rows, key=lambda row: (row.identity, str(row.values)))
        found[key] += [(row.identity, row.values, row.controls) for row in ordered]
    for key, rejects in answer.rejects.items():
        found[key] += sorted(rejects, key=lambda reject: (reject.reason, reject.column or ""))
    return dict(found)


def everybody() -> dict[KeyKind, list[SubjectKey]]:
    keys = set(cast().values())
    for index in range(SMALL.persons):
        subject = person(index, Dice(SMALL.seed, PEOPLE, index, SMALL.today))
        keys.add(SubjectKey.person(subject.citizen_id))
    for index in range(SMALL.entities):
        dice = Dice(SMALL.seed, ENTITIES, index, SMALL.today)
        keys.add(SubjectKey.entity(entity(index, dice, head_of(index, SMALL.persons, dice)).uscc))
    ordered = sorted(keys, key=lambda key: key.value)
    return {kind: [key for key in ordered if key.kind is kind] for kind in KeyKind}


def chunks(keys: list[SubjectKey], size: int) -> Iterable[list[SubjectKey]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
