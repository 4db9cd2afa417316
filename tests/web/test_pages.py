"""My records and who looked at me: what they say, to whom, and under which headers."""

import asyncio
import re

import pytest

from gateway.web.texts import TEXTS, language_of
from tests.support.county import cast, personal_values
from tests.support.declared import DECLARED
from tests.support.lending import as_party, read_by_bank

pytestmark = pytest.mark.asyncio(loop_scope="session")
PERSON, OTHER = "测试甲", "样例乙"
CHECK = """
query Check($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) { ... on NaturalPerson {
    judicial { judgmentDefaults { state records { caseNo court } } } } }
}
"""


@pytest.mark.parametrize("path", ["/", "/records", "/records/judicial", "/consents", "/looked"])
async def test_every_page_is_guarded(someone, path):
    await someone.sign_in(PERSON)
    page = await someone.get(path)
    policy = page.headers["Content-Security-Policy"]
    assert page.status == 200
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page.text)
    assert 'lang="zh-CN"' in page.text


@pytest.mark.parametrize(
    "path", ["/records", "/records/tax", "/consents", "/consents/x", "/consents/x/decide", "/looked"]
)
async def test_nobody_sees_a_person_without_signing_in(someone, path):
    page = await someone.get(path, follow=False)
    assert page.status == 303
    assert page.headers["Location"].startswith("/login?next=")


async def test_the_overview_names_every_section_and_never_a_value(someone):
    page = await someone.sign_in(PERSON)
    catalogue = someone.site.deployment.catalogue
    of_persons = [entry for entry in catalogue.record_types.values() if entry.about_persons]
    assert len(of_persons) > 30
    assert [entry.code for entry in of_persons if entry.name.zh not in page.words] == []
    assert "测**" in page.words
    assert not [value for value in personal_values() if value in page.words]


async def test_values_are_masked_until_a_strong_login(someone):
    await someone.sign_in(PERSON)
    masked = await someone.get("/records/judicial")
    assert "9****************4 已遮盖" in masked.words
    assert cast()[PERSON].value not in masked.text
    assert "/login?strong=1" in masked.text
    shown = await someone.sign_in(PERSON, strong=True, then="/records/judicial")
    assert cast()[PERSON].value in shown.words
    assert cast()[OTHER].value not in shown.text
    assert "/login?strong=1" not in shown.text


async def test_a_department_that_is_down_never_looks_clean(someone):
    await someone.sign_in(PERSON)
    with someone.site.down("court"):
        overview, page = await someone.get("/records"), await someone.get("/records/judicial")
    for seen in (overview, page):
        assert "部门系统暂时无法查询，不代表没有记录" in seen.words
        section = seen.words[seen.words.index("失信被执行人信息（自然人）") :][:80]
        assert "没有记录" not in section.replace("不代表没有记录", "")
    assert "没有得到完整答复" in overview.words


async def test_no_page_of_an_unknown_area(someone):
    await someone.sign_in(PERSON)
    assert (await someone.get("/records/elsewhere")).status == 404


async def test_a_person_nobody_can_confirm_is_told_so_and_no_department_is_asked(someone):
    ledger = someone.site.stage.ledger
    before = len(ledger.questions)
    page = await someone.sign_in("重号甲")
    assert page.status == 409
    assert "服务窗口" in page.words
    assert {question.record_type for question in ledger.questions[before:]} <= {"P-GA-01"}


async def test_who_looked_names_organization_purpose_and_every_field(someone):
    await read_by_bank(someone.site)
    page = await someone.sign_in(PERSON, then="/looked")
    for told in (
        "样例村镇银行",
        "用于审查本人提交的经营贷款申请",
        "银行贷款",
        "您的同意",
        "案号",
        "执行法院",
        "LN-2026-000123",
    ):
        assert told in page.words, told
    assert "仅有无记录" in page.words


async def test_what_every_record_has_is_named_in_words(someone):
    await someone.sign_in(PERSON, then="/records/identity")
    page = await someone.get("/looked")
    assert "信息性质" in page.words
    assert "subjectStatement" not in page.text
    assert "retentionUntil" not in page.text


async def test_a_date_without_an_end_is_said_in_words(someone):
    page = await someone.sign_in(PERSON, then="/records/identity")
    assert "长期" in page.words
    assert "<dd>..</dd>" not in page.text


async def test_who_looked_shows_no_staff_number(someone):
    officer = someone.site.deployment.token("hr-approval", "op-0087")
    who = {"person": {"citizenId": cast()[PERSON].value, "name": PERSON}}
    because = {
        "scenario": "S04",
        "caseNo": "RSKS-2026-0017",
        "purpose": "事业单位公开招聘资格审查",
        **DECLARED,
    }
    await as_party(someone.site, officer, CHECK, {"who": who, "access": because})
    page = await someone.sign_in(PERSON, then="/looked")
    assert "样例县人力资源和社会保障局" in page.words
    assert "法定职责" in page.words
    assert "op-0087" not in page.text


async def test_who_looked_is_filtered_and_paged(someone):
    await read_by_bank(someone.site)
    await someone.sign_in(PERSON, then="/looked")
    bank = someone.site.deployment.clients.clients["sample-bank"].organization
    filtered = await someone.get(f"/looked?organization={bank}&purpose=贷款")
    assert "样例村镇银行" in filtered.words
    assert "您本人登录查看" not in filtered.words
    assert "没有符合条件的查询" in (await someone.get("/looked?purpose=没有的目的")).words
    assert "没有符合条件的查询" in (await someone.get("/looked?to=2020-01-01")).words
    for _ in range(21):
        await someone.get("/records/tax")
    first = await someone.get("/looked")
    later = re.search(r'href="(/looked\?after=[^"]+)"', first.text)
    assert later
    second = await someone.get(later[1])
    assert second.status == 200
    assert "回到最近" in second.words


@pytest.mark.parametrize("query", ["from=yesterday", "purpose=990101198001010014", "purpose=" + "x" * 101])
async def test_a_filter_that_cannot_be_used_is_refused(someone, query):
    await someone.sign_in(PERSON)
    page = await someone.get(f"/looked?{query}")
    assert page.status == 400
    assert "990101198001010014" not in page.text


async def test_a_cursor_of_another_person_opens_nothing(someone, another):
    await someone.sign_in(PERSON)
    for _ in range(21):
        await someone.get("/records/tax")
    later = re.search(r'href="(/looked\?after=[^"]+)"', (await someone.get("/looked")).text)
    await another.sign_in(OTHER)
    assert (await another.get(later[1])).status == 400


async def test_each_person_sees_their_own_only(someone, another):
    await asyncio.gather(someone.sign_in(PERSON), another.sign_in(OTHER))
    await read_by_bank(someone.site)
    assert "〔2024〕测0101执12号" in (await someone.get("/records/judicial")).words
    assert "〔2024〕测0101执12号" not in (await another.get("/records/judicial")).words
    assert "样例村镇银行" not in (await another.get("/looked")).words


async def test_the_graph_takes_no_cookie(someone):
    await someone.sign_in(PERSON)
    reply = await someone.http.post(
        f"{someone.site.url}/graphql", json={"query": "{ me { person { kind } } }"}
    )
    assert (await reply.json(content_type=None))["errors"][0]["extensions"]["code"] == "NOT_A_PERSON"


@pytest.mark.parametrize(
    "forgery",
    [
        {"csrf": "x" * 43},
        {"csrf": ""},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
async def test_a_forged_form_does_nothing(someone, forgery):
    page = await someone.sign_in(PERSON)
    form = {"csrf": forgery.get("csrf", page.csrf)}
    headers = {name: value for name, value in forgery.items() if name != "csrf"}
    assert (await someone.post("/logout", form, **headers)).status == 403
    assert (await someone.get("/records", follow=False)).status == 200


async def test_a_token_of_another_session_is_no_token(someone, another):
    mine, theirs = await someone.sign_in(PERSON), await another.sign_in(PERSON)
    assert mine.csrf != theirs.csrf
    assert (await someone.post("/logout", {"csrf": theirs.csrf})).status == 403


async def test_english_by_a_switch_and_by_the_browser(someone):
    assert "See what is held about you" in (await someone.get("/", Accept_Language="en-GB,en;q=0.9")).words
    page = await someone.get("/language?to=en&next=/")
    assert 'html lang="en"' in page.text
    assert "English" in page.words


@pytest.mark.parametrize(
    ("cookie", "accepted", "chosen"),
    [
        (None, None, "zh"),
        (None, "en-US,en;q=0.9,zh;q=0.8", "en"),
        (None, "fr,zh-CN;q=0.9,en;q=0.8", "zh"),
        (None, "fr", "zh"),
        ("zh", "en", "zh"),
        ("xx", "en;q=oops", "zh"),
    ],
)
async def test_the_language_is_chosen(cookie, accepted, chosen):
    assert language_of(cookie, accepted) == chosen


async def test_both_languages_fill_in_the_same(someone):
    holes = re.compile(r"\{(\w+)\}")
    assert [
        key for key, text in TEXTS.items() if set(holes.findall(text.zh)) != set(holes.findall(text.en))
    ] == []


async def test_without_the_store_a_page_says_so(someone):
    await someone.sign_in(PERSON)
    with someone.site.storeless():
        page = await someone.get("/records")
    assert page.status in (500, 503)
    assert TEXTS["refused.unavailable"].zh in page.words
    assert (await someone.get("/records")).status == 200
