"""Cases in the store: who may, what the overlay then says in every process, and what is kept of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from authz.actors import Actor
from authz.cases.refusals import CaseRefused, Code
from authz.cases.register import MOST_IN_A_DAY, Filing
from authz.cases.states import Act, Effect, Kind, Reason, Remedy, State
from authz.consent.artefact import Capacity
from authz.errors import AuditUnavailable
from authz.grants import Channel
from authz.keys import KeyRing, Purpose, generate_keys
from catalogue.identifiers import SubjectKey
from catalogue.model import Role
from catalogue.values import PartialDate
from tests.support.audit_logs import intent
from tests.support.authz_parties import demo_keys, entity, person
from tests.support.case_parties import DEBT, OBJECTION, OFFICE, STEWARD, Hall, hall
from tests.support.consents import QUERY
from tests.support.databases import Database

REPAIR = Filing(Kind.REPAIR, Reason.DUTY_PERFORMED, "已履行。", ("结案证明",))
WORDS = "款项因银行系统故障迟到两天，已补缴。"
STATEMENT = Filing(Kind.STATEMENT, Reason.OWN_WORDS, WORDS)


async def effects(hall: Hall, who: SubjectKey | None = None, identity: str = "1") -> list[Effect]:
    """What stands on the debt, as the hall's process knows it."""
    marks = (await hall.overlay.current()).of(who or person())
    return [] if marks is None else [one.effect for one in marks.on("court", "P-FY-01", identity, None)]


async def refusal(coroutine: object) -> Code:
    with pytest.raises(CaseRefused) as refused:
        await coroutine  # type: ignore[misc]
    return refused.value.reason


async def test_every_process_knows_of_a_change_at_its_next_read(own_database: Database):
    keys = demo_keys()
    async with hall(own_database.url, keys) as here, hall(own_database.url, keys) as there:
        assert await effects(there) == []
        case = await here.filed()
        assert await effects(there) == await effects(here) == [Effect.DISPUTED]
        assert await effects(there, identity="2") == []
        assert await effects(there, person(2)) == []
        await there.decided(case, Act.UPHELD)
        assert await effects(there) == await effects(here) == []
        repair = await here.filed(REPAIR)
        assert await effects(there) == [Effect.APPLIED]
        await here.decided(repair, Act.REPAIRED)
        assert await effects(there) == [Effect.REPAIRED]
    async with hall(own_database.url, keys) as later:
        assert await effects(later) == [Effect.REPAIRED], "a new process knows it too"


async def test_an_intent_brings_along_what_stands_when_it_is_written(own_database: Database):
    keys = demo_keys()
    async with hall(own_database.url, keys) as here, hall(own_database.url, keys) as there:
        before, after = there.overlay.looking(), there.overlay.looking()
        await there.audit.intent(intent(1), before)
        await here.filed()
        await there.audit.intent(intent(1), after)
        assert before.standing is not None
        assert before.standing.of(person()) is None
        assert after.standing is not None
        marks = after.standing.of(person())
        assert marks is not None
        assert [one.effect for one in marks.marks] == [Effect.DISPUTED]
        assert await effects(there) == [Effect.DISPUTED]


async def test_a_store_that_does_not_answer_means_no_answer(tmp_path):
    async with hall(f"sqlite:///{tmp_path}/own.db") as here:
        await here.filed()
        assert await effects(here) == [Effect.DISPUTED]
        (tmp_path / "own.db").rename(tmp_path / "away.db")
        with pytest.raises(AuditUnavailable):
            await here.overlay.current()


async def test_the_same_decision_is_recognized_in_another_source(own_database: Database):
    async with hall(own_database.url) as here:
        await here.filed()
        marks = (await here.overlay.current()).of(person())
        assert marks is not None
        assert marks.by_document
        spelt_otherwise = ("(2026) 测01号", "测试区人民法院 ")
        assert marks.on("platform", "P-FG-03", "a9", spelt_otherwise)
        assert not marks.on("platform", "P-FG-03", "a9", ("〔2026〕测02号", "测试区人民法院"))
        assert not marks.on("platform", "P-FG-03", "a9", ("〔2026〕测01号", "另一法院"))
        assert not marks.on("platform", "P-FG-03", "a9", ("〔2026〕测01号", " "))
        assert not marks.on("platform", "P-FG-03", "a9", None)
        others = replace(marks, numbers=[person(2)])
        assert not others.on("platform", "P-FG-03", "a9", spelt_otherwise), "one decision may name several"
        assert others.on("court", "P-FY-01", "1", None), "the very record needs no number of a decision"


@pytest.mark.parametrize("document", [None, ("〔2026〕测01号", "——"), ("", "测试区人民法院")])
async def test_a_decision_without_number_or_authority_is_recognized_nowhere_else(
    own_database: Database, document: tuple[str, str] | None
):
    async with hall(own_database.url) as here:
        await here.filed(target=replace(DEBT, document=document))
        marks = (await here.overlay.current()).of(person())
        assert marks is not None
        assert not marks.by_document
        assert marks.on("court", "P-FY-01", "1", document)
        assert not marks.on("platform", "P-FG-03", "a9", document)


async def test_marks_hold_when_keys_have_been_rotated(own_database: Database):
    first, second = demo_keys(), generate_keys(demo=True)
    both = KeyRing(
        {
            purpose: {1: first.current(purpose).material, 2: second.current(purpose).material}
            for purpose in Purpose
        },
        demo=True,
    )
    async with hall(own_database.url, first) as before:
        await before.filed(STATEMENT)
    async with hall(own_database.url, both) as after:
        assert await effects(after) == [Effect.STATED]
        marks = (await after.overlay.current()).of(person())
        assert marks is not None
        told = marks.controls(marks.on("court", "P-FY-01", "1", None), {}, Channel.CHECK)
        assert told == {Role.STATEMENT: WORDS}


async def test_what_has_ended_at_the_source_is_not_opened_again(own_database: Database):
    async with hall(own_database.url) as here:
        case = await here.filed()
        marks = (await here.overlay.current()).of(person())
        assert marks is not None
        found = marks.on("court", "P-FY-01", "1", None)
        assert marks.controls(found, {Role.STATUS: "REVOKED"}, Channel.SELF) == {Role.STATUS: "REVOKED"}
        assert marks.controls(found, {Role.STATUS: "?"}, Channel.SELF) == {Role.STATUS: "?"}
        since = PartialDate(here.clock.now.date())
        marked = {Role.STATUS: "DISPUTED", Role.DISPUTED_ON: since}
        assert marks.controls(found, {}, Channel.CHECK) == marked
        assert marks.controls(found, {}, Channel.SELF) == marked | {Role.DISPUTE_CASE_NO: case.id}
        own = {Role.STATUS: "DISPUTED", Role.DISPUTED_ON: PartialDate(date(2026, 1, 2))}
        assert marks.controls(found, own, Channel.CHECK) == own


async def test_nothing_that_was_written_or_of_whom_is_readable_in_the_store(own_database: Database):
    async with hall(own_database.url) as here:
        case = await here.filed(evidence=("收据甲乙丙",))
        await here.filed(STATEMENT)
        await here.decided(case, Act.CORRECTED)
    tables = ("rights_case", "rights_case_event", "record_mark", "outbox", "audit_leaf")
    kept = [
        str(cell)
        for table in tables
        for row in await own_database.fetch(f"SELECT * FROM {table}")
        for cell in row
    ]
    raw = [
        bytes(cell)
        for table in tables
        for row in await own_database.fetch(f"SELECT * FROM {table}")
        for cell in row
        if isinstance(cell, bytes | memoryview)
    ]
    for secret in (WORDS, "款项", "收据", "经核查", person().value, "测01号"):
        assert not any(secret in cell for cell in kept), secret
        assert not any(secret.encode() in cell for cell in raw), secret


async def test_a_withdrawn_statement_is_kept_nowhere(own_database: Database):
    async with hall(own_database.url) as here:
        case = await here.filed(STATEMENT)
        assert here.register.content(case).text == WORDS
        assert await refusal(here.filed(STATEMENT)) is Code.ALREADY_OPEN
        gone = await here.register.withdraw(here.caller(), case.id)
        assert (gone.state, here.register.content(gone).text) == (State.WITHDRAWN, "")
        assert await effects(here) == []
        assert await own_database.fetch("SELECT words FROM record_mark WHERE words IS NOT NULL") == []
        await here.filed(STATEMENT)
        assert await effects(here) == [Effect.STATED]


async def test_two_who_object_or_decide_at_once_do_it_once(own_database: Database):
    keys = demo_keys()
    async with hall(own_database.url, keys) as here, hall(own_database.url, keys) as there:
        filed = await asyncio.gather(here.filed(), there.filed(), return_exceptions=True)
        (case,) = [one for one in filed if not isinstance(one, BaseException)]
        decided = await asyncio.gather(
            here.decided(case, Act.UPHELD), there.decided(case, Act.CORRECTED), return_exceptions=True
        )
        (lost,) = [one for one in decided if isinstance(one, CaseRefused)]
        assert lost.reason is Code.STATE


@pytest.mark.parametrize(
    ("filing", "code"),
    [
        (replace(OBJECTION, reason=Reason.DUTY_PERFORMED), Code.REASON),
        (replace(OBJECTION, text="字" * 501), Code.WORDS),
        (replace(OBJECTION, text="a\x00b"), Code.WORDS),
        (replace(OBJECTION, evidence=("x",) * 11), Code.WORDS),
        (replace(OBJECTION, evidence=("x" * 201,)), Code.WORDS),
        (replace(OBJECTION, evidence=(" ",)), Code.WORDS),
        (replace(STATEMENT, text=" "), Code.WORDS),
        (replace(REPAIR, evidence=()), Code.WORDS),
    ],
)
async def test_what_cannot_be_filed_leaves_nothing(own_database: Database, filing: Filing, code: Code):
    async with hall(own_database.url) as here:
        assert await refusal(here.filed(filing)) is code
        assert await own_database.fetch("SELECT * FROM rights_case") == []
        assert await effects(here) == []


async def test_only_what_tells_against_its_subject_is_repaired(own_database: Database):
    async with hall(own_database.url) as here:
        assert await refusal(here.filed(REPAIR, replace(DEBT, adverse=False))) is Code.NOT_ADVERSE


async def test_nobody_files_without_end(own_database: Database):
    async with hall(own_database.url) as here:
        for number in range(MOST_IN_A_DAY):
            await here.filed(target=replace(DEBT, identity=f"row {number}", document=None))
        assert await refusal(here.filed(target=replace(DEBT, identity="one more"))) is Code.QUOTA
        here.clock.pass_by(days=1)
        await here.filed(target=replace(DEBT, identity="one more", document=None))


async def test_nobody_decides_on_their_own_case(own_database: Database):
    async with hall(own_database.url) as here:
        case = await here.filed()
        own = replace(STEWARD, own_subject=person())
        assert await refusal(here.decided(case, Act.CORRECTED, own)) is Code.OWN_CASE
        assert await refusal(here.desk.take(own, QUERY, case.id)) is Code.OWN_CASE
        assert await refusal(here.decided(case, Act.CORRECTED, OFFICE)) is Code.CASE_UNKNOWN
        assert await effects(here) == [Effect.DISPUTED]


async def test_who_files_for_another_is_confirmed_and_does_not_decide(own_database: Database):
    async with hall(own_database.url) as here:
        caller = here.caller()
        with pytest.raises(CaseRefused):
            await here.register.right_of(caller, entity())
        with pytest.raises(CaseRefused):
            await here.register.right_of(caller, person(2))
        here.registered.known.add((Capacity.LEGAL_REPRESENTATIVE, entity(), person()))
        await here.register.right_of(caller, entity())
        case = await here.register.file(caller, entity(), OBJECTION, DEBT)
        assert await effects(here, entity()) == [Effect.DISPUTED]
        assert await effects(here) == []
        own: Actor = replace(STEWARD, own_subject=person())
        assert await refusal(here.decided(case, Act.UPHELD, own)) is Code.OWN_CASE
        assert [one.id for one in await here.register.of_person(person(), 9)] == [case.id]


async def test_a_longer_term_takes_a_second_person_once(own_database: Database):
    async with hall(own_database.url) as here:
        case = await here.filed()
        await here.desk.take(STEWARD, QUERY, case.id)
        why = "须向档案馆调取原件。"
        assert await refusal(here.desk.extend(STEWARD, QUERY, case.id, why)) is Code.SECOND_PERSON
        second = replace(STEWARD, operator="op-0202")
        assert (await here.desk.extend(second, QUERY, case.id, why)).extended
        assert await refusal(here.desk.extend(second, QUERY, case.id, why)) is Code.NO_LONGER_TERM
        repair = await here.filed(REPAIR, replace(DEBT, identity="2"))
        assert await refusal(here.desk.extend(second, QUERY, repair.id, why)) is Code.NO_LONGER_TERM


async def test_an_amended_record_is_marked_no_more(own_database: Database):
    async with hall(own_database.url) as here:
        case = await here.filed()
        await here.decided(case, Act.CORRECTED, remedy=Remedy.AMENDED)
        assert await effects(here) == []
