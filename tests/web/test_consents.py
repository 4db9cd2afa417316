"""My consents, and deciding on a request: what is shown, what is done, and for whom it is not."""

import re

import pytest

from tests.support.lending import bank_reads, given, requested

pytestmark = pytest.mark.asyncio(loop_scope="session")
PERSON, OTHER = "测试甲", "样例乙"
ALL = [
    ("tick", "P-FY-01 caseNo"),
    ("tick", "P-FY-01 court"),
    ("tick", "P-FY-01 performance"),
    ("tick", "P-SW-01"),
    ("confirm", "GENERAL"),
    ("confirm", "THIRD_PARTY_PROVISION"),
]


async def decide(someone, consent, answer="give", ticks=ALL, **headers):
    """What the form sends, with the token and the notice of the page."""
    path = f"/consents/{consent['id']}/decide"
    page = await someone.get(path)
    notice = re.search(r'name="notice" value="([^"]+)"', page.text)
    form = [("csrf", page.csrf), ("notice", notice[1]), ("answer", answer), *ticks]
    return await someone.post(path, form, **headers)


async def state(someone, consent):
    page = await someone.get(f"/consents/{consent['id']}")
    return re.search(r'class="state [^"]+">([^<]+)<', page.text)[1]


async def test_a_request_says_who_why_what_how_long_and_what_refusing_means(someone):
    asked = await requested(someone.site)
    await someone.sign_in(PERSON)
    page = await someone.get(f"/consents/{asked['id']}/decide")
    for told in (
        "样例村镇银行",
        "用于审查本人提交的经营贷款申请",
        "案号",
        "执行法院",
        "30",
        "撤回",
        "仅有无记录",
    ):
        assert told in page.words, told
    assert page.text.count('type="checkbox"') == len(ALL)
    assert " checked" not in page.text


async def test_agreeing_takes_a_strong_login_and_each_tick(someone):
    asked = await requested(someone.site)
    await someone.sign_in(PERSON)
    weak = await decide(someone, asked, follow=False)
    assert weak.headers["Location"].startswith("/login?")
    assert "strong=1" in weak.headers["Location"]
    await someone.sign_in(PERSON, strong=True)
    assert "您还没有勾选任何内容" in (await decide(someone, asked, ticks=ALL[4:])).words
    for missing in (4, 5):
        again = await decide(someone, asked, ticks=[each for each in ALL if each != ALL[missing]])
        assert again.status == 422
        assert "缺一不可" in again.words
        assert again.text.count(" checked") == len(ALL) - 1
    assert (await bank_reads(someone.site, asked)).codes
    page = await decide(someone, asked, ticks=[ALL[0], *ALL[4:]])
    assert page.url.endswith(f"/consents/{asked['id']}")
    assert await state(someone, asked) == "有效"
    record = (await bank_reads(someone.site, asked)).data["subject"]["judicial"]["judgmentDefaults"][
        "records"
    ]
    assert [list(filter(None, each.values())) for each in record] == [["〔2024〕测0101执12号"]]


async def test_refusing_needs_no_strong_login_and_opens_nothing(someone):
    asked = await requested(someone.site)
    await someone.sign_in(PERSON)
    await decide(someone, asked, "refuse", [])
    assert await state(someone, asked) == "您没有同意"
    assert (await bank_reads(someone.site, asked)).codes


@pytest.mark.parametrize("change", ["notice", "answer", "csrf"])
async def test_a_form_that_was_changed_agrees_to_nothing(someone, change):
    asked = await requested(someone.site)
    await someone.sign_in(PERSON, strong=True)
    path = f"/consents/{asked['id']}/decide"
    page = await someone.get(path)
    form = {"csrf": page.csrf, "answer": "give", "notice": "x"} | {change: "y"}
    refused = await someone.post(path, [*form.items(), *ALL])
    assert refused.status in (400, 403, 422)
    assert await state(someone, asked) == "等您决定"


async def test_more_than_was_asked_cannot_be_ticked(someone):
    asked = await requested(someone.site)
    await someone.sign_in(PERSON, strong=True)
    await decide(someone, asked, ticks=[*ALL, ("tick", "P-FY-01 citizenId"), ("tick", "P-GA-01 name")])
    page = await someone.get(f"/consents/{asked['id']}")
    assert page.text.count('class="fieldname"') == 3
    assert "身份核验" not in page.words


async def test_pause_resume_and_revoke(someone):
    consent = await given(someone.site)
    page = await someone.sign_in(PERSON, then="/consents")
    assert "撤回立即生效" in page.words
    form, path = {"csrf": page.csrf}, f"/consents/{consent['id']}"
    await someone.post(f"{path}/pause", form)
    assert await state(someone, consent) == "已暂停"
    assert (await bank_reads(someone.site, consent)).codes
    weak = await someone.post(f"{path}/resume", form, follow=False)
    assert "strong=1" in weak.headers["Location"]
    assert await state(someone, consent) == "已暂停"
    form["csrf"] = (await someone.sign_in(PERSON, strong=True, then=path)).csrf
    await someone.post(f"{path}/resume", form)
    assert await state(someone, consent) == "有效"
    await someone.post(f"{path}/revoke", form)
    assert await state(someone, consent) == "已撤回"
    assert (await bank_reads(someone.site, consent)).codes
    assert (await someone.post(f"{path}/resume", form)).status == 409
    assert (await someone.post(f"{path}/delete", form)).status == 404


async def test_another_person_finds_nothing_and_changes_nothing(someone, another):
    consent = await given(someone.site)
    await someone.sign_in(PERSON)
    page = await another.sign_in(OTHER, strong=True, then="/consents")
    assert consent["id"] not in page.text
    for path in (f"/consents/{consent['id']}", f"/consents/{consent['id']}/decide"):
        assert (await another.get(path)).status == 404
    for act in ("pause", "revoke"):
        refused = await another.post(f"/consents/{consent['id']}/{act}", {"csrf": page.csrf})
        assert refused.status == 404
    assert await state(someone, consent) == "有效"


async def test_consents_in_english(someone):
    asked = await requested(someone.site)
    await someone.sign_in(PERSON)
    await someone.get("/language?to=en&next=/")
    page = await someone.get(f"/consents/{asked['id']}/decide")
    assert "An organization asks to read your information" in page.words
    assert "执行法院" not in page.words
