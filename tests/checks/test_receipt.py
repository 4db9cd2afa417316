"""The receipt: verifiable by anyone, bound to the check, and without a value."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from sqlalchemy import text

from authz.calendar import add_working_days
from authz.receipts import digest_of
from tests.checks.conftest import Checked, Office
from tests.consent.conftest import key
from tests.support.county import personal_values

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def published(office: Office) -> KeySet:
    address = f"{office.stage.urls['default']}/.well-known/receipt-jwks.json"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        content = await response.json()
    assert all("d" not in each for each in content["keys"])
    return KeySet.import_key_set(content)


async def receipt_of(office: Office, checked: Checked) -> dict[str, Any]:
    signed = jws.deserialize_compact(checked.body["receipt"]["jws"], await published(office), ["ES256"])
    assert signed.headers()["typ"] == "must-check-receipt+jws"
    payload: dict[str, Any] = orjson.loads(signed.payload or b"")
    return payload


async def test_it_says_who_checked_what_in_which_case_and_until_when(office: Office):
    checked = await office.check("S04", "测试甲")
    said = await receipt_of(office, checked)
    body, client = checked.body, office.stage.deployment.clients.clients["hr-approval"]
    assert {name: said[name] for name in ("jti", "sub", "scenario", "caseNo", "clientId", "basis")} == {
        "jti": body["checkId"],
        "sub": body["subjectRef"],
        "scenario": "S04",
        "caseNo": body["caseNo"],
        "clientId": "hr-approval",
        "basis": "M-RS-S04",
    }
    assert said["organization"] == client.organization
    assert said["completeness"] == body["completeness"] == "COMPLETE"
    assert said["catalogueVersion"] == body["catalogueVersion"]
    checked_at, until = (datetime.fromisoformat(body[name]) for name in ("checkedAt", "validUntil"))
    assert until.date() == add_working_days(checked_at.date(), 5)
    assert (said["iat"], said["exp"]) == (int(checked_at.timestamp()), int(until.timestamp()))


async def test_its_digest_is_over_what_was_found_and_a_nonce_it_does_not_hold(office: Office):
    checked = await office.check("S04", "异议样例")
    said, given = await receipt_of(office, checked), checked.body["receipt"]
    assert said["resultSha256"] == digest_of(given["nonce"], given["statement"])
    assert given["nonce"] not in str(said)
    stated = orjson.loads(given["statement"])
    (subject,) = stated["subjects"]
    assert {item["recordType"]: item["result"] for item in subject["items"]} == checked.results
    assert {one["code"]: one["value"] for one in subject["predicates"]} == checked.truths
    again = (await office.check("S04", "异议样例")).body["receipt"]
    assert again["nonce"] != given["nonce"]


async def test_it_points_at_the_read_in_the_audit_log(office: Office):
    checked = await office.check("S04", "测试甲")
    said = await receipt_of(office, checked)
    leaf = (await office.leaves(said["auditIndex"]))[0]
    assert (leaf["phase"], leaf["kind"]) == ("INTENT", "CHECK")
    assert leaf["authorization"]["caseNo"] == said["caseNo"]
    assert leaf["query"]["operationName"] == "Check"
    assert leaf["subject"]["auditRef"] == office.stage.deployment.references.audit_ref(key("测试甲"))
    court = next(each for each in leaf["entity"] if each["recordType"] == "P-FY-01")
    assert {"severity", "status", "caseNo", "court"} <= set(court["fields"])


async def test_neither_it_nor_the_store_holds_a_value(office: Office):
    checked = await office.check("S04", "测试甲")
    said = await receipt_of(office, checked)
    values = {record["caseNo"] for record in checked.item("P-FY-01")["records"] if record.get("caseNo")}
    values |= set(personal_values())
    assert values
    async with office.stage.deployment.store.reading() as connection:
        rows = [dict(row._mapping) for row in await connection.execute(text("SELECT * FROM check_receipt"))]
    kept = next(row for row in rows if row["jti"] == said["jti"])
    for shown in (str(said), str(kept), checked.body["receipt"]["statement"]):
        assert not [value for value in values if value in shown]
    assert (kept["completeness"], kept["unknown"], kept["position"]) == ("COMPLETE", "", said["auditIndex"])
    assert "PRESENT" not in str(kept)


async def test_the_book_finds_a_check_by_its_receipt(office: Office):
    checked = await office.check("S04", "测试甲")
    book = office.stage.deployment.services.receipts
    receipt = book.opened(checked.body["receipt"]["jws"])
    found = await book.find(receipt.jti)
    assert found is not None
    assert (found.scenario, found.case_no, found.client) == ("S04", receipt.case_no, "hr-approval")
    assert found.subject == office.stage.deployment.references.audit_ref(key("测试甲"))
    assert found.valid_until - found.checked_at > timedelta(days=4)
    assert (found.unknown, found.open_types) == ((), ())
    assert await book.find("ck_" + "0" * 32) is None


async def test_the_person_sees_the_check_at_once(office: Office):
    checked = await office.check("S04", "样例乙")
    query = """{ me { accessLog(first: 1) { edges { node {
      scenario caseNo organization result records { recordType fields } } } } } }"""
    seen = await office.ask(office.person("样例乙"), query)
    (edge,) = seen.data["me"]["accessLog"]["edges"]
    assert (edge["node"]["caseNo"], edge["node"]["result"]) == (
        checked.body["caseNo"],
        "PARTIAL",
    )  # one type is not mandated
    told = {each["recordType"]: each["fields"] for each in edge["node"]["records"]}
    assert set(told) == {code for code, result in checked.results.items() if result != "NOT_PERMITTED"}
    assert "certificateState" in told["P-RS-01"]  # a predicate looks at it
