"""Terms in working days by the locality, and who is reminded of what, by clock travel."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime
from functools import partial

import pytest

from authz.audit import EventKind, Intent, Outcome, ReadResult, Result
from authz.audit.events import SourceStatus
from authz.cases.clocks import Stage, Terms, due_on, extendable, stage
from authz.cases.clockwork import CaseClock
from authz.cases.refusals import CaseRefused, Code
from authz.cases.states import Act, Kind, Reason, State
from authz.outbox import OFFICE, NoticeKind, Recipient, RecipientKind
from catalogue.loader import load_catalogue
from catalogue.model import Clocks, ObjectionClock
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import GRANT, QUERY, READ
from tests.support.authz_parties import demo_keys, person
from tests.support.case_parties import DEBT, STEWARD, Hall, hall
from tests.support.case_parties import OFFICE as OFFICER
from tests.support.consents import Clock
from tests.support.databases import Database
from tests.support.processes import eventually

CATALOGUE = load_catalogue()
DEFAULT = CATALOGUE.localities["default"]
LOCAL = DEFAULT.objection
FRIDAY = date(2026, 9, 18)
"""The week after holds a working Sunday (20th) and the Mid-Autumn holiday (25th to 27th)."""
COURT = Recipient(RecipientKind.DEPARTMENT, "FY")


def looking(found: Hall, terms: Terms = lambda _: LOCAL) -> CaseClock:
    return CaseClock(found.store, found.audit, found.desk, terms, clock=found.clock)


@pytest.mark.parametrize(
    ("kind", "extended", "due"),
    [
        (Kind.OBJECTION, False, date(2026, 9, 24)),
        (Kind.OBJECTION, True, date(2026, 10, 22)),
        (Kind.REPAIR, False, date(2026, 10, 9)),
        (Kind.COMPLAINT, False, date(2026, 10, 18)),
        (Kind.STATEMENT, False, None),
    ],
)
def test_terms_run_by_working_days_and_public_holidays(kind: Kind, extended: bool, due: date | None):
    assert due_on(kind, FRIDAY, LOCAL, extended=extended) == due


def test_the_locality_s_own_days_are_counted():
    quick = ObjectionClock(decide_within=3, extend_to=7)
    assert due_on(Kind.OBJECTION, date(2026, 11, 2), quick) == date(2026, 11, 5)
    assert due_on(Kind.OBJECTION, date(2026, 11, 2), quick, extended=True) == date(2026, 11, 11)


@pytest.mark.parametrize(
    ("kind", "state", "day", "stands"),
    [
        (Kind.OBJECTION, State.OPEN, date(2026, 11, 5), Stage.RUNNING),
        (Kind.OBJECTION, State.TAKEN, date(2026, 11, 6), Stage.NEARLY_DUE),
        (Kind.OBJECTION, State.TAKEN, date(2026, 11, 9), Stage.NEARLY_DUE),
        (Kind.OBJECTION, State.TAKEN, date(2026, 11, 10), Stage.OVERDUE),
        (Kind.OBJECTION, State.UPHELD, date(2027, 11, 10), Stage.RUNNING),
        (Kind.REPAIR, State.OPEN, date(2026, 11, 4), Stage.RUNNING),
        (Kind.REPAIR, State.OPEN, date(2026, 11, 5), Stage.NEARLY_DUE),
        (Kind.REPAIR, State.TAKEN, date(2026, 11, 5), Stage.RUNNING),
        (Kind.REPAIR, State.TAKEN, date(2026, 11, 13), Stage.NEARLY_DUE),
        (Kind.REPAIR, State.TAKEN, date(2026, 11, 17), Stage.OVERDUE),
        (Kind.COMPLAINT, State.OPEN, date(2026, 11, 25), Stage.NEARLY_DUE),
        (Kind.COMPLAINT, State.OPEN, date(2026, 12, 3), Stage.OVERDUE),
        (Kind.STATEMENT, State.STANDING, date(2036, 1, 1), Stage.RUNNING),
    ],
)
def test_how_a_case_stands_to_its_clock(kind: Kind, state: State, day: date, stands: Stage):
    assert stage(kind, state, date(2026, 11, 2), day, LOCAL) is stands


async def test_reminded_then_escalated_once_each_however_many_look(own_database: Database):
    keys, clock = demo_keys(), Clock(datetime(2026, 11, 2, 9, tzinfo=CHINA_TIME))
    async with hall(own_database.url, keys, clock) as here, hall(own_database.url, keys, clock) as there:
        case = await here.filed()
        assert await looking(here).look() == []
        clock.pass_by(days=4)
        both = await asyncio.gather(looking(here).look(), looking(there).look())
        assert sorted(map(len, both)) == [0, 1]
        assert await looking(here).look() == []
        clock.pass_by(days=4)
        assert await looking(there).look() == [(case.id, Act.ESCALATED)]
        assert await looking(here).look() == []
        kinds = [(one.kind, one.pointer) for one in await here.told(COURT)]
        told = (NoticeKind.CASE_FILED, NoticeKind.CASE_DUE, NoticeKind.CASE_OVERDUE)
        assert kinds == [(kind, case.id) for kind in told]
        assert [one.kind for one in await here.told(OFFICE)] == [NoticeKind.CASE_OVERDUE]
        found = await here.desk.find(OFFICER, case.id)
        assert found is not None
        assert [event.act for event in found.events] == [Act.FILED, Act.REMINDED, Act.ESCALATED]
        assert found.state is State.OPEN


def test_the_law_of_a_record_type_goes_before_that_of_the_place():
    court = CATALOGUE.objection_clock("P-FY-01", DEFAULT)
    assert due_on(Kind.OBJECTION, FRIDAY, court) == date(2026, 10, 3), "fifteen days, whatever day it is"
    assert not extendable(Kind.OBJECTION, court)
    assert CATALOGUE.objection_clock("P-FG-03", DEFAULT) == LOCAL
    here = DEFAULT.model_copy(
        update={"clocks": {"P-FY-01": Clocks(objection=ObjectionClock(decide_within=3))}}
    )
    assert CATALOGUE.objection_clock("P-FY-01", here).decide_within == 3
    assert CATALOGUE.objection_clock(None, DEFAULT) == LOCAL, "a complaint is about no record"


async def test_a_court_is_reminded_by_its_own_term_and_has_no_longer_one(own_database: Database):
    clock = Clock(datetime(2026, 11, 2, 9, tzinfo=CHINA_TIME))
    terms = partial(CATALOGUE.objection_clock, locality=DEFAULT)
    async with hall(own_database.url, clock=clock, terms=terms) as here:
        case = await here.filed()
        elsewhere = await here.filed(target=replace(DEBT, identity="2", record_type="P-FG-03", document=None))
        clock.pass_by(days=8)
        assert await looking(here, terms).look() == [(elsewhere.id, Act.ESCALATED)]
        await here.desk.take(STEWARD, QUERY, case.id)
        with pytest.raises(CaseRefused) as refusal:
            await here.desk.extend(replace(STEWARD, operator="op-0202"), QUERY, case.id, "须调取原件。")
        assert refusal.value.reason is Code.NO_LONGER_TERM
        clock.pass_by(days=8)
        assert await looking(here, terms).look() == [(case.id, Act.ESCALATED)]


async def test_a_longer_term_is_reminded_of_anew(own_database: Database):
    clock = Clock(datetime(2026, 11, 2, 9, tzinfo=CHINA_TIME))
    async with hall(own_database.url, clock=clock) as here:
        case = await here.filed()
        await here.desk.take(STEWARD, QUERY, case.id)
        clock.pass_by(days=4)
        assert await looking(here).look() == [(case.id, Act.REMINDED)]
        await here.desk.extend(replace(STEWARD, operator="op-0202"), QUERY, case.id, "须调取原件。")
        assert await looking(here).look() == []
        clock.pass_by(days=21)
        assert await looking(here).look() == [(case.id, Act.REMINDED)]


async def test_a_running_process_reminds_by_itself(own_database: Database):
    clock = Clock(datetime(2026, 11, 2, 9, tzinfo=CHINA_TIME))
    async with hall(own_database.url, clock=clock) as here:
        await here.filed()
        clock.pass_by(days=30)
        async with looking(here):

            async def told() -> bool:
                return bool(await here.told(OFFICE))

            await eventually(told)


async def test_a_read_under_way_at_the_correction_is_told_later(own_database: Database):
    async with hall(own_database.url) as here:
        case = await here.filed()
        given = ReadResult("P-FY-01", "FY", "court", SourceStatus.OK, ("1",))
        ref = await here.audit.intent(Intent(EventKind.READ, GRANT, QUERY, (READ,), person()))
        await here.decided(case, Act.CORRECTED)
        reader = Recipient(RecipientKind.CLIENT, "hr-approval")
        assert await here.told(reader) == []
        await here.audit.outcome(ref, Outcome(Result.PERMIT, (given,)))
        await looking(here).look()
        await looking(here).look()
        (told,) = await here.told(reader)
        own = here.references.record_ref("court", "P-FY-01", "1", "hr-approval")
        assert (told.kind, told.pointer) == (NoticeKind.RECORD_CORRECTED, own)
        assert case.reason is Reason.FACT_WRONG
