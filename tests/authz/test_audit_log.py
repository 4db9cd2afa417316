import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.audit import (
    AuditLog,
    Count,
    Denial,
    EventKind,
    IntentRef,
    Leaf,
    PlannedRead,
    Query,
    ReadResult,
    Result,
    SourceStatus,
    Visibility,
)
from authz.grants import Public, SelfAccess
from authz.store import Store
from tests.support.audit_logs import (
    GRANT,
    KEYS,
    OFFICER,
    ORIGIN,
    QUERY,
    REFERENCES,
    audit_log,
    intent,
    outcome,
)
from tests.support.authz_parties import NOW, entity, person
from tests.support.databases import Database


async def leaves(log: AuditLog, **options) -> list[Leaf]:
    return [leaf async for leaf in log.read(**options)]


async def test_a_read_is_an_intent_and_its_outcome(own_database: Database) -> None:
    async with audit_log(own_database.url, clock=lambda: NOW, query_log_years=10) as log:
        ref = await log.intent(intent())
        await log.outcome(ref, outcome())
        first, second = await leaves(log)
    common = {
        "recordedAt": "2026-11-20T10:00:00+08:00",
        "retentionUntil": "2036-11-20",
        "source": {"catalogueVersion": "c-1", "gatewayId": "gw-990100", "node": "n1", "policyVersion": "p-1"},
        "ver": "2.0",
    }
    assert first.event == common | {
        "agent": {
            "clientId": "hr-approval",
            "operatorRef": "op-0087",
            "operatorRole": "OFFICER",
            "orgName": "示例县人力资源和社会保障局",
            "orgUscc": OFFICER.organization,
        },
        "authorization": {
            "basis": "STATUTORY",
            "caseNo": "ZC-2026-0001",
            "legalBasisId": "M-HR-01",
            "noConflictOfInterest": True,
            "purposeText": "职称评审",
            "reasonCode": "QUALIFICATION_REVIEW",
            "scenarioCode": "S02",
        },
        "entity": [
            {
                "department": "FY",
                "fields": ["caseNo", "court"],
                "maskedFields": ["caseNo"],
                "recordType": "P-FY-01",
            }
        ],
        "kind": "CHECK",
        "phase": "INTENT",
        "query": {"operationHash": "sha256:abcd", "operationName": "TitleReview", "requestId": "req-1"},
        "subject": {"auditRef": REFERENCES.audit_ref(person()), "kind": "NATURAL_PERSON"},
        "visibility": {"toSubject": "IMMEDIATE"},
    }
    assert second.event == common | {
        "batches": [],
        "codes": [],
        "entity": [
            {
                "department": "FY",
                "recordHashes": sorted(
                    REFERENCES.record_hash("court", "P-FY-01", row) for row in ("row-17", "row-18")
                ),
                "recordType": "P-FY-01",
                "returned": 2,
                "source": "court",
                "sourceStatus": "OK",
            }
        ],
        "intentIndex": 0,
        "phase": "OUTCOME",
        "result": "PERMIT",
        "subject": {"auditRef": REFERENCES.audit_ref(person())},
        "suppressed": 3,
        "visibility": {"toSubject": "IMMEDIATE"},
    }


async def test_nothing_that_names_the_person_or_a_row_is_stored(own_database: Database) -> None:
    named = Query(f"Check_{person().value}", "sha256:abcd")
    async with audit_log(own_database.url) as log:
        await log.outcome(await log.intent(intent(query=named)), outcome())
        await log.denial(Denial(EventKind.CHECK, OFFICER, named, ("NOT_MANDATED",), person()))
        stored = b"".join(leaf.payload for leaf in await leaves(log))
    assert b"sha256:abcd" in stored
    for secret in (person().value, person().value[:17], "row-17"):
        assert secret.encode() not in stored


async def test_an_event_is_in_the_database_when_the_call_returns(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        ref = await log.intent(intent())
        assert await own_database.fetch("SELECT leaf_index FROM audit_leaf") == [(ref.index,)]
        await log.outcome(ref, outcome())
        assert len(await own_database.fetch("SELECT leaf_index FROM audit_leaf")) == 2


async def test_the_bases_name_themselves(own_database: Database) -> None:
    citizen = Actor(ActorKind.PERSON, "portal", subject=person())
    async with audit_log(own_database.url) as log:
        await log.intent(intent(grant=SelfAccess(citizen, person())))
        await log.intent(intent(grant=Public(OFFICER), subject=entity()))
        await log.intent(intent(subject=None))
        mine, public, nobody = [leaf.event for leaf in await leaves(log)]
    assert mine["authorization"] == {"basis": "SELF", "purposeText": "本人查询"}
    assert public["authorization"] == {"basis": "PUBLIC", "purposeText": "依法公示信息查询"}
    assert public["subject"]["kind"] == "ENTERPRISE"
    assert nobody["subject"] == {"auditRef": None, "kind": "NONE"}


async def test_a_source_that_failed_is_written_as_such(own_database: Database) -> None:
    down = ReadResult("P-SW-01", "SW", "tax", SourceStatus.TIMEOUT)
    async with audit_log(own_database.url) as log:
        await log.outcome(
            await log.intent(intent()),
            outcome(result=Result.PARTIAL, reads=(down,), codes=("SOURCE_TIMEOUT",)),
        )
        written = (await leaves(log))[1].event
    assert written["result"] == "PARTIAL"
    assert written["codes"] == ["SOURCE_TIMEOUT"]
    assert written["entity"][0]["sourceStatus"] == "TIMEOUT"
    assert written["entity"][0]["returned"] == 0


async def test_the_subject_sees_an_event_at_once_or_later_on_a_basis(own_database: Database) -> None:
    until = NOW + timedelta(days=90)
    async with audit_log(own_database.url) as log:
        await log.intent(intent(visibility=Visibility(until, "LAW-1")))
        written = (await leaves(log))[0].event["visibility"]
    assert written == {"toSubject": "DELAYED", "delayUntil": until.isoformat(), "delayBasisId": "LAW-1"}
    for wrong in ((until, None), (until, ""), (None, "LAW-1")):
        with pytest.raises(ValueError, match="delay"):
            Visibility(*wrong)


async def test_concurrent_events_share_a_commit(own_database: Database) -> None:
    async with Store(own_database.url) as store, AuditLog(store, KEYS, ORIGIN) as log:
        commits = []
        event.listen(store.engine.sync_engine, "commit", commits.append)
        refs = await asyncio.gather(*(log.intent(intent(serial)) for serial in range(50)))
        assert len(commits) <= 2
        assert [ref.index for ref in refs] == list(range(50))
        assert (await log.verify()).leaves == 50


async def test_two_processes_write_one_log_without_gaps(own_database: Database) -> None:
    async with audit_log(own_database.url) as one, audit_log(own_database.url) as other:

        async def write(log: AuditLog) -> list[int]:
            return [(await log.intent(intent())).index for _ in range(20)]

        written = await asyncio.gather(write(one), write(other))
        assert sorted(written[0] + written[1]) == list(range(40))
        assert (await one.verify()).fault is None


async def test_logs_that_start_together_make_one_table(own_database: Database) -> None:
    async def start() -> int:
        async with audit_log(own_database.url) as log:
            return (await log.intent(intent())).index

    assert sorted(await asyncio.gather(*(start() for _ in range(4)))) == [0, 1, 2, 3]


async def test_a_known_partys_refusal_is_a_leaf_and_nobodys_is_a_count(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        await log.denial(Denial(EventKind.CHECK, OFFICER, QUERY, ("NOT_MANDATED",), person()))
        await log.denial(Denial(EventKind.READ, ANONYMOUS, QUERY, ("TOKEN_MISSING",)))
        (leaf,) = await leaves(log)
        assert log.totals == {(Count.ANONYMOUS_DENIAL, "TOKEN_MISSING"): 1}
    assert leaf.event["phase"] == "DENIAL"
    assert leaf.event["codes"] == ["NOT_MANDATED"]
    assert leaf.event["agent"]["operatorRef"] == "op-0087"
    assert leaf.subject == REFERENCES.audit_ref(person())


async def test_counts_reach_the_log_once(own_database: Database) -> None:
    async with audit_log(own_database.url, clock=lambda: NOW) as log:
        log.public_read(["E-SC-01", "E-FY-01"])
        log.public_read(["E-SC-01"])
        await log.flush()
        await log.flush()
        (leaf,) = await leaves(log)
        log.public_read(["E-SC-01"])
        assert log.totals[Count.PUBLIC_READ, "E-SC-01"] == 3
    assert leaf.event["phase"] == "COUNTS"
    assert leaf.event["counts"] == {"PUBLIC_READ": {"E-SC-01": 2, "E-FY-01": 1}}
    async with audit_log(own_database.url) as log:
        last = (await leaves(log))[-1]
    assert last.event["counts"] == {"PUBLIC_READ": {"E-SC-01": 1}}, "stopping flushes"


async def test_counts_are_flushed_from_time_to_time(own_database: Database) -> None:
    async with Store(own_database.url) as store:
        flushed = asyncio.Event()
        async with AuditLog(store, KEYS, ORIGIN, settle_every=0.01) as log:
            log.observers.append(lambda phase, written: flushed.set() if written else None)
            log.public_read(["E-SC-01"])
            await asyncio.wait_for(flushed.wait(), 60)


async def test_a_subject_finds_every_event_about_itself(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        for serial in (1, 2, 1):
            await log.outcome(await log.intent(intent(serial)), outcome())
        mine = await leaves(log, subject=person(1))
        assert [leaf.index for leaf in mine] == [0, 1, 4, 5]
        assert [leaf.index for leaf in await leaves(log, start=4)] == [4, 5]


async def test_a_long_log_is_read_whole(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        await asyncio.gather(*(log.intent(intent()) for _ in range(1_001)))
        assert [leaf.index for leaf in await leaves(log)] == list(range(1_001))
        assert (await log.verify()).leaves == 1_001


async def test_a_caller_who_leaves_hurts_nobody_else(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        calls = [asyncio.create_task(log.intent(intent(serial))) for serial in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        first, gone, third = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(gone, asyncio.CancelledError)
        assert isinstance(first, IntentRef)
        assert isinstance(third, IntentRef)
        assert (await log.verify()).fault is None


async def test_the_log_goes_on_where_it_stopped(own_database: Database) -> None:
    for expected in (0, 1, 2):
        async with audit_log(own_database.url) as log:
            assert (await log.intent(intent())).index == expected
            assert (await log.verify()).leaves == expected + 1


async def test_times_are_of_shanghai_whatever_the_clock(own_database: Database) -> None:
    utc = datetime.fromisoformat("2026-12-31T20:00:00+00:00")
    async with audit_log(own_database.url, clock=lambda: utc, query_log_years=5) as log:
        await log.intent(intent(reads=(PlannedRead("P-FY-01", "FY", frozenset()),), grant=GRANT))
        written = (await leaves(log))[0].event
    assert written["recordedAt"] == "2027-01-01T04:00:00+08:00"
    assert written["retentionUntil"] == "2032-01-01"
