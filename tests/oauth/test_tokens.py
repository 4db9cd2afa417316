"""Apps of the person's own, refresh tokens by ruling 21, and what the audit log says of tokens."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from joserfc.jwk import ECKey

from authz.dpop import thumbprint
from tests.oauth.conftest import (
    AGAIN,
    APP,
    APP_KEY,
    APP_ORIGIN,
    NATIVE,
    OTHER,
    Office,
    Person,
    answer_of,
    app_request,
    detail,
)
from tests.oauth.test_code import claims_of
from tests.support.bank import BANK_KEY
from tests.support.county import cast
from tests.support.deployment import ISSUER
from tests.support.oauth import Party
from tests.support.processes import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
THIEF = ECKey.generate_key("P-256", auto_kid=True)
ME = "{ me { person { displayName } } }"


async def test_an_app_reads_its_own_person_and_nobody_else(office: Office) -> None:
    reply = await office.app_redeem(await office.app_code())
    assert (reply.status, reply.body["token_type"], reply.body["scope"]) == (200, "DPoP", "credit:self")
    assert "authorization_details" not in reply.body
    token = reply.body["access_token"]
    claims = claims_of(token)
    assert (claims["acr"], claims["client_id"]) == ("phr", APP)
    mine = await office.ask(token, ME, key=APP_KEY)
    assert mine.body["data"]["me"]["person"]["displayName"] == "测试甲", "a strong login sees the name"
    other = (await office.app_redeem(await office.app_code(OTHER))).body["access_token"]
    assert claims_of(other)["sub"] != claims["sub"]


async def test_a_plain_login_does_not_become_a_strong_one(office: Office) -> None:
    reply = await office.app_redeem(await office.app_code(strong=False))
    claims = claims_of(reply.body["access_token"])
    assert "acr" not in claims
    mine = await office.ask(reply.body["access_token"], ME, key=APP_KEY)
    assert mine.body["data"]["me"]["person"]["displayName"] == "测**"


@pytest.mark.parametrize(("key", "error"), [(None, "invalid_dpop_proof"), (THIEF, "invalid_grant")])
async def test_an_app_shows_its_key(office: Office, key: ECKey | None, error: str) -> None:
    code = await office.app_code(**({"dpop_jkt": thumbprint(APP_KEY)} if key else {}))
    reply = await office.app_redeem(code, key)
    assert (reply.status, reply.body["error"]) == (400, error)


async def test_an_app_s_refresh_token_is_rotated_and_bound_to_its_key(office: Office) -> None:
    first = (await office.app_redeem(await office.app_code())).body
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    for key, error in ((THIEF, "invalid_grant"), (None, "invalid_grant")):
        refused = await office.app_token(key, **again)
        assert (refused.status, refused.body["error"]) == (400, error)
    second = await office.app_token(**again)
    assert second.status == 200, second.raw
    assert second.body["refresh_token"] != first["refresh_token"]
    assert claims_of(second.body["access_token"])["sub"] == claims_of(first["access_token"])["sub"]


async def test_a_rotated_refresh_token_that_comes_again_ends_the_family(office: Office) -> None:
    first = (await office.app_redeem(await office.app_code())).body
    second = (await office.app_token(grant_type="refresh_token", refresh_token=first["refresh_token"])).body
    for stale in (first, second):
        refused = await office.app_token(grant_type="refresh_token", refresh_token=stale["refresh_token"])
        assert (refused.status, refused.body["error"]) == (400, "invalid_grant")

    async def ended() -> bool:
        return (await office.ask(second["access_token"], ME, key=APP_KEY)).codes == ["TOKEN_REVOKED"]

    await eventually(ended)


async def test_of_two_refreshes_at_once_one_wins_and_then_nobody(office: Office) -> None:
    first = (await office.app_redeem(await office.app_code())).body
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    replies = await asyncio.gather(*(office.app_token(**again) for _ in range(4)))
    won = [reply for reply in replies if reply.status == 200]
    assert len(won) <= 1
    for reply in won:
        last = await office.app_token(grant_type="refresh_token", refresh_token=reply.body["refresh_token"])
        assert last.body["error"] == "invalid_grant"


async def test_a_bank_keeps_its_refresh_token_as_long_as_the_consent_stands(office: Office) -> None:
    handle = await office.handle(authorization_details=json.dumps(detail(**AGAIN)))
    consent = await office.agreed(handle)
    code = answer_of(await office.authorizations.grant(handle, Person.named(), consent))["code"]
    refresh = (await office.redeem(code)).body["refresh_token"]
    for _ in range(2):
        reply = await office.refresh(refresh)
        assert (reply.status, "refresh_token" in reply.body) == (200, False), reply.raw
        assert reply.body["authorization_details"][0]["consentId"] == consent
    widened = await office.refresh(refresh, scope="credit:consent credit:check")
    assert widened.body["error"] == "invalid_scope"
    thief = office.bank("other-bank-2")
    stolen = await thief.post(
        "/oauth/token", thief.proof(), grant_type="refresh_token", refresh_token=refresh
    )
    assert stolen.body["error"] == "invalid_grant"
    await office.take_back(consent)
    late = await office.refresh(refresh)
    assert (late.status, late.body["error"]) == (400, "invalid_grant")


async def test_a_revoked_refresh_token_takes_its_tokens_along(office: Office) -> None:
    got = (await office.app_redeem(await office.app_code())).body
    app = Party(office.url, ISSUER, APP)
    other = await office.bank().post("/oauth/revoke", token=got["refresh_token"])
    assert (other.status, other.body["error"]) == (400, "invalid_request"), "not the bank's"
    reply = await app.send("/oauth/revoke", {"client_id": APP, "token": got["refresh_token"]})
    assert reply.status == 200

    async def ended() -> bool:
        return (await office.ask(got["access_token"], ME, key=APP_KEY)).codes == ["TOKEN_REVOKED"]

    await eventually(ended)
    late = await office.app_token(grant_type="refresh_token", refresh_token=got["refresh_token"])
    assert late.body["error"] == "invalid_grant"


async def test_a_proof_that_ends_nothing_is_not_kept(office: Office) -> None:
    """Whoever invents tokens and keys fills no store with them."""
    app, path = Party(office.url, ISSUER, APP), "/oauth/revoke"
    before = await kept_once(office)
    replies = [
        await app.send(path, {"client_id": APP, "token": "invented"}, {"DPoP": app.proof(path, THIEF)})
        for _ in range(2)
    ]
    assert [reply.status for reply in replies] == [400, 200], "the first had no nonce yet"
    assert await kept_once(office) == before


async def kept_once(office: Office) -> int:
    async with office.stage.deployment.store.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT count(*) FROM used_once")
        return int(rows.scalar_one())


async def test_a_bank_names_a_consent_it_holds_for_a_token_of_its_own(office: Office) -> None:
    """RFC 9396 §6 with client credentials: consents given elsewhere, such as in the person's app."""
    handle = await office.handle()
    consent = await office.agreed(handle)
    bank = office.bank()

    async def asked(*details: object, by: Party = bank) -> tuple[int, str | None, object]:
        reply = await by.post(
            "/oauth/token",
            by.proof(),
            grant_type="client_credentials",
            authorization_details=json.dumps(details),
        )
        return reply.status, reply.body.get("error"), reply.body.get("authorization_details")

    named = {"type": "credit_record_read", "consentId": consent}
    assert await asked(named) == (200, None, [named])
    refused = (400, "invalid_authorization_details", None)
    assert await asked(named, by=office.bank("other-bank-2")) == refused
    assert await asked({**named, "consentId": "ca_" + "a" * 32}) == refused
    assert await asked(named, named) == refused
    assert await asked(detail()[0]) == refused
    await office.take_back(consent)
    assert await asked(named) == refused


async def test_the_log_says_which_client_got_a_token_for_which_key_and_never_the_token(
    office: Office,
) -> None:
    log = office.stage.deployment.audit
    start = len([leaf async for leaf in log.read()])
    code = await office.code()
    reply = await office.redeem(code)
    leaves = [leaf.event async for leaf in log.read(start=start)]
    (issued,) = [leaf for leaf in leaves if leaf["phase"] == "TOKEN"]
    assert issued["agent"]["clientId"] == "sample-bank"
    assert (issued["grantType"], issued["keyThumbprint"]) == ("authorization_code", thumbprint(BANK_KEY))
    assert issued["consentId"] == reply.body["authorization_details"][0]["consentId"]
    written = json.dumps(leaves)
    assert reply.body["access_token"] not in written
    assert code not in written
    assert cast()["测试甲"].value not in written


@pytest.mark.parametrize(
    "path", ["/oauth/token", "/oauth/par", "/oauth/revoke", "/graphql", "/.well-known/jwks.json"]
)
@pytest.mark.parametrize(("origin", "allowed"), [(APP_ORIGIN, True), ("https://evil.example", False)])
async def test_browsers_call_from_registered_origins_alone(
    office: Office, path: str, origin: str, allowed: bool
) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    wanted = {"Access-Control-Request-Headers": "dpop,content-type,authorization"}
    async with (
        aiohttp.ClientSession() as session,
        session.options(office.url + path, headers=asked | wanted) as preflight,
        session.get(office.url + path, headers={"Origin": origin}) as plain,
    ):
        for reply in (preflight, plain):
            assert reply.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
            assert "Access-Control-Allow-Credentials" not in reply.headers, "never with cookies (ruling 22)"
        assert (preflight.status == 200) is allowed


async def test_a_request_of_a_client_that_sends_banks_cookies_is_nobody(office: Office) -> None:
    got = (await office.app_redeem(await office.app_code())).body
    async with (
        aiohttp.ClientSession(cookies={"session": got["access_token"]}) as session,
        session.post(f"{office.url}/graphql", json={"query": ME}) as response,
    ):
        assert response.status in (401, 403)
        assert "data" not in await response.json(content_type=None) or response.status == 403


async def test_an_app_may_push_its_request_too(office: Office) -> None:
    app = Party(office.url, ISSUER, APP)
    pushed = await app.send("/oauth/par", app_request())
    assert pushed.status == 201, pushed.raw
    sent = await office.visit(client_id=APP, request_uri=pushed.body["request_uri"])
    assert sent.status == 303


async def test_an_app_s_code_is_nothing_to_another_app(office: Office) -> None:
    """Not even with its verifier, its redirect URI and its key."""
    code = await office.app_code()
    stolen = await office.app_redeem(code, client_id=NATIVE)
    assert (stolen.status, stolen.body["error"]) == (400, "invalid_grant")
    assert (await office.app_redeem(code)).status == 200
