"""Quotas count subjects in the audit's own transaction, over however many processes."""

import asyncio
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from authz.actors import Actor, ActorKind
from authz.errors import QuotaExceeded
from authz.grants import SelfAccess
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import KEYS, OFFICER, intent
from tests.support.authz_parties import person
from tests.support.databases import Database
from tests.support.use import Clock, office, quota

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("span", "seconds"), [("perMinute", 60), ("perHour", 3_600), ("perDay", 14 * 3_600)])
async def test_a_used_up_quota_refuses_until_its_window_ends(
    own_database: Database, span: str, seconds: int
) -> None:
    async with office(own_database.url, subjects=quota(100, **{span: 3})) as found:
        for _ in range(3):
            await found.read()
        with pytest.raises(QuotaExceeded) as refused:
            await found.read()
        assert refused.value.retry_after == seconds
        assert len(await found.events("INTENT")) == 3, "a refused read leaves no intent"
        found.clock.pass_by(seconds=seconds)
        await found.read()


async def test_a_refusal_uses_nothing_up(own_database: Database) -> None:
    async with office(own_database.url, subjects=quota(4, perMinute=2)) as found:
        for _ in range(2):
            assert await found.reads([person()] * 4) == ["read", "read", "QUOTA_EXCEEDED", "QUOTA_EXCEEDED"]
            found.clock.pass_by(minutes=1)


async def test_clients_and_persons_do_not_share(own_database: Database) -> None:
    async with office(own_database.url, subjects=quota(1)) as found:
        await found.read()
        await found.read(actor=replace(OFFICER, client_id="other-approval"))
        with pytest.raises(QuotaExceeded):
            await found.read(actor=replace(OFFICER, operator="op-0002"))
        for serial in (1, 2):
            actor = Actor(ActorKind.PERSON, "sample-bank", subject=person(serial))
            own = SelfAccess(actor, person(serial))
            change = found.guard.entering(own, person(serial))
            await found.audit.intent(intent(grant=own, subject=person(serial)), change)
            with pytest.raises(QuotaExceeded):
                await found.audit.intent(intent(grant=own, subject=person(serial)), change)


async def test_a_day_is_chinas(own_database: Database) -> None:
    clock = Clock(datetime(2026, 11, 20, 23, 59, tzinfo=CHINA_TIME))
    async with office(own_database.url, clock, subjects=quota(9, perDay=1)) as found:
        await found.read()
        with pytest.raises(QuotaExceeded) as refused:
            await found.read()
        assert refused.value.retry_after == 60
        clock.pass_by(minutes=1)
        await found.read()


async def test_a_clock_that_is_behind_opens_no_second_window(own_database: Database) -> None:
    async with office(own_database.url, subjects=quota(2)) as found:
        await found.read()
        found.clock.pass_by(minutes=-2)
        await found.read()
        with pytest.raises(QuotaExceeded):
            await found.read()


async def test_processes_on_one_store_share_one_quota(own_database: Database, tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    KEYS.write(keys)
    command = (sys.executable, "-m", "tests.support.use_child", own_database.url, str(keys), "40", "50")
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    children = [await asyncio.create_subprocess_exec(*command, cwd=ROOT, **pipes) for _ in range(3)]
    try:
        for child in children:
            assert child.stdout
            assert await asyncio.wait_for(child.stdout.readline(), 60) == b"ready\n"
        told = await asyncio.gather(*(child.communicate(b"\n") for child in children))
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
    assert sum(int(output) for output, _ in told) == 50
    async with office(own_database.url) as found:
        assert len(await found.events("INTENT")) == 50


async def test_a_flood_of_refusals_is_counted_instead_of_kept(own_database: Database) -> None:
    async with office(own_database.url, denials=quota(5)) as found:
        for _ in range(5):
            await found.deny()
        for _ in range(200):
            with pytest.raises(QuotaExceeded):
                await found.deny()
        assert len(await found.events("DENIAL")) == 5
        await found.audit.flush()
        (counts,) = await found.events("COUNTS")
        assert counts["counts"] == {"DENIAL_OVER_QUOTA": {"CASE_NUMBER_INVALID": 200}}
