"""Subjects per case are capped, and who asks about somebody again says why: in every process at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from authz.case_use import REPEAT_WITHIN, SAME_USE
from authz.errors import AccessDenied
from authz.keys import generate_keys
from tests.support.audit_logs import KEYS
from tests.support.authz_parties import NOW, entity, person
from tests.support.case_uses import AGAIN, MANDATE, Desk, desk
from tests.support.consents import Clock
from tests.support.databases import Database

PAST_ONE_USE = {"minutes": SAME_USE.seconds // 60, "seconds": 1}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def office(own_database: Database, clock: Clock) -> AsyncIterator[Desk]:
    async with desk(own_database.url, KEYS, clock) as running:
        yield running


async def refused(office: Desk, subject, **how) -> str:
    before = await office.intents()
    with pytest.raises(AccessDenied) as fault:
        await office.ask(subject, **how)
    assert await office.intents() == before, "what is refused is no read"
    return fault.value.code


async def test_a_case_has_as_many_subjects_as_its_mandate_allows(office: Desk):
    for serial in range(1, 6):
        await office.ask(person(serial))
    assert await refused(office, person(6)) == "CASE_SUBJECTS_EXCEEDED"
    assert await refused(office, entity()) == "CASE_SUBJECTS_EXCEEDED"
    await office.ask(person(3), declared=AGAIN)
    await office.ask(person(6), case_no="ZC-2026-0002")
    await office.ask(person(7), mandate=replace(MANDATE, id="M-OTHER"))


async def test_another_officer_does_not_make_a_case_larger(office: Desk):
    for serial in range(1, 6):
        await office.ask(person(serial), operator=f"op-{serial}")
    assert await refused(office, person(6), operator="op-6") == "CASE_SUBJECTS_EXCEEDED"


async def test_several_processes_fill_one_case(own_database: Database, tmp_path: Path):
    keys = generate_keys(demo=True)
    keys.write(tmp_path / "keys.yaml")
    async with desk(own_database.url, keys, lambda: NOW) as office:
        root = Path(__file__).parents[2]
        children = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.support.case_child"),
                *(own_database.url, str(tmp_path / "keys.yaml"), str(first), str(first + 8)),
                cwd=root,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            for first in (1, 5, 9)
        ]
        for child in children:
            assert child.stdout is not None
            assert await child.stdout.readline() == b"ready\n"
        told = [(await child.communicate(b"go\n"))[0].decode().split() for child in children]
        assert [child.returncode for child in children] == [0, 0, 0]
        words = [word for words in told for word in words]
        assert set(words) <= {"used", "CASE_SUBJECTS_EXCEEDED", "REPEAT_REASON_REQUIRED"}
        async with office.store.reading() as connection:
            rows = await connection.exec_driver_sql("SELECT DISTINCT subject FROM case_subject")
            assert len(rows.all()) == MANDATE.subjects_per_case
        subjects = {leaf.subject async for leaf in office.audit.read()}
        assert len(subjects) == MANDATE.subjects_per_case
        assert len(words) == 24


async def test_asking_again_within_thirty_days_needs_a_reason(office: Desk, clock: Clock):
    await office.ask(person())
    clock.pass_by(**PAST_ONE_USE)
    assert await refused(office, person()) == "REPEAT_REASON_REQUIRED"
    assert await refused(office, person(), case_no="ZC-2026-0002") == "REPEAT_REASON_REQUIRED"
    await office.ask(person(), declared=AGAIN)
    told = (await office.intents())[-1]
    assert (told["repeatReason"], told["repeatNote"]) == ("NEW_MATERIAL", "补充材料")
    assert (told["reasonCode"], told["noConflictOfInterest"]) == ("SUPERVISION", True)


async def test_another_officer_or_another_subject_is_no_repeat(office: Desk):
    await office.ask(person())
    await office.ask(person(), operator="op-0088", case_no="ZC-2026-0002")
    await office.ask(person(2), case_no="ZC-2026-0002")


async def test_pages_of_one_question_are_one_query_and_do_not_lengthen_it(office: Desk, clock: Clock):
    await office.ask(person())
    clock.pass_by(minutes=6)
    await office.ask(person())
    clock.pass_by(minutes=6)
    assert await refused(office, person()) == "REPEAT_REASON_REQUIRED"


async def test_another_case_at_the_same_moment_is_a_repeat(office: Desk):
    await office.ask(person())
    assert await refused(office, person(), case_no="ZC-2026-0002") == "REPEAT_REASON_REQUIRED"
    shouted = {"case_no": "ZC-2026-0003", "operator": "OP-0087"}
    assert await refused(office, person(), **shouted) == "REPEAT_REASON_REQUIRED"


async def test_thirty_days_later_nobody_asks_why_and_nothing_is_kept(office: Desk, clock: Clock):
    await office.ask(person())
    clock.pass_by(days=REPEAT_WITHIN.days - 1, hours=23)
    assert await refused(office, person(), case_no="ZC-2026-0002") == "REPEAT_REASON_REQUIRED"
    clock.pass_by(hours=2)
    await office.ask(person(), case_no="ZC-2026-0002")
    async with office.store.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT case_no FROM officer_query")
        assert [row.case_no for row in rows] == ["ZC-2026-0002"]


async def test_a_case_is_forgotten_once_its_mandate_has_ended(office: Desk, clock: Clock):
    ended = replace(MANDATE, valid_until=NOW.date())
    await office.ask(person(), mandate=ended)
    clock.now += timedelta(days=1)
    await office.ask(person(2))
    async with office.store.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT until FROM case_subject")
        assert len(rows.all()) == 1


async def test_nothing_is_read_that_nothing_was_declared_for(office: Desk):
    assert await refused(office, person(), declared=None) == "REASON_CODE_REQUIRED"


async def test_no_number_of_anybody_is_kept(office: Desk, own_database: Database):
    await office.ask(person())
    for table in ("case_subject", "officer_query"):
        assert person().value not in str(await own_database.fetch(f"SELECT * FROM {table}"))
