"""Repair, statements and complaints, and the pages of one's own cases."""

from __future__ import annotations

import pytest

from authz.outbox import AUDITORS, OFFICE, NoticeKind, Recipient, RecipientKind
from tests.support.rights import OTHER, Rights, named

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "款项迟到两天，已补缴。联系人13800138000。"
LOG = "{ me { accessLog(first: 5) { edges { node { id role basis organization } } } } }"


async def test_a_statement_stands_wherever_the_record_does_until_it_is_taken_back(rights: Rights):
    (record,) = await rights.mine()
    token = rights.town.person()
    case = await rights.done(token, "addStatement", {"record": named(record), "text": WORDS})
    assert (case["kind"], case["state"], case["dueOn"]) == ("STATEMENT", "STANDING", None)
    (theirs,) = await rights.officers()
    assert theirs["subjectStatement"].startswith("款项迟到两天，已补缴。")
    assert "13800138000" not in theirs["subjectStatement"]
    assert theirs["status"] == "ACTIVE"
    more = await rights.done(token, "addStatement", {"record": named(record), "text": "另一段"})
    assert more["refused"] == "ALREADY_OPEN"
    longer = await rights.done(token, "addStatement", {"record": named(record), "text": "字" * 501})
    assert longer["refused"] == "WORDS"
    others = await rights.moved(rights.town.person(OTHER), f'withdrawCase(id: "{case["id"]}")')
    assert others["refused"] == "CASE_UNKNOWN"
    weak = rights.town.person(step_up=False)
    gone = await rights.moved(weak, f'withdrawCase(id: "{case["id"]}")')
    assert (gone["state"], gone["text"]) == ("WITHDRAWN", "")
    assert (await rights.officers())[0]["subjectStatement"] is None


async def test_a_repair_ends_publication_sharing_and_use_in_one_step(rights: Rights):
    (record,) = await rights.mine()
    (before,) = await rights.officers()
    token = rights.town.person()
    given = {"record": named(record), "evidence": ["结案证明（2026）测0101执结1号"], "text": "已履行完毕。"}
    case = await rights.done(token, "requestRepair", given)
    assert (case["state"], case["suspends"]) == ("OPEN", False)
    (mine,) = await rights.mine()
    assert (mine["status"], mine["repair"]["state"]) == ("ACTIVE", "APPLIED")
    assert case["id"] in {one.pointer for one in await rights.told(OFFICE)}
    office = rights.steward("credit-office", "op-0301")
    done = await rights.decided(case, "REPAIRED", office)
    assert done["state"] == "REPAIRED"
    assert await rights.mine() == await rights.officers() == []
    told = await rights.told(Recipient(RecipientKind.CLIENT, "hr-approval"))
    assert (NoticeKind.RECORD_REPAIRED, before["recordId"]) in {(one.kind, one.pointer) for one in told}


async def test_what_does_not_tell_against_its_subject_is_not_repaired(rights: Rights):
    text = """{ me { person { records(types: ["P-MZ-02", "P-FG-02"], first: 1) {
        edges { node { recordId recordType nature } } } } } }"""
    reply = await rights.town.ask(rights.town.person(), text)
    found = reply.data["me"]["person"]["records"]["edges"][0]["node"]
    assert found["nature"] != "ADVERSE"
    given = {"record": named(found), "evidence": ["证明"]}
    assert (await rights.done(rights.town.person(), "requestRepair", given))["refused"] == "NOT_ADVERSE"


async def test_a_complaint_goes_to_auditors_who_answer_it(rights: Rights):
    await rights.officers(OTHER)
    token = rights.town.person(OTHER)
    edges = (await rights.town.ask(token, LOG)).data["me"]["accessLog"]["edges"]
    read = next(edge["node"] for edge in edges if edge["node"]["role"] == "OFFICER")
    given = {"read": read["id"], "reason": "READER_UNKNOWN", "text": "我没有参加过该单位的招聘。"}
    assert (await rights.done(rights.town.person(), "fileComplaint", given))["refused"] == "RECORD_UNKNOWN"
    wrong = await rights.done(token, "fileComplaint", given | {"reason": "FACT_WRONG"})
    assert wrong["refused"] == "REASON"
    case = await rights.done(token, "fileComplaint", given)
    assert (case["kind"], case["state"], case["recordType"]) == ("COMPLAINT", "OPEN", None)
    assert case["id"] in {one.pointer for one in await rights.told(AUDITORS)}

    assert (await rights.decided(case, "ANSWERED"))["refused"] == "CASE_UNKNOWN", "no steward's matter"
    auditor = rights.steward("audit-office", "op-0401")
    seen = await rights.moved(auditor, f'takeCase(id: "{case["id"]}", noConflictOfInterest: true)')
    assert seen["state"] == "TAKEN"
    assert seen["auditEvent"] is not None
    answered = await rights.decided(case, "ANSWERED", auditor)
    assert answered["state"] == "ANSWERED"
    (mine,) = await rights.cases(OTHER)
    assert (mine["auditEvent"], mine["events"][-1]["reasons"]) == (None, "经核查，情况属实。")


async def test_lists_come_in_pages_and_are_one_s_own(rights: Rights):
    ids = [one["id"] for one in await rights.cases()]
    text = """query L($after: String) { me { cases(first: 1, after: $after) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } } }"""
    found, after = [], None
    while True:
        page = (await rights.town.ask(rights.town.person(), text, {"after": after})).data["me"]["cases"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found == ids
    assert len(ids) >= 2
    assert set(ids).isdisjoint(one["id"] for one in await rights.cases(OTHER))


async def test_a_case_is_shown_to_its_person_and_those_who_decide_on_it(rights: Rights):
    (restricted,) = await rights.mine(section="consumptionRestrictionOrders")
    case = await rights.objected(restricted)
    one = f'{{ rightsCase(id: "{case["id"]}") {{ id state }} }}'
    for token, seen in (
        (rights.town.person(), True),
        (rights.town.person(OTHER), False),
        (rights.steward(), True),
        (rights.steward("market-steward"), False),
        (rights.steward("credit-office", "op-0301"), True),
        (rights.steward("audit-office", "op-0401"), False),
    ):
        reply = await rights.town.ask(token, one)
        assert bool(reply.data["rightsCase"]) is seen
    assert (await rights.town.ask(rights.town.officer(), one)).codes == ["ACTOR_NOT_ALLOWED"]
    desk = "{ caseDesk { edges { node { id kind sourceKey } } } }"
    edges = (await rights.town.ask(rights.steward(), desk)).data["caseDesk"]["edges"]
    assert [edge["node"]["id"] for edge in edges] == [case["id"]]
    assert edges[0]["node"]["sourceKey"]
    assert (await rights.town.ask(rights.steward("market-steward"), desk)).data["caseDesk"]["edges"] == []
