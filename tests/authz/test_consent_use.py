"""Uses are counted once, whoever counts; and taking back bites at once, in whatever process."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from authz.actors import Actor, ActorKind
from authz.audit import EventKind, Intent, settle
from authz.consent.artefact import Item
from authz.consent.representation import Caller
from authz.consent.rules import still_relevant
from authz.consent.states import Act, State
from authz.consent.use import Claim
from authz.errors import AccessDenied, AuditUnavailable
from authz.keys import generate_keys
from catalogue.loader import load_catalogue
from tests.support.authz_parties import person
from tests.support.consents import BANK, QUERY, READ, TWELVE, Bench, bench, citizen
from tests.support.databases import Database


async def refused(bench: Bench, record, key=None) -> str:
    with pytest.raises(AccessDenied) as denied:
        await bench.use_once(record, key)
    return denied.value.code


async def test_a_use_and_its_intent_are_one_transaction(own_database: Database):
    async with bench(own_database.url) as found:
        record = await found.given()
        await found.use_once(record)
        leaves = [leaf.event async for leaf in found.audit.read()]
        assert leaves[-1]["authorization"]["consentId"] == record.id
        assert await refused(found, record) == "CONSENT_USED_UP"
        assert len([leaf async for leaf in found.audit.read()]) == len(leaves), (
            "a refused use leaves no intent"
        )
        assert await found.uses(record) == 1


async def test_a_refusal_takes_nobody_elses_leaf_along(own_database: Database):
    async with bench(own_database.url) as found:
        records = [await found.given() for _ in range(3)]
        await found.use_once(records[1])
        results = await asyncio.gather(*map(found.use_once, records), return_exceptions=True)
        assert [isinstance(result, AccessDenied) for result in results] == [False, True, False]
        assert [await found.uses(record) for record in records] == [1, 1, 1]
        assert (await found.audit.verify()).fault is None


async def test_many_tasks_get_as_many_uses_as_there_are(own_database: Database):
    async with bench(own_database.url) as found:
        record = await found.given(**TWELVE)
        grants = [found.use_once(record) for _ in range(40)]
        results = await asyncio.gather(*grants, return_exceptions=True)
        refusals = [result.code for result in results if isinstance(result, AccessDenied)]
        assert (len(results) - len(refusals), set(refusals)) == (12, {"CONSENT_USED_UP"})
        assert await found.uses(record) == 12
        after = await found.register.find(BANK, record.id)
        assert after.state(found.clock.now) is State.USED_UP


async def test_the_frequency_holds_under_concurrency_and_opens_again(own_database: Database):
    async with bench(own_database.url) as found:
        slow = TWELVE | {"frequency": {"unit": "DAY", "value": 2}}
        record = await found.given(days=30, **slow)
        results = await asyncio.gather(*(found.use_once(record) for _ in range(9)), return_exceptions=True)
        refusals = {result.code for result in results if isinstance(result, AccessDenied)}
        assert (await found.uses(record), refusals) == (2, {"CONSENT_FREQUENCY"})
        found.clock.pass_by(hours=25)
        await found.use_once(record)
        assert await found.uses(record) == 3


async def test_one_key_is_one_use_for_ten_minutes(own_database: Database):
    async with bench(own_database.url) as found:
        record = await found.given(**TWELVE)
        await asyncio.gather(*(found.use_once(record, "page") for _ in range(8)))
        assert await found.uses(record) == 1
        found.clock.pass_by(minutes=9)
        await found.use_once(record, "page")
        assert await found.uses(record) == 1
        found.clock.pass_by(minutes=1, seconds=1)
        await found.use_once(record, "page")
        assert await found.uses(record) == 2


async def test_a_key_of_another_consent_is_another_use(own_database: Database):
    async with bench(own_database.url) as found:
        first, second = await found.given(), await found.given()
        await found.use_once(first, "page")
        await found.use_once(second, "page")
        assert [await found.uses(record) for record in (first, second)] == [1, 1]


async def test_what_was_taken_back_meanwhile_is_neither_counted_nor_answered(own_database: Database):
    async with bench(own_database.url) as found:
        record = await found.given(**TWELVE)
        grant = await found.use_once(record)
        earlier = await found.grant(record)
        await found.register.change(Caller(citizen(person(), step_up=False), QUERY), record.id, Act.REVOKED)
        for entry in (found.use.counting(earlier), found.use.holding(grant)):
            (refusal,) = await found.store.write(partial(settle, events=[[entry]]))
            assert refusal.code == "CONSENT_REVOKED"
        assert await found.uses(record) == 1


async def test_time_ends_a_consent_in_the_middle_of_a_read(own_database: Database):
    async with bench(own_database.url) as found:
        record = await found.given()
        grant = await found.grant(record)
        found.clock.pass_by(days=7)
        assert await refused(found, record) == "CONSENT_EXPIRED"
        (refusal,) = await found.store.write(partial(settle, events=[[found.use.counting(grant)]]))
        assert refusal.code == "CONSENT_EXPIRED"


async def test_only_a_partner_reads_on_a_consent(own_database: Database):
    async with bench(own_database.url) as found:
        record = await found.given()
        claim = Claim(record.id, "S17", "LN-1", "贷款审查", None)
        for kind in set(ActorKind) - {ActorKind.PARTNER}:
            with pytest.raises(AccessDenied):
                await found.use.grant(Actor(kind, "sample-bank"), claim)


async def test_a_process_that_cannot_reach_the_store_reads_nothing(sqlite: Database):
    async with bench(sqlite.url) as found:
        record = await found.given()
        grant = await found.grant(record)
        file = make_url(sqlite.url).database or ""
        os.rename(file, f"{file}.off")
        with pytest.raises(AuditUnavailable):
            await found.audit.intent(
                Intent(EventKind.READ, grant, QUERY, (READ,), grant.subject), found.use.counting(grant)
            )


async def test_a_store_without_its_tables_answers_nothing(own_database: Database):
    async with bench(own_database.url) as found:
        record = await found.given()
        await own_database.execute("ALTER TABLE consent RENAME TO consent_away")
        for asked in (found.grant(record), found.register.find(BANK, record.id)):
            with pytest.raises(AuditUnavailable):
                await asked


async def _child(url: str, keys: Path, record_id: str, at_once: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tests.support.consent_child", url, str(keys), record_id, str(at_once)]
    root = Path(__file__).parents[2]
    return await asyncio.create_subprocess_exec(
        *command, cwd=root, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )


async def _at_once(children: list[asyncio.subprocess.Process]) -> list[str]:
    """What the children say when all of them, once all are ready, are told to go."""
    outputs = [child.stdout for child in children if child.stdout]
    assert [await output.readline() for output in outputs] == [b"ready\n"] * len(children)
    told = await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    assert [child.returncode for child in children] == [0] * len(children)
    return [word for said, _ in told for word in said.decode().split()]


@pytest.mark.parametrize(
    ("terms", "uses", "refusal"),
    [
        (TWELVE, 12, "CONSENT_USED_UP"),
        (TWELVE | {"frequency": {"unit": "DAY", "value": 5}}, 5, "CONSENT_FREQUENCY"),
        ({}, 1, "CONSENT_USED_UP"),
    ],
)
async def test_processes_that_race_count_as_one(
    own_database: Database, tmp_path: Path, terms: dict[str, Any], uses: int, refusal: str
):
    keys = generate_keys(demo=True)
    keys.write(tmp_path / "keys.yaml")
    async with bench(own_database.url, keys) as found:
        record = await found.given(**terms)
        children = [await _child(own_database.url, tmp_path / "keys.yaml", record.id, 8) for _ in range(3)]
        words = await _at_once(children)
        assert words.count("used") == await found.uses(record) == uses
        assert words.count(refusal) == 24 - uses
        assert (await found.audit.verify()).fault is None


async def test_taking_back_in_one_process_stops_the_next_read_of_another(
    own_database: Database, tmp_path: Path
):
    keys = generate_keys(demo=True)
    keys.write(tmp_path / "keys.yaml")
    async with bench(own_database.url, keys) as found:
        record = await found.given(**TWELVE)
        child = await _child(own_database.url, tmp_path / "keys.yaml", record.id, 1)
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            assert await child.stdout.readline() == b"ready\n"
            child.stdin.write(b"go\n")
            assert await child.stdout.readline() == b"used\n"
            await found.register.change(Caller(citizen(person()), QUERY), record.id, Act.REVOKED)
            child.stdin.write(b"go\n")
            assert await child.stdout.readline() == b"CONSENT_REVOKED\n"
        finally:
            child.stdin.close()
            await child.wait()


def test_with_its_scenario_a_consent_ends_too():
    """GR-12: what was agreed to opens nothing once its scenario has ended."""
    catalogue = load_catalogue()
    item = Item.model_validate({"recordType": "P-FY-01", "fields": ["court"], "level": "MASKED"})
    last = catalogue.scenarios["S17"].valid_until
    assert still_relevant([item], "S17", catalogue, last).keys() == {"P-FY-01"}
    assert still_relevant([item], "S17", catalogue, last + timedelta(days=1)) == {}
