"""GR-02: no search, listing, enumeration or profiling of persons (domain.md §7).

The parts are shown one by one in tests/review; this is what a caller over HTTP runs into.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from tests.support.county import cast
from tests.support.declared import DECLARED
from tests.support.deployment import Stage, county_stage
from tests.support.scenarios import OVERLAY
from tests.support.use import REVIEWER, SECOND, number, quota

pytestmark = pytest.mark.asyncio(loop_scope="session")

PERSON = "测试甲"
CASES = {"hr-approval": ("S04", "RSKS-2026-{:04d}"), "service-hall": ("S16", "LSTD-2026-{:05d}")}
numbers = itertools.count(1)
"""Each subject has a case of its own."""
READ = "query R($who: SubjectLookup!, $why: AccessContext!) { subject(lookup: $who, access: $why) { kind } }"
TWO = """query T($a: SubjectLookup!, $b: SubjectLookup!, $why: AccessContext!) {
  a: subject(lookup: $a, access: $why) { kind } b: subject(lookup: $b, access: $why) { kind } }"""


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    asked: int
    """Questions that departments got."""
    retry_after: int
    """Of the header, in seconds."""

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.body.get("errors", ())]

    @property
    def words(self) -> bytes:
        """What the caller can tell answers apart by, but for times."""
        return orjson.dumps([self.status, self.body.get("data"), self.body.get("errors")])


@dataclass(frozen=True)
class Caller:
    stage: Stage

    async def post(self, token: str | None, query: str, variables: dict[str, Any]) -> Reply:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        before = len(self.stage.ledger.questions)
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(
                f"{self.stage.urls['default']}/graphql", json={"query": query, "variables": variables}
            ) as response,
        ):
            body = await response.json(content_type=None)
        retry_after = int(response.headers.get("Retry-After", 0))
        return Reply(response.status, body, len(self.stage.ledger.questions) - before, retry_after)

    async def read(self, client: str, operator: str, citizen_id: str, name: str = PERSON) -> Reply:
        """One officer asks for one person."""
        who = {"person": {"citizenId": citizen_id, "name": name}}
        token = self.stage.deployment.token(client, operator)
        return await self.post(token, READ, {"who": who, "why": why(client)})


def why(client: str) -> dict[str, Any]:
    scenario, pattern = CASES[client]
    case_no = pattern.format(next(numbers))
    return {"scenario": scenario, "caseNo": case_no, "purpose": "办件审查", **DECLARED}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def caller(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Caller]:
    folder = tmp_path_factory.mktemp("gr02")
    use = {
        "lockout": {"clientFailures": 100},
        "denials": quota(10**9, perDay=30),
    }  # a minute may end in a test
    async with county_stage(folder, OVERLAY, "default", use=use) as running:
        yield Caller(running)


async def test_twenty_ids_in_sequence_suspend_the_client(caller: Caller) -> None:
    known = cast()[PERSON].value
    replies = [
        await caller.read("hr-approval", f"op-{index // 4}", number(index).value) for index in range(1, 21)
    ]
    assert {tuple(reply.codes) for reply in replies} == {("SUBJECT_NOT_CONFIRMED",)}
    assert len({reply.words for reply in replies}) == 1, "nothing tells one from another"
    locked = [
        await caller.read("hr-approval", "op-fresh", citizen_id)
        for citizen_id in (number(21).value, known, number(700).value)
    ]
    assert {tuple(reply.codes) for reply in locked} == {("CLIENT_LOCKED",)}
    assert len({reply.words for reply in locked}) == 1, "of nobody a word, known or not"
    assert [reply.asked for reply in locked] == [0, 0, 0]
    desk = caller.stage.deployment.desk
    (lock,) = [each for each in await desk.locks() if each.client_id == "hr-approval"]
    assert (lock.cause, lock.operator, lock.until) == ("SEQUENTIAL_IDS", "", None)
    await desk.lift(REVIEWER, lock.id, "核实为测试")
    assert (await caller.read("hr-approval", "op-fresh", known)).codes == ["CLIENT_LOCKED"]
    await desk.lift(SECOND, lock.id, "同意解除")
    assert (await caller.read("hr-approval", "op-fresh", known)).codes == []


async def test_failed_confirmations_lock_the_operator_out(caller: Caller) -> None:
    known = cast()[PERSON].value
    failed = [
        await caller.read("service-hall", "op-0001", citizen_id, name)
        for citizen_id, name in (
            (number(100).value, PERSON),
            (known, "测试某"),
            (number(200).value, PERSON),
            (known, "甲测试"),
            (number(300).value, PERSON),
        )
    ]
    assert len({reply.words for reply in failed}) == 1, "unknown and mismatched are one answer, to the last"
    assert {reply.asked for reply in failed} == {1}, "and one question to one authority"
    locked = [await caller.read("service-hall", "op-0001", one) for one in (known, number(400).value)]
    assert {tuple(reply.codes) for reply in locked} == {("CLIENT_LOCKED",)}
    assert len({reply.words for reply in locked}) == 1
    assert [reply.asked for reply in locked] == [0, 0]
    assert locked[0].body["errors"][0]["extensions"]["retryAfter"] in range(3_500, 3_601)
    assert (await caller.read("service-hall", "op-0002", known)).codes == [], "a colleague goes on"


async def test_a_flood_of_refusals_fills_no_disk(caller: Caller) -> None:
    """Authenticated refusals are events up to their quota, and counts beyond it (ruling 20)."""
    token = caller.stage.deployment.token("police-household", "op-0001")
    given = {"who": {"person": {"citizenId": number(500).value, "name": PERSON}}, "why": {"purpose": "试"}}
    before = len([leaf async for leaf in caller.stage.deployment.audit.read()])
    replies = [await caller.post(token, READ, given) for _ in range(40)]
    after = [leaf.event async for leaf in caller.stage.deployment.audit.read(start=before)]
    assert [reply.codes for reply in replies[:30]] == [["SCENARIO_REQUIRED"]] * 30
    assert [(reply.status, *reply.codes) for reply in replies[30:]] == [(429, "QUOTA_EXCEEDED")] * 10
    assert replies[-1].retry_after in range(1, 86_401)
    assert [event["phase"] for event in after].count("DENIAL") == 30
    assert sum(reply.asked for reply in replies) == 0


async def test_the_public_channel_has_a_quota_too(caller: Caller) -> None:
    quota = caller.stage.deployment.public_quota
    quota.spend("address 127.0.0.1", 10**15)
    uscc = cast()["往事有限公司"].value
    query = "query P($u: String!) { enterprise(uscc: $u) { displayName } }"
    reply = await caller.post(None, query, {"u": uscc})
    assert (reply.codes, reply.body["data"], reply.asked) == (["QUOTA_EXCEEDED"], {"enterprise": None}, 0)


async def test_one_operation_reads_one_person(caller: Caller) -> None:
    token = caller.stage.deployment.token("service-hall", "op-0003")
    a, b = ({"person": {"citizenId": cast()[name].value, "name": name}} for name in (PERSON, "样例乙"))
    reply = await caller.post(token, TWO, {"a": a, "b": b, "why": why("service-hall")})
    assert (reply.codes, reply.asked) == (["ONE_PERSON_PER_OPERATION"], 0)
