"""Two clients put together what they hold, and cannot tell that it is about the same person."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.attack.conftest import Target, codes
from tests.support.declared import DECLARED

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHO = {"person": {"citizenId": "990101198001010014", "name": "测试甲"}}
READ = """query Read($who: SubjectLookup!, $access: AccessContext!) { subject(lookup: $who, access: $access) {
  subjectRef records { edges { cursor node { recordId } } } } }"""
PARTIES = {
    "hr-approval": {"scenario": "S04", "caseNo": "RSKS-2026-0777"},
    "service-hall": {"scenario": "S16", "caseNo": "LSTD-2026-00777"},
}
REFERENCE = re.compile(r"[a-z]{2}_[a-z2-7]{20,}")


async def ask(target: Target, client: str, who: dict[str, Any]) -> Any:
    access = PARTIES[client] | DECLARED | {"purpose": "办件审查"}
    _, body = await target.ask(READ, {"who": who, "access": access}, target.officer(client))
    return body


async def test_two_clients_hold_nothing_in_common(target: Target) -> None:
    ours, theirs = [
        set(REFERENCE.findall(str(await ask(target, client, WHO))))
        for client in ("hr-approval", "service-hall")
    ]
    assert {each[:3] for each in ours} >= {"sr_"}
    assert len(ours) > 1
    assert len(theirs) > 1
    assert not ours & theirs
    assert not {each[:20] for each in ours if each.startswith("sr_")} & {each[:20] for each in theirs}


async def test_a_reference_of_another_client_is_nobodys(target: Target) -> None:
    reference = (await ask(target, "hr-approval", WHO))["data"]["subject"]["subjectRef"]
    again = await ask(target, "hr-approval", {"subjectRef": reference})
    assert again["data"]["subject"]["subjectRef"] == reference
    stolen = await ask(target, "service-hall", {"subjectRef": reference})
    invented = await ask(target, "service-hall", {"subjectRef": "sr_" + "a" * 47})
    assert codes(stolen) == codes(invented) == ["SUBJECT_NOT_CONFIRMED"]
    assert stolen["errors"] == invented["errors"]
