"""What the authorization server and the pages use: a RAR request, a notice, an agreement, a token's reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from stdnum.iso7064 import mod_11_2

from authz.consent.artefact import Capacity, Confirmation, Item
from authz.consent.dialogue import ConsentDialogue
from authz.consent.notice_words import WORDS, Language
from authz.consent.representation import Caller
from authz.consent.rules import Code, ConsentRefused, intersection
from authz.consent.states import Act, State
from authz.consent.token_scope import ReadGrant, of_token
from authz.consent.use import Claim
from authz.decisions import Effect
from authz.errors import AccessDenied, Unauthenticated
from authz.policy import decision_table
from authz.review.terms import AskingTerms
from catalogue.identifiers import SubjectKey
from tests.support.authz_parties import entity, person
from tests.support.consents import BANK, CONFIRMED, QUERY, Bench, bench, citizen, generous
from tests.support.databases import Database

ME, OTHER = citizen(person()), citizen(person(2))
CONTRACT = {"recordType": "P-JY-03", "fields": ["contractState"], "level": "MASKED"}
JUDGMENTS = {"recordType": "P-FY-01", "fields": ["caseNo", "court"], "level": "MASKED"}


@pytest.fixture
async def found(sqlite: Database):
    async with bench(sqlite.url) as opened:
        yield opened


@pytest.fixture
def dialogue(found: Bench) -> ConsentDialogue:
    return ConsentDialogue(found.register, found.clients, found.references)


def details(*items: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """A bank's `authorization_details` as it pushes them."""
    one = {
        "type": "credit_record_read",
        "scenario": "S17",
        "reason": "LOAN_APPROVAL",
        "purpose": "用于审查本人提交的经营贷款申请",
        "caseNo": "LN-1",
        "items": list(items) or [JUDGMENTS],
        "validDays": 7,
        "dataLife": {"unit": "DAY", "value": 30},
    }
    return [one | changes]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (None, Code.SHAPE),
        ([], Code.SHAPE),
        (details() * 2, Code.SHAPE),
        (["credit_record_read"], Code.SHAPE),
        (details(type="payment_initiation"), Code.SHAPE),
        (details(purpose="短"), Code.SHAPE),
        (details(mode="STORE"), Code.SHAPE),
        (details(onwardTransfer="ALLOWED"), Code.SHAPE),
        (details(JUDGMENTS | {"fields": ["*"]}), Code.SHAPE),
        (details(scenario="S04"), Code.SCENARIO),
        (details(JUDGMENTS | {"fields": ["citizenId"]}), Code.FIELD),
        (details(validDays=4000), Code.LIMIT),
        (details(purpose="请致电 13800138000 办理贷款审查"), Code.WORDING),
    ],
)
def test_a_client_hears_at_once_what_cannot_be_asked(dialogue: ConsentDialogue, sent: object, code: Code):
    with pytest.raises(ConsentRefused) as refused:
        dialogue.check("sample-bank", sent)
    assert refused.value.code is code
    assert "13800138000" not in refused.value.message


async def test_checking_records_nothing_and_only_clients_that_may_ask_are_heard(
    found: Bench, dialogue: ConsentDialogue
):
    dialogue.check("sample-bank", details())
    assert [leaf async for leaf in found.audit.read()] == []
    with pytest.raises(Unauthenticated):
        dialogue.check("nobody", details())
    with pytest.raises(AccessDenied) as denied:
        dialogue.check("hr-approval", details())
    assert denied.value.code == "ACTOR_NOT_ALLOWED"


async def test_a_person_is_shown_ticks_less_and_the_token_is_for_that(
    found: Bench, dialogue: ConsentDialogue
):
    asked = await dialogue.ask("sample-bank", details(JUDGMENTS, CONTRACT), ME, "req-9")
    assert (asked.client_id, asked.state) == ("sample-bank", State.REQUESTED)
    boxes = [confirmation for confirmation, _ in asked.notice.confirmations]
    assert boxes == [Confirmation.GENERAL, Confirmation.SENSITIVE, Confirmation.THIRD_PARTY_PROVISION]
    judgments, contract = asked.notice.items
    assert [field.label for field in judgments.fields] == ["案号", "执行法院"]
    assert (judgments.sensitive, contract.sensitive) == (False, True)
    given = await dialogue.give(
        ME,
        asked.consent_id,
        ticked={"P-FY-01": ["court"]},
        confirmed=CONFIRMED,
        notice_sha256=asked.notice.sha256,
        request_id="req-10",
    )
    assert given.once
    (detail,) = given.authorization_details
    assert detail["consentId"] == asked.consent_id
    assert [(item["recordType"], item["fields"]) for item in detail["items"]] == [("P-FY-01", ["court"])]
    acts = [leaf.event async for leaf in found.audit.read()]
    assert [(act["act"], act["query"]["requestId"]) for act in acts] == [
        ("REQUESTED", "req-9"),
        ("GIVEN", "req-10"),
    ]
    assert acts[0]["agent"]["clientId"] == "sample-bank"


async def test_the_notice_in_either_language_may_be_agreed_to_and_the_artefact_says_which(
    found: Bench, dialogue: ConsentDialogue
):
    for language in Language:
        asked = await dialogue.ask("sample-bank", details(), ME, "r")
        shown = (await dialogue.shown(ME, asked.consent_id, language)).notice
        assert [matter.heading for matter in shown.matters] == list(WORDS[language].headings)
        for matter in (*shown.matters, *shown.items):
            assert matter.text in shown.text
        await dialogue.give(
            ME,
            asked.consent_id,
            ticked={"P-FY-01": ["court"]},
            confirmed=CONFIRMED,
            notice_sha256=shown.sha256,
            request_id="r",
        )
        record = await found.register.find(BANK, asked.consent_id)
        assert record.artefact.notice.lang == language
        assert record.artefact.notice.sha256 == shown.sha256


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ticked": {}}, Code.SHAPE),
        ({"ticked": {"P-FY-01": ["court", "performance"]}}, Code.WIDENED),
        ({"ticked": {"P-FY-01": []}}, Code.WIDENED),
        ({"ticked": {"P-SW-01": []}}, Code.WIDENED),
        ({"confirmed": {Confirmation.GENERAL}}, Code.CONFIRMATION),
        ({"notice_sha256": "0" * 64}, Code.NOTICE),
    ],
)
async def test_nothing_more_and_nothing_unconfirmed_is_agreed_to(
    found: Bench, dialogue: ConsentDialogue, changes: dict[str, Any], code: Code
):
    asked = await dialogue.ask("sample-bank", details(), ME, "r")
    good = {"ticked": {"P-FY-01": ["court"]}, "confirmed": CONFIRMED, "notice_sha256": asked.notice.sha256}
    with pytest.raises(ConsentRefused) as refused:
        await dialogue.give(ME, asked.consent_id, **(good | changes), request_id="r")
    assert refused.value.code is code
    assert (await dialogue.shown(ME, asked.consent_id)).state is State.REQUESTED


async def test_only_the_person_it_was_put_to_sees_it_and_decides(found: Bench, dialogue: ConsentDialogue):
    asked = await dialogue.ask("sample-bank", details(), ME, "r")
    for acting in (dialogue.shown(OTHER, asked.consent_id), dialogue.reject(OTHER, asked.consent_id, "r")):
        with pytest.raises(ConsentRefused) as refused:
            await acting
        assert refused.value.code is Code.UNKNOWN
    with pytest.raises(AccessDenied):
        await dialogue.shown(BANK, asked.consent_id)
    await dialogue.reject(ME, asked.consent_id, "r")
    assert (await dialogue.shown(ME, asked.consent_id)).state is State.REJECTED


@pytest.fixture
async def bounded(sqlite: Database):
    async with bench(sqlite.url, asking=AskingTerms()) as opened:
        yield opened


async def test_who_leaves_the_page_and_comes_again_finds_the_same_request(bounded: Bench):
    dialogue = ConsentDialogue(bounded.register, bounded.clients, bounded.references)
    first = await dialogue.ask("sample-bank", details(), ME, "r")
    assert {(await dialogue.ask("sample-bank", details(), ME, "r")).consent_id for _ in range(5)} == {
        first.consent_id
    }
    assert len([leaf async for leaf in bounded.audit.read()]) == 1
    for other in (details(caseNo="LN-2"), details(CONTRACT), details(validDays=6)):
        assert (await dialogue.ask("sample-bank", other, ME, "r")).consent_id != first.consent_id
    assert (await dialogue.ask("sample-bank", details(), OTHER, "r")).consent_id != first.consent_id
    await dialogue.reject(ME, first.consent_id, "r")
    second = await dialogue.ask("sample-bank", details(), ME, "r")
    assert (second.state, second.consent_id != first.consent_id) == (State.REQUESTED, True)
    bounded.clock.pass_by(days=1, minutes=1)
    third = await dialogue.ask("sample-bank", details(), ME, "r")
    assert third.consent_id != second.consent_id, "an old one may run out while they read"


async def test_what_a_bank_left_waiting_keeps_nobody_out_who_comes_for_it(bounded: Bench):
    dialogue = ConsentDialogue(bounded.register, bounded.clients, bounded.references)
    for _ in range(3):
        await bounded.asked(days=6)
    with pytest.raises(ConsentRefused):
        await bounded.asked(days=6)
    assert (await dialogue.ask("sample-bank", details(), ME, "r")).state is State.REQUESTED
    for number in range(16):
        await dialogue.ask("sample-bank", details(caseNo=f"LN-{number}-N"), ME, "r")
    with pytest.raises(ConsentRefused) as refused:
        await dialogue.ask("sample-bank", details(caseNo="LN-MORE"), ME, "r")
    assert refused.value.code is Code.QUOTA
    assert (await dialogue.ask("sample-bank", details(), ME, "r")).state is State.REQUESTED
    bounded.clock.pass_by(days=1, minutes=1)
    await dialogue.ask("sample-bank", details(caseNo="LN-MORE"), ME, "r")


GRADE = {"recordType": "E-SW-01", "fields": ["grade"], "level": "MASKED"}


@pytest.mark.parametrize("named", ["uscc", "subjectRef"])
async def test_a_representative_is_asked_for_the_enterprise_and_others_see_nothing(
    found: Bench, dialogue: ConsentDialogue, named: str
):
    company = entity(serial=7)
    reference = {"uscc": company.value, "subjectRef": found.references.subject_ref(company, "sample-bank")}
    sent = details(GRADE, **{named: reference[named]})
    dialogue.check("sample-bank", sent)
    with pytest.raises(ConsentRefused) as refused:
        await dialogue.ask("sample-bank", sent, ME, "r")
    assert refused.value.code is Code.UNKNOWN
    assert [leaf async for leaf in found.audit.read()] == [], "a stranger leaves no request behind"
    found.registered.known.add((Capacity.LEGAL_REPRESENTATIVE, company, person()))
    asked = await dialogue.ask("sample-bank", sent, ME, "r")
    agreement = {"ticked": {"E-SW-01": ["grade"]}, "notice_sha256": asked.notice.sha256, "request_id": "r"}
    boxes = {confirmation for confirmation, _ in asked.notice.confirmations}
    given = await dialogue.give(ME, asked.consent_id, confirmed=boxes, **agreement)
    assert given.authorization_details[0]["items"][0]["recordType"] == "E-SW-01"
    found.registered.known.clear()
    await found.register.change(Caller(ME, QUERY), asked.consent_id, Act.PAUSED)
    with pytest.raises(ConsentRefused):
        await found.register.change(Caller(ME, QUERY), asked.consent_id, Act.RESUMED)


@pytest.mark.parametrize(
    "named",
    [
        {"uscc": "1"},
        {"uscc": person().value},
        {"subjectRef": "sr_a"},
        {"uscc": entity().value, "subjectRef": "sr_a"},
    ],
)
def test_a_subject_that_is_none_is_refused_at_once(dialogue: ConsentDialogue, named: dict[str, str]):
    with pytest.raises(ConsentRefused) as refused:
        dialogue.check("sample-bank", details(GRADE, **named))
    assert refused.value.code is Code.SHAPE


async def test_a_child_who_turns_14_meanwhile_is_asked_anew(found: Bench):
    body = "99010120121124001"
    child = SubjectKey.person(body + mod_11_2.calc_check_digit(body))
    found.registered.known.add((Capacity.GUARDIAN, child, person()))
    record = await found.asked(child)
    found.clock.pass_by(days=5)
    choice = found.choice(record, confirmed=CONFIRMED | {Confirmation.GUARDIAN})
    for who in (ME, citizen(child)):
        with pytest.raises(ConsentRefused) as refused:
            await found.register.give(Caller(who, QUERY), record.id, choice)
        assert refused.value.code in (Code.STATE, Code.GUARDIAN)
    assert (await found.asked(child)).request.capacity is None


async def test_agreeing_needs_a_fresh_strong_login(dialogue: ConsentDialogue):
    weak = replace(ME, step_up=False)
    asked = await dialogue.ask("sample-bank", details(), weak, "r")
    giving = dialogue.give(
        weak,
        asked.consent_id,
        ticked={"P-FY-01": ["court"]},
        confirmed=CONFIRMED,
        notice_sha256=asked.notice.sha256,
        request_id="r",
    )
    with pytest.raises(AccessDenied) as denied:
        await giving
    assert denied.value.code == "STEP_UP_REQUIRED"


def token(consent_id: str, *items: dict[str, Any]) -> ReadGrant | None:
    return of_token([{"type": "credit_record_read", "consentId": consent_id, "items": list(items)}])


async def test_a_token_reads_on_its_own_consent_alone(found: Bench):
    record, other = await found.given(), await found.given()
    bound = replace(BANK, consent=token(record.id, JUDGMENTS))
    await found.use.grant(bound, Claim(record.id, "S17", "LN-1", "贷款审查", None))
    with pytest.raises(AccessDenied) as denied:
        await found.use.grant(bound, Claim(other.id, "S17", "LN-1", "贷款审查", None))
    assert denied.value.code == "CONSENT_TOKEN"


@pytest.mark.parametrize(
    ("items", "readable"),
    [
        ([JUDGMENTS], {"caseNo", "court"}),
        ([JUDGMENTS | {"fields": ["court"]}], {"court"}),
        ([JUDGMENTS | {"fields": ["court", "performance"]}], {"court"}),
        ([JUDGMENTS | {"level": "FULL"}], {"caseNo", "court"}),
        ([JUDGMENTS | {"level": "BOOLEAN", "fields": []}], set()),
        ([JUDGMENTS | {"fields": ["performance"]}], None),
        ([CONTRACT], None),
        ([], None),
    ],
)
async def test_what_is_read_lies_in_the_token_and_in_the_artefact(
    found: Bench, items: list[dict[str, Any]], readable: set[str] | None
):
    record = await found.given()
    bound = replace(BANK, consent=token(record.id, *items))
    grant = await found.use.grant(bound, Claim(record.id, "S17", "LN-1", "贷款审查", None))
    entry = generous().record_types["P-FY-01"]
    kind = person().subject_kind
    table = decision_table(grant, [entry], kind, personal=True, subject=person())["P-FY-01"]
    assert (table.existence.effect is Effect.DENY) is (readable is None)
    open_fields = {name for name, one in table.fields.items() if one.effect is not Effect.DENY}
    assert open_fields == (readable or set())


def item(**changes: Any) -> Item:
    return Item.model_validate(JUDGMENTS | changes)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"from": "2026-01-01"}, {"to": "2026-06-30"}, {"from": "2026-01-01", "to": "2026-06-30"}),
        ({"from": "2026-01-01"}, {"from": "2026-02-01"}, {"from": "2026-02-01"}),
        ({"from": "2026-07-01"}, {"to": "2026-06-30"}, None),
        ({"natures": ["MINOR", "GENERAL"]}, {"natures": ["GENERAL", "SERIOUS"]}, {"natures": ["GENERAL"]}),
        ({"natures": ["MINOR"]}, {"natures": ["SERIOUS"]}, None),
        ({"natures": ["MINOR"]}, {}, {"natures": ["MINOR"]}),
        ({}, {"natures": ["MINOR"]}, {"natures": ["MINOR"]}),
    ],
)
def test_windows_and_natures_meet(one, other, both):
    wanted = None if both is None else item(**both)
    assert intersection(item(**one), item(**other)) == wanted
    assert item().within == (date.min, date.max)


@pytest.mark.parametrize(
    "claim",
    [
        "credit_record_read",
        ["credit_record_read"],
        [{"type": "credit_record_read"}],
        [{"type": "credit_record_read", "consentId": "ca_1"}],
        [{"type": "credit_record_read", "consentId": "ca_" + "a" * 32, "everything": True}],
        [{"type": "credit_record_read", "consentId": "ca_" + "a" * 32}] * 2,
    ],
)
def test_a_claim_that_is_not_clear_is_none(claim: object):
    with pytest.raises(ValueError, match=r"authorization_details|one consent|ReadGrant"):
        of_token(claim)


def test_details_of_other_services_bind_nothing():
    assert of_token([]) is None
    assert of_token([{"type": "payment_initiation"}]) is None
