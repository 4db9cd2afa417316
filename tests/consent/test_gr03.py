"""GR-03: spoil anything a consent stands on, and nothing is read: the sources are not even asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey
from sqlalchemy import select, update

from authz.consent import tables
from authz.dpop import make_proof
from tests.consent.conftest import OTHER, Town, about, access, act, person_lookup
from tests.support.bank import presented

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = """
query Loan($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) {
    ... on NaturalPerson { judicial { judgmentDefaults { state records { caseNo } } } }
  }
}
"""
TAMPER: dict[str, tuple[str, bytes, bytes]] = {
    "signature": ("signature", b"..", b"..A"),
    "fields": ("artefact", b'"court"', b'"age"'),
    "type": ("artefact", b"P-FY-01", b"P-FY-02"),
    "uses": ("artefact", b'"maxUses":1', b'"maxUses":9'),
    "level": ("artefact", b"MASKED", b"FULL"),
    "grantee": ("artefact", b"91990100MA9TE0209U", b"91990100MA9TE00142"),
    "legal basis": ("artefact", "第13条".encode(), "第99条".encode()),
    "all of it": ("artefact", b"{", b""),
}


async def refused(town: Town, consent: dict[str, Any], code: str, status: int = 403, **changes: Any) -> None:
    start = len(await town.leaves())
    reply = await town.ask(town.bank(), READ, about(consent, **changes))
    assert (reply.status, reply.codes, reply.questions) == (status, [code], ())
    assert [(leaf["phase"], leaf["codes"]) for leaf in await town.leaves(start)] == [("DENIAL", [code])]


@pytest_asyncio.fixture(loop_scope="session")
async def consent(town: Town) -> dict[str, Any]:
    asked: dict[str, Any] = await town.requested()
    assert (await town.agreed(asked))["state"] == "ACTIVE"
    return asked


async def test_nothing_spoiled_is_answered(town: Town, consent: dict[str, Any]):
    reply = await town.ask(town.bank(), READ, about(consent))
    assert (reply.status, reply.codes, len(reply.questions)) == (200, [], 2)


@asynccontextmanager
async def spoiled(
    town: Town, consent: dict[str, Any], column: str, old: bytes, new: bytes
) -> AsyncIterator[None]:
    """Somebody writes into the store; made good behind the block, for other tests list what there is."""
    table = tables.consent
    of_it = table.c.id == consent["id"]
    async with town.stage.deployment.store.writing() as connection:
        stored = (await connection.execute(select(table.c[column]).where(of_it))).scalar_one()
        raw = stored if isinstance(stored, bytes) else stored.encode()
        assert old in raw
        changed = raw.replace(old, new)
        value = changed if isinstance(stored, bytes) else changed.decode()
        await connection.execute(update(table).where(of_it).values({column: value}))
    yield
    async with town.stage.deployment.store.writing() as connection:
        await connection.execute(update(table).where(of_it).values({column: stored}))


@pytest.mark.parametrize("what", TAMPER)
async def test_what_was_signed_cannot_be_changed(town: Town, consent: dict[str, Any], what: str):
    async with spoiled(town, consent, *TAMPER[what]):
        await refused(town, consent, "CONSENT_SIGNATURE")


async def test_an_artefact_of_another_consent_does_not_serve(town: Town, consent: dict[str, Any]):
    other = await town.given(OTHER)
    table = tables.consent
    async with town.stage.deployment.store.writing() as connection:
        columns = select(table.c.artefact, table.c.signature).where(table.c.id == other["id"])
        row = (await connection.execute(columns)).one()
        swapped = {"artefact": row.artefact, "signature": row.signature}
        await connection.execute(update(table).where(table.c.id == consent["id"]).values(swapped))
    await refused(town, consent, "CONSENT_UNKNOWN")


async def test_status(town: Town, consent: dict[str, Any]):
    await town.act("pauseConsent", consent)
    await refused(town, consent, "CONSENT_NOT_ACTIVE")


async def test_status_of_one_revoked(town: Town, consent: dict[str, Any]):
    await town.act("revokeConsent", consent)
    reply = await town.ask(town.bank(), READ, about(consent))
    # the token went with the consent; whether that is noticed first is a matter of milliseconds
    assert (reply.status, reply.codes) in ((403, ["CONSENT_REVOKED"]), (401, ["TOKEN_REVOKED"]))
    assert (reply.questions, (reply.body.get("data") or {}).get("subject")) == ((), None)


async def test_status_of_a_request_refused_or_unanswered(town: Town):
    asked = await town.requested()
    await refused(town, asked, "CONSENT_NOT_ACTIVE")
    assert (await town.act("rejectConsent", asked))["state"] == "REJECTED"
    await refused(town, asked, "CONSENT_NOT_ACTIVE")


async def test_time(town: Town, consent: dict[str, Any]):
    use = town.stage.deployment.consent_use
    now = use._clock()
    with patch.object(use, "_clock", lambda: now + timedelta(days=7, seconds=1)):
        await refused(town, consent, "CONSENT_EXPIRED")


async def test_count(town: Town, consent: dict[str, Any]):
    assert (await town.ask(town.bank(), READ, about(consent))).codes == []
    start = len(await town.leaves())
    reply = await town.ask(town.bank(), READ, about(consent))
    assert (reply.codes, reply.questions, reply.data) == (["CONSENT_USED_UP"], (), {"subject": None})
    assert [leaf["phase"] for leaf in await town.leaves(start)] == ["DENIAL"]


async def test_grantee(town: Town, consent: dict[str, Any]):
    who = {"who": person_lookup("测试甲"), "access": access(consent)}
    for token, code in (
        (town.bank("other-bank"), "CONSENT_UNKNOWN"),
        (town.officer(), "ACTOR_NOT_ALLOWED"),
        (town.person(), "ACTOR_NOT_ALLOWED"),
        (None, "ACTOR_NOT_ALLOWED"),
    ):
        reply = await town.ask(token, READ, who)
        assert (reply.status, reply.codes, reply.questions) == (403, [code], ())


async def test_sender_key(town: Town, consent: dict[str, Any]):
    """A stolen token: presented with another key, without a proof, and with a proof for another address."""
    token, (address, nonce) = town.bank(), town.stage.deployment.expected_proof
    other = ECKey.generate_key("P-256", auto_kid=True)
    proof = make_proof(
        other, method="POST", url=address, now=datetime.now(UTC), nonce=nonce, access_token=token
    )
    start, asked = len(await town.leaves()), len(town.stage.ledger.questions)
    for headers in (
        {"Authorization": f"DPoP {token}", "DPoP": proof},
        {"Authorization": f"DPoP {token}"},
        {"Authorization": f"Bearer {token}"},
        presented(token, f"{address}/elsewhere", nonce),
    ):
        status, body = await town.post(headers, READ, about(consent))
        assert (status, body.get("data")) == (401, None)
    assert len(town.stage.ledger.questions) == asked
    assert len(await town.leaves()) == start, "nobody known was refused"
    assert (await town.ask(town.bank(), READ, about(consent))).codes == []


async def test_token(town: Town, consent: dict[str, Any]):
    """A token of the bank's that was issued for no consent, and one for another."""
    other = await town.given(OTHER)
    for token in (town.bank(), town.bank(consent_id=other["id"])):
        del town.banks[token]
        reply = await town.ask(token, READ, about(consent))
        assert (reply.status, reply.codes, reply.questions) == (403, ["CONSENT_TOKEN"], ())


async def test_a_consent_that_never_was_is_answered_like_another_clients(town: Town, consent: dict[str, Any]):
    foreign = await town.ask(town.bank("other-bank"), READ, about(consent))
    never = await town.ask(town.bank("other-bank"), READ, about(consent | {"id": "ca_" + "a" * 32}))
    assert (foreign.body, foreign.status) == (never.body, never.status)


async def test_subject(town: Town, consent: dict[str, Any]):
    start = len(await town.leaves())
    variables = {"who": person_lookup(OTHER), "access": access(consent)}
    reply = await town.ask(town.bank(), READ, variables)
    assert (reply.codes, reply.questions, reply.data) == (["CONSENT_SUBJECT"], (), {"subject": None})
    assert [leaf["codes"] for leaf in await town.leaves(start)] == [["CONSENT_SUBJECT"]]
    assert (await town.ask(town.bank(), READ, about(consent))).codes == [], "nothing was used up"


async def test_subject_of_an_entity(town: Town, consent: dict[str, Any]):
    query = "query($uscc: String!, $on: AccessContext) { enterprise(uscc: $uscc, access: $on) { uscc } }"
    variables = {"uscc": "91990100MA9TE00142", "on": access(consent)}
    reply = await town.ask(town.bank(), query, variables)
    assert (reply.codes, reply.questions) == (["CONSENT_SUBJECT"], ())


async def test_verifying_somebody_else(town: Town, consent: dict[str, Any]):
    query = "query($who: PersonLookup!, $on: AccessContext!) { verifyIdentity(lookup: $who, access: $on) }"
    variables = {"who": person_lookup(OTHER)["person"], "on": access(consent)}
    reply = await town.ask(town.bank(), query, variables)
    assert (reply.codes, reply.questions) == (["CONSENT_SUBJECT"], ())


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"scenario": "S18"}, "CONSENT_SCENARIO", 403),
        ({"scenario": None}, "CONSENT_SCENARIO", 403),
        ({"caseNo": "LN-2026-999999"}, "CONSENT_CASE", 403),
        ({"caseNo": None}, "CASE_NUMBER_REQUIRED", 403),
        ({"purpose": " "}, "PURPOSE_REQUIRED", 403),
        ({"legalBasisId": "M-RS-S04"}, "ACCESS_CONTEXT_CONFLICT", 400),
    ],
)
async def test_scenario_case_and_legal_basis(
    town: Town, consent: dict[str, Any], change: dict[str, Any], code: str, status: int
):
    await refused(town, consent, code, status, **change)


async def test_no_mandate_serves_a_bank_and_no_bank_reads_without_consent(
    town: Town, consent: dict[str, Any]
):
    mandate = {"scenario": "S04", "caseNo": "RSKS-2026-0001", "purpose": "录用审查"}
    for basis in (mandate, mandate | {"legalBasisId": "M-RS-S04"}, {"purpose": "贷款"}):
        variables = {"who": {"subjectRef": consent["subjectRef"]}, "access": basis}
        reply = await town.ask(town.bank(), READ, variables)
        assert (reply.status, reply.questions) == (403, ())


WIDER = """
query Wider($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) {
    ... on NaturalPerson {
      judicial {
        a: judgmentDefaults { records { hidden: obligation caseNo: age ...Rest } }
        b: consumptionRestrictionOrders { records { orderNo } }
      }
      tax { taxViolations { present records { caseNo recordId } } }
      education { studentLoans { present records { contractState } } }
    }
    records(first: 50) { edges { node { recordType ...Named } } }
    ...All
  }
}
fragment Rest on PersonJudgmentDefault { citizenId listedUntil occurredOn publishUntil }
fragment Named on CreditRecord {
  determinedOn
  ... on PersonTaxViolation { authority }
  ... on PersonJudgmentDefault { sex }
}
fragment All on CreditSubject {
  ... on NaturalPerson { identity { civilIdentity { records { registeredAddress } } } }
}
"""


async def test_type_field_and_level_cannot_be_widened_by_alias_or_fragment(
    town: Town, consent: dict[str, Any]
):
    reply = await town.ask(town.bank(), WIDER, about(consent))
    assert reply.codes == []
    person = reply.data["subject"]
    assert person["judicial"]["a"]["records"] == [
        dict.fromkeys(("hidden", "caseNo", "citizenId", "listedUntil", "occurredOn", "publishUntil"))
    ]
    assert person["judicial"]["b"] == {"records": None}
    assert person["tax"]["taxViolations"] == {"present": True, "records": None}
    assert person["education"]["studentLoans"] == {"present": None, "records": None}
    assert person["identity"]["civilIdentity"] == {"records": None}
    edges = [edge["node"] for edge in person["records"]["edges"]]
    assert edges == [{"recordType": "P-FY-01", "determinedOn": None, "sex": None}]
    assert {(one.source, one.record_type) for one in reply.questions} == {
        ("psb", "P-GA-01"),
        ("court", "P-FY-01"),
        ("tax", "P-SW-01"),
    }
    (court,) = [one for one in reply.questions if one.source == "court"]
    assert not {"obligation", "age", "sex"} & court.fields


async def test_revoked_between_two_fields_of_one_request(town: Town, consent: dict[str, Any]):
    """While one department has answered and another has not, the person takes the consent back."""
    court = town.stage.deployment.sources["court"]
    fetching, go_on = asyncio.Event(), asyncio.Event()
    fetch = court.fetch

    async def held(ask: Any) -> Any:
        fetching.set()
        await go_on.wait()
        return await fetch(ask)

    start = len(await town.leaves())
    with patch.object(court, "fetch", held):
        reading = asyncio.create_task(town.ask(town.bank(), READ, about(consent)))
        await fetching.wait()
        revoked = await town.ask(town.person(), act("revokeConsent"), {"id": consent["id"]})
        go_on.set()
        reply = await reading
    assert revoked.result["state"] == "REVOKED"
    # the token went with the consent; whether that is noticed first is a matter of milliseconds
    assert reply.codes in (["CONSENT_REVOKED"], ["TOKEN_REVOKED"])
    assert not any((reply.body.get("data") or {}).values())
    phases = [(leaf["phase"], leaf.get("result"), leaf.get("codes")) for leaf in await town.leaves(start)]
    assert phases == [
        ("INTENT", None, None),
        ("CONSENT", None, None),
        ("OUTCOME", "DENY", ["CONSENT_REVOKED"]),
    ]


async def test_pages_are_one_use_with_one_key_and_need_it(town: Town):
    asked = await town.requested(
        items=[
            {"recordType": "P-FY-01", "fields": ["caseNo"], "level": "MASKED"},
            {"recordType": "P-SW-01", "fields": ["caseNo"], "level": "MASKED"},
        ]
    )
    await town.agreed(asked)
    query = """
    query Page($who: SubjectLookup!, $access: AccessContext!, $after: String) {
      subject(lookup: $who, access: $access) {
        records(first: 1, after: $after) { edges { node { recordType } } pageInfo { endCursor hasNextPage } }
      }
    }
    """
    keyed = about(asked, idempotencyKey="loan-7")
    first = (await town.ask(town.bank(), query, keyed)).data["subject"]["records"]
    assert first["pageInfo"]["hasNextPage"]
    after = {"after": first["pageInfo"]["endCursor"]}
    second = (await town.ask(town.bank(), query, keyed | after)).data["subject"]["records"]
    assert second["edges"] != first["edges"]
    other = about(asked, idempotencyKey="loan-8")
    assert (await town.ask(town.bank(), query, other | after)).codes == ["CURSOR_INVALID"]
    assert (await town.ask(town.bank(), query, other)).codes == ["CONSENT_USED_UP"]
