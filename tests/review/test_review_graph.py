"""The reviewer over HTTP: sees how somebody read and never whom, records results, ends lock-outs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from authz.demo_tokens import issue_token
from catalogue.values import CHINA_TIME
from tests.support.county import cast, personal_values
from tests.support.declared import DECLARED
from tests.support.deployment import AUDIENCE, ISSUER, Stage, county_stage
from tests.support.scenarios import OVERLAY
from tests.support.use import number

pytestmark = pytest.mark.asyncio(loop_scope="session")

ITEMS = """query Items($kinds: [ReviewItemKind!], $first: Int = 50, $after: String) {
  review {
    items(kinds: $kinds, first: $first, after: $after) {
      edges { cursor node { id kind client organizationUscc operator count state finding } }
      pageInfo { hasNextPage }
    }
    locks { id client operator cause until agreedBy }
  }
}"""
ITEM = """query Item($id: ID!) { review { item(id: $id) { id entries { number finding reviewer note } reads {
  event organization operator scenario caseNo purpose result returned records { recordType fields } } } } }"""
RECORD = """mutation R($input: RecordReviewInput!) { recordReview(input: $input) {
  ... on ReviewItem { state finding entries { number finding reviewer } }
  ... on ReviewRefusal { code message } } }"""
LIFT = """mutation L($input: LiftLockInput!) { liftLock(input: $input) {
  ... on ClientLock { agreedBy liftedBy } ... on ReviewRefusal { code message } } }"""
READ = "query R($who: SubjectLookup!, $why: AccessContext!) { subject(lookup: $who, access: $why) { kind } }"


@dataclass(frozen=True)
class Office:
    stage: Stage

    async def ask(self, token: str, query: str, variables: dict[str, Any] | None = None) -> Any:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
            session.post(
                f"{self.stage.urls['default']}/graphql", json={"query": query, "variables": variables}
            ) as response,
        ):
            return await response.json(content_type=None)

    def token(self, client: str = "audit-office", operator: str = "rv-0001") -> str:
        return self.stage.deployment.token(client, operator)

    async def read(self, index: int, operator: str = "op-0001") -> None:
        who = {"person": {"citizenId": number(index).value, "name": "测试甲"}}
        why = {"scenario": "S16", "caseNo": f"LSTD-2026-{index:05d}", "purpose": "绿色通道"} | DECLARED
        await self.ask(self.token("service-hall", operator), READ, {"who": who, "why": why})

    async def items(self, **variables: Any) -> Any:
        body = await self.ask(self.token(), ITEMS, variables)
        assert "errors" not in body, body
        return body["data"]["review"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def review(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("review")
    terms = {"lockout": {"operatorFailures": 3, "clientFailures": 1000}}
    async with county_stage(folder, OVERLAY, "default", use=terms) as running:
        made = Office(running)
        for index in range(1, 21):
            await made.read(index, f"op-{index // 2}")
        for index in (100, 200, 300):
            await made.read(index, "op-0001")
        yield made


async def test_alarms_tell_how_and_never_whom(review: Office) -> None:
    found = await review.items(kinds=["SEQUENTIAL_IDS"])
    (edge,) = found["items"]["edges"]
    item = edge["node"]
    assert (item["client"], item["operator"], item["count"], item["state"]) == (
        "service-hall",
        None,
        20,
        "OPEN",
    )
    detail = await review.ask(review.token(), ITEM, {"id": item["id"]})
    reads = detail["data"]["review"]["item"]["reads"]
    assert {(read["scenario"], read["purpose"]) for read in reads} == {("S16", "绿色通道")}
    told = orjson.dumps([found, detail]).decode()
    assert "hm_" not in told
    assert "sr_" not in told
    assert not any(value in told for value in personal_values())
    assert not any(number(index).value in told for index in range(1, 21))


async def test_items_come_in_pages(review: Office) -> None:
    whole = (await review.items())["items"]["edges"]
    assert len(whole) > 0
    first = (await review.items(first=1))["items"]
    rest = (await review.items(first=50, after=first["edges"][0]["cursor"]))["items"]
    ids = [edge["node"]["id"] for edge in first["edges"] + rest["edges"]]
    assert ids == [edge["node"]["id"] for edge in whole]
    assert first["pageInfo"]["hasNextPage"] is (len(whole) > 1)


@pytest.mark.parametrize(
    ("client", "operator", "code"),
    [("service-hall", "op-0001", "ACTOR_NOT_ALLOWED"), ("hr-approval", "op-0002", "ACTOR_NOT_ALLOWED")],
)
@pytest.mark.parametrize("query", [ITEMS, RECORD, LIFT], ids=["items", "record", "lift"])
async def test_who_reads_does_not_review(
    review: Office, query: str, client: str, operator: str, code: str
) -> None:
    given = {"id": "al_1", "finding": "IN_ORDER", "note": "核对", "reason": "核对"}
    wanted = {"finding", "note"} if query is RECORD else {"reason"}
    variables = {} if query is ITEMS else {"input": {name: given[name] for name in {"id", *wanted}}}
    body = await review.ask(review.token(client, operator), query, variables)
    assert [error["extensions"]["code"] for error in body["errors"]] == [code]
    assert not any((body.get("data") or {}).values())


async def test_the_scope_is_needed(review: Office) -> None:
    deployment = review.stage.deployment
    registered = deployment.clients.clients["audit-office"]
    bare = registered.model_copy(update={"scopes": frozenset({"credit:audit"})})
    token = issue_token(
        deployment.keys,
        bare,
        issuer=ISSUER,
        audience=AUDIENCE,
        now=datetime.now(CHINA_TIME),
        operator="rv-0001",
    )
    body = await review.ask(token, ITEMS)
    assert [error["extensions"]["code"] for error in body["errors"]] == ["SCOPE_MISSING"]


async def test_a_result_is_recorded_once_and_changes_are_new_entries(review: Office) -> None:
    (edge,) = (await review.items(kinds=["SEQUENTIAL_IDS"]))["items"]["edges"]
    entry = {"id": edge["node"]["id"], "finding": "EXPLAINED", "note": "整班录取名单"}
    first = await review.ask(review.token(), RECORD, {"input": entry})
    assert first["data"]["recordReview"] == {
        "state": "REVIEWED",
        "finding": "EXPLAINED",
        "entries": [{"number": 1, "finding": "EXPLAINED", "reviewer": "rv-0001"}],
    }
    again = await review.ask(review.token(), RECORD, {"input": entry})
    assert again["data"]["recordReview"]["code"] == "ALREADY_REVIEWED"
    change = {"input": entry | {"finding": "MISUSE", "change": True}}
    second = await review.ask(review.token("credit-office", "rv-0009"), RECORD, change)
    assert [each["number"] for each in second["data"]["recordReview"]["entries"]] == [1, 2]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"id": "al_none", "finding": "MISUSE", "note": "核对"}, "ITEM_UNKNOWN"),
        ({"id": "al_none", "finding": "MISUSE", "note": cast()["测试甲"].value}, "NOTE_INVALID"),
    ],
)
async def test_what_cannot_be_recorded_is_a_typed_refusal(
    review: Office, entry: dict[str, str], code: str
) -> None:
    body = await review.ask(review.token(), RECORD, {"input": entry})
    assert body["data"]["recordReview"]["code"] == code


async def test_two_reviewers_end_a_suspension(review: Office) -> None:
    (lock,) = [each for each in (await review.items())["locks"] if each["cause"] == "SEQUENTIAL_IDS"]
    lift = {"input": {"id": lock["id"], "reason": "整班录取名单"}}
    half = await review.ask(review.token(), LIFT, lift)
    assert half["data"]["liftLock"] == {"agreedBy": "rv-0001", "liftedBy": None}
    alone = await review.ask(review.token(), LIFT, lift)
    assert alone["data"]["liftLock"]["code"] == "SECOND_REVIEWER"
    whole = await review.ask(review.token("credit-office", "rv-0009"), LIFT, lift)
    assert whole["data"]["liftLock"] == {"agreedBy": "rv-0001", "liftedBy": "rv-0009"}
