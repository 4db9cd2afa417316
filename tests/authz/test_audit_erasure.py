"""At the end of their retention events are erased, and everything that was proven stays provable."""

from datetime import date, datetime, timedelta

import pytest

from authz.audit import AuditLog, Fault, FaultKind, erasure
from authz.audit.merkle import leaf_hash
from authz.store import Store
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import KEYS, ORIGIN, audit_log, intent, outcome
from tests.support.authz_parties import person
from tests.support.databases import Database
from tests.support.merkle_checks import leads_to
from tests.support.tampering import unlock, verified

LONG_AGO = datetime(2010, 3, 1, 10, 0, tzinfo=CHINA_TIME)
"""Ten years of retention from here are over."""
OVER = date(2020, 3, 2)


async def written(database: Database, when: datetime, events: int) -> None:
    async with audit_log(database.url, clock=lambda: when) as log:
        for _ in range(events // 2):
            await log.outcome(await log.intent(intent()), outcome())


async def old_and_new(database: Database) -> None:
    """Four events whose retention is over, and four whose is not."""
    await written(database, LONG_AGO, 4)
    await written(database, datetime.now(CHINA_TIME), 4)


async def test_only_what_is_over_is_erased_and_the_log_says_so(own_database: Database) -> None:
    await old_and_new(own_database)
    async with audit_log(own_database.url) as log:
        assert await log.erase(OVER - timedelta(days=1), dry_run=False) == 0, "the last day is kept in full"
        assert await log.erase(OVER, dry_run=True) == 4
        assert len(await own_database.fetch("SELECT 1 FROM audit_leaf WHERE payload IS NULL")) == 0
        assert await log.erase(OVER, dry_run=False) == 4
        assert await log.erase(OVER, dry_run=False) == 0
        *_, last = [leaf async for leaf in log.read()]
        assert [leaf.index async for leaf in log.read(subject=person())] == [4, 5, 6, 7]
    rows = await own_database.fetch("SELECT leaf_index, subject FROM audit_leaf WHERE payload IS NULL")
    assert rows == [(index, None) for index in range(4)]
    assert last.event["phase"] == "ERASURE"
    assert (last.event["before"], last.event["leaves"], last.event["ranges"]) == ("2020-03-02", 4, [[0, 3]])
    assert last.event["retentionUntil"] is None, "it stays as long as the log"
    found = await verified(own_database)
    assert (found.fault, found.leaves, found.erased) == (None, 9, 4)


async def test_a_proof_from_before_the_erasure_still_holds(own_database: Database) -> None:
    await old_and_new(own_database)
    async with audit_log(own_database.url) as log:
        before = await log.prove(1)
        await log.erase(OVER, dry_run=False)
        await log.sign()
        after = await log.prove(1)
    assert before.leaf
    assert after.leaf is None
    assert after.checkpoint.size == 9
    assert leads_to(leaf_hash(before.leaf), 1, 9, after.path, after.checkpoint.root)


async def test_the_database_lets_nothing_go_early_nor_anything_else_change(own_database: Database) -> None:
    await old_and_new(own_database)
    for change in (
        "payload = NULL, subject = NULL WHERE leaf_index = 4",
        "payload = NULL WHERE leaf_index = 0",
        "subject = NULL WHERE leaf_index = 0",
        "payload = NULL, subject = NULL, leaf_hash = root WHERE leaf_index = 1",
        "payload = NULL, subject = NULL, root = leaf_hash WHERE leaf_index = 1",
        "payload = NULL, subject = NULL, leaf_index = 99 WHERE leaf_index = 0",
    ):
        with pytest.raises(Exception, match="append-only"):
            await own_database.execute(f"UPDATE audit_leaf SET {change}")
    await own_database.execute("UPDATE audit_leaf SET payload = NULL, subject = NULL WHERE leaf_index = 0")
    with pytest.raises(Exception, match="append-only"):
        await own_database.execute("UPDATE audit_leaf SET payload = leaf_hash WHERE leaf_index = 0")


async def test_a_payload_that_vanished_without_a_word_is_found(own_database: Database) -> None:
    await old_and_new(own_database)
    await own_database.execute("UPDATE audit_leaf SET payload = NULL, subject = NULL WHERE leaf_index = 2")
    assert (await verified(own_database)).fault == Fault(2, FaultKind.ERASED)
    async with audit_log(own_database.url) as log:
        await log.erase(OVER, dry_run=False)
    assert (await verified(own_database)).fault == Fault(2, FaultKind.ERASED), "the erasure names the others"
    await unlock(own_database)
    await own_database.execute("UPDATE audit_leaf SET payload = NULL, subject = NULL WHERE leaf_index = 6")
    await own_database.execute("UPDATE audit_leaf SET subject = 'hm_x' WHERE leaf_index = 0")
    assert (await verified(own_database)).fault == Fault(0, FaultKind.SUBJECT)


async def test_an_erasure_explains_nothing_that_comes_after_it(own_database: Database) -> None:
    await old_and_new(own_database)
    async with Store(own_database.url) as store:
        log = AuditLog(store, KEYS, ORIGIN)
        async with log:
            await log.erase(OVER, dry_run=False)
    await unlock(own_database)
    await own_database.execute("UPDATE audit_leaf SET payload = NULL, subject = NULL WHERE leaf_index = 8")
    assert (await verified(own_database)).fault == Fault(0, FaultKind.ERASED), "the word itself is gone"


async def test_many_events_are_erased_in_batches(
    own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BATCH", 3)
    await written(own_database, LONG_AGO, 4)
    await written(own_database, datetime.now(CHINA_TIME), 2)
    await written(own_database, LONG_AGO, 4)
    async with audit_log(own_database.url) as log:
        assert await log.erase(OVER, dry_run=False) == 8
        said = [leaf.event["ranges"] async for leaf in log.read(start=10)]
    assert said == [[[0, 2]], [[3, 3], [6, 7]], [[8, 9]]]
    assert (await verified(own_database)).fault is None
