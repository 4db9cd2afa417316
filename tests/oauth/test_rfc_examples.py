"""The RFCs' own examples."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import import_key

from authz.consent.rar import requested
from authz.consent.rules import ConsentRefused
from authz.dpop import thumbprint
from gateway.oauth.authorizations import answered
from gateway.oauth.exchange import Exchange
from gateway.oauth.grants import Sha256Challenge
from tests.oauth.conftest import Office, bank_request
from tests.support.authz_parties import NOW

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""RFC 7636 appendix B."""
KEY = {
    "kty": "EC",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    "crv": "P-256",
}
"""RFC 9449 §4."""


class _Grant:
    def __init__(self, verifier: str) -> None:
        self.request = Exchange("https://as.example.com/token", {"code_verifier": verifier}, NOW)
        self.request.auth_method = "none"
        self.request.authorization_code = type("Code", (), {"code_challenge": CHALLENGE})()


def test_rfc_7636_appendix_b() -> None:
    Sha256Challenge().validate_code_verifier(_Grant(VERIFIER), None)
    with pytest.raises(Exception, match="Code challenge failed"):
        Sha256Challenge().validate_code_verifier(_Grant(VERIFIER[:-1] + "l"), None)


def test_rfc_9449_section_6_1_thumbprint() -> None:
    assert thumbprint(import_key(KEY)) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_rfc_9207_section_2_1() -> None:
    found = answered(
        "https://client.example/cb",
        "https://honest.as.example",
        "N1zy1sm2PR9cmbfv",
        code="x1848ZT64p4IirMPT0R-X3141MFPTuBX-VFL_cvaplMH58",
    )
    assert found == (
        "https://client.example/cb?code=x1848ZT64p4IirMPT0R-X3141MFPTuBX-VFL_cvaplMH58"
        "&state=N1zy1sm2PR9cmbfv&iss=https%3A%2F%2Fhonest.as.example"
    )


def test_rfc_9207_section_2_2() -> None:
    found = answered(
        "https://client.example/cb",
        "https://honest.as.example",
        "N1zy1sm2PR9cmbfv",
        error="access_denied",
    )
    assert found == (
        "https://client.example/cb?error=access_denied&state=N1zy1sm2PR9cmbfv"
        "&iss=https%3A%2F%2Fhonest.as.example"
    )


@pytest.mark.parametrize(
    "details",
    [
        '[{"type":"payment_initiation","actions":["initiate","status","cancel"],"locations":'
        '["https://example.com/payments"],"instructedAmount":{"currency":"EUR","amount":"123.50"},'
        '"creditorName":"Merchant A","creditorAccount":{"iban":"DE02100100109307118603"},'
        '"remittanceInformationUnstructured":"Ref Number Merchant"}]',
        '[{"type":"account_information","actions":["list_accounts","read_balances"],'
        '"locations":["https://example.com/accounts"]}]',
    ],
)
def test_rfc_9396_section_2_is_of_types_we_do_not_know(details: str) -> None:
    """§5: an unknown type is refused."""
    with pytest.raises(ConsentRefused):
        requested(json.loads(details))


@pytest.mark.asyncio(loop_scope="session")
async def test_rfc_9126_section_2_1_and_2_2(office: Office) -> None:
    """The example's parameters, with this bank's addresses and details; and the reply of §2.2."""
    example = {
        "state": "af0ifjsldkj",
        "code_challenge_method": "S256",
        "code_challenge": "K2-ltc83acc4h0c9w6ESC_rEMTJ3bww-uCHaoeK1t8U",
    }
    reply = await office.push(**example)
    assert (reply.status, reply.headers["Content-Type"]) == (201, "application/json")
    assert reply.body.keys() == {"request_uri", "expires_in"}
    refused = await office.bank().post(
        "/oauth/par", **bank_request(redirect_uri="https://other.example.org/cb")
    )
    assert (refused.status, refused.body["error"]) == (400, "invalid_request")
