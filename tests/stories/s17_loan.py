"""S17: a bank reads once, on the consent of a person, who takes it back."""

from __future__ import annotations

import json
import re
import secrets
from typing import Final
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tests.checks.conftest import Checked
from tests.stories.county import County
from tests.stories.parties import Person, bound_token, code_of, holds_offline, lookup, somebody
from tests.support.bank import BANK_KEY
from tests.support.documents import ROOT
from tests.support.oauth import ASSERTION_TYPE, BANK_CALLBACK, Party
from tests.support.processes import Reply, eventually

BORROWER: Final = "测试甲"
PURPOSE, CASE = "用于审查本人提交的经营贷款申请", "LN-2026-000017"
DETAIL: Final = {
    "type": "credit_record_read",
    "scenario": "S17",
    "reason": "LOAN_APPROVAL",
    "purpose": PURPOSE,
    "caseNo": CASE,
    "items": [
        {"recordType": "P-FY-01", "fields": ["caseNo", "court", "performance"], "level": "MASKED"},
        {"recordType": "P-SW-01", "fields": [], "level": "BOOLEAN"},
    ],
    "validDays": 7,
    "dataLife": {"unit": "DAY", "value": 30},
}


async def play(county: County) -> None:
    """Consent, one read, taken back, refused; beyond the consent nothing, and without it nobody."""
    async with somebody(county, BORROWER) as he, he.listening() as his:
        verifier = secrets.token_urlsafe(48)
        code = await he_decides(he, await pushed(county, verifier))
        token, consent = await redeemed(county, code, verifier)
        first = Checked(await checks(county, token, consent))
        only_what_he_agreed_to(first)
        assert holds_offline(first, await county.published("receipt-jwks.json"))
        assert await his.next("RECORDS_READ") is None
        assert "样例村镇银行" in (await he.get("/looked")).words
        county.tell("The bank checks once, has a receipt for it, and he is told at once.")
        assert (await checks(county, token, consent)).codes == ["CONSENT_USED_UP"]
        await he_takes_it_back(he, consent)

        async def refused() -> bool:
            return (await checks(county, token, consent)).codes == ["TOKEN_REVOKED"]

        await eventually(refused)
        county.tell("The bank's token is gone with it: it would have to ask him again.")


async def pushed(county: County, verifier: str) -> str:
    """Where the bank sends his browser, having pushed what it wants to read (RFC 9126, RFC 9396)."""
    bank = Party(county.url, county.url)
    request = {
        "response_type": "code",
        "client_id": bank.client_id,
        "redirect_uri": BANK_CALLBACK,
        "scope": "credit:consent",
        "state": "s",
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
        "authorization_details": json.dumps([DETAIL]),
    }
    form = request | {"client_assertion_type": ASSERTION_TYPE, "client_assertion": bank.assertion()}
    reply = await county.post("/oauth/par", data=form)
    assert reply.status == 201, reply.raw
    return "/oauth/authorize?" + urlencode(
        {"client_id": bank.client_id, "request_uri": reply.body["request_uri"]}
    )


async def he_decides(he: Person, address: str) -> str:
    """He reads who asks, what for and how long, and ticks each thing himself; the code."""
    page = await he.get(address)
    for word in ("样例村镇银行", "经营贷款申请", "失信被执行人", "撤回"):
        assert word in page.words
    assert " checked" not in page.text
    boxes = re.findall(r'type="checkbox" name="(tick|confirm)" value="([^"]+)"', page.text)
    (notice,) = re.findall(r'name="notice" value="([^"]+)"', page.text)
    form = [("csrf", page.csrf), ("notice", notice), ("answer", "give"), *boxes]
    back = await he.post(page.url, form, follow=False)
    he.county.tell("The bank asks; he reads who, what for and how long, and ticks each thing himself.")
    return code_of(back)


async def redeemed(county: County, code: str, verifier: str) -> tuple[str, str]:
    """The bank's token, and the consent that it is for."""
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    told = await bound_token(county, "sample-bank", BANK_KEY, form | {"redirect_uri": BANK_CALLBACK})
    (granted,) = told["authorization_details"]
    return told["access_token"], granted["consentId"]


async def checks(county: County, token: str, consent: str) -> Reply:
    """The bank's must-check on the consent."""
    query = (ROOT / "examples" / "scenarios" / "S17.graphql").read_text("utf-8")
    access = {"consentId": consent, "scenario": "S17", "caseNo": CASE, "purpose": PURPOSE}
    return await county.ask(query, {"lookup": lookup(BORROWER), "access": access}, token)


def only_what_he_agreed_to(first: Checked) -> None:
    """Two types; of one of them no more than that there is something."""
    opened = {code: result for code, result in first.results.items() if result != "NOT_PERMITTED"}
    assert opened == {"P-FY-01": "PRESENT", "P-SW-01": "PRESENT"}
    (record,) = first.item("P-FY-01")["records"]
    assert (record["court"], record["publishedOn"]) == ("测试区人民法院", None)
    assert (first.item("P-SW-01")["records"], first.item("P-SW-01")["count"]) == (None, None)


async def he_takes_it_back(he: Person, consent: str) -> None:
    """On the page of the consent."""
    page = await he.get(f"/consents/{consent}")
    done = await he.post(f"/consents/{consent}/revoke", {"csrf": page.csrf})
    assert "已撤回" in done.words
    he.county.tell("He takes the consent back.")
