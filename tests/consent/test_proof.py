"""A DPoP proof, a use of a consent and the intent of the read are one transaction (ruling 20)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.consent.conftest import Town, about
from tests.consent.test_gr03 import READ
from tests.support.bank import presented

pytestmark = pytest.mark.asyncio(loop_scope="session")


def headers(town: Town, consent: Mapping[str, Any] | None = None) -> dict[str, str]:
    token = town.bank(consent_id=consent["id"] if consent else "")
    return dict(presented(token, *town.stage.deployment.expected_proof))


def codes(body: Any) -> list[str]:
    return [error["extensions"]["code"] for error in body.get("errors", ())]


async def uses(town: Town, consent: Mapping[str, Any]) -> int:
    record = await town.stage.deployment.consents._load(consent["id"])
    assert record is not None
    return record.uses


async def test_copies_of_one_request_are_answered_once_and_count_once(town: Town):
    asked = await town.requested()
    await town.agreed(asked)
    stolen, variables = headers(town, asked), about(asked, idempotencyKey="once")
    start = len(await town.leaves())
    replies = await asyncio.gather(*(town.post(stolen, READ, variables) for _ in range(6)))
    answered = [body for _, body in replies if not codes(body)]
    assert len(answered) == 1, "the key would let all six through as one use"
    assert {code for _, body in replies for code in codes(body)} == {"DPOP_PROOF"}
    assert await uses(town, asked) == 1
    intents = [leaf for leaf in (await town.leaves())[start:] if leaf["phase"] == "INTENT"]
    assert len(intents) == 1
    before = len(town.stage.ledger.questions)
    assert (await town.post(stolen, READ, variables))[0] == 401
    assert len(town.stage.ledger.questions) == before


async def test_a_use_that_is_refused_uses_the_proof_up_all_the_same(town: Town):
    asked = await town.requested()
    await town.agreed(asked)
    assert codes((await town.post(headers(town, asked), READ, about(asked)))[1]) == []
    spent = headers(town, asked)
    assert codes((await town.post(spent, READ, about(asked)))[1]) == ["CONSENT_USED_UP"]
    status, body = await town.post(spent, READ, about(asked))
    assert (status, codes(body)) == (401, ["DPOP_PROOF"])


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("{ nothing }", ["GRAPHQL_VALIDATION"]),
        ("{ __typename }", []),
        ("{ catalogue { version } }", []),
        ("{", ["GRAPHQL_SYNTAX"]),
    ],
)
async def test_whatever_is_answered_the_proof_is_used_up(town: Town, query: str, first: list[str]):
    spent = headers(town)
    status, body = await town.post(spent, query)
    assert codes(body) == first
    status, body = await town.post(spent, "{ __typename }")
    assert (status, codes(body)) == (401, ["DPOP_PROOF"])
