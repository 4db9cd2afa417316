"""The artefact: explicit, immutable, and unable to say what may not be agreed."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from authz.consent import artefact as module
from authz.consent.artefact import ConsentArtefact
from authz.consent.signing import Signer, canonical_bytes, digest_of
from tests.support.authz_parties import demo_keys
from tests.support.policy_matrix import CONFIRMED, NOW, artefact, item

SCHEMA = Path(module.__file__).with_name("artefact.schema.json")
UNDER_14 = {"subjectRef": "sr_abc", "verifiedBy": {"clientId": "a", "at": NOW}, "ageBand": "UNDER_14"}
GUARDIAN = {"capacity": "GUARDIAN", "subjectRef": "sr_def", "confirmedBy": "MZ"}
DIRECTOR = GUARDIAN | {"capacity": "LEGAL_REPRESENTATIVE"}
COMPANY = {"kind": "ENTERPRISE", "subjectRef": "sr_abc", "verifiedBy": {"clientId": "a", "at": NOW}}


def test_the_shipped_schema_is_the_models():
    made = json.dumps(ConsentArtefact.model_json_schema(by_alias=True), ensure_ascii=False, indent=1)
    assert SCHEMA.read_text("utf-8") == made + "\n", "write what the model makes into the file"


@pytest.mark.parametrize(
    "changes",
    [
        {"onwardTransfer": "ALLOWED"},
        {"mode": "STORE"},
        {"confirmed": ("GENERAL",)},
        {"confirmed": ("THIRD_PARTY_PROVISION",)},
        {"subject": UNDER_14},
        {"subject": UNDER_14 | {"representative": GUARDIAN}},
        {"subject": UNDER_14, "confirmed": (*CONFIRMED, "GUARDIAN")},
        {"subject": UNDER_14 | {"representative": DIRECTOR}, "confirmed": (*CONFIRMED, "GUARDIAN")},
        {"subject": COMPANY, "confirmed": (*CONFIRMED, "LEGAL_REPRESENTATIVE")},
        {"subject": COMPANY | {"representative": DIRECTOR}},
        {
            "subject": COMPANY | {"representative": GUARDIAN},
            "confirmed": (*CONFIRMED, "LEGAL_REPRESENTATIVE"),
        },
        {
            "subject": COMPANY | {"representative": DIRECTOR, "ageBand": "18_PLUS"},
            "confirmed": (*CONFIRMED, "LEGAL_REPRESENTATIVE"),
        },
        {"subject": UNDER_14 | {"ageBand": "14_17", "representative": GUARDIAN}},
        {"automatedDecision": {"used": True, "humanReview": True}},
        {"automatedDecision": {"used": False, "humanReview": False}},
        {"maxUses": 2},
        {"maxUses": 13, "fetchType": "PERIODIC", "frequency": {"unit": "DAY", "value": 1}},
        {"fetchType": "PERIODIC"},
        {"frequency": {"unit": "DAY", "value": 1}},
        {"validity": {"from": NOW, "until": NOW}},
        {"validity": {"from": "2026-11-20T10:00:00", "until": "2026-11-27T10:00:00"}},
        {"authorizationDetails": []},
        {"authorizationDetails": [item(), item()]},
        {"purpose": {"scenarioCode": "S17", "reasonCode": "MARKETING", "text": "x" * 10, "caseNo": "1"}},
        {"notice": {}},
        {"unheardOf": 1},
    ],
    ids=str,
)
def test_what_may_not_be_agreed_cannot_be_written(changes):
    with pytest.raises(ValidationError):
        artefact(**changes)


@pytest.mark.parametrize("name", ["*", "", "court.*", "all fields"])
def test_no_wildcard_names_a_field(name):
    with pytest.raises(ValidationError):
        item(fields=(name,))


def test_a_guardian_agrees_for_a_child():
    given = artefact(subject=UNDER_14 | {"representative": GUARDIAN}, confirmed=(*CONFIRMED, "GUARDIAN"))
    assert given.subject.representative.capacity == "GUARDIAN"


def test_it_cannot_be_changed():
    made = artefact()
    with pytest.raises(ValidationError):
        made.max_uses = 12
    with pytest.raises(ValidationError):
        made.authorization_details[0].level = "FULL"


def test_its_bytes_are_canonical_and_read_back_the_same():
    payload = canonical_bytes(artefact())
    assert ConsentArtefact.model_validate_json(payload) == artefact()
    assert canonical_bytes(ConsentArtefact.model_validate_json(payload)) == payload
    members = json.loads(payload)
    assert payload == json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert not {"status", "use", "events", "receipt", "signature"} & members.keys()


def test_only_our_signature_over_these_bytes_holds():
    signer, payload = Signer(demo_keys()), canonical_bytes(artefact())
    signature = signer.sign(payload)
    header, middle, _ = signature.split(".")
    assert (middle, signer.holds(payload, signature)) == ("", True)
    assert not signer.holds(payload + b" ", signature)
    assert not signer.holds(payload, f"{header}..")
    assert not signer.holds(payload, "")
    assert not Signer(demo_keys()).holds(payload, signature)
    receipt = signer.receipt(artefact(), payload, NOW)
    assert not signer.holds(payload, receipt), "a receipt is no signature of an artefact"
    assert len(digest_of(payload)) == 64
