"""The monthly sample: its size, that nobody can choose it, and that anybody can draw it again."""

import hashlib
from dataclasses import replace
from datetime import datetime

import pytest

from authz.actors import Actor, ActorKind
from authz.audit import ProofRefused
from authz.grants import SelfAccess
from authz.review.desk import Reviewer
from authz.review.items import Finding, ItemKind, ItemState
from authz.review.refusals import ReviewRefused
from authz.review.sample import size_of
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import OFFICER, intent, outcome
from tests.support.authz_parties import entity, person
from tests.support.databases import Database
from tests.support.use import BOUNDLESS, REVIEWER, SECOND, Clock, Office, office

OCTOBER = datetime(2026, 10, 12, 9, tzinfo=CHINA_TIME)
NOVEMBER = datetime(2026, 11, 2, 9, tzinfo=CHINA_TIME)
OTHER = replace(OFFICER, client_id="other-approval", organization=entity("11", 2).value)


async def october(found: Office, reads: int = 30, others: int = 7) -> None:
    """A month of reads of two organizations, with some that are no reads of others' records."""
    for serial in range(reads):
        ref = await found.read(person(serial * 9 % 900))
        await found.audit.outcome(ref, outcome())
    for serial in range(others):
        await found.read(person(serial), OTHER)
    own = SelfAccess(Actor(ActorKind.PERSON, "sample-bank", OFFICER.organization, subject=person()), person())
    await found.audit.intent(intent(grant=own))
    await found.deny()
    found.clock.now = NOVEMBER
    await found.read(person(500))
    await found.audit.sign()


@pytest.mark.parametrize(("reads", "drawn"), [(0, 0), (7, 7), (20, 20), (21, 20), (2_000, 20), (2_001, 21)])
def test_one_in_a_hundred_and_at_least_twenty(reads: int, drawn: int) -> None:
    assert size_of(reads) == drawn


async def test_each_organization_has_its_own_sample(own_database: Database) -> None:
    async with office(own_database.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await october(found)
        draw, new = await found.desk.sample("2026-10")
        assert new
        assert draw.reads == {OFFICER.organization: 30, OTHER.organization: 7}
        items = [item for item, _ in await found.desk.items([ItemKind.SAMPLE])]
        assert sorted(item.organization for item in items) == sorted(
            [OFFICER.organization] * 20 + [OTHER.organization] * 7
        )
        (event,) = await found.events("REVIEW")
        assert event["about"]["drawn"] == {OFFICER.organization: 20, OTHER.organization: 7}
        assert event["about"]["root"] == draw.root.hex()


async def test_the_lots_follow_from_the_log(own_database: Database) -> None:
    async with office(own_database.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await october(found)
        draw, _ = await found.desk.sample("2026-10")
        leaves = [leaf async for leaf in found.audit.read()]
        assert leaves[draw.size - 1].root == draw.root
        ours = [
            leaf
            for leaf in leaves[: draw.size]
            if leaf.event["phase"] == "INTENT" and leaf.event["agent"]["orgUscc"] == OFFICER.organization
        ]
        ours = [leaf for leaf in ours if leaf.event["authorization"]["basis"] == "STATUTORY"]
        lots = {
            hashlib.sha256(draw.root + OFFICER.organization.encode() + leaf.leaf_hash).digest(): leaf.index
            for leaf in ours
        }
        lowest = {lots[lot] for lot in sorted(lots)[:20]}
        assert {one.index for one in draw.drawn if one.use.organization == OFFICER.organization} == lowest


async def test_drawing_again_gives_the_same_and_keeps_nothing_twice(own_database: Database) -> None:
    async with office(own_database.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await october(found)
        first, _ = await found.desk.sample("2026-10")
        await found.read(person(501))
        assert await found.desk.sample("2026-10") == (first, False)
        assert len(await found.desk.items()) == 27
        assert len(await found.events("REVIEW")) == 1


async def test_a_month_is_drawn_when_it_is_over_and_signed(sqlite: Database) -> None:
    async with office(sqlite.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await found.read()
        for month, code in (("2026-10", "MONTH_NOT_OVER"), ("2026-9", "MONTH_INVALID")):
            with pytest.raises(ReviewRefused) as refused:
                await found.desk.sample(month)
            assert refused.value.code == code
        with pytest.raises(ReviewRefused) as empty:
            await found.desk.sample("2026-08")
        assert empty.value.code == "MONTH_EMPTY"
        found.clock.now = NOVEMBER
        with pytest.raises(ProofRefused):
            await found.desk.sample("2026-10")
        await found.audit.sign()
        draw, _ = await found.desk.sample("2026-10")
        assert len(draw.drawn) == 1


async def test_a_result_is_recorded_once_and_changed_by_new_entries(own_database: Database) -> None:
    async with office(own_database.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await october(found, reads=1, others=0)
        draw, _ = await found.desk.sample("2026-10")
        ((item, _),) = await found.desk.items()
        with pytest.raises(ReviewRefused) as early:
            await found.desk.record(REVIEWER, item.id, Finding.IN_ORDER, "核对无误", change=True)
        await found.desk.record(REVIEWER, item.id, Finding.PURPOSE_UNCLEAR, "案卷未附说明")
        with pytest.raises(ReviewRefused) as twice:
            await found.desk.record(SECOND, item.id, Finding.IN_ORDER, "已补说明")
        assert (early.value.code, twice.value.code) == ("NOTHING_TO_CHANGE", "ALREADY_REVIEWED")
        await found.desk.record(SECOND, item.id, Finding.IN_ORDER, "已补说明", change=True)
        shown, results, reads = await found.desk.show(item.id)
        assert shown.finding is Finding.IN_ORDER
        assert [(each.number, each.finding, each.reviewer) for each in results] == [
            (1, Finding.PURPOSE_UNCLEAR, "rv-0001"),
            (2, Finding.IN_ORDER, "rv-0002"),
        ]
        assert [(each.index, each.purpose, each.returned, each.subject) for each in reads] == [
            (draw.drawn[0].index, "职称评审", 2, None)
        ]
        assert [state for _, state in await found.desk.items()] == [ItemState.REVIEWED]
        with pytest.raises(Exception, match="append-only"):
            await own_database.execute("UPDATE review_result SET result = 'IN_ORDER'")
        acts = [event["act"] for event in await found.events("REVIEW")]
        assert acts == ["DRAW", "RESULT", "RESULT"]


async def test_nobody_reviews_their_own_reads(sqlite: Database) -> None:
    async with office(sqlite.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await october(found, reads=1, others=0)
        await found.desk.sample("2026-10")
        ((item, _),) = await found.desk.items()
        for own in (Reviewer("OP-0087", "audit-office"), Reviewer("rv-0001", "hr-approval")):
            with pytest.raises(ReviewRefused) as refused:
                await found.desk.record(own, item.id, Finding.IN_ORDER, "核对无误")
            assert refused.value.code == "OWN_USE"


@pytest.mark.parametrize("note", ["", "本人身份证990101198001010014", "一行\n两行", "字" * 501])
async def test_a_note_is_one_line_without_numbers_of_persons(sqlite: Database, note: str) -> None:
    async with office(sqlite.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await october(found, reads=1, others=0)
        await found.desk.sample("2026-10")
        ((item, _),) = await found.desk.items()
        with pytest.raises(ReviewRefused) as refused:
            await found.desk.record(REVIEWER, item.id, Finding.IN_ORDER, note)
        assert refused.value.code == "NOTE_INVALID"


async def test_a_sample_is_overdue_after_twenty_working_days(sqlite: Database) -> None:
    async with office(sqlite.url, Clock(OCTOBER), **BOUNDLESS) as found:
        await october(found, reads=1, others=0)
        await found.desk.sample("2026-10")
        found.clock.now = datetime(2026, 11, 30, 23, 59, tzinfo=CHINA_TIME)
        assert await found.desk.items(state=ItemState.OVERDUE) == []
        found.clock.pass_by(minutes=2)
        assert len(await found.desk.items(state=ItemState.OVERDUE)) == 1
