"""The register: what opens takes two persons, what closes takes one, and everybody knows of it at once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from authz.audit import settle
from authz.declarations import ReasonCode
from authz.errors import AccessDenied, AuditUnavailable, ConfigurationError
from authz.freshness import FRESH
from authz.grants import Statutory
from authz.mandate_entries import check_mandate, entry_bytes, mandate_entry
from authz.mandates import CaseClaim, MandateRegister
from authz.register.events import Act, Event, Item, Kind
from authz.register.standing import RegisterRefused, Standing, State
from tests.support.audit_logs import intent, outcome
from tests.support.databases import Database
from tests.support.policy_matrix import OFFICER
from tests.support.registers import CATALOGUE, ENTRY, WHEN, Office, office

MANDATE, S04 = Item(Kind.MANDATE, "M-HR-S04"), Item(Kind.SCENARIO, "S04")
FILED = MandateRegister(
    [check_mandate(mandate_entry(ENTRY | {"approvedBy": ["op-8", "op-9"]}, "-"), CATALOGUE)]
)
TODAY = WHEN.date()
WHY = "年度备案"


@pytest.fixture
async def one(own_database: Database) -> AsyncIterator[Office]:
    async with office(own_database.url) as running:
        yield running


@pytest.fixture
async def filed(own_database: Database) -> AsyncIterator[Office]:
    async with office(own_database.url, FILED) as running:
        yield running


def grant(register: MandateRegister, today: date = TODAY) -> Statutory:
    told = {"reason": ReasonCode.SUPERVISION, "no_conflict": True}
    return register.grant(OFFICER, CaseClaim("S04", "RSKS-2026-0001", "公务员招录", **told), today)


async def refused(work: Any) -> str:
    with pytest.raises((RegisterRefused, ConfigurationError)) as fault:
        await work
    return str(fault.value.code)


async def approved(running: Office) -> None:
    await running.register.propose(ENTRY, "op-0012", WHY)
    await running.register.approve("M-HR-S04", "op-0034", WHY)


async def test_a_mandate_opens_once_another_person_has_approved_it(one: Office) -> None:
    standing = await one.register.propose(ENTRY, "op-0012", WHY)
    assert (standing.state, standing.approved_by) == (State.PROPOSED, None)
    await one.live.current()
    with pytest.raises(AccessDenied, match="no mandate"):
        grant(await one.live.current())
    standing = await one.register.approve("M-HR-S04", "op-0034", WHY)
    assert (standing.state, standing.approved_by) == (State.RUNNING, ("op-0012", "op-0034"))
    one.timer.now += FRESH
    made = grant(await one.live.current())
    assert made.mandate == check_mandate(
        mandate_entry(ENTRY | {"approvedBy": ["op-0012", "op-0034"]}, "-"), CATALOGUE
    )


@pytest.mark.parametrize("again", ["op-0012", "OP-0012"])
async def test_an_approver_does_not_approve_himself(one: Office, again: str) -> None:
    await one.register.propose(ENTRY, "op-0012", WHY)
    before = await one.leaves()
    assert await refused(one.register.approve("M-HR-S04", again, WHY)) in ("TWO_PERSONS", "MANDATE_APPROVAL")
    assert (await one.register.standing(MANDATE)).state is State.PROPOSED
    assert await one.leaves() == before


@pytest.mark.parametrize("spelt", [str.lower, str.upper])
async def test_who_approved_a_mandate_may_not_use_it(one: Office, spelt: Callable[[str], str]) -> None:
    await one.register.propose(ENTRY, spelt(OFFICER.operator), WHY)
    await one.register.approve("M-HR-S04", "op-0034", WHY)
    with pytest.raises(AccessDenied, match="may not use it"):
        grant(await one.live.current())


async def test_every_act_is_a_leaf_that_names_who_why_and_what(one: Office) -> None:
    await approved(one)
    await one.register.stop(S04, "op-0056", "系统异常")
    digest = hashlib.sha256(entry_bytes(mandate_entry(ENTRY | {"approvedBy": ["a", "b"]}, "-"))).hexdigest()
    told = [
        (leaf["act"], leaf["target"], leaf["name"], leaf["agent"]["operatorRef"], leaf["entryDigest"])
        for leaf in await one.leaves()
    ]
    assert told == [
        ("PROPOSED", "MANDATE", "M-HR-S04", "op-0012", digest),
        ("APPROVED", "MANDATE", "M-HR-S04", "op-0034", None),
        ("STOPPED", "SCENARIO", "S04", "op-0056", None),
    ]
    assert [leaf["reason"] for leaf in await one.leaves()] == [WHY, WHY, "系统异常"]


@pytest.mark.parametrize("item", [MANDATE, S04], ids=["mandate", "scenario"])
async def test_one_person_stops_and_two_resume(filed: Office, item: Item) -> None:
    assert grant(await filed.live.current())
    await filed.register.stop(item, "op-1", "投诉核查")
    filed.timer.now += FRESH
    with pytest.raises(AccessDenied) as fault:
        grant(await filed.live.current())
    assert fault.value.code == "SCENARIO_STOPPED"
    assert (await filed.register.resume(item, "op-1", "核查完毕")).state is State.RESUMING
    filed.timer.now += FRESH
    with pytest.raises(AccessDenied):
        grant(await filed.live.current())
    assert await refused(filed.register.resume(item, "op-1", "核查完毕")) == "TWO_PERSONS"
    assert (await filed.register.resume(item, "op-2", "核查完毕")).state is State.RUNNING
    filed.timer.now += FRESH
    assert grant(await filed.live.current())


async def test_a_stop_ends_what_was_asked_so_that_two_new_persons_are_needed(filed: Office) -> None:
    for act, who in (("stop", "op-1"), ("resume", "op-2"), ("stop", "op-3")):
        await getattr(filed.register, act)(S04, who, WHY)
    assert (await filed.register.resume(S04, "op-3", WHY)).state is State.RESUMING


async def test_a_scenario_stops_every_mandate_of_it_and_no_other(filed: Office) -> None:
    await filed.register.stop(Item(Kind.SCENARIO, "S05"), "op-1", WHY)
    assert grant(await filed.live.current())


async def test_another_process_knows_within_a_quarter_of_a_second(own_database: Database) -> None:
    async with office(own_database.url, FILED) as stopping, office(own_database.url, FILED) as reading:
        held = grant(await reading.live.current())
        await stopping.register.stop(S04, "op-1", WHY)
        reading.timer.now += FRESH * 0.9
        assert grant(await reading.live.current()), "the look still holds"
        (stopped,) = await reading.store.write(partial(settle, events=[[reading.live.running(held)]]))
        assert stopped.code == "SCENARIO_STOPPED"
        reading.timer.now += FRESH
        with pytest.raises(AccessDenied, match="stopped"):
            grant(await reading.live.current())


async def test_a_process_that_cannot_look_denies(own_database: Database) -> None:
    async with office(own_database.url, FILED) as running:
        held = grant(await running.live.current())
        await own_database.execute("ALTER TABLE register_event RENAME TO taken_away")
        with pytest.raises(AuditUnavailable):
            await running.audit.outcome(
                await running.audit.intent(intent(grant=held)), outcome(), running.live.running(held)
            )
        running.timer.now += FRESH
        with pytest.raises(AuditUnavailable):
            await running.live.current()
        with pytest.raises(AuditUnavailable):
            await running.register.standings()


async def test_of_two_who_act_at_once_one_acts(own_database: Database) -> None:
    async with office(own_database.url) as first, office(own_database.url) as second:
        await first.register.propose(ENTRY, "op-0012", WHY)
        acts = (
            first.register.approve("M-HR-S04", "op-1", WHY),
            second.register.approve("M-HR-S04", "op-2", WHY),
        )
        done = await asyncio.gather(*acts, return_exceptions=True)
        codes = [one.code for one in done if isinstance(one, RegisterRefused)]
        assert codes == ["REGISTER_STATE"]
        assert len(await first.leaves()) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"validUntil": date(2028, 1, 2)}, "MANDATE_PERIOD"),
        ({"validFrom": date(2025, 1, 1), "validUntil": date(2026, 5, 31)}, "MANDATE_PERIOD"),
        ({"scenario": "S99"}, "MANDATE_SCENARIO"),
        ({"scenario": "S17"}, "MANDATE_BASIS"),
        ({"recordTypes": {"P-GA-02": None}}, "MANDATE_TYPE"),
        ({"recordTypes": {}}, "MANDATE_SHAPE"),
        ({"recordTypes": {"P-FY-01": []}}, "MANDATE_FIELD"),
        ({"legalBasis": []}, "MANDATE_SHAPE"),
        ({"authority": "nobody"}, "MANDATE_AUTHORITY"),
        ({"casePattern": r"\d+[Xx]?"}, "MANDATE_CASE_PATTERN"),
        ({"approvedBy": ["op-1", "op-2"]}, "MANDATE_APPROVAL"),
        ({"stopped": True}, "MANDATE_APPROVAL"),
        ({"everything": True}, "MANDATE_SHAPE"),
    ],
)
async def test_what_may_not_be_registered_is_not_even_proposed(
    one: Office, changes: dict[str, Any], code: str
) -> None:
    assert await refused(one.register.propose(ENTRY | changes, "op-0012", WHY)) == code
    assert await one.leaves() == []


@pytest.mark.parametrize(
    ("party", "reason", "code"),
    [
        ("", WHY, "OPERATOR_INVALID"),
        ("张 三", WHY, "OPERATOR_INVALID"),
        ("990101198001010014", WHY, "OPERATOR_INVALID"),
        ("op-1", " ", "REASON_REQUIRED"),
        ("op-1", "x" * 301, "REASON_REQUIRED"),
        ("op-1", "a\nb", "REASON_REQUIRED"),
        ("op-1", "查 990101198001010014", "PERSONAL_LITERAL"),
    ],
)
async def test_an_act_names_a_person_and_a_reason(one: Office, party: str, reason: str, code: str) -> None:
    assert await refused(one.register.stop(S04, party, reason)) == code
    assert await one.leaves() == []


async def test_what_is_not_there_or_does_not_follow_is_refused(filed: Office) -> None:
    register = filed.register
    assert await refused(register.stop(Item(Kind.MANDATE, "M-X"), "op-1", WHY)) == "MANDATE_UNKNOWN"
    assert await refused(register.stop(Item(Kind.SCENARIO, "S99"), "op-1", WHY)) == "SCENARIO_UNKNOWN"
    assert await refused(register.approve("M-HR-S04", "op-1", WHY)) == "REGISTER_STATE"
    assert await refused(register.resume(S04, "op-1", WHY)) == "REGISTER_STATE"
    assert await refused(register.propose(ENTRY, "op-1", WHY)) == "MANDATE_DUPLICATE"
    assert await filed.leaves() == []


async def test_a_proposal_that_is_withdrawn_never_opens(one: Office) -> None:
    await one.register.propose(ENTRY, "op-0012", WHY)
    assert (await one.register.stop(MANDATE, "op-0012", "填写有误")).state is State.WITHDRAWN
    assert await refused(one.register.approve("M-HR-S04", "op-0034", WHY)) == "REGISTER_STATE"
    assert await refused(one.register.resume(MANDATE, "op-0034", WHY)) == "REGISTER_STATE"
    assert await refused(one.register.propose(ENTRY, "op-0012", WHY)) == "REGISTER_STATE"


async def test_a_mandate_stops_by_itself_on_its_last_day(one: Office) -> None:
    await approved(one)
    register = await one.live.current()
    last = ENTRY["validUntil"]
    assert grant(register, last)
    with pytest.raises(AccessDenied) as fault:
        grant(register, last + timedelta(days=1))
    assert fault.value.code == "MANDATE_EXPIRED"


async def test_what_the_catalogue_no_longer_allows_opens_nothing_and_stops_nobody_else(
    own_database: Database,
) -> None:
    async with office(own_database.url) as running:
        await approved(running)
        await running.register.propose(ENTRY | {"id": "M-TWO"}, "op-0012", WHY)
        await running.register.approve("M-TWO", "op-0034", WHY)
        await own_database.execute(*_loosened(own_database.engine))
        assert [mandate.id for mandate in (await running.live.current()).mandates] == ["M-TWO"]


def _loosened(engine: str) -> list[str]:
    """Somebody writes into the store, past its triggers: a mandate for a type that does not bear on S04."""
    where = " ON register_event" if engine == "postgresql" else ""
    replaced = (
        "convert_to(replace(convert_from(entry, 'UTF8'), 'P-RS-02', 'P-GA-02'), 'UTF8')"
        if engine == "postgresql"
        else "CAST(replace(CAST(entry AS TEXT), 'P-RS-02', 'P-GA-02') AS BLOB)"
    )
    return [
        f"DROP TRIGGER register_event_no_update{where}",
        f"UPDATE register_event SET entry = {replaced} WHERE number = 1",
    ]


async def test_the_rows_of_the_register_only_grow(own_database: Database) -> None:
    async with office(own_database.url) as running:
        await running.register.stop(S04, "op-1", WHY)
    for statement in ("UPDATE register_event SET act = 'RESUMED'", "DELETE FROM register_event"):
        with pytest.raises(Exception, match="append-only"):
            await own_database.execute(statement)


async def test_a_mandate_of_the_file_and_of_the_register_is_the_files(own_database: Database) -> None:
    async with office(own_database.url) as before:
        await approved(before)
    async with office(own_database.url, FILED) as after:
        (mandate,) = (await after.live.current()).mandates
        assert mandate.approved_by == ("op-8", "op-9")


def test_only_what_may_follow_follows() -> None:
    """Every act on every state, against the drawing on top of `authz.register.standing`."""
    follows = {
        None: {Act.PROPOSED},
        State.PROPOSED: {Act.APPROVED, Act.WITHDRAWN},
        State.WITHDRAWN: set(),
        State.RUNNING: {Act.STOPPED},
        State.STOPPED: {Act.RESUME_ASKED},
        State.RESUMING: {Act.RESUMED, Act.STOPPED},
    }
    before = Event(MANDATE, Act.PROPOSED, "op-1", WHY, WHEN)
    for state, allowed in follows.items():
        for act in Act:
            event = Event(MANDATE, act, "op-2", WHY, WHEN)
            standing = Standing(MANDATE, state, (before,))
            if act in allowed:
                standing.after(event)
                continue
            with pytest.raises(RegisterRefused):
                standing.after(event)
