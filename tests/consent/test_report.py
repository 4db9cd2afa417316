"""`me { report }`: what one hands over about oneself, and how whoever gets it checks it."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from pypdf import PdfReader, PdfWriter

from tests.consent.conftest import REQUEST, Reply, Town, access, loan
from tests.support.commands import command
from tests.support.county import cast

pytestmark = pytest.mark.asyncio(loop_scope="session")

REPORT = """
query R($for: String!, $days: Int) {
  me { report(addressee: $for, days: $days) { number issuedAt expiresAt complete jws pdf } }
}
"""
READER = "样例银行住房贷款部"


async def reported(town: Town, name: str, days: int = 30) -> Any:
    reply = await town.ask(town.person(name), REPORT, {"for": READER, "days": days})
    assert reply.codes == []
    return reply.data["me"]["report"]


async def keys(town: Town, folder: Path) -> Path:
    address = f"{town.stage.urls['default']}/.well-known/consent-jwks.json"
    path = folder / "jwks.json"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        path.write_bytes(await response.read())
    return path


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


async def test_a_report_is_checked_from_its_pdf_or_its_data_alone(town: Town, tmp_path: Path):
    report = await reported(town, "测试甲")
    pdf, data = tmp_path / "report.pdf", tmp_path / "report.jws"
    pdf.write_bytes(base64.b64decode(report["pdf"]))
    data.write_text(report["jws"] + "\n")
    published = await keys(town, tmp_path)
    for file in (pdf, data):
        done = await command("report", "verify", str(file), "--jwks", str(published), "--json")
        assert done.code == 0, done.err
        content = done.json
        assert (content["jti"], content["addressee"]) == (report["number"], READER)
        assert content["person"]["displayName"] == "测试甲"
        assert content["person"]["judicial"]["judgmentDefaults"]["records"]
    shown = await command("report", "verify", str(pdf), "--jwks", str(published))
    assert READER in shown.out
    assert "judicial.judgmentDefaults: OK, 1 records" in shown.out


async def test_every_page_says_for_whom_and_the_records_stand_on_them(town: Town):
    report = await reported(town, "欧阳样例", days=7)
    pages = PdfReader(BytesIO(base64.b64decode(report["pdf"]))).pages
    assert all(f"仅供 {READER} 使用" in page.extract_text() for page in pages)
    assert all(report["number"] in page.extract_text() for page in pages)
    whole = text_of(base64.b64decode(report["pdf"]))
    assert cast()["欧阳样例"].value in whole  # the person's own, after a strong login
    issued, expires = (datetime.fromisoformat(report[name]) for name in ("issuedAt", "expiresAt"))
    assert expires - issued == timedelta(days=7)


async def test_it_holds_no_score(town: Town):
    whole = text_of(base64.b64decode((await reported(town, "样例丙"))["pdf"]))
    assert "本报告不含评分" in whole
    assert not any(word in whole.replace("不含评分、等级或结论", "") for word in ("信用分", "评分"))


async def test_a_character_that_the_face_lacks_is_marked_and_whole_in_the_data(town: Town, tmp_path: Path):
    reply = await town.ask(town.person("买买提·样例"), REPORT, {"for": "样𠮷野公司"})
    report = reply.data["me"]["report"]
    assert "仅供 样〓野公司 使用" in text_of(base64.b64decode(report["pdf"]))
    data = tmp_path / "report.jws"
    data.write_text(report["jws"])
    done = await command("report", "verify", str(data), "--jwks", str(await keys(town, tmp_path)))
    assert "样𠮷野公司" in done.out


async def test_a_long_report_is_no_forged_one(town: Town, tmp_path: Path):
    body = (await reported(town, "买买提·样例"))["jws"].split(".")[1]
    content = orjson.loads(base64.urlsafe_b64decode(body + "=="))
    section = content["person"]["identity"]["civilIdentity"]
    section["records"] *= 1 + 400_000 // len(orjson.dumps(section["records"]))
    data = tmp_path / "report.jws"
    data.write_text(town.stage.deployment.signer.report(content))
    done = await command("report", "verify", str(data), "--jwks", str(await keys(town, tmp_path)), "--json")
    assert (done.code, done.json["jti"]) == (0, content["jti"])


async def test_what_was_altered_or_is_something_else_is_no_report(town: Town, tmp_path: Path):
    report = await reported(town, "修复样例")
    published = str(await keys(town, tmp_path))
    head, body, signature = report["jws"].split(".")
    receipt = (await town.given())["receipt"]
    bare = PdfWriter(clone_from=PdfReader(BytesIO(base64.b64decode(report["pdf"]))))
    without = PdfWriter()
    without.append(bare, import_outline=False)
    stripped = BytesIO()
    without.write(stripped)
    files = {
        "REPORT_FORGED": [f"{head}.{body[:-4]}AAAA.{signature}".encode(), receipt.encode()],
        "REPORT_UNSIGNED": [stripped.getvalue(), b"%PDF-1.7 nonsense", b"\xff\xfe", b""],
    }
    for code, contents in files.items():
        for content in contents:
            file = tmp_path / "file"
            file.write_bytes(content)
            done = await command("report", "verify", str(file), "--jwks", published)
            assert (done.code, done.err.split()[0]) == (1, code), done.err


async def test_a_report_that_has_expired_is_told_apart(town: Town, tmp_path: Path):
    signer = town.stage.deployment.signer
    content = {"jti": "rp_old", "exp": 1_700_000_000}
    file = tmp_path / "old.jws"
    file.write_text(signer.report(content))
    done = await command("report", "verify", str(file), "--jwks", str(await keys(town, tmp_path)))
    assert (done.code, done.err.split()[0]) == (1, "REPORT_EXPIRED")


@pytest.mark.parametrize(
    "variables",
    [
        {"for": "甲"},
        {"for": "甲" * 61},
        {"for": "甲\u202e乙"},
        {"for": "银行", "days": 0},
        {"for": "银行", "days": 91},
    ],
    ids=["short", "long", "unprintable", "no-day", "too-long"],
)
async def test_terms_that_no_report_has_are_refused_before_anything_is_asked(town: Town, variables: Any):
    reply = await town.ask(town.person("样例乙"), REPORT, variables)
    assert (reply.codes, reply.questions) == (["REPORT_TERMS"], ())


async def test_without_a_strong_login_nothing_is_asked(town: Town):
    reply = await town.ask(town.person("样例乙", step_up=False), REPORT, {"for": READER})
    assert (reply.codes, reply.questions) == (["STEP_UP_REQUIRED"], ())
    refused = await town.ask(town.bank(), REPORT, {"for": READER})
    assert (refused.codes, refused.questions) == (["NOT_A_PERSON"], ())


ON_CONSENT = """
query C($access: AccessContext!) {
  consentReport(access: $access) { number issuedAt expiresAt complete jws pdf }
}
"""
LAST_READ = """{ me { accessLog(first: 1) { edges { node {
  organization basis consentId records { recordType fields maskedFields } } } } } }"""


async def on_consent(town: Town, consent: Any, token: str = "") -> Reply:
    return await town.ask(token or town.bank(), ON_CONSENT, {"access": access(consent)})


async def test_a_bank_is_given_what_the_person_agreed_to_and_no_more(town: Town, tmp_path: Path):
    fields = ["caseNo", "court", "performance"]
    items = [
        {"recordType": "P-FY-01", "fields": fields, "level": "MASKED"},
        {"recordType": "P-SW-01", "fields": [], "level": "BOOLEAN"},
    ]
    consent = await town.given(mode="REPORT", items=items, dataLife={"unit": "DAY", "value": 10})
    reply = await on_consent(town, consent)
    assert reply.codes == []
    report = reply.result
    issued, expires = (datetime.fromisoformat(report[name]) for name in ("issuedAt", "expiresAt"))
    assert expires - issued == timedelta(days=10), "no longer than the bank may keep it"

    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(base64.b64decode(report["pdf"]))
    done = await command("report", "verify", str(pdf), "--jwks", str(await keys(town, tmp_path)), "--json")
    assert done.code == 0, done.err
    content = done.json
    assert content["consentId"] == consent["id"]
    told = content["person"]
    assert told["displayName"] == "测**"
    read = {(domain, name) for domain, group in told.items() if domain != "displayName" for name in group}
    assert len(read) == 2
    (record,) = told["judicial"]["judgmentDefaults"]["records"]
    assert set(fields) <= record.keys()
    assert {"obligation", "citizenId"}.isdisjoint(record)
    for whole in (str(content), text_of(pdf.read_bytes())):
        assert cast()["测试甲"].value not in whole
    pages = PdfReader(BytesIO(pdf.read_bytes())).pages
    assert all(f"仅供 {content['addressee']} 使用" in page.extract_text() for page in pages)
    assert {question.record_type for question in reply.questions} == {"P-GA-01", "P-FY-01", "P-SW-01"}

    (edge,) = (await town.ask(town.person(), LAST_READ)).data["me"]["accessLog"]["edges"]
    seen = edge["node"]
    assert (seen["organization"], seen["basis"]) == (content["addressee"], "CONSENT")
    assert {one["recordType"] for one in seen["records"]} == {"P-FY-01", "P-SW-01"}
    again = await on_consent(town, consent)
    assert (again.codes, again.questions) == (["CONSENT_USED_UP"], ()), "it was the one use"


async def test_a_report_takes_a_consent_for_a_report(town: Town):
    look = await town.given()
    refused = await on_consent(town, look)
    assert (refused.codes, refused.questions) == (["CONSENT_MODE"], ())
    assert (await see_uses(town, look)) == 0
    taken_back = await town.given(mode="REPORT")
    await town.act("revokeConsent", taken_back)
    gone = await on_consent(town, taken_back)
    assert set(gone.codes) <= {"CONSENT_REVOKED", "TOKEN_REVOKED"}
    assert gone.questions == ()
    others = await on_consent(town, await town.given(mode="REPORT"), town.officer())
    assert others.codes
    assert others.questions == ()


async def see_uses(town: Town, consent: Any) -> int:
    reply = await town.ask(
        town.person(), "query S($id: ID!) { consent(id: $id) { uses } }", {"id": consent["id"]}
    )
    return int(reply.data["consent"]["uses"])


async def test_an_enterprise_agrees_to_a_report_by_its_representative(town: Town, tmp_path: Path):
    items = [{"recordType": "E-SW-01", "fields": ["year", "grade"], "level": "MASKED"}]
    asked = (
        await town.ask(
            town.bank(),
            REQUEST,
            {"input": loan(mode="REPORT", items=items) | {"subject": {"uscc": "91990100MA9TE00142"}}},
        )
    ).result
    assert (await town.agreed(asked))["state"] == "ACTIVE"
    report = (await on_consent(town, asked)).result
    assert "测试有限公司" in text_of(base64.b64decode(report["pdf"]))


async def test_several_readers_get_their_reports_at_once_and_no_flood_of_them(town: Town):
    some = " ".join(f'r{n}: report(addressee: "银行{"甲乙丙丁"[n]}") {{ number }}' for n in range(4))
    token = town.person("往事样例")
    reply = await town.ask(token, f"{{ me {{ {some} }} }}")
    assert reply.codes == []
    assert len({one["number"] for one in reply.data["me"].values()}) == 4
    for _ in range(4):  # the ten minutes may turn once
        reply = await town.ask(token, f"{{ me {{ {some} }} }}")
    assert "EXPORT_TOO_SOON" in reply.codes
