"""The pages in a real browser: the loan story from the bank's request to the revocation, and WCAG."""

import os
import shutil
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright, expect

from tests.oauth.conftest import CASE, READ, VERIFIER, answer_of, bank_request, detail
from tests.support.bank import presented
from tests.support.county import cast
from tests.support.lending import requested
from tests.support.oauth import BANK_CALLBACK, Party
from tests.support.processes import ask

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        not CHROMIUM and not os.environ.get("CI"), reason="no Chromium on this machine: apt install chromium"
    ),
]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PERSON = "测试甲"
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 360, "height": 740}
PAGES = ("/", "/records", "/records/judicial", "/consents", "/rights", "/looked", "/transparency")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium():
    assert CHROMIUM, "CI needs Chromium: apt install chromium"
    expect.set_options(timeout=30_000)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def opened(chromium, site):
    """Opens pages of a kind of device; every one must keep to the content security policy."""
    contexts, complaints = [], []

    async def open_page(viewport=DESKTOP, **options):
        context = await chromium.new_context(
            viewport=viewport, base_url=site.url, locale=options.pop("locale", "zh-CN"), **options
        )
        contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert not [text for text in complaints if "Content Security Policy" in text]


async def sign_in(page, path="/records", name=PERSON):
    await page.goto(path)
    await page.get_by_role("button", name=name).click()
    await page.wait_for_url(f"**{path}")


async def test_the_loan_story(opened, site):
    bank = Party(site.url, site.url, nonce=site.deployment.expected_proof[1])
    pushed = await bank.post("/oauth/par", **bank_request())
    assert pushed.status == 201, pushed.raw
    page, came_back = await opened(), []

    async def at_the_bank(route):
        came_back.append(route.request.url)
        await route.fulfill(body="bank", content_type="text/html")

    await page.route(f"{BANK_CALLBACK}**", at_the_bank)
    await page.goto(f"/oauth/authorize?client_id=sample-bank&request_uri={pushed.body['request_uri']}")
    await page.get_by_role("button", name=PERSON).click()  # at the provider, strongly
    await expect(page.get_by_role("heading", level=1)).to_have_text("有机构申请查询您的信息")
    for told in ("样例村镇银行", "用于审查本人提交的经营贷款申请", "LN-OAUTH-1"):
        await expect(page.get_by_text(told).first).to_be_visible()
    assert await page.get_by_role("checkbox", checked=True).count() == 0
    await page.get_by_label("案号").check()
    await page.get_by_role("button", name="同意勾选的内容").click()
    await expect(page.get_by_role("alert")).to_contain_text("缺一不可")
    for box in await page.locator("input[name=confirm]").all():
        await box.check()
    await page.get_by_role("button", name="同意勾选的内容").click()
    await expect(page.locator("body")).to_have_text("bank")

    answer = answer_of(came_back[-1])
    assert (answer["state"], answer["iss"]) == ("af0ifjsldkj", site.url)
    form = {"grant_type": "authorization_code", "redirect_uri": BANK_CALLBACK, "code_verifier": VERIFIER}
    token = await bank.post("/oauth/token", bank.proof(), code=answer["code"], **form)
    assert token.status == 200, token.raw
    details = token.body["authorization_details"][0]
    read = await bank_reads(site, token.body["access_token"], details)
    (record,) = read.data["subject"]["judicial"]["judgmentDefaults"]["records"]
    assert record == {"caseNo": "〔2024〕测0101执12号", "court": None}  # the court was not ticked

    await page.goto("/looked")
    seen = page.locator("li.read").filter(has_text="样例村镇银行").first
    await expect(seen).to_contain_text("银行贷款")
    await expect(seen).to_contain_text("案号")
    await expect(seen).not_to_contain_text("执行法院")
    await seen.get_by_role("link", name="查看这份授权").click()
    await page.get_by_text("撤回…").click()
    await page.get_by_role("button", name="确认撤回").click()
    await expect(page.locator(".state").first).to_have_text("已撤回")
    assert (await bank_reads(site, token.body["access_token"], details)).codes


async def bank_reads(site, token, details):
    lookup = {"person": {"citizenId": cast()[PERSON].value, "name": PERSON}}
    access = {
        "consentId": details["consentId"],
        "scenario": "S17",
        "caseNo": CASE,
        "purpose": detail()[0]["purpose"],
    }
    place, nonce = site.deployment.expected_proof
    return await ask(
        site.url, READ, {"who": lookup, "access": access}, None, **presented(token, place, nonce)
    )


async def test_a_person_refuses_and_the_bank_is_told_only_that(opened, site):
    bank = Party(site.url, site.url, nonce=site.deployment.expected_proof[1])
    pushed = await bank.post("/oauth/par", **bank_request())
    page, came_back = await opened(PHONE, java_script_enabled=False), []

    async def at_the_bank(route):
        came_back.append(route.request.url)
        await route.fulfill(body="bank", content_type="text/html")

    await page.route(f"{BANK_CALLBACK}**", at_the_bank)
    await page.goto(f"/oauth/authorize?client_id=sample-bank&request_uri={pushed.body['request_uri']}")
    await page.get_by_role("button", name=PERSON).click()
    await page.get_by_role("button", name="不同意").click()
    await expect(page.locator("body")).to_have_text("bank")
    assert answer_of(came_back[-1]) == {"error": "access_denied", "state": "af0ifjsldkj", "iss": site.url}


async def test_values_are_shown_in_full_after_a_step_up(opened):
    page = await opened()
    await sign_in(page, "/records/judicial")
    await expect(page.get_by_text("9****************4").first).to_be_visible()
    await page.get_by_role("link", name="确认身份，查看完整内容").click()
    await page.get_by_role("button", name=PERSON).click()
    await expect(page.get_by_text(cast()[PERSON].value).first).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_every_page_is_accessible_and_fits(opened, site, viewport, language):
    asked = await requested(site)
    page = await opened(viewport, locale=language)
    await sign_in(page)
    folder = os.environ.get("SCREENSHOTS")
    for path in (*PAGES, f"/consents/{asked['id']}", f"/consents/{asked['id']}/decide", "/records/nowhere"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        if folder:
            name = f"{language}-{viewport['width']}{path.replace('/', '_')[:24]}.png"
            await page.screenshot(path=Path(folder) / name, full_page=True)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "zh-CN",
            ("提出异议", "不是我的记录", "确认提出异议", "不得据此作出不利决定", "您已提出异议", "撤回异议"),
        ),
        (
            "en",
            (
                "Object",
                "Its time has run out",
                "File the objection",
                "nobody may hold it against you",
                "You have objected",
                "Take the objection back",
            ),
        ),
    ],
)
async def test_an_objection_in_two_clicks(opened, language, words):
    link, reason, confirm, told, marked, back = words
    page = await opened(PHONE, locale=language)
    await sign_in(page, "/records/judicial")
    await page.get_by_role("link", name=link, exact=True).first.click()
    provider, form = page.get_by_role("button", name=PERSON), page.get_by_label(reason)
    await expect(provider.or_(form).first).to_be_visible()
    if await provider.count():  # at the provider once more, strongly
        await provider.click()
        await expect(form).to_be_visible()
    for path in ("form", "/rights", "/records/judicial"):
        if path != "form":
            await page.goto(path)
        found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        if path == "form":
            await form.check()
            await page.get_by_role("button", name=confirm).click()
            await expect(page.get_by_text(told)).to_be_visible()
        if path == "/records/judicial":
            await expect(page.locator(".record .notice").first).to_contain_text(marked, ignore_case=True)
    await page.goto("/rights")
    await page.get_by_role("button", name=back).first.click()
    await expect(page.get_by_role("button", name=back)).to_have_count(0)


async def test_the_keyboard_reaches_everything(opened, site):
    asked = await requested(site)
    page = await opened()
    await sign_in(page)
    await page.goto(f"/consents/{asked['id']}/decide")
    await page.keyboard.press("Tab")
    await expect(page.locator(":focus")).to_have_text("跳到正文")
    await page.keyboard.press("Enter")
    reached = set()
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.name + ' ' + document.activeElement.value"))
    for control in ("tick P-FY-01 caseNo", "tick P-SW-01", "confirm GENERAL", "answer give", "answer refuse"):
        assert control in reached, control


async def test_everything_works_without_javascript(opened, site):
    page = await opened(PHONE, java_script_enabled=False)
    await sign_in(page, "/consents")
    for path in PAGES:
        await page.goto(path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.goto("/looked")
    await page.get_by_label("目的含有").fill("没有的目的")
    await page.get_by_role("button", name="查看").click()
    await expect(page.get_by_text("没有符合条件的查询")).to_be_visible()
    await page.get_by_role("button", name="退出登录").click()
    await expect(page.get_by_role("link", name="通过身份认证系统登录")).to_be_visible()
