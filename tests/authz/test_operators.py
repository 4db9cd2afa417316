"""Who vouches for an officer: the issuer that is registered for this very client, once, for minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from authz.actors import Actor, ActorKind
from authz.clients import ClientRegister
from authz.errors import AccessDenied, ConfigurationError
from authz.jose import REGISTRY
from authz.once import OnceOnly
from authz.operators import LIFETIME, TYPE, Operators, sign_operator
from authz.references import References
from authz.store import Store
from tests.support.audit_logs import KEYS
from tests.support.authz_parties import NOW, client, person
from tests.support.databases import Database

AUDIENCE, ISSUER = "credit-gateway", "https://login.approval.example.cn"
OURS, THEIRS = (ECKey.generate_key("P-256", auto_kid=True) for _ in range(2))
REFERENCES = References(KEYS)
TOKEN = Actor(ActorKind.OFFICER, "hr-approval")


def issuer(*keys: Key, name: str = ISSUER) -> dict[str, Any]:
    return {"issuer": name, "jwks": {"keys": [dict(key.as_dict(private=False)) for key in keys]}}


CLIENTS = ClientRegister(
    [
        client(operator_issuer=issuer(OURS)),
        client("tax-approval", operator_issuer=issuer(THEIRS, name="https://login.tax.example.cn")),
        client("no-issuer"),
    ]
)


@pytest.fixture
async def operators(own_database: Database) -> AsyncIterator[Operators]:
    async with Store(own_database.url) as store:
        await store.prepare()
        async with OnceOnly(store, lambda: NOW.timestamp()) as once:
            yield Operators(CLIENTS, AUDIENCE, REFERENCES, once)


def signed(key: Key = OURS, **changes: Any) -> str:
    whole: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": "hr-approval",
        "audience": AUDIENCE,
        "operator": "op-0087",
        "now": NOW,
    }
    return sign_operator(key, **(whole | changes))


def refused(operators: Operators, assertion: str, actor: Actor = TOKEN, **at: Any) -> str:
    with pytest.raises(AccessDenied) as fault:
        operators.vouched(actor, assertion, NOW + timedelta(**at))
    assert fault.value.code == "OPERATOR_ASSERTION"
    assert "op-" not in fault.value.message
    return fault.value.message


async def test_a_good_assertion_names_the_officer(operators: Operators):
    found = operators.vouched(TOKEN, signed(), NOW)
    assert (found.actor.operator, found.actor.vouched, found.actor.own_subject) == ("op-0087", True, None)
    same = operators.vouched(Actor(ActorKind.OFFICER, "hr-approval", operator="op-0087"), signed(), NOW)
    assert same.actor.vouched


async def test_none_leaves_the_actor_as_the_token_says(operators: Operators):
    found = operators.vouched(TOKEN, None, NOW)
    assert found.actor is TOKEN
    await operators.spend(found)


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("Ed25519", "EdDSA"), ("RSA", "PS256")], ids=["EdDSA", "PS256"]
)
async def test_every_algorithm_of_the_profile_is_taken(own_database: Database, kind: str, algorithm: str):
    made = RSAKey.generate_key(2048) if kind == "RSA" else OKPKey.generate_key(kind)
    key: Key = type(made).import_key(made.as_dict(private=True) | {"kid": "2026"})
    async with Store(own_database.url) as store:
        register = ClientRegister([client(operator_issuer=issuer(key))])
        found = Operators(register, AUDIENCE, REFERENCES, OnceOnly(store))
        assert found.vouched(TOKEN, signed(key, algorithm=algorithm), NOW).actor.vouched


async def test_it_is_taken_once_by_whichever_process(own_database: Database):
    async with Store(own_database.url) as first, Store(own_database.url) as second:
        await first.prepare()
        assertion = signed()
        outcomes = []
        for store in (first, second, first):
            async with OnceOnly(store, lambda: NOW.timestamp()) as once:
                operators = Operators(CLIENTS, AUDIENCE, REFERENCES, once)
                found = operators.vouched(TOKEN, assertion, NOW)
                outcomes += await asyncio.gather(operators.spend(found), return_exceptions=True)
        codes = [outcome.code for outcome in outcomes if isinstance(outcome, AccessDenied)]
        assert codes == ["OPERATOR_ASSERTION"] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "tax-approval"},
        {"issuer": "https://login.tax.example.cn"},
        {"issuer": None},
        {"audience": "another-gateway"},
        {"aud": [AUDIENCE, "another-gateway"]},
        {"operator": "张三"},
        {"operator": "990101198001010014"},
        {"operator": ""},
        {"sub": None},
        {"jti": ""},
        {"jti": "x" * 257},
        {"jti": 7},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"iat": None},
        {"exp": int(NOW.timestamp()) + 301},
        {"now": NOW + timedelta(seconds=11)},
        {"now": NOW - LIFETIME},
        {"subject_ref": "sr_nobody"},
        {"subject_ref": REFERENCES.subject_ref(person(), "tax-approval")},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_whatever_is_not_as_it_should_be_is_refused(operators: Operators, changes: dict[str, Any]):
    refused(operators, signed(**changes))


async def test_another_clients_issuer_vouches_for_nobody_here(operators: Operators):
    refused(operators, signed(THEIRS))
    refused(operators, signed(THEIRS, issuer="https://login.tax.example.cn"))
    refused(operators, signed(), Actor(ActorKind.OFFICER, "tax-approval"))
    assert "no issuer" in refused(operators, signed(), Actor(ActorKind.OFFICER, "no-issuer"))
    assert "no issuer" in refused(operators, signed(), Actor(ActorKind.OFFICER, "unheard-of"))


async def test_the_token_and_the_assertion_name_one_officer(operators: Operators):
    refused(operators, signed(), Actor(ActorKind.OFFICER, "hr-approval", operator="op-0001"))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "ü.ü.ü", "x" * 5_000])
async def test_what_is_no_jwt_is_refused(operators: Operators, text: str):
    refused(operators, text)


async def test_what_is_signed_otherwise_is_refused(operators: Operators):
    _, body, signature = signed().split(".")
    refused(operators, f"eyJhbGciOiJub25lIn0.{body}.")
    claims = jwt.decode(signed(), OURS, registry=REGISTRY).claims
    for header, key in (
        ({"alg": "ES256", "typ": "JWT"}, OURS),
        ({"alg": "ES256", "typ": "at+jwt"}, OURS),
        ({"alg": "ES256"}, OURS),
        ({"alg": "HS256", "typ": TYPE}, OctKey.generate_key(256)),
    ):
        refused(operators, jwt.encode(header, claims, key, algorithms=["ES256", "HS256"]))
    refused(operators, signed()[: -len(signature)] + signature[::-1])


async def test_the_officers_own_person_is_known_where_the_issuer_tells(operators: Operators):
    own = REFERENCES.subject_ref(person(), "hr-approval")
    found = operators.vouched(TOKEN, signed(subject_ref=own), NOW)
    assert found.actor.own_subject == person()


def test_an_issuers_keys_are_public_and_of_the_profile():
    for jwk in (OURS.as_dict(private=True), ECKey.generate_key("P-384").as_dict(private=False)):
        with pytest.raises(ConfigurationError) as fault:
            ClientRegister([client(operator_issuer={"issuer": ISSUER, "jwks": {"keys": [dict(jwk)]}})])
        assert fault.value.code == "CLIENT_KEYS"
