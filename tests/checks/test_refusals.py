"""What a must-check refuses, before anybody is asked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.checks.conftest import CASES, CHECK, Office, lookup
from tests.consent.conftest import access, key

pytestmark = pytest.mark.asyncio(loop_scope="session")


def person(name: str, role: str = "LEGAL_REPRESENTATIVE") -> dict[str, Any]:
    return {"role": role, "person": {"citizenId": key(name).value, "name": name}}


async def test_related_persons_are_confirmed_checked_and_told_each_on_their_own(office: Office):
    checked = await office.check("S09", "测试有限公司", related=[person("测试甲"), person("样例乙")])
    first, second = checked.body["related"]
    assert [first["role"], first["displayName"], second["displayName"]] == [
        "LEGAL_REPRESENTATIVE",
        "测**",
        "样**",
    ]
    assert [item["recordType"] for item in first["items"]] == ["E-YG-01", "E-RS-01", "P-FY-01"]
    results = [{i["recordType"]: i["result"] for i in one["items"]}["P-FY-01"] for one in (first, second)]
    assert results == ["PRESENT", "NONE"]
    truths = [{p["code"]: p["value"] for p in one["predicates"]} for one in (first, second)]
    assert [each["NOT_LISTED_DEBTOR"] for each in truths] == ["FALSE", "TRUE"]
    refs = office.stage.deployment.references
    told = {refs.audit_ref(key(name)) for name in ("测试有限公司", "测试甲", "样例乙")}
    intents = [leaf for leaf in await office.leaves() if leaf["phase"] == "INTENT"]
    ours = [leaf for leaf in intents if leaf["authorization"].get("caseNo") == checked.body["caseNo"]]
    assert {leaf["subject"]["auditRef"] for leaf in ours} == told
    receipt = office.stage.deployment.services.receipts.opened(checked.body["receipt"]["jws"])
    assert receipt.related == (first["subjectRef"], second["subjectRef"])


async def test_a_related_person_who_is_not_confirmed_leaves_no_answer(office: Office):
    wrong = {"role": "LEGAL_REPRESENTATIVE", "person": {"citizenId": key("测试甲").value, "name": "样例丁"}}
    refused = await office.check("S09", "测试有限公司", related=[wrong])
    assert refused.reply.codes == ["SUBJECT_NOT_CONFIRMED"]
    assert refused.reply.data == {"mustCheck": None}


MISFITS: list[tuple[str, str, str, list[dict[str, Any]]]] = [
    ("a person has no related persons: nobody answers for a relative", "S11", "测试甲", [person("样例乙")]),
    ("a role that the scenario does not know", "S09", "测试有限公司", [person("测试甲", "PROJECT_MANAGER")]),
    ("a scenario without related persons", "S16", "测试有限公司", [person("测试甲")]),
    ("the same person twice", "S09", "测试有限公司", [person("测试甲"), person("测试甲")]),
    (
        "six persons",
        "S09",
        "测试有限公司",
        [person(name) for name in ("测试甲", "样例乙", "欧阳样例", "样例丙", "异议样例", "往事样例")],
    ),
]


@pytest.mark.parametrize(("why", "scenario", "about", "related"), MISFITS, ids=range(len(MISFITS)))
async def test_persons_who_do_not_belong_are_refused_before_anybody_is_asked(
    office: Office, why: str, scenario: str, about: str, related: list[dict[str, Any]]
):
    refused = await office.check(scenario, about, related=related)
    assert refused.reply.codes == ["RELATED_PERSONS"], why
    assert refused.reply.questions == ()


async def test_on_consent_each_person_is_asked_about_on_their_own(office: Office):
    refused = await office.on_consent("测试甲", related=[person("样例乙")])
    assert refused.reply.codes == ["RELATED_PERSONS"]
    assert refused.reply.questions == ()


REFUSED = [
    ("another authority's scenario", {"scenario": "S06"}, "SCENARIO_NOT_MANDATED"),
    ("no case number", {"caseNo": None}, "CASE_NUMBER_REQUIRED"),
    ("a case of another pattern", {"caseNo": "JSRZ-2026-0001"}, "CASE_NUMBER_INVALID"),
    ("no reason", {"reasonCode": None}, "REASON_CODE_REQUIRED"),
    ("no scenario", {"scenario": None}, "SCENARIO_REQUIRED"),
    (
        "a consent and a mandate at once",
        {"consentId": "ca_x", "legalBasisId": "M-RS-S04"},
        "ACCESS_CONTEXT_CONFLICT",
    ),
]


@pytest.mark.parametrize(("why", "changes", "code"), REFUSED, ids=range(len(REFUSED)))
async def test_a_check_without_a_basis_is_refused(
    office: Office, why: str, changes: dict[str, Any], code: str
):
    start = len(await office.leaves())
    variables = {"lookup": lookup("测试甲"), "access": office.access("S04") | changes, "related": None}
    refused = await office.ask(office.officer_of("S04"), CHECK, variables)
    assert refused.codes == [code], why
    assert refused.questions == ()
    assert [(leaf["kind"], leaf["codes"]) for leaf in await office.leaves(start)] == [("CHECK", [code])]


async def test_nobody_under_age_is_checked_where_only_adults_are_concerned(office: Office):
    child = {"person": {"citizenId": "99010120150101004X", "name": "样例童"}}
    async with office.with_scenario("S04", adults_only=True) as adults:
        start = len(await adults.leaves())
        variables = {"lookup": child, "access": adults.access("S04"), "related": None}
        refused = await adults.ask(adults.officer_of("S04"), CHECK, variables)
        assert (refused.codes, refused.questions) == (["SCENARIO_ADULTS"], ())
        (leaf,) = await adults.leaves(start)
        assert (leaf["phase"], leaf["kind"], leaf["codes"]) == ("DENIAL", "CHECK", ["SCENARIO_ADULTS"])
        assert not (await adults.check("S04", "样例乙")).reply.codes


async def test_a_scenario_concerns_some_kinds_of_subject_only(office: Office):
    refused = await office.check("S04", "测试有限公司")
    assert (refused.reply.codes, refused.reply.questions) == (["SCENARIO_SUBJECT"], ())


async def test_neither_a_person_nor_anybody_without_a_token_checks(office: Office):
    variables = {"lookup": lookup("样例乙"), "access": office.access("S04"), "related": None}
    assert (await office.ask(office.person("测试甲"), CHECK, variables)).codes == ["ACTOR_NOT_ALLOWED"]
    assert (await office.ask(None, CHECK, variables)).codes in (["ACTOR_NOT_ALLOWED"], ["UNAUTHENTICATED"])
    bank = await office.ask(office.bank(), CHECK, variables)
    assert bank.codes == ["ACTOR_NOT_ALLOWED"]


async def test_an_officer_does_not_check_on_consent_nor_a_bank_another_s_subject(office: Office):
    consent = await office.requested("测试甲")
    await office.agreed(consent, "测试甲")
    other = {"lookup": lookup("样例乙"), "access": access(consent), "related": None}
    assert (await office.ask(office.bank(), CHECK, other)).codes == ["CONSENT_SUBJECT"]
    own = {"lookup": lookup("测试甲"), "access": access(consent), "related": None}
    assert (await office.ask(office.officer_of("S04"), CHECK, own)).codes == ["ACTOR_NOT_ALLOWED"]


@pytest.mark.parametrize(
    ("scenario", "one", "other"),
    [("S04", "测试甲", "样例乙"), ("S09", "测试有限公司", "测试有限公司")],
    ids=["persons", "an entity twice"],
)
async def test_one_operation_makes_one_check(office: Office, scenario: str, one: str, other: str):
    query = """mutation Two($a: SubjectLookup!, $b: SubjectLookup!, $access: AccessContext!) {
      a: mustCheck(lookup: $a, access: $access) { checkId }
      b: mustCheck(lookup: $b, access: $access) { checkId } }"""
    variables = {"a": lookup(one), "b": lookup(other), "access": office.access(scenario)}
    refused = await office.ask(office.officer_of(scenario), query, variables)
    assert (refused.codes, refused.questions) == (["ONE_PERSON_PER_OPERATION"], ())


async def test_a_number_in_the_document_is_refused(office: Office):
    query = """mutation C($access: AccessContext!) { mustCheck(access: $access,
      lookup: {person: {citizenId: "990101198001010014", name: "测试甲"}}) { checkId } }"""
    refused = await office.ask(office.officer_of("S04"), query, {"access": office.access("S04")})
    assert set(refused.codes) == {"PERSONAL_LITERAL"}


async def test_wrong_name_and_unknown_number_are_one_answer(office: Office):
    named = {"person": {"citizenId": key("测试甲").value, "name": "样例丁"}}
    unknown = {"person": {"citizenId": "99010119700101001X", "name": "样例丁"}}
    answers = []
    for whom in (named, unknown):
        variables = {"lookup": whom, "access": office.access("S04"), "related": None}
        reply = await office.ask(office.officer_of("S04"), CHECK, variables)
        answers.append((reply.status, reply.codes, reply.data, [q.source for q in reply.questions]))
    assert answers[0] == answers[1]
    assert answers[0][1] == ["SUBJECT_NOT_CONFIRMED"]


async def test_after_its_last_day_a_scenario_and_its_mandates_stop_by_themselves(office: Office):
    """GR-12: nobody has to remember to end them."""
    scenarios = office.stage.deployment.catalogue.scenarios
    assert {scenarios[code].valid_until for code in CASES} == {date(2027, 12, 31)}
    async with office.later(today=lambda: date(2027, 12, 31)) as last_day:
        assert not (await last_day.check("S04", "样例乙")).reply.codes
    async with office.later(today=lambda: date(2028, 1, 1)) as day_after:
        for scenario in CASES:
            refused = await day_after.check(scenario, "样例乙")
            assert (refused.reply.codes, refused.reply.questions) == (["MANDATE_EXPIRED"], ())
