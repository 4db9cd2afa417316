import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from authz.actors import ActorKind
from authz.clients import ClientRegister
from authz.demo_tokens import issue_token
from authz.errors import ConfigurationError, Unauthenticated
from authz.keys import generate_keys
from authz.references import References
from authz.tokens import TokenVerifier
from tests.support.authz_parties import NOW, client, demo_keys, person

ISSUER, AUDIENCE = "https://id.example.gov.cn", "https://graph.example.gov.cn"
KEYS = demo_keys()
REFERENCES = References(KEYS)
OFFICER = client()
PORTAL = client("portal", ActorKind.PERSON, scopes=frozenset({"self"}))
PARTNER = client("bank-a", ActorKind.PARTNER)
REGISTER = ClientRegister([OFFICER, PORTAL, PARTNER])
REVOKED: set[str] = set()


def verifier(keys=KEYS.verification_keys, **options) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, keys, REGISTER, REFERENCES, REVOKED.__contains__, **options)


@pytest.fixture(autouse=True)
def nothing_revoked() -> None:
    REVOKED.clear()


def claims(**changes: object) -> dict[str, object]:
    """Good claims of an officer; a change to None leaves the claim out."""
    now = int(NOW.timestamp())
    good: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "hr-approval",
        "sub": "hr-approval",
        "operator": "op-0087",
        "iat": now,
        "exp": now + 600,
        "scope": "credit:check admin",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(body: object, key=KEYS.signing_key, algorithms=("ES256",), **header: object) -> str:
    head = {"alg": algorithms[0], "typ": "at+jwt", "kid": key.kid} | header
    head = {name: value for name, value in head.items() if value is not None}
    text = body if isinstance(body, str) else json.dumps(body)
    return jws.serialize_compact(head, text, key, registry=_Any())


class _Any(jws.JWSRegistry):
    """Signs with whatever an attacker likes."""

    def get_alg(self, name):
        return self.algorithms[name]

    def check_header(self, header):
        pass


def refusal(bearer: str, now=NOW, by: TokenVerifier | None = None) -> str:
    with pytest.raises(Unauthenticated) as refused:
        (by or verifier()).verify(bearer, now)
    assert len(bearer) < 20 or bearer not in str(refused.value)
    assert refused.value.message.endswith(".")
    return refused.value.code


def test_a_good_token_is_an_actor_of_the_registered_kind() -> None:
    actor = verifier().verify(signed(claims(kind="AUDITOR")), NOW)
    assert actor.kind is ActorKind.OFFICER
    assert (actor.client_id, actor.operator) == ("hr-approval", "op-0087")
    assert (actor.organization, actor.organization_name) == (OFFICER.organization, OFFICER.organization_name)
    assert actor.scopes == {"credit:check"}, "a scope the client is not registered for is not granted"
    assert actor.subject is None
    assert actor.step_up is False


def _published(key) -> TokenVerifier:
    keys = KeySet([type(key).import_key(key.as_dict(private=False))])
    return verifier(lambda: keys)


def test_each_algorithm_of_the_profile_is_accepted() -> None:
    ed, rsa = OKPKey.generate_key("Ed25519", auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)
    assert _published(ed).verify(signed(claims(), ed, ["EdDSA"]), NOW).operator == "op-0087"
    assert _published(rsa).verify(signed(claims(), rsa, ["PS256"]), NOW).operator == "op-0087"
    assert verifier().verify(signed(claims(), typ="JWT"), NOW).operator == "op-0087"


def _unsigned() -> str:
    head, body, _ = signed(claims()).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    assert head != none
    return f"{none}.{body}."


def _hmac_with_the_public_key() -> str:
    """The classic confusion: the published key as an HMAC secret."""
    secret = KEYS.signing_key.as_pem(private=False)
    head = base64.urlsafe_b64encode(
        json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": KEYS.signing_key.kid}).encode()
    ).decode()
    body = signed(claims()).split(".")[1]
    signing_input = f"{head.rstrip('=')}.{body}"
    mac = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_other_algorithms_are_refused() -> None:
    rsa = RSAKey.generate_key(2048, auto_kid=True)
    assert refusal(_unsigned()) == "TOKEN_ALGORITHM"
    assert refusal(_hmac_with_the_public_key()) == "TOKEN_ALGORITHM"
    assert refusal(signed(claims(), rsa, ["RS256"]), by=_published(rsa)) == "TOKEN_ALGORITHM"
    p384 = ECKey.generate_key("P-384", auto_kid=True)
    assert refusal(signed(claims(), p384, ["ES384"]), by=_published(p384)) == "TOKEN_ALGORITHM"
    secret = OctKey.generate_key(256, auto_kid=True)
    secrets = KeySet([secret])
    assert refusal(signed(claims(), secret, ["HS256"]), by=verifier(lambda: secrets)) == "TOKEN_ALGORITHM"


def test_a_key_is_used_only_with_its_own_algorithm() -> None:
    rsa = RSAKey.generate_key(2048, auto_kid=True)
    unbound = ECKey.generate_key("P-256", {"kid": rsa.kid})
    assert refusal(signed(claims(), rsa, ["PS256"]), by=_published(unbound)) == "TOKEN_ALGORITHM"
    p384 = ECKey.generate_key("P-384", {"kid": "k"})
    assert refusal(signed(claims(), kid="k"), by=_published(p384)) == "TOKEN_ALGORITHM"
    ed448 = OKPKey.generate_key("Ed448", auto_kid=True)
    assert refusal(signed(claims(), ed448, ["EdDSA"]), by=_published(ed448)) == "TOKEN_ALGORITHM"
    for_rs256 = RSAKey.generate_key(2048, {"alg": "RS256", "kid": "r"})
    plain = RSAKey.import_key(for_rs256.as_dict(private=True) | {"alg": "PS256"})
    assert refusal(signed(claims(), plain, ["PS256"]), by=_published(for_rs256)) == "TOKEN_SIGNATURE"


def test_a_foreign_or_altered_signature_is_refused() -> None:
    head, body, signature = signed(claims()).split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(client_id="portal")).encode()).decode().rstrip("=")
    assert refusal(f"{head}.{other}.{signature}") == "TOKEN_SIGNATURE"
    assert refusal(f"{head}.{body}.") == "TOKEN_SIGNATURE"
    foreign = demo_keys().signing_key
    assert refusal(signed(claims(), foreign)) == "TOKEN_SIGNATURE"
    assert refusal(signed(claims(), foreign, kid=KEYS.signing_key.kid)) == "TOKEN_SIGNATURE"


def test_a_key_that_the_token_brings_along_is_not_believed() -> None:
    own = ECKey.generate_key("P-256", auto_kid=True)
    public = own.as_dict(private=False)
    assert refusal(signed(claims(), own, jwk=public)) == "TOKEN_SIGNATURE"
    assert refusal(signed(claims(), own, jku="https://evil.example/jwks", kid=None)) == "TOKEN_SIGNATURE"


@pytest.mark.parametrize(
    "bearer",
    ["", "x", "a.b.c", "....", "ü" * 40, "a" * 9000, "\ud800", "bnVsbA.bnVsbA.bnVsbA"],
)
def test_rubbish_is_malformed(bearer: str) -> None:
    assert refusal(bearer) == "TOKEN_MALFORMED"


def test_a_signed_token_that_is_no_object_or_has_an_unknown_critical_header_is_malformed() -> None:
    assert refusal(signed("[1]")) == "TOKEN_MALFORMED"
    assert refusal(signed("not json")) == "TOKEN_MALFORMED"
    assert refusal(signed("[" * 5_000)) == "TOKEN_MALFORMED"
    assert refusal(signed(claims(), crit=["x"], x=1)) == "TOKEN_MALFORMED"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("TOKEN_ISSUER", {"iss": "https://other.example"}),
        ("TOKEN_ISSUER", {"iss": None}),
        ("TOKEN_ISSUER", {"iss": [ISSUER]}),
        ("TOKEN_AUDIENCE", {"aud": "https://other.example"}),
        ("TOKEN_AUDIENCE", {"aud": None}),
        ("TOKEN_AUDIENCE", {"aud": []}),
        ("TOKEN_AUDIENCE", {"aud": AUDIENCE + "/x"}),
        ("TOKEN_AUDIENCE", {"aud": {AUDIENCE: 1}}),
        ("TOKEN_EXPIRED", {"exp": None}),
        ("TOKEN_EXPIRED", {"exp": NOW.timestamp()}),
        ("TOKEN_CLAIM", {"exp": "2099-01-01"}),
        ("TOKEN_CLAIM", {"exp": True}),
        ("TOKEN_CLAIM", {"exp": float("inf")}),
        ("TOKEN_CLAIM", {"exp": float("nan")}),
        ("TOKEN_CLAIM", {"exp": 10**400}),
        ("TOKEN_CLAIM", {"client_id": None}),
        ("TOKEN_CLAIM", {"client_id": ""}),
        ("TOKEN_CLAIM", {"client_id": ["hr-approval"]}),
        ("TOKEN_CLAIM", {"authorization_details": [{"type": "credit_record_read", "consentId": "*"}]}),
        ("TOKEN_CLAIM", {"scope": ["credit:check"]}),
        ("TOKEN_CLIENT_UNKNOWN", {"client_id": "nobody"}),
        ("TOKEN_EARLY", {"nbf": NOW.timestamp() + 61}),
        ("TOKEN_EARLY", {"iat": NOW.timestamp() + 61}),
        ("TOKEN_SENDER", {"cnf": {"jkt": "x"}}),
        ("TOKEN_SENDER", {"cnf": {"x5t#S256": "x"}}),
        ("TOKEN_SENDER", {"cnf": {"jkt": "x", "x5t#S256": "x"}}),
        ("TOKEN_SENDER", {"cnf": {"jkt": ""}}),
        ("TOKEN_SENDER", {"cnf": "x"}),
        ("TOKEN_CLAIM", {"jti": 7}),
        ("TOKEN_UNBOUND", {"client_id": "bank-a"}),
        ("TOKEN_OPERATOR", {"operator": None}),
        ("TOKEN_OPERATOR", {"operator": "王小明"}),
        ("TOKEN_OPERATOR", {"operator": person().value}),
    ],
)
def test_a_wrong_claim_has_its_code(code: str, changes: dict[str, object]) -> None:
    assert refusal(signed(claims(**changes))) == code


def test_clocks_may_differ_by_a_minute() -> None:
    verifier().verify(signed(claims(nbf=NOW.timestamp() + 60, iat=NOW.timestamp() + 60)), NOW)


def test_only_access_tokens_are_taken() -> None:
    assert refusal(signed(claims(), typ="dpop+jwt")) == "TOKEN_TYPE"
    assert refusal(signed(claims(), typ=None)) == "TOKEN_TYPE"


def test_one_of_several_audiences_is_enough() -> None:
    assert verifier().verify(signed(claims(aud=["x", AUDIENCE])), NOW).operator == "op-0087"


def test_a_token_for_a_consent_carries_it() -> None:
    detail = {"type": "credit_record_read", "consentId": "ca_" + "a" * 32}
    bank = {"client_id": "bank-a", "sub": "bank-a", "operator": None, "cnf": {"jkt": "k"}}
    actor = verifier().verify(signed(claims(**bank, authorization_details=[detail])), NOW, "k")
    assert actor.consent is not None
    assert actor.consent.consent_id == detail["consentId"]
    assert verifier().verify(signed(claims(**bank)), NOW, "k").consent is None


def test_a_machine_needs_no_operator() -> None:
    token = signed(claims(client_id="bank-a", operator=None, cnf={"jkt": "key"}))
    assert verifier().verify(token, NOW, "key").operator == ""


def test_a_bound_token_is_taken_from_the_owner_of_its_key_only() -> None:
    bound, bare, cached = signed(claims(cnf={"jkt": "key"})), signed(claims()), verifier()
    for _ in range(2):  # the second time from the cache
        assert cached.verify(bound, NOW, "key").operator == "op-0087"
        for token, thumbprint in ((bound, ""), (bound, "another"), (bare, "key")):
            with pytest.raises(Unauthenticated) as refused:
                cached.verify(token, NOW, thumbprint)
            assert refused.value.code == "TOKEN_SENDER"


def test_a_revoked_token_is_refused_though_it_is_cached() -> None:
    cached, token, other = verifier(), signed(claims(jti="a")), signed(claims(jti="b"))
    cached.verify(token, NOW)
    REVOKED.add("a")
    assert refusal(token, by=cached) == "TOKEN_REVOKED"
    cached.verify(other, NOW)


def test_what_a_token_says_is_told_while_it_would_be_taken() -> None:
    good = claims(jti="a", cnf={"jkt": "key"})
    assert verifier().held(signed(good), NOW) == good
    assert verifier().held(signed(claims(client_id="nobody")), NOW) == {}
    assert verifier().held(signed(claims(aud="x")), NOW) == {}
    assert verifier().held("rubbish", NOW) == {}
    assert verifier().held(signed(good), NOW + timedelta(seconds=600)) == {}
    REVOKED.add("a")
    assert verifier().held(signed(good), NOW) == {}


def test_a_person_is_the_clients_own_reference() -> None:
    sub = REFERENCES.subject_ref(person(), "portal")
    actor = verifier().verify(signed(claims(client_id="portal", sub=sub, operator=None)), NOW)
    assert actor.kind is ActorKind.PERSON
    assert actor.subject == person()
    for wrong in (REFERENCES.subject_ref(person(), "bank-a"), person().value, "portal", None):
        assert refusal(signed(claims(client_id="portal", sub=wrong, operator=None))) == "TOKEN_SUBJECT"
    assert verifier().verify(signed(claims(sub=sub)), NOW).subject is None, "only a person's client has one"


@pytest.mark.parametrize(
    ("changes", "fresh"),
    [
        ({"acr": "phr", "age": 0}, True),
        ({"acr": "phrh", "age": 600}, True),
        ({"acr": "phr", "age": 601}, False),
        ({"acr": "phr", "age": -61}, False),
        ({"acr": "pwd", "age": 0}, False),
        ({"acr": ["phr"], "age": 0}, False),
        ({"acr": "phr"}, False),
        ({"age": 0}, False),
    ],
)
def test_step_up_is_a_strong_login_within_ten_minutes(changes: dict[str, object], fresh: bool) -> None:
    age = changes.pop("age", None)
    body = claims(auth_time=None if age is None else NOW.timestamp() - age, **changes)
    assert verifier().verify(signed(body), NOW).step_up is fresh


def test_step_up_wears_off_while_the_token_is_cached() -> None:
    cached, token = (
        verifier(),
        signed(claims(acr="phr", auth_time=NOW.timestamp(), exp=NOW.timestamp() + 3600)),
    )
    assert cached.verify(token, NOW).step_up
    assert not cached.verify(token, NOW + timedelta(minutes=11)).step_up


def test_a_cached_token_still_expires_and_so_does_its_client() -> None:
    register = ClientRegister([client(valid_until=NOW.date())])
    cached = TokenVerifier(
        ISSUER, AUDIENCE, KEYS.verification_keys, register, REFERENCES, REVOKED.__contains__
    )
    short, long = signed(claims()), signed(claims(exp=NOW.timestamp() + 10**6))
    for token in (short, long):
        cached.verify(token, NOW)
    assert refusal(short, NOW + timedelta(seconds=600), by=cached) == "TOKEN_EXPIRED"
    assert refusal(long, NOW + timedelta(days=1), by=cached) == "TOKEN_CLIENT_EXPIRED"


def test_a_withdrawn_key_forgets_cached_tokens() -> None:
    published = [KEYS.verification_keys()]
    cached, token = verifier(lambda: published[0]), signed(claims())
    cached.verify(token, NOW)
    published[0] = demo_keys().verification_keys()
    assert refusal(token, by=cached) == "TOKEN_SIGNATURE"


class CountedKeys(KeySet):
    """Counts how often a signature needed a key."""

    looked_up = 0

    def get_by_kid(self, *arguments, **options):
        self.looked_up += 1
        return super().get_by_kid(*arguments, **options)


def test_a_token_is_verified_once_and_the_cache_is_bounded() -> None:
    keys = CountedKeys(KEYS.verification_keys().keys)
    cached = verifier(lambda: keys, cached=1)
    one, other = signed(claims()), signed(claims(operator="op-2"))
    for token in (one, one, other, other, one):
        cached.verify(token, NOW)
    assert keys.looked_up == 3


def test_a_verifier_without_issuer_or_audience_is_not_built() -> None:
    for issuer, audience, code in [("", AUDIENCE, "ISSUER_MISSING"), (ISSUER, "", "AUDIENCE_MISSING")]:
        with pytest.raises(ConfigurationError) as refused:
            TokenVerifier(
                issuer, audience, KEYS.verification_keys, REGISTER, REFERENCES, REVOKED.__contains__
            )
        assert refused.value.code == code


def test_demo_tokens_verify_and_are_made_with_demo_keys_only() -> None:
    common = {"issuer": ISSUER, "audience": AUDIENCE, "now": NOW}
    officer = verifier().verify(issue_token(KEYS, OFFICER, operator="op-1", **common), NOW)
    assert (officer.kind, officer.operator, officer.scopes) == (ActorKind.OFFICER, "op-1", OFFICER.scopes)
    citizen = issue_token(KEYS, PORTAL, subject=person(), step_up=True, **common)
    assert verifier().verify(citizen, NOW).subject == person()
    assert verifier().verify(citizen, NOW).step_up
    assert person().value not in base64.urlsafe_b64decode(citizen.split(".")[1] + "==").decode()
    assert refusal(citizen, NOW + timedelta(hours=1)) == "TOKEN_EXPIRED"
    with pytest.raises(ConfigurationError) as refused:
        issue_token(generate_keys(), OFFICER, **common)
    assert refused.value.code == "KEYS_NOT_DEMO"
