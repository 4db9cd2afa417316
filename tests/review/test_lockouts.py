"""Failed confirmations lock, ids in sequence suspend, and only time or reviewers unlock."""

import random
from dataclasses import replace

import pytest

from authz.errors import ClientLocked
from authz.review import sequences
from authz.review.items import ItemKind
from authz.review.lockouts import Cause
from authz.review.refusals import ReviewRefused
from tests.support.audit_logs import OFFICER
from tests.support.authz_parties import person
from tests.support.databases import Database
from tests.support.use import REVIEWER, SECOND, number, office

BANK = replace(OFFICER, client_id="sample-bank", operator="")
COLLEAGUE = replace(OFFICER, operator="op-0099")
FAR = range(1, 400, 7)


async def test_an_operator_who_fails_too_often_is_locked_for_a_time(own_database: Database) -> None:
    async with office(own_database.url, lockout={"operatorFailures": 3}) as found:
        refs = [await found.mistake() for _ in range(3)]
        with pytest.raises(ClientLocked) as refused:
            await found.read()
        assert refused.value.retry_after == 3_600
        with pytest.raises(ClientLocked):
            await found.read(actor=replace(OFFICER, operator=OFFICER.operator.upper()))
        await found.read(actor=COLLEAGUE)
        (lock,) = await found.desk.locks()
        assert (lock.client_id, lock.operator, lock.cause) == (
            "hr-approval",
            "op-0087",
            Cause.FAILED_CONFIRMATIONS,
        )
        ((item, _),) = await found.desk.items()
        assert (item.kind, item.number) == (ItemKind.FAILED_CONFIRMATIONS, 3)
        assert item.evidence == tuple(ref.index for ref in refs)
        found.clock.pass_by(minutes=60)
        await found.read()
        assert await found.desk.locks() == []


async def test_failures_apart_lock_nobody(own_database: Database) -> None:
    async with office(own_database.url, lockout={"operatorFailures": 3}) as found:
        for _ in range(6):
            await found.mistake()
            found.clock.pass_by(minutes=31)
        assert await found.desk.locks() == []


async def test_operators_who_take_turns_lock_their_client(own_database: Database) -> None:
    terms = {"operatorFailures": 3, "clientFailures": 4}
    async with office(own_database.url, lockout=terms) as found:
        for turn in range(4):
            await found.mistake(replace(OFFICER, operator=f"op-{turn}"))
        with pytest.raises(ClientLocked):
            await found.read(actor=COLLEAGUE)
        await found.read(actor=BANK)


async def test_a_client_without_operators_is_locked_whole(own_database: Database) -> None:
    async with office(own_database.url, lockout={"operatorFailures": 3}) as found:
        for _ in range(3):
            await found.mistake(BANK)
        with pytest.raises(ClientLocked):
            await found.read(actor=BANK)


async def test_a_lock_without_an_end_waits_for_a_reviewer(own_database: Database) -> None:
    terms = {"operatorFailures": 2, "lastsMinutes": None}
    async with office(own_database.url, lockout=terms) as found:
        await found.mistake()
        await found.mistake()
        found.clock.pass_by(days=30)
        with pytest.raises(ClientLocked) as refused:
            await found.read()
        assert refused.value.retry_after is None
        (lock,) = await found.desk.locks()
        with pytest.raises(ReviewRefused) as reasonless:
            await found.desk.lift(REVIEWER, lock.id, " ")
        assert reasonless.value.code == "NOTE_INVALID"
        lifted = await found.desk.lift(REVIEWER, lock.id, "已电话核实，系录入错误")
        assert lifted.lifted_by == "rv-0001"
        await found.read()
        (event,) = [each for each in await found.events("REVIEW") if each["act"] == "UNLOCK"]
        assert event["reviewer"] == {"clientId": "audit-office", "operatorRef": "rv-0001"}
        assert event["about"]["lockId"] == lock.id
        await found.mistake()
        assert await found.desk.locks() == [], "one counts anew"


async def test_a_wrong_reference_counts_as_a_failure(own_database: Database) -> None:
    async with office(own_database.url, lockout={"operatorFailures": 2}) as found:
        await found.deny("SUBJECT_NOT_CONFIRMED")
        await found.deny("SUBJECT_NOT_CONFIRMED")
        with pytest.raises(ClientLocked):
            await found.read()


@pytest.mark.parametrize("order", ["upwards", "shuffled", "men only"])
async def test_twenty_ids_in_sequence_suspend_the_client(own_database: Database, order: str) -> None:
    indexes = list(range(1, 41, 2)) if order == "men only" else list(range(1, 21))
    if order == "shuffled":
        random.Random(7).shuffle(indexes)
    async with office(own_database.url) as found:
        assert await found.reads(map(number, indexes[:19])) == ["read"] * 19
        assert await found.desk.locks() == []
        await found.read(number(indexes[19]))
        with pytest.raises(ClientLocked) as refused:
            await found.read(person(500), COLLEAGUE)
        assert refused.value.retry_after is None
        ((item, _),) = await found.desk.items()
        assert (item.kind, item.number) == (ItemKind.SEQUENTIAL_IDS, 20)
        assert item.evidence, "it says where in the log"


async def test_consecutive_birthdays_are_a_sequence_too(own_database: Database) -> None:
    async with office(own_database.url) as found:
        days = [number(1, born=f"199003{day:02d}") for day in range(1, 21)]
        await found.reads(days)
        (lock,) = await found.desk.locks()
        assert lock.cause is Cause.SEQUENTIAL_IDS


async def test_people_who_are_no_sequence_suspend_nobody(own_database: Database) -> None:
    async with office(own_database.url) as found:
        assert set(await found.reads(number(index) for index in FAR)) == {"read"}
        assert set(await found.reads([number(1)] * 30)) == {"QUOTA_EXCEEDED", "read"}
        assert await found.desk.locks() == []


async def test_a_sequence_is_one_clients_and_one_days(own_database: Database) -> None:
    async with office(own_database.url) as found:
        await found.reads(map(number, range(1, 16)))
        await found.reads(map(number, range(16, 31)), replace(OFFICER, client_id="other-approval"))
        found.clock.pass_by(days=1)
        await found.watch.look()
        await found.reads(map(number, range(16, 31)))
        assert await found.desk.locks() == []


async def test_one_who_is_locked_and_goes_on_counting_is_suspended(own_database: Database) -> None:
    async with office(own_database.url, lockout={"operatorFailures": 1}) as found:
        await found.mistake()
        assert set(await found.reads(map(number, range(1, 21)))) == {"CLIENT_LOCKED"}
        assert {lock.cause for lock in await found.desk.locks()} == set(Cause)


async def test_a_suspension_ends_when_two_reviewers_agree(own_database: Database) -> None:
    async with office(own_database.url) as found:
        await found.reads(map(number, range(1, 21)))
        (lock,) = await found.desk.locks()
        found.clock.pass_by(days=400)
        half = await found.desk.lift(REVIEWER, lock.id, "整班录取名单，公函在案")
        assert (half.first_lifter, half.lifted_by) == ("rv-0001", None)
        for same in (REVIEWER, replace(REVIEWER, operator="RV-0001")):
            with pytest.raises(ReviewRefused) as alone:
                await found.desk.lift(same, lock.id, "整班录取名单，公函在案")
            assert alone.value.code == "SECOND_REVIEWER"
        with pytest.raises(ClientLocked):
            await found.read()
        whole = await found.desk.lift(SECOND, lock.id, "同意解除")
        assert whole.lifted_by == "rv-0002"
        await found.read()
        acts = [event["act"] for event in await found.events("REVIEW")]
        assert acts == ["UNLOCK_AGREED", "UNLOCK"]
        with pytest.raises(ReviewRefused) as ended:
            await found.desk.lift(SECOND, lock.id, "同意解除")
        assert ended.value.code == "LOCK_ENDED"


async def test_what_is_kept_of_an_id_is_a_hash_and_goes_after_a_day(own_database: Database) -> None:
    async with office(own_database.url) as found:
        await found.reads(map(number, range(1, 4)))
        rows = await own_database.fetch("SELECT * FROM id_trace")
        assert len(rows) == 3
        assert not any(number(index).value[:14] in str(rows) for index in range(1, 4))
        found.clock.pass_by(days=1)
        await found.watch.look()
        assert await own_database.fetch("SELECT * FROM id_trace") == []


def test_neighbours_stay_within_the_numbers_of_a_day() -> None:
    assert set(sequences.neighbours(("990101", "20000229", "000"))) == {
        ("990101", "20000229", "001"),
        ("990101", "20000229", "002"),
        ("990101", "20000228", "000"),
        ("990101", "20000301", "000"),
    }
