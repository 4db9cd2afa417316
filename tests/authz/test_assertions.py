"""private_key_jwt: the example of RFC 7523 in our own terms, and what an attacker would send instead."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from authz.actors import ActorKind
from authz.assertions import AssertionRefused, check_assertion
from authz.clients import ClientRegister
from authz.jose import ALGORITHMS, REGISTRY
from authz.once import Kind
from tests.support.authz_parties import NOW, client, person

ISSUER = "https://graph.example.gov.cn"
AUDIENCES = frozenset({ISSUER, f"{ISSUER}/oauth/token"})
KEY, OLD_KEY = ECKey.generate_key("P-256", {"kid": "new"}), ECKey.generate_key("P-256", {"kid": "old"})
ED, RSA = OKPKey.generate_key("Ed25519", {"kid": "ed"}), RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "new"})


def registered(client_id: str, kind: ActorKind, *keys: Key, **changes: Any) -> Any:
    jwks = {"keys": [key.as_dict(private=False) for key in keys]}
    return client(client_id, kind, jwks=jwks, grant_types=["client_credentials"], **changes)


REGISTER = ClientRegister(
    [
        registered("bank-a", ActorKind.PARTNER, KEY, OLD_KEY, ED, RSA),
        registered("bank-b", ActorKind.PARTNER, OTHER_KEY),
        registered("bank-old", ActorKind.PARTNER, KEY, valid_until=NOW.date().replace(day=1)),
        registered("hr-approval", ActorKind.OFFICER, KEY),
        client("keyless"),
    ]
)


def claims(**changes: object) -> dict[str, Any]:
    now = int(NOW.timestamp())
    good = {"iss": "bank-a", "sub": "bank-a", "aud": ISSUER, "jti": "once", "iat": now, "exp": now + 60}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(body: dict[str, Any], key: Key = KEY, alg: str = "ES256", **header: object) -> str:
    head = {"alg": alg, "kid": key.kid, "typ": "JWT"} | header
    head = {name: text for name, text in head.items() if text is not None}
    # what is not listed is for attacks
    return jwt.encode(head, body, key, registry=REGISTRY if alg in ALGORITHMS else None, algorithms=[alg])


def refusal(assertion: str) -> str:
    with pytest.raises(AssertionRefused) as refused:
        check_assertion(assertion, REGISTER, AUDIENCES, NOW)
    assert len(assertion) < 20 or assertion[-20:] not in refused.value.message
    return refused.value.message.partition(": ")[2]


@pytest.mark.parametrize(
    ("key", "alg"),
    [(KEY, "ES256"), (OLD_KEY, "ES256"), (ED, "EdDSA"), (RSA, "PS256")],
    ids=["ES256", "an older key", "EdDSA", "PS256"],
)
def test_a_client_proves_itself_by_any_of_its_keys(key: Key, alg: str) -> None:
    found = check_assertion(signed(claims(), key, alg), REGISTER, AUDIENCES, NOW)
    assert found.client.client_id == "bank-a"
    assert found.operator == ""
    assert (found.use.kind, found.use.owner, found.use.name) == (Kind.ASSERTION, "bank-a", "once")
    assert found.use.until > NOW.timestamp() + 60


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth/token", [ISSUER]])
def test_the_issuer_or_its_token_endpoint_is_meant(audience: object) -> None:
    check_assertion(signed(claims(aud=audience)), REGISTER, AUDIENCES, NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "https://other.example"}, "`aud`"),
        ({"aud": [ISSUER, "https://other.example"]}, "`aud`"),
        ({"aud": [ISSUER, f"{ISSUER}/oauth/token"]}, "`aud`"),
        ({"aud": []}, "`aud`"),
        ({"aud": None}, "`aud`"),
        ({"aud": {ISSUER: 1}}, "`aud`"),
        ({"iss": "bank-b"}, "`iss`"),
        ({"iss": None}, "`iss`"),
        ({"exp": None}, "`exp`"),
        ({"exp": "soon"}, "`exp`"),
        ({"exp": float("inf")}, "it is not a JWT"),
        ({"exp": NOW.timestamp()}, "it has expired"),
        ({"exp": NOW.timestamp() + 61}, "it may live"),
        ({"exp": NOW.timestamp() + 71, "iat": None}, "it may live"),
        ({"exp": NOW.timestamp() + 3_600}, "it may live"),
        ({"iat": NOW.timestamp() - 1}, "it may live"),
        ({"iat": NOW.timestamp() + 11, "exp": NOW.timestamp() + 60}, "it is not valid yet"),
        ({"nbf": NOW.timestamp() + 11}, "it is not valid yet"),
        ({"jti": None}, "`jti`"),
        ({"jti": ""}, "`jti`"),
        ({"jti": "x" * 257}, "`jti`"),
        ({"operator": "王小明"}, "`operator`"),
        ({"operator": person().value}, "`operator`"),
        ({"operator": 7}, "`operator`"),
    ],
)
def test_an_assertion_for_something_else_is_refused(changes: dict[str, object], why: str) -> None:
    assert refusal(signed(claims(**changes))).startswith(why)


def test_a_clock_may_be_ten_seconds_ahead() -> None:
    ahead = NOW.timestamp() + 10
    check_assertion(signed(claims(iat=ahead, exp=ahead + 60)), REGISTER, AUDIENCES, NOW)


def test_nobody_else_can_make_one() -> None:
    unsigned = "no registered key of the client made its signature"
    secret = OctKey.generate_key(256, {"kid": "new"})
    head, body, signature = signed(claims()).split(".")
    foreign = signed(claims(iss="bank-b", sub="bank-b")).split(".")[1]
    for assertion in (
        signed(claims(), OTHER_KEY),
        signed(claims(), ECKey.generate_key("P-256", {"kid": "new"}), jwk=OTHER_KEY.as_dict(private=False)),
        signed(claims(), KEY, kid="unknown"),
        signed(claims(), KEY, kid="old"),
        signed(claims(), RSA, "RS256"),
        signed(claims(), secret, "HS256"),
        f"{head}.{body}.",
        f"{head}.{foreign}.{signature}",
        signed(claims(iss="nobody", sub="nobody")),
        signed(claims(iss="keyless", sub="keyless")),
        signed(claims(sub=["bank-a"])),
    ):
        assert refusal(assertion) == f"{unsigned}."
    assert refusal(signed(claims(iss="bank-old", sub="bank-old"))).startswith("the client's registration")


def test_other_jwts_of_the_same_key_are_no_assertions() -> None:
    for kind in ("dpop+jwt", "at+jwt", "logout+jwt"):
        assert refusal(signed(claims(), typ=kind)).startswith("`typ`")
    for kind in ("client-authentication+jwt", None):
        check_assertion(signed(claims(), typ=kind), REGISTER, AUDIENCES, NOW)


@pytest.mark.parametrize("rubbish", ["", "x", "a.b.c", "a.!.c", "..", "a" * 5_000, "a.W10.c", "ü.ü.ü"])
def test_rubbish_is_refused(rubbish: str) -> None:
    assert refusal(rubbish).startswith("it is not")


def test_an_approval_system_vouches_for_its_officer() -> None:
    officer = {"iss": "hr-approval", "sub": "hr-approval"}
    found = check_assertion(signed(claims(operator="op-0087", **officer)), REGISTER, AUDIENCES, NOW)
    assert (found.client.client_id, found.operator) == ("hr-approval", "op-0087")
    assert refusal(signed(claims(**officer))).startswith("`operator` must name")
