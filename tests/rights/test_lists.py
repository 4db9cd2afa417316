"""A department says that its list has changed: who is told, of what, and who may say so."""

from __future__ import annotations

import pytest

from authz.outbox import NoticeKind, Recipient, RecipientKind
from tests.support.rights import Rights

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANNOUNCE = "mutation A($list: RecordTypeCode!) { announceListChange(recordType: $list) { recordType told } }"


async def told(rights: Rights, client: str) -> list[str]:
    notices = await rights.told(Recipient(RecipientKind.CLIENT, client))
    return [one.pointer for one in notices if one.kind is NoticeKind.LIST_CHANGED]


async def test_the_authorities_that_use_a_list_are_told_which_and_nothing_else(rights: Rights):
    reply = await rights.town.ask(rights.steward(), ANNOUNCE, {"list": "P-FY-01"})
    assert reply.codes == []
    assert (reply.result["recordType"], reply.result["told"] >= 1) == ("P-FY-01", True)
    assert reply.questions == (), "nobody looks at the department"
    assert await told(rights, "hr-approval") == ["rt_P-FY-01"]
    for other in ("sample-bank", "citizen-app", "court-steward"):
        assert await told(rights, other) == []
    again = await rights.town.ask(rights.steward(), ANNOUNCE, {"list": "P-FY-01"})
    assert again.codes == ["LIST_TOO_SOON"]
    assert await told(rights, "hr-approval") == ["rt_P-FY-01"]
    (leaf,) = [leaf for leaf in await rights.town.leaves() if leaf["phase"] == "LIST"]
    assert (leaf["recordType"], leaf["agent"]["operatorRef"]) == ("P-FY-01", "op-0201")


async def test_who_has_no_mandate_on_it_is_not_told(rights: Rights):
    reply = await rights.town.ask(rights.steward("market-steward"), ANNOUNCE, {"list": "E-SC-04"})
    assert reply.codes == []
    assert "rt_E-SC-04" in await told(rights, "service-hall")
    assert "rt_E-SC-04" not in await told(rights, "hr-approval")


async def test_nobody_speaks_for_another_department(rights: Rights):
    for token, code in (
        (rights.steward("market-steward"), "LIST_UNKNOWN"),
        (rights.town.officer(), "SCOPE_MISSING"),
        (rights.town.person(), "SCOPE_MISSING"),
        (rights.steward("credit-office", "op-0301"), "LIST_UNKNOWN"),
        (None, "SCOPE_MISSING"),
    ):
        reply = await rights.town.ask(token, ANNOUNCE, {"list": "P-FY-02"})
        assert reply.codes == [code]
    assert "rt_P-FY-02" not in await told(rights, "rail-enforcement")
