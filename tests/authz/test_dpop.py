"""Proofs of possession by the examples of RFC 9449, and by what an attacker would send instead."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from authz.dpop import NONCE_SPAN, Nonces, check_proof, make_proof, thumbprint, token_hash
from authz.errors import Unauthenticated
from authz.jose import public_key
from authz.once import Kind
from tests.support.authz_parties import NOW, demo_keys

# RFC 9449 §4.1 figure 2, §6.1 figure 9, §7.1 figures 12 and 13
RFC_HEAD = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs"
    "cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
RFC_TOKEN_PROOF = (
    f"{RFC_HEAD}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3R"
    "va2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37"
    "xRZT3Lg"
)
RFC_RESOURCE_PROOF = (
    f"{RFC_HEAD}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9"
    "wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVF"
    "FbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
RFC_ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"

URL, TOKEN = "https://graph.example.gov.cn/graphql", "an.access.token"
KEY = ECKey.generate_key("P-256")
NONCES = Nonces(demo_keys())


def claims(**changes: object) -> dict[str, object]:
    good: dict[str, object] = {
        "jti": "once",
        "htm": "POST",
        "htu": URL,
        "iat": int(NOW.timestamp()),
        "nonce": NONCES.current(NOW),
        "ath": token_hash(TOKEN),
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(body: dict[str, Any], key: Key = KEY, alg: str = "ES256", **header: object) -> str:
    head: dict[str, Any] = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)} | header
    return jwt.encode({name: text for name, text in head.items() if text is not None}, body, key, [alg])


def check(proof: str, now: datetime = NOW, token: str | None = TOKEN, **changes: Any) -> Any:
    place = {"method": "POST", "url": URL, "nonces": NONCES, "access_token": token} | changes
    return check_proof(proof, now=now, **place)


def refusal(proof: str, **changes: Any) -> str:
    with pytest.raises(Unauthenticated) as refused:
        check(proof, **changes)
    assert len(proof) < 20 or proof[-20:] not in refused.value.message
    return refused.value.code


@pytest.mark.parametrize(
    ("proof", "method", "url", "at", "token"),
    [
        (RFC_TOKEN_PROOF, "POST", "https://server.example.com/token", 1562262616, None),
        (
            RFC_RESOURCE_PROOF,
            "GET",
            "https://resource.example.org/protectedresource",
            1562262618,
            RFC_ACCESS_TOKEN,
        ),
    ],
    ids=["token request", "resource request"],
)
def test_the_examples_of_the_rfc(proof: str, method: str, url: str, at: int, token: str | None) -> None:
    """They have no nonce, which is looked at last: DPOP_NONCE means that everything else holds."""
    right = {"method": method, "url": url, "now": datetime.fromtimestamp(at, UTC), "token": token}
    assert refusal(proof, **right) == "DPOP_NONCE"
    later = right["now"] + timedelta(seconds=61)
    for wrong in ({"method": "PUT"}, {"url": url + "/"}, {"now": later}, {"token": "x"} if token else {}):
        assert refusal(proof, **(right | wrong)) == ("DPOP_PROOF" if wrong else "DPOP_NONCE")


def test_the_thumbprint_and_the_hash_of_the_rfc() -> None:
    head = json.loads(base64.urlsafe_b64decode(RFC_HEAD + "=" * (-len(RFC_HEAD) % 4)))
    assert thumbprint(public_key(head["jwk"])) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert token_hash(RFC_ACCESS_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_a_proof_made_for_the_request_holds() -> None:
    found = check(signed(claims()))
    assert found.key_thumbprint == thumbprint(KEY)
    assert (found.use.kind, found.use.owner, found.use.name) == (Kind.PROOF, thumbprint(KEY), "once")
    assert found.use.until > NOW.timestamp() + 60, "it is remembered longer than it is accepted"
    assert check(signed(claims(ath=None)), token=None).proof_id == "once"


@pytest.mark.parametrize(
    "key",
    [
        ECKey.generate_key("P-256"),
        OKPKey.generate_key("Ed25519"),
        RSAKey.generate_key(2048),
        RSAKey.generate_key(4096),
    ],
    ids=["ES256", "EdDSA", "PS256", "PS256 of 4096 bits"],
)
def test_our_own_proofs_hold_for_each_kind_of_key(key: Key) -> None:
    nonce = NONCES.current(NOW)
    proof = make_proof(key, method="POST", url=URL, now=NOW, nonce=nonce, access_token=TOKEN)
    assert check(proof).key_thumbprint == thumbprint(key)
    assert refusal(make_proof(key, method="POST", url=URL, now=NOW)) == "DPOP_PROOF"
    assert refusal(make_proof(key, method="POST", url=URL, now=NOW), token=None) == "DPOP_NONCE"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("DPOP_PROOF", {"htm": "GET"}),
        ("DPOP_PROOF", {"htm": "post"}),
        ("DPOP_PROOF", {"htm": None}),
        ("DPOP_PROOF", {"htu": "https://graph.example.gov.cn/graph"}),
        ("DPOP_PROOF", {"htu": "https://graph.example.gov.cn/graphql/"}),
        ("DPOP_PROOF", {"htu": "https://evil.example/graphql"}),
        ("DPOP_PROOF", {"htu": "http://graph.example.gov.cn/graphql"}),
        ("DPOP_PROOF", {"htu": "https://graph.example.gov.cn:8443/graphql"}),
        ("DPOP_PROOF", {"htu": "https://graph.example.gov.cn@evil.example/graphql"}),
        ("DPOP_PROOF", {"htu": "https://user@graph.example.gov.cn/graphql"}),
        ("DPOP_PROOF", {"htu": "https://["}),
        ("DPOP_PROOF", {"htu": "https://graph.example.gov.cn:port/graphql"}),
        ("DPOP_PROOF", {"htu": [URL]}),
        ("DPOP_PROOF", {"htu": None}),
        ("DPOP_PROOF", {"iat": NOW.timestamp() - 61}),
        ("DPOP_PROOF", {"iat": NOW.timestamp() + 61}),
        ("DPOP_PROOF", {"iat": "now"}),
        ("DPOP_PROOF", {"iat": True}),
        ("DPOP_PROOF", {"iat": float("nan")}),
        ("DPOP_PROOF", {"iat": 10**400}),
        ("DPOP_PROOF", {"iat": None}),
        ("DPOP_PROOF", {"jti": None}),
        ("DPOP_PROOF", {"jti": ""}),
        ("DPOP_PROOF", {"jti": "x" * 257}),
        ("DPOP_PROOF", {"jti": 1}),
        ("DPOP_PROOF", {"ath": None}),
        ("DPOP_PROOF", {"ath": token_hash("another.access.token")}),
        ("DPOP_NONCE", {"nonce": None}),
        ("DPOP_NONCE", {"nonce": "made-up"}),
        ("DPOP_NONCE", {"nonce": "秘密"}),
        ("DPOP_NONCE", {"nonce": ["x"]}),
        ("DPOP_NONCE", {"nonce": Nonces(demo_keys()).current(NOW)}),
    ],
)
def test_a_proof_for_something_else_is_refused(code: str, changes: dict[str, object]) -> None:
    assert refusal(signed(claims(**changes))) == code


@pytest.mark.parametrize(
    "htu",
    [
        URL + "?q=1#part",
        "HTTPS://GRAPH.example.gov.cn/graphql",
        "https://graph.example.gov.cn:443/graphql",
        "https://graph.example.gov.cn/%67raphql",
    ],
)
def test_one_address_written_in_another_way_is_the_same(htu: str) -> None:
    check(signed(claims(htu=htu)))


def test_a_proof_that_is_no_proof_is_refused() -> None:
    rsa, p384 = RSAKey.generate_key(2048), ECKey.generate_key("P-384")
    secret = OctKey.generate_key(256)
    head, body, signature = signed(claims()).split(".")
    other = signed(claims(jti="another")).split(".")[1]
    for proof in (
        "",
        "a.b.c",
        "ü" * 40,
        "a" * 7_000,
        f"{head}.{body}.",
        f"{head}.{other}.{signature}",
        f"{RFC_HEAD}.{body}.{signature}",
        signed(claims(), typ="JWT"),
        signed(claims(), typ=None),
        signed(claims(), jwk=None),
        signed(claims(), jwk=KEY.as_dict(private=True)),
        signed(claims(), jwk=ECKey.generate_key("P-256").as_dict(private=False)),
        signed(claims(), jwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        signed(claims(), rsa, "RS256"),
        signed(claims(), p384, "ES384"),
        signed(claims(), secret, "HS256", jwk=secret.as_dict(private=True)),
    ):
        assert refusal(proof) == "DPOP_PROOF", proof[:30]


def test_a_private_key_in_a_proof_is_refused_even_if_it_signs() -> None:
    with pytest.raises(ValueError, match="private"):
        public_key(KEY.as_dict(private=True))


def test_a_nonce_lasts_for_two_spans_and_is_the_same_in_every_process() -> None:
    keys = demo_keys()
    nonce = Nonces(keys).current(NOW)
    for seconds, valid in ((0, True), (119, True), (120, False), (-60, True), (-61, False)):
        assert Nonces(keys).valid(nonce, NOW + timedelta(seconds=seconds)) is valid, seconds
    assert Nonces(keys).current(NOW + NONCE_SPAN) != nonce
