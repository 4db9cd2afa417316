"""To object: who may, what it does at once, what the same again does, and what a decision leaves."""

from __future__ import annotations

import pytest

from authz.outbox import OFFICE, NoticeKind, Recipient, RecipientKind
from tests.support.rights import COMPANY, OTHER, PERSON, Rights, named

pytestmark = pytest.mark.asyncio(loop_scope="session")

COURT = Recipient(RecipientKind.DEPARTMENT, "FY")


async def test_the_whole_way_of_an_objection(rights: Rights):
    (record,) = await rights.mine()
    assert (record["status"], record["dispute"]) == ("ACTIVE", None)
    (before,) = await rights.officers()

    case = await rights.objected(record, evidence=["结案证明（2026）测0101执结1号"])
    assert (case["kind"], case["state"], case["suspends"]) == ("OBJECTION", "OPEN", True)
    assert case["recordId"] == record["recordId"]
    assert (case["sourceSystem"], case["sourceKey"]) == (None, None), "that is for the department alone"
    (mine,) = await rights.mine()
    assert (mine["status"], mine["dispute"]["caseNo"]) == ("DISPUTED", case["id"])
    (theirs,) = await rights.officers()
    assert (theirs["status"], theirs["dispute"]["caseNo"]) == ("DISPUTED", None)
    assert theirs["recordId"] == before["recordId"]
    assert [one.pointer for one in await rights.told(COURT)] == [case["id"]]

    steward = rights.steward()
    taken = await rights.moved(steward, f'takeCase(id: "{case["id"]}", noConflictOfInterest: true)')
    assert (taken["state"], taken["sourceSystem"], taken["sourceKey"]) == ("TAKEN", "court", "1")
    assert taken["recordId"] is None
    decided = await rights.decided(case, "CORRECTED")
    assert decided["state"] == "CORRECTED"
    assert await rights.mine() == []
    assert await rights.officers() == []

    (told,) = await rights.told(Recipient(RecipientKind.CLIENT, "hr-approval"))
    assert (told.kind, told.pointer) == (NoticeKind.RECORD_CORRECTED, before["recordId"])
    (case,) = [one for one in await rights.cases() if one["id"] == case["id"]]
    assert [event["act"] for event in case["events"]] == ["FILED", "TAKEN", "CORRECTED"]
    assert case["events"][-1]["reasons"] == "经核查，情况属实。"
    assert {event["operator"] for event in case["events"]} == {None}


async def test_a_stranger_objects_to_nothing(rights: Rights):
    (restricted,) = await rights.mine(section="consumptionRestrictionOrders")
    refused = await rights.objected(restricted, OTHER)
    assert refused["refused"] == "RECORD_UNKNOWN"
    nothing = await rights.objected({"recordId": "rr_none", "recordType": "P-FY-02"}, OTHER)
    assert nothing == refused, "another's record is as one that does not exist"
    of = {"person": {"citizenId": "990101198001010014", "name": PERSON}}
    given = {"record": named(restricted) | {"of": of}, "reason": "FACT_WRONG"}
    assert await rights.done(rights.town.person(OTHER), "fileObjection", given) == refused
    assert (await rights.mine(section="consumptionRestrictionOrders"))[0]["status"] == "ACTIVE"


async def test_an_officer_and_a_weak_login_file_nothing(rights: Rights):
    (record,) = await rights.mine(section="consumptionRestrictionOrders")
    given = {"record": named(record), "reason": "FACT_WRONG"}
    weak = rights.town.person(step_up=False)
    assert await rights.done(weak, "fileObjection", given) == ["STEP_UP_REQUIRED"]
    assert await rights.done(rights.town.officer(), "fileObjection", given) == ["SCOPE_MISSING"]


async def test_the_same_again_suspends_nothing_without_new_evidence(rights: Rights):
    (record,) = await rights.mine(section="consumptionRestrictionOrders")
    first = await rights.objected(record, evidence=["付款凭证一"])
    again = await rights.objected(record)
    assert again["refused"] == "ALREADY_OPEN"
    assert (await rights.decided(first, "UPHELD"))["state"] == "UPHELD"
    assert (await rights.mine(section="consumptionRestrictionOrders"))[0]["status"] == "ACTIVE"

    same = await rights.objected(record, evidence=["付款凭证一"])
    assert (same["state"], same["suspends"]) == ("OPEN", False)
    assert (await rights.mine(section="consumptionRestrictionOrders"))[0]["status"] == "ACTIVE"
    withdrawn = await rights.moved(rights.town.person(), f'withdrawCase(id: "{same["id"]}")')
    assert withdrawn["state"] == "WITHDRAWN"

    new = await rights.objected(record, evidence=["付款凭证一", "法院收据二"])
    assert new["suspends"] is True
    assert (await rights.mine(section="consumptionRestrictionOrders"))[0]["status"] == "DISPUTED"
    await rights.moved(rights.town.person(), f'withdrawCase(id: "{new["id"]}")')
    assert (await rights.mine(section="consumptionRestrictionOrders"))[0]["status"] == "ACTIVE"


async def test_nobody_decides_on_what_is_not_theirs_to_decide(rights: Rights):
    (record,) = await rights.mine(section="consumptionRestrictionOrders")
    case = await rights.objected(record, reason="NOT_MINE")
    others = {
        "the objector": (rights.town.person(), ["ACTOR_NOT_ALLOWED"]),
        "an officer": (rights.town.officer(), ["ACTOR_NOT_ALLOWED"]),
    }
    for who, (token, codes) in others.items():
        assert await rights.decided(case, "CORRECTED", token) == codes, who
    elsewhere = await rights.decided(case, "CORRECTED", rights.steward("market-steward"))
    assert elsewhere["refused"] == "CASE_UNKNOWN"
    undeclared = await rights.decided(case, "CORRECTED", noConflictOfInterest=False)
    assert undeclared["refused"] == "UNDECLARED"
    assert (await rights.decided(case, "REPAIRED"))["refused"] == "OUTCOME"
    assert (await rights.decided(case, "UPHELD", reasons=" "))["refused"] == "WORDS"
    assert (await rights.decided(case, "UPHELD", reasons="身份证990101198001010014"))["refused"] == "WORDS"
    assert (await rights.mine(section="consumptionRestrictionOrders"))[0]["status"] == "DISPUTED"
    assert (await rights.decided(case, "UPHELD"))["state"] == "UPHELD"
    assert (await rights.decided(case, "CORRECTED"))["refused"] == "STATE"


async def test_a_legal_representative_objects_for_the_enterprise(rights: Rights):
    (seen,) = await rights.public(rights.town.person())
    given = {"record": named(seen) | {"of": {"uscc": COMPANY}}, "reason": "FACT_WRONG"}
    refused = await rights.done(rights.town.person(OTHER), "fileObjection", given)
    assert refused["refused"] == "RECORD_UNKNOWN"
    case = await rights.done(rights.town.person(), "fileObjection", given)
    assert case["state"] == "OPEN"
    (anyone,) = await rights.public()
    assert (anyone["status"], anyone["dispute"]["caseNo"]) == ("DISPUTED", None)
    amended = await rights.decided(case, "CORRECTED", rights.steward("market-steward"), remedy="AMENDED")
    assert amended["state"] == "CORRECTED"
    (anyone,) = await rights.public()
    assert anyone["status"] == "ACTIVE", "it is shown as the department has it now"
    assert all(one.pointer != case["id"] for one in await rights.told(OFFICE))
