"""What a subject sees of its own log, and what an auditor asks about."""

from datetime import date, datetime, timedelta

import pytest

from authz.actors import Actor, ActorKind
from authz.audit import UNANSWERED, AuditLog, Denial, EventKind, Operation, Visibility, Wanted, operations
from authz.grants import SelfAccess
from authz.keys import KeyRing, Purpose, generate_keys
from tests.support.audit_logs import KEYS, OFFICER, QUERY, audit_log, intent, outcome
from tests.support.authz_parties import NOW, entity, person
from tests.support.databases import Database

UNTIL = NOW + timedelta(days=90)


async def seen(log: AuditLog) -> list[int]:
    return [leaf.index async for leaf in log.read(subject=person())]


async def test_a_delayed_event_and_its_outcome_are_hidden_until_they_are_due(own_database: Database) -> None:
    now = NOW
    async with audit_log(own_database.url, clock=lambda: now) as log:
        delayed = await log.intent(intent(visibility=Visibility(UNTIL, "LAW-1")))
        await log.outcome(delayed, outcome())
        await log.outcome(await log.intent(intent()), outcome())
        await log.denial(Denial(EventKind.CHECK, OFFICER, QUERY, ("NOT_MANDATED",), person()))
        assert await seen(log) == [2, 3, 4]
        assert [leaf.index async for leaf in log.read()] == [0, 1, 2, 3, 4], "an auditor sees it at once"
        now = UNTIL - timedelta(seconds=1)
        assert await seen(log) == [2, 3, 4]
        now = UNTIL
        assert await seen(log) == [0, 1, 2, 3, 4]


async def test_a_delay_ends_before_the_event_does(own_database: Database) -> None:
    async with audit_log(own_database.url, clock=lambda: NOW, query_log_years=10) as log:
        for years in (10, 90):
            never = Visibility(NOW.replace(year=NOW.year + years), "LAW-1")
            with pytest.raises(ValueError, match="delay"):
                await log.intent(intent(visibility=never))
        await log.intent(intent(visibility=Visibility(NOW.replace(year=NOW.year + 10, day=19), "LAW-1")))


def test_a_delay_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="zone"):
        Visibility(datetime(2027, 1, 1), "LAW-1")  # noqa: DTZ001 - what is refused


def _rotated(keys: KeyRing) -> KeyRing:
    """The same ring, a year later: a second version of the key that subjects are found by."""
    held = {purpose: {key.version: key.material for key in keys.kept(purpose)} for purpose in Purpose}
    fresh = generate_keys(demo=True)
    for purpose in (Purpose.AUDIT_SUBJECT, Purpose.CHECKPOINT_SIGNING):
        held[purpose][2] = fresh.current(purpose).material
    return KeyRing(held, demo=True)


async def test_events_under_older_keys_are_found_and_their_signatures_hold(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        await log.intent(intent())
        await log.intent(intent(serial=2))
    rotated = _rotated(KEYS)
    async with audit_log(own_database.url, keys=rotated) as log:
        await log.intent(intent())
        await log.sign()
        assert await seen(log) == [0, 2]
        leaves = [leaf async for leaf in log.read()]
        assert leaves[0].subject != leaves[2].subject
        newest = await log.checkpoint()
        assert newest
        assert newest.key_id == rotated.checkpoint_key.kid != KEYS.checkpoint_key.kid
        found = await log.verify()
        assert (found.fault, found.checkpoints) == (None, 2)


async def _all(log: AuditLog) -> list[Operation]:
    return [each async for each in operations(log.read())]


async def test_an_operation_is_an_intent_with_its_outcome(own_database: Database) -> None:
    citizen = Actor(ActorKind.PERSON, "portal", subject=person(2))
    async with audit_log(own_database.url, clock=lambda: NOW) as log:
        first = await log.intent(intent())
        await log.intent(intent(grant=SelfAccess(citizen, person(2)), subject=person(2)))
        await log.outcome(first, outcome())
        await log.denial(Denial(EventKind.CHECK, OFFICER, QUERY, ("NOT_MANDATED",), person()))
        log.public_read(["E-SC-01"])
        await log.flush()
        answered, denied, unanswered = await _all(log)
    assert answered == Operation(
        index=0,
        at=NOW,
        result="PERMIT",
        codes=(),
        kind="CHECK",
        subject=answered.subject,
        organization=OFFICER.organization,
        organization_name="示例县人力资源和社会保障局",
        client="hr-approval",
        operator="op-0087",
        basis="STATUTORY",
        scenario="S02",
        legal_basis="M-HR-01",
        case_no="ZC-2026-0001",
        purpose="职称评审",
        fields={"P-FY-01": ["caseNo", "court"]},
        returned=2,
    )
    assert answered.subject
    assert answered.subject.startswith("hm_")
    assert (denied.index, denied.result, denied.codes, denied.basis) == (3, "DENY", ("NOT_MANDATED",), None)
    assert (unanswered.index, unanswered.result, unanswered.basis) == (1, UNANSWERED, "SELF")


async def test_each_filter_narrows(sqlite: Database) -> None:
    other = Actor(ActorKind.OFFICER, "tax", organization=entity("11", 2).value, operator="op-1")
    async with audit_log(sqlite.url, clock=lambda: NOW) as log:
        await log.outcome(await log.intent(intent()), outcome())
        await log.denial(Denial(EventKind.CHECK, other, QUERY, ("NOT_MANDATED",), person(2)))
        found = await _all(log)
    today, day = NOW.date(), timedelta(days=1)
    for wanted, expected in (
        (Wanted(), [0, 2]),
        (Wanted(organization=OFFICER.organization), [0]),
        (Wanted(organization=other.organization), [2]),
        (Wanted(scenario="S02"), [0]),
        (Wanted(scenario="S99"), []),
        (Wanted(subject=found[1].subject), [2]),
        (Wanted(result="DENY"), [2]),
        (Wanted(since=today, until=today), [0, 2]),
        (Wanted(since=today + day), []),
        (Wanted(until=today - day), []),
        (Wanted(since=date(2000, 1, 1), organization=other.organization, result="PERMIT"), []),
    ):
        assert [each.index for each in found if wanted.matches(each)] == expected, wanted
