"""The page of one's own report: a form, a strong login, and a PDF; no script."""

from __future__ import annotations

import pytest
from pypdf import PdfReader

from tests.support.pages import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_person_takes_a_report_along(someone: Visitor, tmp_path):
    form = await someone.sign_in("欧阳样例", strong=True, then="/report")
    sent = {"csrf": form.csrf, "reader": "样例公司人事处", "days": "7"}
    async with someone.http.post(someone.site.url + "/report", data=sent) as reply:
        assert (reply.status, reply.content_type) == (200, "application/pdf")
        assert reply.headers["Cache-Control"] == "no-store"
        (tmp_path / "report.pdf").write_bytes(await reply.read())
    pages = PdfReader(tmp_path / "report.pdf").pages
    assert all("仅供 样例公司人事处 使用" in page.extract_text() for page in pages)
    for wrong in ({"reader": "甲"}, {"days": "91"}, {"reader": "证件990101198001010014"}):
        refused = await someone.post("/report", sent | wrong)
        assert (refused.status, "请写明提供给谁" in refused.words) == (422, True)
    assert (await someone.post("/report", sent | {"days": "x"})).status == 400
    assert (await someone.post("/report", sent | {"csrf": "x"})).status == 403


async def test_it_takes_a_strong_login(someone: Visitor):
    form = await someone.sign_in("样例乙", then="/records")
    sent = await someone.get("/report", follow=False)
    assert (sent.status, "strong=1" in sent.headers["Location"]) == (303, True)
    reply = await someone.post(
        "/report", {"csrf": form.csrf, "reader": "样例公司", "days": "7"}, follow=False
    )
    assert (reply.status, "strong=1" in reply.headers["Location"]) == (303, True)
