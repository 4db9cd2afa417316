"""`me { report }`: what one hands over about oneself, and how whoever gets it checks it."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pypdf import PdfReader, PdfWriter

from tests.consent.conftest import Town
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
