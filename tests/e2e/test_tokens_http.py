"""A token that does not hold is refused at the door, by a stable code, and never shown again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from authz.keys import generate_keys
from catalogue.identifiers import SubjectKey
from tests.support.county_answers import PERSON
from tests.support.departments import Departments
from tests.support.processes import Home, Server

ME = "{ me { person { displayName } } }"
OTHER = SubjectKey.person("990101196307080059")
HOUR = 3_600


def ends(token: str, size: int = 24) -> tuple[str, ...]:
    """Parts of a token that are recognizable wherever they turn up."""
    return tuple(part[-size:] for part in token.split(".") if len(part) >= size)


def segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def unsigned(home: Home) -> str:
    """`alg: none` as RFC 7519 §6 writes it."""
    claims = claims_of(home.token("citizen-app", PERSON))
    return f"{segment({'alg': 'none', 'typ': 'at+jwt'})}.{segment(claims)}."


def cut(home: Home) -> str:
    """A good token whose signature was cut off."""
    return home.token("citizen-app", PERSON).rpartition(".")[0] + "."


def confused(home: Home) -> str:
    """HS256 with the published key as the secret: what a careless verifier believes (RFC 8725 §3.1)."""
    published = (home.folder / "jwks.json").read_bytes()
    key = orjson.loads(published)["keys"][0]
    secret = ECKey.import_key(key).as_pem(private=False)
    claims = claims_of(home.token("citizen-app", PERSON))
    signed = f"{segment({'alg': 'HS256', 'typ': 'at+jwt', 'kid': key['kid']})}.{segment(claims)}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def weak(home: Home) -> str:
    """RS256, which FAPI 2.0 leaves out, by a key of the forger's."""
    key = RSAKey.generate_key(2048, {"kid": home.keys.signing_key.kid or ""})
    claims = claims_of(home.token("citizen-app", PERSON))
    return jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": key.kid}, claims, key)


def forged(home: Home) -> str:
    """Everything right but the key, even its name."""
    other = generate_keys().signing_key
    claims = claims_of(home.token("citizen-app", PERSON))
    header = {"alg": "ES256", "typ": "at+jwt", "kid": home.keys.signing_key.kid}
    return jwt.encode(header, claims, other)


def swapped(home: Home) -> str:
    """One person's signature under another person's claims."""
    good = home.token("citizen-app", PERSON).split(".")
    claims = claims_of(home.token("citizen-app", OTHER))
    return f"{good[0]}.{segment(claims)}.{good[2]}"


def identity_token(home: Home) -> str:
    """Not an access token: an ID token says who logged in, not what may be asked."""
    key = home.keys.signing_key
    claims = claims_of(home.token("citizen-app", PERSON))
    return jwt.encode({"alg": "ES256", "typ": "id+jwt", "kid": key.kid}, claims, key)


def changed(**claims: object) -> Any:
    return lambda home: home.token("citizen-app", PERSON, **claims)


REFUSED = [
    ("expired", changed(exp=int(time.time()) - 1), "TOKEN_EXPIRED"),
    ("no lifetime", changed(exp=None), "TOKEN_EXPIRED"),
    ("not yet", changed(nbf=int(time.time()) + HOUR), "TOKEN_EARLY"),
    ("foreign issuer", changed(iss="https://id.elsewhere.example.cn"), "TOKEN_ISSUER"),
    ("no issuer", changed(iss=None), "TOKEN_ISSUER"),
    ("other audience", changed(aud="another-service"), "TOKEN_AUDIENCE"),
    ("no audience", changed(aud=None), "TOKEN_AUDIENCE"),
    ("unknown client", changed(client_id="nobody-registered-this"), "TOKEN_CLIENT_UNKNOWN"),
    ("no client", changed(client_id=None), "TOKEN_CLAIM"),
    ("sender-constrained", changed(cnf={"jkt": "x"}), "TOKEN_SENDER"),
    ("another client's person", lambda home: home.token("citizen-app", sub="sr_another"), "TOKEN_SUBJECT"),
    ("officer without a number", lambda home: home.token("hr-approval", operator=None), "TOKEN_OPERATOR"),
    ("officer by an id", lambda home: home.token("hr-approval", operator=PERSON.value), "TOKEN_OPERATOR"),
    ("alg none", unsigned, "TOKEN_ALGORITHM"),
    ("signature cut off", cut, "TOKEN_SIGNATURE"),
    ("HS256 by the public key", confused, "TOKEN_ALGORITHM"),
    ("RS256", weak, "TOKEN_ALGORITHM"),
    ("unknown key", forged, "TOKEN_SIGNATURE"),
    ("swapped claims", swapped, "TOKEN_SIGNATURE"),
    ("identity token", identity_token, "TOKEN_TYPE"),
    ("no token at all", lambda home: "three.little.words", "TOKEN_MALFORMED"),
    ("a citizen id", lambda home: PERSON.value, "TOKEN_MALFORMED"),
    ("too long", lambda home: "a" * 9_000, "TOKEN_MALFORMED"),
]


@pytest.mark.parametrize(("make", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_a_token_that_does_not_hold_is_refused(
    server: Server, departments: Departments, make: Any, code: str
) -> None:
    asked = await server.metric("gateway_source_answers_total")
    token = make(server.home)
    reply = await server.ask(ME, token=token)
    assert (reply.status, reply.codes) == (401, [code])
    assert reply.headers["WWW-Authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert "data" not in reply.body
    shown = reply.raw.decode() + str(reply.headers) + server.log.read_text()
    for part in (
        *ends(token),
        PERSON.value,
        "nobody-registered-this",
        "elsewhere.example",
        "another-service",
    ):
        assert part not in shown
    assert await server.metric("gateway_source_answers_total") == asked


@pytest.mark.parametrize(
    ("header", "code"),
    [
        *(
            (header, "TOKEN_MALFORMED")
            for header in ("Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer  ", "DPoP")
        ),
        ("DPoP abc", "DPOP_PROOF"),
    ],
)
async def test_another_scheme_is_not_taken_for_nobody(
    server: Server, departments: Departments, header: str, code: str
) -> None:
    reply = await server.ask("{ catalogue { version } }", Authorization=header)
    assert (reply.status, reply.codes) == (401, [code])


async def test_a_good_token_holds_and_nobody_needs_one_for_the_catalogue(
    server: Server, departments: Departments
) -> None:
    good = await server.ask(ME, token=server.home.token("citizen-app", PERSON))
    assert (good.status, good.errors) == (200, [])
    assert good.data["me"]["person"]["displayName"]
    public = await server.ask("{ catalogue { version } }")
    assert (public.status, public.errors) == (200, [])


async def test_a_person_without_a_token_has_no_me(server: Server, departments: Departments) -> None:
    reply = await server.ask(ME)
    assert (reply.status, reply.codes) == (403, ["NOT_A_PERSON"])
