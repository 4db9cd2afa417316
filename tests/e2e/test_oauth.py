"""The embedded authorization server and the graph behind it, over HTTP, as two processes on one store."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from authz.dpop import thumbprint, token_hash
from authz.revocations import Revocations
from authz.store import Store
from tests.e2e.conftest import Settle
from tests.support.bank import BANK_KEY
from tests.support.commands import command
from tests.support.county_answers import PERSON
from tests.support.oauth import Party, embed, key_file
from tests.support.processes import AUDIENCE, CHECKOUT, Reply, Server, eventually, free_port, serving

QUERY = "{ catalogue { version } }"
TAX = "{ me { person { displayName tax { taxViolations { state records { authority } } } } } }"
THIEF = ECKey.generate_key("P-256")


@pytest.fixture(scope="module")
def pair(settled: Settle) -> Iterator[tuple[Server, Server]]:
    """Two processes of one gateway; clients know it by the address of the first."""
    port = free_port()
    home = settled()
    embed(home, f"http://127.0.0.1:{port}")
    with serving(home, port) as first, serving(home) as second:
        yield first, second


@pytest.fixture
def bank(pair: tuple[Server, Server]) -> Party:
    return Party(pair[0].url, pair[0].url)


async def graph(url: str, party: Party, token: str, scheme: str = "DPoP", **changes: Any) -> Reply:
    """Present a token to a process, with a proof unless it is None."""
    proof = changes.pop("proof", "")
    if proof == "":
        proof = party.proof("/graphql", **({"ath": token_hash(token)} | changes))
    headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/graphql", json={"query": QUERY}, headers=headers) as response,
    ):
        party.nonce = response.headers.get("DPoP-Nonce", party.nonce)
        return Reply(response.status, dict(response.headers), await response.read())


def claims_of(token: str) -> Any:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


async def test_the_metadata_is_that_of_the_rfc_and_its_addresses_answer(pair: tuple[Server, Server]) -> None:
    issuer = pair[0].url
    found = await pair[0].get("/.well-known/oauth-authorization-server")
    assert (found.status, found.body["issuer"]) == (200, issuer)
    assert found.body["token_endpoint_auth_methods_supported"] == ["private_key_jwt", "none"]
    for name in ("token", "introspection", "revocation"):
        assert found.body[f"{name}_endpoint"].startswith(f"{issuer}/oauth/")
        algorithms = found.body[f"{name}_endpoint_auth_signing_alg_values_supported"]
        assert algorithms == ["ES256", "EdDSA", "PS256"]
    assert found.body["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "PS256"]
    keys = await pair[0].get(found.body["jwks_uri"].removeprefix(issuer))
    assert "d" not in keys.body["keys"][0]
    assert keys.headers["Cache-Control"].startswith("public")


async def test_a_bank_gets_a_token_of_rfc_9068_that_is_bound_to_its_key(
    pair: tuple[Server, Server], bank: Party
) -> None:
    reply = await bank.token_reply(scope="credit:consent")
    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "no-store"
    assert (reply.body["token_type"], reply.body["expires_in"]) == ("DPoP", 300)
    published = await pair[1].get("/.well-known/jwks.json")
    token = jwt.decode(reply.body["access_token"], KeySet.import_key_set(published.body))
    assert token.header["typ"] == "at+jwt"
    claims = token.claims
    assert (claims["iss"], claims["aud"], claims["sub"]) == (bank.issuer, AUDIENCE, "sample-bank")
    assert (claims["client_id"], claims["scope"]) == ("sample-bank", "credit:consent")
    assert claims["exp"] - claims["iat"] == 300
    assert claims["cnf"] == {"jkt": thumbprint(BANK_KEY)}
    assert claims["jti"]
    for server in pair:
        answer = await graph(server.url, bank, reply.body["access_token"])
        assert (answer.status, answer.errors) == (200, [])


async def test_an_approval_system_names_its_officer(pair: tuple[Server, Server]) -> None:
    office = Party(pair[0].url, pair[0].url, "hr-approval")
    assertion = office.assertion(operator="op-0087")
    reply = await office.post("/oauth/token", grant_type="client_credentials", client_assertion=assertion)
    assert (reply.status, reply.body["token_type"]) == (200, "Bearer")
    assert claims_of(reply.body["access_token"])["operator"] == "op-0087"
    answer = await pair[0].ask(QUERY, token=reply.body["access_token"])
    assert (answer.status, answer.errors) == (200, [])
    nobody = await office.post("/oauth/token", grant_type="client_credentials")
    assert (nobody.status, nobody.body["error"]) == (400, "invalid_client")


async def test_a_nonce_is_asked_for_first_and_the_assertion_is_not_used_up_by_that(bank: Party) -> None:
    assertion = bank.assertion()
    asked = {"grant_type": "client_credentials", "client_assertion": assertion}
    first = await bank.post("/oauth/token", bank.proof(), **asked)
    assert (first.status, first.body["error"]) == (400, "use_dpop_nonce")
    assert bank.nonce
    second = await bank.post("/oauth/token", bank.proof(), **asked)
    assert second.status == 200


async def test_an_assertion_is_taken_once_by_all_processes(pair: tuple[Server, Server], bank: Party) -> None:
    await bank.token()
    other = Party(pair[1].url, bank.issuer, nonce=bank.nonce)
    assertion = bank.assertion()
    asked = {"grant_type": "client_credentials", "client_assertion": assertion}
    replies = await asyncio.gather(
        *(each.post("/oauth/token", each.proof(), **asked) for each in (bank, other) for _ in range(5))
    )
    assert sorted(reply.status for reply in replies) == [200, *[400] * 9]
    assert {reply.body["error"] for reply in replies if reply.status == 400} == {"invalid_client"}


async def test_a_proof_is_taken_once_by_all_processes(pair: tuple[Server, Server], bank: Party) -> None:
    token = await bank.token()
    proof = bank.proof("/graphql", ath=token_hash(token))
    replies = [await graph(server.url, bank, token, proof=proof) for server in (*pair, *pair)]
    assert [reply.status for reply in replies] == [200, 401, 401, 401]
    assert replies[1].codes == ["DPOP_PROOF"]
    at_token = bank.proof()
    form = {"grant_type": "client_credentials"}
    assert (await bank.post("/oauth/token", at_token, **form)).status == 200
    again = await bank.post("/oauth/token", at_token, **form)
    assert (again.status, again.body["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://other.example"}, "invalid_client"),
        ({"aud": AUDIENCE}, "invalid_client"),
        ({"exp": int(time.time()) + 3_600}, "invalid_client"),
        ({"exp": int(time.time()) - 1}, "invalid_client"),
        ({"jti": None}, "invalid_client"),
        ({"iss": "hr-approval"}, "invalid_client"),
        ({"sub": "nobody", "iss": "nobody"}, "invalid_client"),
        ({"key": THIEF}, "invalid_client"),
    ],
)
async def test_a_client_that_does_not_prove_itself_gets_nothing(
    bank: Party, changes: dict[str, Any], error: str
) -> None:
    await bank.token()
    assertion = bank.assertion(**changes)
    form = {"grant_type": "client_credentials", "client_assertion": assertion}
    reply = await bank.post("/oauth/token", bank.proof(), **form)
    assert (reply.status, reply.body["error"]) == (400, error)
    assert assertion[-20:] not in reply.raw.decode()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "credit:operate"}, "invalid_scope"),
        ({"grant_type": "client_credentials", "client_id": "hr-approval"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_assertion_type": "x"}, "invalid_client"),
    ],
)
async def test_what_is_not_offered_is_refused(bank: Party, form: dict[str, str], error: str) -> None:
    await bank.token()
    reply = await bank.post("/oauth/token", bank.proof(), **form)
    assert (reply.status, reply.body["error"]) == (400, error)


async def test_a_request_is_one_form_without_repetition(bank: Party) -> None:
    twice = [("grant_type", "client_credentials"), ("grant_type", "client_credentials")]
    reply = await bank.send("/oauth/token", twice)
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    many = [(f"p{number}", "x") for number in range(30)]
    assert (await bank.send("/oauth/token", many)).status == 400
    assert (await bank.send("/oauth/token", b"{}", {"Content-Type": "application/json"})).status == 415
    raw = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await bank.send("/oauth/token", b"\xff\xfe=\xff", raw)).status == 400
    proofs = aiohttp.ClientSession()
    async with (
        proofs,
        proofs.post(
            f"{bank.url}/oauth/token",
            data={"grant_type": "client_credentials"},
            headers=[("DPoP", bank.proof()), ("DPoP", bank.proof())],
        ) as response,
    ):
        assert (response.status, (await response.json())["error"]) == (400, "invalid_dpop_proof")


async def test_a_bank_without_a_key_to_bind_to_gets_nothing(bank: Party) -> None:
    reply = await bank.post("/oauth/token", grant_type="client_credentials")
    assert (reply.status, reply.body["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"htu": "https://evil.example/graphql"}, "DPOP_PROOF"),
        ({"htm": "GET"}, "DPOP_PROOF"),
        ({"ath": token_hash("another")}, "DPOP_PROOF"),
        ({"ath": None}, "DPOP_PROOF"),
        ({"iat": int(time.time()) - 3_600}, "DPOP_PROOF"),
        ({"nonce": None}, "DPOP_NONCE"),
        ({"nonce": "made-up"}, "DPOP_NONCE"),
        ({"key": THIEF}, "TOKEN_SENDER"),
        ({"proof": None}, "DPOP_PROOF"),
        ({"proof": "a.b.c"}, "DPOP_PROOF"),
    ],
)
async def test_a_stolen_token_is_worth_nothing(bank: Party, changes: dict[str, Any], code: str) -> None:
    token = await bank.token()
    reply = await graph(bank.url, bank, token, **changes)
    assert (reply.status, reply.codes) == (401, [code])
    challenge = reply.headers["WWW-Authenticate"]
    words = {
        "DPOP_PROOF": "invalid_dpop_proof",
        "DPOP_NONCE": "use_dpop_nonce",
        "TOKEN_SENDER": "invalid_token",
    }
    assert challenge.startswith("DPoP ")
    error = words.get(code, "invalid_token")
    assert f'error="{error}"' in challenge
    assert 'algs="ES256 EdDSA PS256"' in challenge
    assert "data" not in reply.body
    assert token[-20:] not in reply.raw.decode()


async def test_a_bound_token_is_no_bearer_token_and_the_reverse(
    pair: tuple[Server, Server], bank: Party
) -> None:
    stolen = await graph(bank.url, bank, await bank.token(), scheme="Bearer", proof=None)
    assert (stolen.status, stolen.codes) == (401, ["TOKEN_SENDER"])
    office = Party(pair[0].url, pair[0].url, "hr-approval")
    assertion = office.assertion(operator="op-0087")
    form = {"grant_type": "client_credentials", "client_assertion": assertion}
    bare = (await office.post("/oauth/token", **form)).body["access_token"]
    dressed = await graph(bank.url, bank, bare)
    assert (dressed.status, dressed.codes) == (401, ["TOKEN_SENDER"])


async def test_tokens_of_others_and_other_jwts_are_refused(pair: tuple[Server, Server], bank: Party) -> None:
    token = await bank.token()
    key = pair[0].home.keys.signing_key

    def remade(typ: str = "at+jwt", **changes: object) -> str:
        return jwt.encode({"alg": "ES256", "typ": typ, "kid": key.kid}, claims_of(token) | changes, key)

    for changed, code in (
        (remade(iss="https://id.elsewhere.example.cn"), "TOKEN_ISSUER"),
        (remade(aud=bank.issuer), "TOKEN_AUDIENCE"),
        (remade(typ="id+jwt"), "TOKEN_TYPE"),
        (remade(cnf={"x5t#S256": "x"}), "TOKEN_SENDER"),
        (bank.assertion(), "TOKEN_SIGNATURE"),
        (bank.proof(), "TOKEN_SIGNATURE"),
    ):
        reply = await graph(bank.url, bank, changed)
        assert (reply.status, reply.codes) == (401, [code])


async def test_introspection_tells_a_client_of_its_own_tokens_only(
    pair: tuple[Server, Server], bank: Party
) -> None:
    token = await bank.token()
    told = await bank.post("/oauth/introspect", token=token)
    claims = claims_of(token)
    assert told.body == {
        "active": True,
        "token_type": "DPoP",
        **{
            name: claims[name]
            for name in ("iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope", "cnf")
        },
    }
    office = Party(pair[0].url, pair[0].url, "hr-approval")
    assertion = office.assertion(operator="op-0087")
    other = await office.post("/oauth/introspect", token=token, client_assertion=assertion)
    assert other.body == {"active": False}
    assert (await bank.post("/oauth/introspect", token="rubbish")).body == {"active": False}
    assert (await bank.post("/oauth/introspect")).body["error"] == "invalid_request"
    unknown = await bank.send("/oauth/introspect", {"token": token})
    assert (unknown.status, unknown.body["error"]) == (400, "invalid_client")
    used = bank.assertion()
    replies = [await bank.post("/oauth/introspect", token=token, client_assertion=used) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 400]


async def test_a_revoked_token_is_refused_by_the_other_process_within_a_second(
    pair: tuple[Server, Server], bank: Party
) -> None:
    token, kept = await bank.token(), await bank.token()
    for server in pair:
        assert (await graph(server.url, bank, token)).status == 200
    reply = await bank.post("/oauth/revoke", token=token, token_type_hint="refresh_token")
    assert reply.status == 200
    revoked = time.monotonic()
    here = await graph(pair[0].url, bank, token)
    assert (here.status, here.codes) == (401, ["TOKEN_REVOKED"])
    asked = time.monotonic()
    while (there := await graph(pair[1].url, bank, token)).status == 200:
        assert asked - revoked < 1, "asked a second after the revocation, however long the answer took"
        asked = time.monotonic()
    assert (there.status, there.codes) == (401, ["TOKEN_REVOKED"])
    other = Party(pair[1].url, bank.issuer)
    assert (await other.post("/oauth/introspect", token=token)).body == {"active": False}
    assert (await graph(pair[1].url, bank, kept)).status == 200


async def test_a_token_revoked_while_its_operation_runs_gets_no_answer(settled: Settle) -> None:
    home = settled(deadlines={"operation_ms": 30_000})
    home.manifest("tax", lambda manifest: manifest.update(deadlineMs=30_000))
    asked, gate = asyncio.Event(), asyncio.Event()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await gate.wait()
        writer.close()

    port = int(home.environment["COUNTY_TAX_URL"].rpartition(":")[2])
    async with await asyncio.start_server(hold, "127.0.0.1", port):
        with serving(home) as server:
            token = home.token("citizen-app", PERSON, jti="a")
            slow = asyncio.ensure_future(server.ask(TAX, token=token))
            await asked.wait()
            async with Store(f"sqlite:///{home.store}") as store:
                await Revocations(store).revoke("a", time.time() + 60)

            async def refused() -> bool:
                return (await server.ask(QUERY, token=token)).codes == ["TOKEN_REVOKED"]

            await eventually(refused)
            gate.set()
            late = await slow
    assert (late.status, late.codes) == (401, ["TOKEN_REVOKED"])
    assert "data" not in late.body


async def test_revocation_is_for_ones_own_tokens(pair: tuple[Server, Server], bank: Party) -> None:
    token = await bank.token()
    office = Party(pair[0].url, pair[0].url, "hr-approval")
    assertion = office.assertion(operator="op-0087")
    reply = await office.post("/oauth/revoke", token=token, client_assertion=assertion)
    assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    nobody = await bank.send("/oauth/revoke", {"token": token})
    assert (nobody.status, nobody.body["error"]) == (400, "invalid_client")
    thief = bank.assertion(key=THIEF)
    assert (await bank.post("/oauth/revoke", token=token, client_assertion=thief)).status == 400
    assert (await graph(bank.url, bank, token)).status == 200
    assert (await bank.post("/oauth/revoke", token="rubbish")).status == 200, "revoked enough (RFC 7009 §2.2)"


async def test_nothing_secret_is_logged_or_stored(pair: tuple[Server, Server], bank: Party) -> None:
    jti = f"canary-{secrets.token_hex(8)}"
    assertion = bank.assertion(jti=jti)
    await bank.token()
    form = {"grant_type": "client_credentials", "client_assertion": assertion}
    token = (await bank.post("/oauth/token", bank.proof(), **form)).body["access_token"]
    await graph(bank.url, bank, token)
    await bank.post("/oauth/revoke", token=token)
    await bank.post("/oauth/token", bank.proof(), **form)
    written = pair[0].log.read_bytes() + pair[0].home.store.read_bytes()
    written += pair[0].home.store.with_name("gateway.db-wal").read_bytes()
    for secret in (jti, token[-20:], assertion[-20:], claims_of(token)["jti"]):
        assert secret.encode() not in written
    lines = (line for line in pair[0].log.read_bytes().splitlines() if b"oauth_refused" in line)
    refused = [(line["route"], line["error"]) for line in map(orjson.loads, lines)]
    assert ("/oauth/token", "invalid_client") in refused


def test_a_stock_python_client_gets_a_token_reads_and_is_refused_after_revocation(
    pair: tuple[Server, Server], tmp_path: Path
) -> None:
    script = CHECKOUT / "examples" / "clients" / "bank.py"
    command = [sys.executable, str(script), pair[0].url, str(key_file(tmp_path))]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    token, read, after = ran.stdout.splitlines()
    assert token == "token: DPoP, for 300 seconds"
    assert "displayName" in read
    assert after == "after revocation: 401 TOKEN_REVOKED"


def test_a_stock_node_client_does_the_same(pair: tuple[Server, Server], tmp_path: Path) -> None:
    clients = _node_clients(tmp_path)
    command = ["node", str(clients / "bank.mjs"), pair[0].url, str(key_file(tmp_path))]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    token, read, told, after = ran.stdout.splitlines()
    assert token == "token: dpop, for 300 seconds"
    assert "displayName" in read
    assert told == "introspection: active, bound to this key"
    assert after == "after revocation: 401 invalid_token"


async def test_the_command_line_proves_that_it_has_the_key(
    pair: tuple[Server, Server], bank: Party, tmp_path: Path
) -> None:
    document = tmp_path / "query.graphql"
    document.write_text(QUERY)
    key, token = key_file(tmp_path), await bank.token()
    line = ("query", document, "--url", f"{pair[0].url}/graphql", "--token", token)
    bare = await command(*line)
    assert (bare.code, orjson.loads(bare.out)["errors"][0]["extensions"]["code"]) == (1, "TOKEN_SENDER")
    (await command(*line, "--dpop-key", document)).refused("KEY_UNREADABLE", "private JWK")
    proved = await command(*line, "--dpop-key", key)
    assert proved.code == 0
    assert orjson.loads(proved.out)["data"]["catalogue"]["version"]


def _node_clients(folder: Path) -> Path:
    """openid-client beside the sample; skips where there is no Node or no package registry."""
    for name in ("bank.mjs", "package.json", "package-lock.json"):
        (folder / name).write_bytes((CHECKOUT / "examples" / "clients" / name).read_bytes())
    try:
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("openid-client cannot be installed: no Node, or no package registry")
    return folder
