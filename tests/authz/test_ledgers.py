"""What is counted with a batch of events: each event alone is refused, and only what is in the log counts."""

import asyncio
import time
from dataclasses import replace
from functools import partial

import pytest

from authz.audit import ReviewAct, settle
from authz.case_use import CaseUse
from authz.errors import AccessDenied, AuditUnavailable, QuotaExceeded
from authz.once import Kind, Use
from tests.support.audit_logs import GRANT, OFFICER, REFERENCES, audit_log, intent
from tests.support.authz_parties import person
from tests.support.consents import TWELVE, bench
from tests.support.databases import Database
from tests.support.stores import stored
from tests.support.use import number, office, quota

REFUSE_LEAVES = {
    "sqlite": (
        "CREATE TRIGGER full BEFORE INSERT ON audit_leaf BEGIN SELECT RAISE(ABORT, 'full'); END",
        "DROP TRIGGER full",
    ),
    "postgresql": (
        "ALTER TABLE audit_leaf ADD CONSTRAINT leaves_full CHECK (false) NOT VALID",
        "ALTER TABLE audit_leaf DROP CONSTRAINT leaves_full",
    ),
}


def codes(settled: list[AccessDenied | None]) -> list[str | None]:
    return [refusal and refusal.code for refusal in settled]


async def settled(store, *events) -> list[str | None]:
    """How a batch of events ends, each by its entries."""
    return codes(await store.write(partial(settle, events=events)))


async def test_a_quota_is_reached_within_a_batch(own_database: Database) -> None:
    async with office(own_database.url, subjects=quota(4)) as found:
        await found.read()
        batch = [[found.guard.entering(GRANT, person(serial))] for serial in range(2, 8)]
        told = await settled(found.store, *batch)
        assert told == [None] * 3 + ["QUOTA_EXCEEDED"] * 3
        assert await own_database.fetch("SELECT in_minute, in_hour, in_day FROM client_use") == [(4, 4, 4)]


async def test_another_clients_quota_in_the_same_batch_is_its_own(own_database: Database) -> None:
    other = replace(GRANT, actor=replace(OFFICER, client_id="other-approval"))
    async with office(own_database.url, subjects=quota(2)) as found:
        batch = [[found.guard.entering(grant, person())] for grant in (GRANT, other, GRANT, GRANT, other)]
        assert await settled(found.store, *batch) == [None, None, None, "QUOTA_EXCEEDED", None]


async def test_a_refused_event_counts_nothing_in_any_ledger(own_database: Database) -> None:
    one = replace(GRANT, mandate=replace(GRANT.mandate, subjects_per_case=1))
    async with office(own_database.url, subjects=quota(10)) as found:
        cases = CaseUse(REFERENCES, clock=found.clock)
        batch = [
            [found.guard.entering(one, person(serial)), cases.counting(one, person(serial))]
            for serial in (1, 200, 400)
        ]
        batch.append([found.guard.entering(one, person(1)), cases.counting(one, person(1))])
        full = "CASE_SUBJECTS_EXCEEDED"
        assert await settled(found.store, *batch) == [None, full, full, None]
        assert await own_database.fetch("SELECT in_day FROM client_use") == [(2,)]
        assert len(await own_database.fetch("SELECT * FROM id_trace")) == 1
        assert len(await own_database.fetch("SELECT * FROM officer_query")) == 1


async def test_a_lock_keeps_out_what_comes_later_in_its_batch(own_database: Database) -> None:
    async with office(own_database.url, subjects=quota(100)) as found:
        batch = [[found.guard.entering(GRANT, number(index))] for index in range(1, 24)]
        batch.append([found.guard.entering(GRANT, person(500))])
        assert await settled(found.store, *batch) == [None] * 20 + ["CLIENT_LOCKED"] * 4
        assert len(await found.desk.locks()) == 1


async def test_runs_that_one_batch_brings_together_are_one(own_database: Database) -> None:
    async with office(own_database.url, subjects=quota(100)) as found:
        apart = [[found.guard.entering(GRANT, number(index))] for index in range(1, 58, 3)]
        await settled(found.store, *apart)
        assert len(await own_database.fetch("SELECT DISTINCT run FROM id_trace")) == 19
        between = [[found.guard.entering(GRANT, number(index))] for index in (2, 60, 5, 8)]
        await settled(found.store, *between)
        assert len(await own_database.fetch("SELECT DISTINCT run FROM id_trace")) == 17, "60 is alone"


@pytest.mark.parametrize(
    ("terms", "uses", "refusal"),
    [
        ({}, 1, "CONSENT_USED_UP"),
        (TWELVE, 12, "CONSENT_USED_UP"),
        (TWELVE | {"frequency": {"unit": "DAY", "value": 5}}, 5, "CONSENT_FREQUENCY"),
    ],
)
async def test_the_last_use_of_a_consent_is_made_once_in_a_batch(
    own_database: Database, terms, uses: int, refusal: str
) -> None:
    async with bench(own_database.url) as found:
        record, other = await found.given(**terms), await found.given()
        grants = [await found.grant(record) for _ in range(uses + 2)]
        batch = [[found.use.counting(grant)] for grant in grants]
        batch.append([found.use.counting(await found.grant(other))])
        batch.append([found.use.counting(grants[0])])
        told = await settled(found.store, *batch)
        assert told == [None] * uses + [refusal] * 2 + [None, None], "the first key again is the same use"
        assert [await found.uses(each) for each in (record, other)] == [uses, 1]


async def test_of_one_proof_twice_in_a_batch_one_is_used(own_database: Database) -> None:
    proof, other = (Use(Kind.PROOF, "key", name, time.time() + 3_600) for name in ("a", "b"))
    async with stored(own_database) as store:
        assert await settled(store, [proof], [proof], [other, proof], [other]) == [
            None,
            "DPOP_PROOF",
            "DPOP_PROOF",
            None,
        ]


async def test_events_beside_a_refused_one_are_in_the_log(own_database: Database) -> None:
    async with office(own_database.url, subjects=quota(3)) as found:
        told = await asyncio.gather(*(found.read(person(n)) for n in range(1, 10)), return_exceptions=True)
        refused = [each for each in told if isinstance(each, QuotaExceeded)]
        assert (len(refused), len(await found.events("INTENT"))) == (6, 3)
        assert (await found.audit.verify()).fault is None


async def test_an_act_is_made_between_the_events_around_it(own_database: Database) -> None:
    seen: list[int] = []

    async def count(connection) -> None:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM audit_leaf")
        seen.append(rows.scalar_one())

    async def refuse(connection) -> None:
        await connection.exec_driver_sql("INSERT INTO use_watch (id, following) VALUES (7, 7)")
        raise AccessDenied("NO", "no")

    act = ReviewAct("LOOKED", "rv-1", "audit-office", {})
    async with audit_log(own_database.url) as log:
        told = await asyncio.gather(
            log.intent(intent()),
            log.review(act, count),
            log.review(act, refuse),
            log.intent(intent()),
            return_exceptions=True,
        )
        assert [type(each) for each in told[1:3]] == [int, AccessDenied]
        assert (told[0].index, told[1], told[3].index, seen) == (0, 1, 2, [1])
        assert await own_database.fetch("SELECT * FROM use_watch") == []
        assert (await log.verify()).fault is None


async def test_a_store_that_dies_within_a_batch_answers_nobody_and_counts_nothing(
    own_database: Database,
) -> None:
    break_it, mend_it = REFUSE_LEAVES[own_database.engine]
    async with office(own_database.url, subjects=quota(5)) as found:
        await found.read()
        await own_database.execute(break_it)
        told = await asyncio.gather(*(found.read(person(n)) for n in range(2, 6)), return_exceptions=True)
        assert [type(each) for each in told] == [AuditUnavailable] * 4
        await own_database.execute(mend_it)
        assert await own_database.fetch("SELECT in_day FROM client_use") == [(1,)]
        assert await found.reads(person(n) for n in (200, 400, 600, 800)) == ["read"] * 4
        assert len(await found.events("INTENT")) == 5
