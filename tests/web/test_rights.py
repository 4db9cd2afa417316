"""The forms of a person's rights over plain HTTP: what they lead to, and what they refuse."""

from __future__ import annotations

import re

import pytest

from tests.consent.conftest import person_lookup
from tests.support.lending import as_party
from tests.support.pages import Seen, Site, Visitor
from tests.support.rights import OF_CASE, S04

pytestmark = pytest.mark.asyncio(loop_scope="session")

ME, OTHER = "测试甲", "异议样例"
_LINK = re.compile(r'href="(/rights/(\w+)/[^"]+)"')
_CASE = re.compile(r'<li class="read" id="(rc_\w+)">')


def links(page: Seen, kind: str) -> list[str]:
    return [path for path, found in _LINK.findall(page.text) if found == kind]


async def filed(someone: Visitor, kind: str, page: Seen, **given: str) -> Seen:
    """What the form of a page's first link of the kind leads to."""
    path = links(page, kind)[0]
    form = await someone.get(path)
    assert form.status == 200, form.words
    return await someone.post(path, {"csrf": form.csrf} | given)


async def test_an_objection_from_the_record_to_its_withdrawal(someone: Visitor):
    records = await someone.sign_in(ME, strong=True, then="/records/judicial")
    form = await someone.get(links(records, "objection")[0])
    assert "立即标注" in form.words
    listed = await filed(someone, "objection", records, reason="FACT_WRONG", text="已付清")
    assert listed.url.partition("#")[0].endswith("/rights")
    assert "处理期间" in listed.words
    assert "已付清" in listed.words
    assert "您已提出异议" in (await someone.get("/records/judicial")).words
    again = await filed(someone, "objection", records, reason="FACT_WRONG")
    assert (again.status, "正在办理" in again.words) == (422, True)
    path = "/rights/withdraw/" + _CASE.findall(listed.text)[0]
    back = await someone.post(path, {"csrf": listed.csrf})
    assert "已撤回" in back.words
    assert (await someone.post(path, {"csrf": listed.csrf})).status == 409


async def test_filing_takes_a_strong_login(someone: Visitor):
    records = await someone.sign_in(ME, then="/records/judicial")
    sent_on = await someone.get(links(records, "statement")[0], follow=False)
    assert sent_on.status == 303
    assert "strong=1" in sent_on.headers["Location"]


async def test_what_is_missing_is_said_on_the_same_page(someone: Visitor):
    records = await someone.sign_in(ME, strong=True, then="/records/judicial")
    empty = await filed(someone, "statement", records, text="  ")
    assert (empty.status, "最多 500 字" in empty.words) == (422, True)
    bare = await filed(someone, "repair", records, text="已履行")
    assert (bare.status, "须有证据" in bare.words, "已履行" in bare.text) == (422, True, True)


async def test_repair_is_offered_only_for_what_tells_against_one(someone: Visitor):
    await someone.sign_in(ME, strong=True)
    plain = await someone.get("/records/identity")
    assert links(plain, "statement")
    assert links(plain, "repair") == []


@pytest.mark.parametrize(
    "path", ["/rights/nothing/P-FY-01/rr_a", "/rights/objection/cu_a", "/rights/complaint/P-FY-01/rr_a"]
)
async def test_addresses_that_lead_nowhere(someone: Visitor, path: str):
    await someone.sign_in(ME, strong=True)
    assert (await someone.get(path)).status == 404


async def test_what_is_sent_by_others_or_altered_is_refused(someone: Visitor, another: Visitor):
    records = await someone.sign_in(ME, strong=True, then="/records/judicial")
    path = links(records, "objection")[0]
    csrf = records.csrf
    assert (await someone.post(path, {"csrf": "x", "reason": "FACT_WRONG"})).status == 403
    assert (await someone.post(path, {"csrf": csrf, "reason": "BECAUSE"})).status == 400
    theirs = await another.sign_in(OTHER, strong=True, then="/rights")
    refused = await another.post(path, {"csrf": theirs.csrf, "reason": "FACT_WRONG"})
    assert (refused.status, "没有找到这条记录" in refused.words) == (422, True)
    unknown = await another.post("/rights/withdraw/rc_none", {"csrf": theirs.csrf})
    assert unknown.status == 404


async def test_a_complaint_from_a_line_of_the_log(someone: Visitor, site: Site):
    token = site.deployment.token("hr-approval", "op-0087")
    await as_party(site, token, OF_CASE, {"who": person_lookup(ME), "access": S04})
    looked = await someone.sign_in(ME, strong=True, then="/looked")
    listed = await filed(someone, "complaint", looked, reason="PURPOSE_WRONG", text="我没有报名。")
    assert (listed.status, "目的不实" in listed.words) == (200, True)


async def test_a_legal_representative_objects_for_the_enterprise(someone: Visitor, another: Visitor):
    page = await someone.sign_in(ME, strong=True, then="/represented")
    company = {"number": "91990100MA9TE00142"}
    overview = await someone.post("/represented", {"csrf": page.csrf} | company)
    assert re.search(r"/represented/enterprise/sr_\w+$", overview.url), "no number in an address"
    market = await someone.get(overview.url + "/market")
    listed = await filed(someone, "objection", market, reason="FACT_WRONG", text="已整改")
    assert listed.url.partition("#")[0].endswith("/rights")
    assert "您已提出异议" in (await someone.get(overview.url + "/market")).words
    await someone.post("/rights/withdraw/" + _CASE.findall(listed.text)[0], {"csrf": listed.csrf})

    theirs = await another.sign_in(OTHER, strong=True, then="/represented")
    for given in (company, {"name": "样例童", "number": "99010120150101004X"}, {"number": "1"}):
        refused = await another.post("/represented", {"csrf": theirs.csrf} | given)
        assert (refused.status, "没有核实到" in refused.words) == (422, True)
    assert (await another.get(overview.url)).status == 409
    assert (await another.get("/represented/institution/sr_a")).status == 404


async def test_a_guardian_sees_the_child(someone: Visitor):
    page = await someone.sign_in(ME, then="/represented")
    child = {"csrf": page.csrf, "name": "样例童", "number": "99010120150101004X"}
    overview = await someone.post("/represented", child)
    identity = await someone.get(overview.url + "/identity")
    assert (identity.status, len(links(identity, "objection"))) == (200, 1)
    assert "99010120150101004X" not in identity.text
