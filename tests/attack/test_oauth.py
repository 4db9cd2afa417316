"""Attacks on the authorization server; each fails closed. A stolen code is in tests/oauth/test_code.py."""

from __future__ import annotations

import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from authz.dpop import token_hash
from tests.oauth.conftest import Office, Person, answer_of, app_request, detail, handle_of
from tests.oauth.conftest import office as office
from tests.oauth.test_code import claims_of
from tests.support.bank import presented
from tests.support.deployment import ISSUER

pytestmark = pytest.mark.asyncio(loop_scope="session")
QUERY = "{ catalogue { version } }"


async def test_every_answer_names_its_issuer_so_that_none_is_taken_for_another_s(office: Office) -> None:
    """Mix-up (RFC 9700 §4.4): by `iss` in every answer, and an assertion that is for one server alone."""
    granted = handle_of(await office.visit(**app_request()))
    refused = handle_of(await office.visit(**app_request()))
    faulty = await office.visit(**app_request(scope="credit:check"))
    answers = [
        await office.authorizations.grant(granted, Person.named(), None),
        await office.authorizations.refuse(refused),
        faulty.headers["Location"],
    ]
    assert [answer_of(url)["iss"] for url in answers] == [ISSUER] * 3
    bank = office.bank()
    for elsewhere in ("https://evil.example", [ISSUER, "https://evil.example"]):
        form = {"grant_type": "client_credentials", "client_assertion": bank.assertion(aud=elsewhere)}
        reply = await bank.post("/oauth/token", bank.proof(), **form)
        assert (reply.status, reply.body["error"]) == (400, "invalid_client")


async def test_a_token_of_another_issuer_or_for_another_audience_is_nobody_s(office: Office) -> None:
    good = claims_of(await office.bank().token())
    keys = office.stage.deployment.keys
    own, foreign = keys.signing_key, ECKey.generate_key("P-256", auto_kid=True)
    for key, changes, code in (
        (own, {"iss": "https://evil.example"}, "TOKEN_ISSUER"),
        (own, {"aud": "another-service"}, "TOKEN_AUDIENCE"),
        (own, {"exp": int(time.time()) - 1}, "TOKEN_EXPIRED"),
        (foreign, {}, "TOKEN_SIGNATURE"),
    ):
        header = {"alg": "ES256", "typ": "at+jwt", "kid": own.kid}
        token = jwt.encode(header, good | changes, key)
        assert (await office.ask(token, QUERY)).codes == [code]


async def test_a_proof_is_taken_once_and_for_its_own_request_alone(office: Office) -> None:
    token = await office.bank().token()
    once = presented(token, *office.stage.deployment.expected_proof)
    first, second = [await office.ask(token, QUERY, **once) for _ in range(2)]
    assert (first.codes, second.codes) == ([], ["DPOP_PROOF"])
    bank = office.bank()
    for stolen in (
        bank.proof("/oauth/token", ath=token_hash(token)),
        bank.proof("/graphql", ath=token_hash("another token")),
        bank.proof("/graphql", htm="GET", ath=token_hash(token)),
    ):
        assert (await office.ask(token, QUERY, DPoP=stolen)).codes == ["DPOP_PROOF"]


async def test_a_pushed_request_s_proof_and_assertion_are_used_up_too(office: Office) -> None:
    bank = office.bank()
    proof, assertion = bank.proof("/oauth/par"), bank.assertion()
    assert (await office.push(proof, client_assertion=assertion)).status == 201
    again = await office.push(proof)
    assert (again.status, again.body["error"]) == (400, "invalid_dpop_proof")
    same = await office.push(client_assertion=assertion)
    assert (same.status, same.body["error"]) == (400, "invalid_client")


async def test_a_token_for_one_consent_opens_no_other_of_the_same_bank(office: Office) -> None:
    one, other = await office.handle(), await office.handle(authorization_details=json.dumps(detail()))
    first, second = await office.agreed(one), await office.agreed(other)
    code = answer_of(await office.authorizations.grant(one, Person.named(), first))["code"]
    token = (await office.redeem(code)).body["access_token"]
    before = len(office.stage.ledger.questions)
    assert (await office.read(token, second)).codes == ["CONSENT_TOKEN"]
    assert len(office.stage.ledger.questions) == before, "no source was asked"
    assert (await office.read(token, first)).codes == []
