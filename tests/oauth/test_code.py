"""The loan story at the authorization server: pushed request, consent, code, token, read, taken back."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import func, select

from authz.authorizations import oauth_request
from authz.dpop import thumbprint
from catalogue.values import CHINA_TIME
from gateway.app import create_app
from gateway.oauth.authorizations import OAuthError
from tests.oauth.conftest import (
    AGAIN,
    APP,
    APP_CALLBACK,
    NATIVE,
    OTHER,
    VERIFIER,
    Office,
    Person,
    answer_of,
    app_request,
    bank_request,
    detail,
    handle_of,
)
from tests.support.bank import BANK_KEY
from tests.support.deployment import ISSUER, Stage, without_lifespan
from tests.support.http import served
from tests.support.oauth import BANK_CALLBACK, Party
from tests.support.processes import Reply, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
THIEF = ECKey.generate_key("P-256", auto_kid=True)


def claims_of(token: str) -> Any:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


async def test_a_bank_reads_what_the_person_agreed_to_until_they_take_it_back(office: Office) -> None:
    pushed = await office.push()
    assert (pushed.status, pushed.body["expires_in"]) == (201, 90)
    assert pushed.headers["Cache-Control"] == "no-store"
    assert pushed.body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    handle = handle_of(await office.visit(client_id="sample-bank", request_uri=pushed.body["request_uri"]))
    pending = await office.authorizations.pending(handle)
    assert (pending.client.client_id, pending.redirect_uri) == ("sample-bank", BANK_CALLBACK)
    assert pending.details == detail()
    assert pending.expires_at.tzinfo is CHINA_TIME
    consent = await office.agreed(handle)

    url = await office.authorizations.grant(handle, Person.named(), consent)
    assert url.startswith(BANK_CALLBACK + "?")
    answer = answer_of(url)
    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("af0ifjsldkj", ISSUER)

    reply = await office.redeem(answer["code"])
    assert reply.status == 200, reply.raw
    (granted,) = reply.body["authorization_details"]
    assert (granted["type"], granted["consentId"]) == ("credit_record_read", consent)
    assert granted["items"][0]["fields"] == ["caseNo", "court"]
    assert reply.body["token_type"] == "DPoP"
    assert "refresh_token" not in reply.body, "one use needs one token (ruling 21)"
    token = reply.body["access_token"]
    claims = claims_of(token)
    assert claims["authorization_details"] == [{"type": "credit_record_read", "consentId": consent}]
    assert claims["cnf"] == {"jkt": thumbprint(BANK_KEY)}
    assert claims["sub"].startswith("sr_")
    assert Person.named().subject.value not in json.dumps(claims)

    read = await office.read(token, consent)
    assert read.status == 200, read.raw
    assert read.body["data"]["subject"]["judicial"]["judgmentDefaults"]["records"]
    assert (await office.introspected(token))["active"] is True
    await office.take_back(consent)
    early = await office.read(token, consent)
    assert early.codes in (["CONSENT_REVOKED"], ["TOKEN_REVOKED"]), "the consent is over at once"

    async def ended() -> bool:
        return (await office.introspected(token)) == {"active": False}

    await eventually(ended)
    late = await office.read(token, consent)
    assert (late.status, late.codes) == (401, ["TOKEN_REVOKED"])


async def test_a_person_who_refuses_is_named_with_no_word(office: Office) -> None:
    handle = await office.handle()
    answer = answer_of(await office.authorizations.refuse(handle))
    assert answer == {"error": "access_denied", "state": "af0ifjsldkj", "iss": ISSUER}
    for again in (office.authorizations.refuse(handle), office.authorizations.pending(handle)):
        with pytest.raises(OAuthError):
            await again


async def test_a_request_is_answered_once_and_only_after_the_browser_came(office: Office) -> None:
    pushed = await office.push()
    unopened = pushed.body["request_uri"].rpartition(":")[2]
    with pytest.raises(OAuthError):
        await office.authorizations.pending(unopened)
    handle = await office.handle()
    consent = await office.agreed(handle)
    await office.authorizations.grant(handle, Person.named(), consent)
    with pytest.raises(OAuthError):
        await office.authorizations.grant(handle, Person.named(), consent)


async def test_a_consent_answers_only_the_request_it_was_given_to(office: Office) -> None:
    first = await office.agreed(await office.handle())
    wider = json.dumps(detail(purpose="用于审查本人提交的另一笔贷款申请"))
    other = await office.handle(authorization_details=wider)
    of_another = await office.agreed(await office.handle(), OTHER)
    for consent in (first, of_another, None, "ca_" + "a" * 32):
        with pytest.raises(OAuthError) as refused:
            await office.authorizations.grant(other, Person.named(), consent)
        assert refused.value.error == "invalid_request"
    with pytest.raises(OAuthError):
        await office.authorizations.grant(await office.handle(), Person.named(OTHER), first)
    revoked = await office.handle()
    consent = await office.agreed(revoked)
    await office.take_back(consent)
    with pytest.raises(OAuthError):
        await office.authorizations.grant(revoked, Person.named(), consent)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": secrets.token_urlsafe(48)}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": BANK_CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code": "guessed"}, "invalid_grant"),
    ],
)
async def test_a_code_is_redeemed_as_it_was_asked_for(
    office: Office, changes: dict[str, str], error: str
) -> None:
    code = await office.code()
    reply = await office.redeem(**({"code": code} | changes))
    assert (reply.status, reply.body["error"]) == (400, error)
    assert (await office.redeem(code)).status == 200, "what failed has used nothing up"


async def test_a_code_that_comes_twice_ends_what_was_issued_on_it(office: Office) -> None:
    code = await office.code()
    token = (await office.redeem(code)).body["access_token"]
    assert (await office.introspected(token))["active"] is True
    again = await office.redeem(code)
    assert (again.status, again.body["error"]) == (400, "invalid_grant")

    async def ended() -> bool:
        return (await office.ask(token, "{ catalogue { version } }")).codes == ["TOKEN_REVOKED"]

    await eventually(ended)


async def test_a_stolen_code_is_nothing_to_another_client(office: Office) -> None:
    code = await office.code()
    thief = office.bank("other-bank-2")
    form = {"redirect_uri": BANK_CALLBACK, "code_verifier": VERIFIER, "code": code}
    stolen = await thief.post("/oauth/token", thief.proof(), grant_type="authorization_code", **form)
    assert (stolen.status, stolen.body["error"]) == (400, "invalid_grant")
    app = await office.app_redeem(code)
    assert (app.status, app.body["error"]) == (400, "invalid_grant")
    assert (await office.redeem(code)).status == 200, "and the bank still has it"


async def test_a_code_opens_nothing_as_part_of_another_grant(office: Office) -> None:
    """Neither past PKCE by a refresh, nor to a token that names a consent of somebody else's."""
    code, bank = await office.code(authorization_details=json.dumps(detail(**AGAIN))), office.bank()
    refreshed = await bank.post(
        "/oauth/token", bank.proof(key=THIEF), grant_type="refresh_token", refresh_token="x", code=code
    )
    assert (refreshed.status, refreshed.body["error"]) == (400, "invalid_grant")
    foreign = json.dumps([{"type": "credit_record_read", "consentId": "ca_" + "a" * 32}])
    named = await bank.post(
        "/oauth/token",
        bank.proof(),
        grant_type="client_credentials",
        code=code,
        authorization_details=foreign,
    )
    assert (named.status, named.body["error"]) == (400, "invalid_authorization_details")


@pytest.mark.parametrize("named", [True, False])
async def test_a_code_is_bound_to_the_key_that_asked(office: Office, named: bool) -> None:
    """RFC 9449 §10 by name, §10.1 by the proof that came with the pushed request."""
    bound = {"dpop_jkt": thumbprint(BANK_KEY)} if named else {"proof": office.bank().proof("/oauth/par")}
    code = await office.code(**bound)
    other = await office.redeem(code, THIEF)
    assert (other.status, other.body["error"]) == (400, "invalid_grant")
    assert (await office.redeem(code)).status == 200


async def test_a_proof_and_dpop_jkt_name_one_key(office: Office) -> None:
    reply = await office.push(office.bank().proof("/oauth/par"), dpop_jkt=thumbprint(THIEF))
    assert (reply.status, reply.body["error"]) == (400, "invalid_dpop_proof")


async def test_a_bank_without_a_proof_gets_no_token_for_its_code(office: Office) -> None:
    code, bank = await office.code(), office.bank()
    form = {"redirect_uri": BANK_CALLBACK, "code_verifier": VERIFIER, "code": code}
    reply = await bank.post("/oauth/token", grant_type="authorization_code", **form)
    assert (reply.status, reply.body["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": BANK_CALLBACK + "?x=1"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:8766/callback"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": '<b>"\r\n'}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "credit:check"}, "invalid_scope"),
        ({"state": "s" * 1_025}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"authorization_details": None}, "invalid_authorization_details"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"payment_initiation"}]'}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps(detail(store=True))}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps(detail(scenario="S04"))}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps(detail(validDays=2**31 - 1))}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps(detail(caseNo="LN\n1"))}, "invalid_authorization_details"),
        (
            {"authorization_details": json.dumps(detail(purpose="用于审查\u202e本人提交的经营贷款申请"))},
            "invalid_authorization_details",
        ),
        ({"client_id": "other-bank-2"}, "invalid_client"),
        ({"client_assertion_type": "x"}, "invalid_client"),
    ],
)
async def test_a_pushed_request_is_in_order_or_refused(
    office: Office, changes: dict[str, Any], error: str
) -> None:
    reply = await office.push(**changes)
    assert (reply.status, reply.body["error"]) == (400, error), reply.raw
    assert "http://127.0.0.1:8766" not in reply.raw.decode()


async def test_a_public_client_cannot_pass_for_a_bank(office: Office) -> None:
    sent = {"client_id": "sample-bank", "response_type": "code", "redirect_uri": BANK_CALLBACK}
    reply = await office.bank().send("/oauth/par", sent)
    assert (reply.status, reply.body["error"]) == (400, "invalid_client")


async def test_a_bank_s_request_never_comes_through_the_browser(office: Office) -> None:
    sent = await office.visit(**bank_request())
    answer = answer_of(sent.headers["Location"])
    assert sent.headers["Location"].startswith(BANK_CALLBACK)
    assert (answer["error"], answer["state"], answer["iss"]) == ("invalid_request", "af0ifjsldkj", ISSUER)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"scope": "credit:consent"}, "invalid_scope"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"authorization_details": json.dumps(detail())}, "invalid_authorization_details"),
    ],
)
async def test_a_fault_goes_back_to_the_app_with_the_issuer_s_name(
    office: Office, changes: dict[str, Any], error: str
) -> None:
    sent = await office.visit(**app_request(**changes))
    assert sent.status == 303
    assert sent.headers["Location"].startswith(APP_CALLBACK + "?")
    answer = answer_of(sent.headers["Location"])
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "xyz", ISSUER)


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": APP_CALLBACK + "/"},
        {"redirect_uri": APP_CALLBACK + "?a=b"},
        {"redirect_uri": APP_CALLBACK.upper()},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
        {"client_id": "hr-approval"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:guessed"},
        {"request_uri": "https://evil.example/request.jwt"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(
    office: Office, changes: dict[str, Any]
) -> None:
    refused = await office.visit(**app_request(**changes))
    assert (refused.status, "Location" in refused.headers) == (400, False)
    assert "evil" not in refused.raw.decode()


async def test_a_pushed_request_is_opened_by_its_own_client_and_may_be_reloaded(office: Office) -> None:
    uri = (await office.push()).body["request_uri"]
    assert (await office.visit(client_id="other-bank-2", request_uri=uri)).status == 400
    first = await office.visit(client_id="sample-bank", request_uri=uri, redirect_uri="https://evil.example")
    again = await office.visit(client_id="sample-bank", request_uri=uri)
    assert handle_of(first) == handle_of(again)


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("http://127.0.0.1:51234/callback", True),
        ("http://127.0.0.1/callback", True),
        ("http://127.0.0.1:51234/other", False),
        ("http://localhost:51234/callback", False),
        ("http://127.0.0.1:51234@evil.example/callback", False),
        ("https://127.0.0.1:51234/callback", False),
    ],
)
async def test_an_installed_app_listens_at_any_port_of_the_loopback(
    office: Office, uri: str, taken: bool
) -> None:
    """RFC 8252 §7.3; for no other client."""
    sent = await office.visit(**app_request(client_id=NATIVE, redirect_uri=uri))
    assert (sent.status == 303) is taken
    if taken:
        answer = await office.authorizations.refuse(handle_of(sent))
        assert urlsplit(answer).netloc == urlsplit(uri).netloc


@pytest.mark.parametrize("pushed", [False, True])
async def test_requests_that_wait_for_a_person_are_few(office: Office, pushed: bool) -> None:
    """An address has a budget; a bank that proves itself from there has its own."""
    strict = office.stage.deployment.with_settings(limits={"authorizations_per_minute": 2})
    async with served(without_lifespan(create_app(strict))) as url:
        few = Office(Stage(strict, {"default": url}, office.stage.ledger))

        async def ask() -> Reply:
            if pushed:
                return await Party(url, ISSUER, APP).send("/oauth/par", app_request())
            return await few.visit(**app_request())

        assert [(await ask()).status for _ in range(3)] == [201 if pushed else 303] * 2 + [429]
        waits = await rows(office)
        refused = await ask()
        assert (refused.status, await rows(office)) == (429, waits)
        assert 0 < int(refused.headers["Retry-After"]) <= 30
        assert not pushed or refused.body["error"] == "temporarily_unavailable"

        assert [(await few.push()).status for _ in range(3)] == [201, 201, 429]


async def rows(office: Office) -> int:
    """How many requests wait in the store."""
    async with office.stage.deployment.store.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(oauth_request))).scalar_one()
