"""Who asks is signed by an issuer registered for the client; else no department is asked."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from joserfc.jwk import ECKey

from authz.demo_tokens import OPERATOR_ISSUER
from authz.ids import new_id
from authz.operators import HEADER, sign_operator
from catalogue.values import CHINA_TIME
from tests.support.county import cast
from tests.support.declared import DECLARED
from tests.support.deployment import AUDIENCE, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIENT, MANDATE = "sample-office", "M-YL-VOUCHED"
QUERY = """query Who($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) { displayName
    ... on NaturalPerson { identity { civilIdentity { state } } } } }"""
CHUNK = """mutation Chunk($job: ID!, $number: Int!, $rows: [CheckRowInput!]!, $access: AccessContext!) {
  mustCheckChunk(job: $job, number: $number, rows: $rows, access: $access) {
    rows { refusal { code } check { completeness } } } }"""
FOREIGN = ECKey.generate_key("P-256", auto_kid=True)


def _signed(stage: Stage, **changes: Any) -> str:
    whole: dict[str, Any] = {
        "issuer": OPERATOR_ISSUER,
        "client_id": CLIENT,
        "audience": AUDIENCE,
        "operator": "op-0087",
        "now": datetime.now(CHINA_TIME),
    }
    key = changes.pop("key", stage.deployment.keys.signing_key)
    return sign_operator(key, **(whole | changes))


async def _ask(
    stage: Stage, assertion: str | None, *, operator: str | None = None, chunk: str = ""
) -> tuple[int, list[str], int, list[dict[str, Any]]]:
    """Status, codes, how many questions departments got, and what the log has of it."""
    questions = len(stage.ledger.questions)
    start = len([leaf async for leaf in stage.deployment.audit.read()])
    access = {"scenario": "S90", "caseNo": "YL-2026-0777", "purpose": "样例许可", "legalBasisId": MANDATE}
    who = {"person": {"citizenId": cast()["测试甲"].value, "name": "测试甲"}}
    headers = {"Authorization": f"Bearer {stage.deployment.token(CLIENT, operator)}"}
    if assertion is not None:
        headers[HEADER] = assertion
    query, asked = QUERY, {"who": who}
    if chunk:
        persons = ("测试甲", "样例乙", "修复样例")
        rows = [
            {"line": at, "citizenId": cast()[one].value, "name": one} for at, one in enumerate(persons, 2)
        ]
        query, asked = CHUNK, {"job": chunk, "number": 1, "rows": rows}
    body = {"query": query, "variables": asked | {"access": access | DECLARED}}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stage.urls['default']}/graphql", json=body, headers=headers) as response,
    ):
        answer = await response.json(content_type=None)
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    leaves = [leaf.event async for leaf in stage.deployment.audit.read(start=start)]
    return response.status, codes, len(stage.ledger.questions) - questions, leaves


async def test_the_signed_officer_stands_in_the_log_and_the_assertion_is_used_up(stage: Stage) -> None:
    assertion = _signed(stage)
    status, codes, questions, leaves = await _ask(stage, assertion)
    assert (status, codes) == (200, [])
    assert questions > 0
    assert leaves[0]["agent"]["operatorRef"] == "op-0087"
    again = await _ask(stage, assertion)
    assert again[:3] == (403, ["OPERATOR_ASSERTION"], 0)


async def test_of_copies_that_come_at_once_one_is_answered(stage: Stage) -> None:
    assertion = _signed(stage)
    start = len([leaf async for leaf in stage.deployment.audit.read()])
    answers = await asyncio.gather(*(_ask(stage, assertion) for _ in range(8)))
    assert sorted((status, codes) for status, codes, _, _ in answers) == [
        (200, []),
        *[(403, ["OPERATOR_ASSERTION"])] * 7,
    ]
    leaves = [leaf.event async for leaf in stage.deployment.audit.read(start=start)]
    assert sorted(leaf["phase"] for leaf in leaves) == ["DENIAL"] * 7 + ["INTENT", "OUTCOME"]
    refused = [leaf for leaf in leaves if leaf["phase"] == "DENIAL"]
    assert {leaf["agent"]["operatorRef"] for leaf in refused} == {""}, "the token names nobody"


async def test_what_is_refused_has_used_its_assertion_up(stage: Stage) -> None:
    own = stage.deployment.references.subject_ref(cast()["测试甲"], CLIENT)
    assertion = _signed(stage, subject_ref=own)
    assert (await _ask(stage, assertion))[1] == ["CONFLICT_OF_INTEREST"]
    status, codes, questions, leaves = await _ask(stage, assertion)
    assert (status, codes, questions) == (403, ["OPERATOR_ASSERTION"], 0)
    assert [leaf["codes"] for leaf in leaves] == [["OPERATOR_ASSERTION"]], (
        "nothing else counts against anybody"
    )


@pytest.mark.parametrize(
    ("changes", "operator"),
    [
        ({"key": FOREIGN}, None),
        ({"client_id": "hr-approval"}, None),
        ({"audience": "another-gateway"}, None),
        ({"now": datetime.now(CHINA_TIME) - timedelta(minutes=6)}, None),
        ({"operator": "990101198001010014"}, None),
        ({}, "op-0001"),
    ],
    ids=["another key", "another client", "another audience", "expired", "an id number", "not the token's"],
)
async def test_an_assertion_that_does_not_hold_asks_nobody_and_is_recorded(
    stage: Stage, changes: dict[str, Any], operator: str | None
) -> None:
    status, codes, questions, leaves = await _ask(stage, _signed(stage, **changes), operator=operator)
    assert (status, codes, questions) == (403, ["OPERATOR_ASSERTION"], 0)
    assert [(leaf["phase"], leaf["codes"]) for leaf in leaves] == [("DENIAL", ["OPERATOR_ASSERTION"])]


@pytest.mark.parametrize("operator", [None, "op-0087"])
async def test_a_mandate_that_wants_it_signed_takes_no_token(stage: Stage, operator: str | None) -> None:
    assert (await _ask(stage, None, operator=operator))[:3] == (403, ["OPERATOR_REQUIRED"], 0)


async def test_an_officer_does_not_read_their_own_record_through_a_mandate(stage: Stage) -> None:
    own = stage.deployment.references.subject_ref(cast()["测试甲"], CLIENT)
    _, codes, questions, leaves = await _ask(stage, _signed(stage, subject_ref=own))
    assert (codes, questions) == (["CONFLICT_OF_INTEREST"], 0)
    assert [leaf["phase"] for leaf in leaves] == ["DENIAL"]
    another = stage.deployment.references.subject_ref(cast()["样例乙"], CLIENT)
    assert (await _ask(stage, _signed(stage, subject_ref=another)))[1] == []


async def test_a_chunk_that_comes_again_with_an_assertion_of_its_own_is_answered_again(stage: Stage) -> None:
    job = new_id("jb")
    _, codes, _, first = await _ask(stage, _signed(stage), chunk=job)
    assert codes == []
    assert [leaf["phase"] for leaf in first] == ["INTENT"] * 3 + ["OUTCOME"] * 3
    assertion = _signed(stage)
    _, codes, questions, again = await _ask(stage, assertion, chunk=job)
    assert (codes, questions > 0, again) == ([], True, []), "and nothing is recorded twice"
    assert (await _ask(stage, assertion, chunk=job))[:3] == (403, ["OPERATOR_ASSERTION"], 0)
    assert (await _ask(stage, assertion))[:3] == (403, ["OPERATOR_ASSERTION"], 0)
