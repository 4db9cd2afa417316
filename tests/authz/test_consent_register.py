"""What may be asked for, agreed to and taken back, by whom, in which state."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from stdnum.iso7064 import mod_11_2

from authz.actors import Actor, ActorKind
from authz.consent.artefact import Confirmation, Item, Terms
from authz.consent.representation import Caller
from authz.consent.rules import Code, ConsentRefused, check_terms
from authz.consent.states import ENDING, TRANSITIONS, Act, State, state_at
from authz.errors import AccessDenied
from authz.keys import KeyRing, Purpose, generate_keys
from authz.review.terms import AskingTerms
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.loader import load_catalogue
from tests.support.authz_parties import NOW, demo_keys, entity, person
from tests.support.consents import BANK, CONFIRMED, QUERY, TWELVE, Bench, bench, citizen, terms
from tests.support.databases import Database


@pytest.fixture
async def found(sqlite: Database):
    async with bench(sqlite.url) as opened:
        yield opened


async def refusal(awaited) -> Code:
    with pytest.raises(ConsentRefused) as refused:
        await awaited
    return refused.value.code


def purpose(**changes: object) -> dict[str, object]:
    return {"purpose": terms()["purpose"] | changes}


def details(**changes: object) -> dict[str, object]:
    return {"authorization_details": [terms()["authorization_details"][0] | changes]}


@pytest.mark.parametrize(
    ("changes", "days", "code"),
    [
        (purpose(scenario_code="S04"), 7, Code.SCENARIO),
        (purpose(scenario_code="S99"), 7, Code.SCENARIO),
        (purpose(text="太短"), 7, Code.SHAPE),
        (purpose(text="请联系 13800138000 办理贷款审查"), 7, Code.WORDING),
        (purpose(case_no="LN-990101198001010014"), 7, Code.WORDING),
        (details(record_type="P-GA-02"), 7, Code.RECORD_TYPE),
        (details(record_type="P-RH-01", level="BOOLEAN", named=[]), 7, Code.RECORD_TYPE),
        (details(record_type="E-FY-01", named=["caseNo"]), 7, Code.RECORD_TYPE),
        (details(record_type="P-XX-99"), 7, Code.RECORD_TYPE),
        (details(named=["citizenId"]), 7, Code.FIELD),
        (details(named=["court", "court"]), 7, Code.FIELD),
        (details(named=["*"]), 7, Code.SHAPE),
        (details(named=[]), 7, Code.LEVEL),
        (details(level="BOOLEAN"), 7, Code.LEVEL),
        (details(level="STORE"), 7, Code.SHAPE),
        (details(since="2026-01-02", until="2026-01-01"), 7, Code.PERIOD),
        ({"authorization_details": []}, 7, Code.SHAPE),
        ({"max_uses": 2}, 7, Code.SHAPE),
        ({"onward_transfer": "ALLOWED"}, 7, Code.SHAPE),
        ({"data_life": {"unit": "DAY", "value": 91}}, 7, Code.LIMIT),
        ({"data_life": {"unit": "MONTH", "value": 4}}, 7, Code.LIMIT),
        ({}, 366, Code.LIMIT),
        ({}, 0, Code.SHAPE),
    ],
    ids=str,
)
async def test_what_may_not_be_asked(found: Bench, changes, days, code):
    assert await refusal(found.asked(days=days, **changes)) is code


def test_the_shipped_scenario_allows_one_use_within_thirty_days():
    shipped = load_catalogue()
    check_terms(Terms.model_validate(terms()), 30, shipped, SubjectKind.NATURAL_PERSON)
    for changed, days in ((terms(), 31), (terms(**TWELVE), 7)):
        with pytest.raises(ConsentRefused) as refused:
            check_terms(Terms.model_validate(changed), days, shipped, SubjectKind.NATURAL_PERSON)
        assert refused.value.code is Code.LIMIT


async def test_only_a_partner_asks_and_only_persons_and_enterprises(found: Bench):
    for kind in set(ActorKind) - {ActorKind.PARTNER}:
        with pytest.raises(AccessDenied):
            await found.register.request(Caller(Actor(kind, "sample-bank"), QUERY), terms(), 7, person())
    assert await refusal(found.asked(entity("51"))) is Code.SUBJECT_KIND


async def test_agreeing_needs_the_person_a_strong_login_and_the_notice(found: Bench):
    record = await found.asked()
    choice = found.choice(record)
    for actor, code in (
        (BANK, "NOT_A_PERSON"),
        (Actor(ActorKind.OFFICER, "hr", operator="op"), "NOT_A_PERSON"),
        (citizen(person(), step_up=False), "STEP_UP_REQUIRED"),
    ):
        with pytest.raises(AccessDenied) as denied:
            await found.register.give(Caller(actor, QUERY), record.id, choice)
        assert denied.value.code == code
    other = Caller(citizen(person(2)), QUERY)
    assert await refusal(found.register.give(other, record.id, choice)) is Code.UNKNOWN
    me = Caller(citizen(person()), QUERY)
    wrong = replace(choice, notice_sha256="0" * 64)
    assert await refusal(found.register.give(me, record.id, wrong)) is Code.NOTICE
    assert (await found.register.find(BANK, record.id)).stored_state is State.REQUESTED


@pytest.mark.parametrize("missing", sorted(CONFIRMED))
async def test_every_confirmation_counts(found: Bench, missing: Confirmation):
    record = await found.asked()
    choice = found.choice(record, confirmed=CONFIRMED - {missing})
    me = Caller(citizen(person()), QUERY)
    assert await refusal(found.register.give(me, record.id, choice)) is Code.CONFIRMATION


async def test_sensitive_data_takes_a_confirmation_of_its_own(found: Bench):
    record = await found.asked(**details(record_type="P-JY-03", named=["contractState"]))
    me = Caller(citizen(person()), QUERY)
    assert "单独同意" in found.register.notice(record).text
    assert await refusal(found.register.give(me, record.id, found.choice(record))) is Code.CONFIRMATION
    choice = found.choice(record, confirmed=CONFIRMED | {Confirmation.SENSITIVE})
    assert (await found.register.give(me, record.id, choice)).stored_state is State.ACTIVE


def ticked(**changes: object) -> tuple[Item, ...]:
    raw = {"record_type": "P-FY-01", "named": ["court"], "level": "MASKED"} | changes
    return (Item.model_validate(raw),)


LIMITED = details(since="2026-01-01", until="2026-12-31", natures=["SERIOUS"])
WINDOW = {"since": "2026-01-01", "until": "2026-12-31", "natures": ["SERIOUS"]}


@pytest.mark.parametrize(
    ("items", "fits"),
    [
        (ticked(**WINDOW), True),
        (ticked(**WINDOW | {"since": "2026-02-01"}), True),
        (ticked(**WINDOW | {"level": "BOOLEAN", "named": []}), True),
        (ticked(**WINDOW | {"named": ["court", "performance"]}), False),
        (ticked(**WINDOW | {"level": "FULL"}), False),
        (ticked(**WINDOW | {"since": None}), False),
        (ticked(**WINDOW | {"until": "2027-01-01"}), False),
        (ticked(**WINDOW | {"natures": None}), False),
        (ticked(**WINDOW | {"natures": ["SERIOUS", "GENERAL"]}), False),
        (ticked(**WINDOW | {"record_type": "P-SW-01", "named": ["caseNo"]}), False),
    ],
)
async def test_less_may_be_agreed_to_and_never_more(found: Bench, items, fits):
    record = await found.asked(**LIMITED)
    giving = found.register.give(
        Caller(citizen(person()), QUERY), record.id, found.choice(record, items=items)
    )
    if fits:
        assert (await giving).artefact.authorization_details == items
    else:
        assert await refusal(giving) is Code.WIDENED


async def test_a_child_cannot_agree_alone(found: Bench):
    body = "99010120150101001"
    child = SubjectKey.person(body + mod_11_2.calc_check_digit(body))
    record = await found.asked(child)
    giving = found.register.give(Caller(citizen(child), QUERY), record.id, found.choice(record))
    assert await refusal(giving) is Code.GUARDIAN


async def test_widening_makes_a_child_and_leaves_the_parent_as_it_is(found: Bench):
    parent = await found.given()
    before = parent.payload
    wider = await found.asked(parent_consent_id=parent.id)
    child = await found.register.give(Caller(citizen(person()), QUERY), wider.id, found.choice(wider))
    assert child.artefact.parent_consent_id == parent.id
    assert (await found.register.find(BANK, parent.id)).payload == before
    of_another = await found.given(person(2))
    assert await refusal(found.asked(parent_consent_id=of_another.id)) is Code.PARENT
    assert await refusal(found.asked(parent_consent_id="ca_" + "p" * 32)) is Code.PARENT


ACTS = {Act.REJECTED, Act.PAUSED, Act.RESUMED, Act.REVOKED}
HISTORY = {
    State.REQUESTED: (),
    State.REJECTED: (Act.REJECTED,),
    State.ACTIVE: (Act.GIVEN,),
    State.PAUSED: (Act.GIVEN, Act.PAUSED),
    State.REVOKED: (Act.GIVEN, Act.REVOKED),
    State.USED_UP: (Act.GIVEN, Act.USED_UP),
}


async def reached(found: Bench, state: State):
    record, me = await found.asked(), Caller(citizen(person()), QUERY)
    for act in HISTORY[state]:
        if act is Act.GIVEN:
            record = await found.register.give(me, record.id, found.choice(record))
        elif act is Act.USED_UP:
            await found.use_once(record)
            record = await found.register.find(BANK, record.id)
        else:
            record = await found.register.change(me, record.id, act)
    return record


@pytest.mark.parametrize("state", HISTORY)
@pytest.mark.parametrize("act", sorted(ACTS))
async def test_each_act_leads_on_from_its_states_and_from_no_other(found: Bench, state: State, act: Act):
    record = await reached(found, state)
    changing = found.register.change(Caller(citizen(person()), QUERY), record.id, act)
    if state in TRANSITIONS[act].sources:
        changed = await changing
        assert changed.stored_state is TRANSITIONS[act].target
        assert [event.act for event in changed.events][-1] is act
    else:
        assert await refusal(changing) is Code.STATE
        after = await found.register.find(BANK, record.id)
        assert (after.stored_state, len(after.events)) == (state, 1 + len(HISTORY[state]))


async def test_time_ends_what_is_open_and_nothing_else(found: Bench):
    for state in HISTORY:
        record = await reached(found, state)
        later = found.clock.now + timedelta(days=8)
        assert record.state(later) is (State.EXPIRED if state in ENDING else state)
    assert state_at(State.ACTIVE, NOW, NOW) is State.EXPIRED


async def test_an_unanswered_request_cannot_be_given_later(found: Bench):
    record = await found.asked()
    found.clock.pass_by(days=7)
    giving = found.register.give(Caller(citizen(person()), QUERY), record.id, found.choice(record))
    assert await refusal(giving) is Code.STATE
    assert (await found.register.find(BANK, record.id)).history(found.clock.now)[-1].act is Act.EXPIRED


async def test_a_person_finds_what_was_agreed_to_under_older_keys(sqlite: Database):
    old, new = demo_keys(), generate_keys(demo=True)
    held = {each: {1: old.current(each).material, 2: new.current(each).material} for each in Purpose}
    both = KeyRing(held, demo=True)
    async with bench(sqlite.url, old) as found:
        before = await found.given(**TWELVE)
    async with bench(sqlite.url, both) as found:
        after = await found.given(parent_consent_id=before.id)
        listed = await found.register.of_person(person(), 9)
        assert {record.id for record in listed} == {before.id, after.id}
        await found.use_once(before)
        me = Caller(citizen(person()), QUERY)
        assert (await found.register.change(me, before.id, Act.REVOKED)).stored_state is State.REVOKED
    async with bench(sqlite.url, new) as found:
        assert await found.register.of_person(person(), 9) == []


async def test_nobody_is_worn_down_by_requests(own_database: Database):
    async with bench(own_database.url, asking=AskingTerms()) as found:
        asked = [found.asked() for _ in range(8)]
        results = await asyncio.gather(*asked, return_exceptions=True)
        waiting = [one for one in results if not isinstance(one, ConsentRefused)]
        assert len(waiting) == 3
        assert {one.code for one in results if isinstance(one, ConsentRefused)} == {Code.QUOTA}
        assert (await found.asked(person(2))).stored_state is State.REQUESTED, "another is asked freely"
        me = Caller(citizen(person()), QUERY)
        await found.register.change(me, waiting[0].id, Act.REJECTED)
        await found.asked()
        assert await refusal(found.asked()) is Code.QUOTA
        found.clock.pass_by(days=8)
        for _ in range(16):
            again = await found.asked()
            await found.register.change(me, again.id, Act.REJECTED)
        assert await refusal(found.asked()) is Code.QUOTA, "twenty in thirty days, answered or not"
        found.clock.pass_by(days=31)
        await found.asked()


async def test_two_acts_at_once_are_one_act(found: Bench):
    record, me = await found.given(), Caller(citizen(person()), QUERY)
    acts = [found.register.change(me, record.id, act) for act in (Act.REVOKED, Act.REVOKED, Act.REVOKED)]
    results = await asyncio.gather(*acts, return_exceptions=True)
    assert sum(isinstance(result, ConsentRefused) for result in results) == 2
    after = await found.register.find(BANK, record.id)
    assert [event.act for event in after.events] == [Act.REQUESTED, Act.GIVEN, Act.REVOKED]
