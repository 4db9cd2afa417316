"""A person who leaves a bank's request and comes again: the same request, or the way back to the bank."""

import html
import json
import re

import pytest

from tests.oauth.conftest import answer_of, bank_request, detail
from tests.support.oauth import BANK_CALLBACK, Party
from tests.support.pages import SPARING_BANK, Site, Visitor, path_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
PERSON = "测试甲"


async def brought(site: Site, someone: Visitor, case: str) -> str:
    """The page to which the bank sends the person, for a request of this case."""
    details = json.dumps(detail(caseNo=case))
    bank = Party(site.url, site.url, SPARING_BANK)
    pushed = await bank.post(
        "/oauth/par", **bank_request(client_id=SPARING_BANK, authorization_details=details)
    )
    assert pushed.status == 201, pushed.raw
    asked = f"/oauth/authorize?client_id={SPARING_BANK}&request_uri={pushed.body['request_uri']}"
    return path_of((await someone.get(asked, follow=False)).headers["Location"])


async def test_leaving_the_page_shuts_nobody_out_and_one_too_many_leads_back_to_the_bank(
    site: Site, someone: Visitor
) -> None:
    await someone.sign_in(PERSON, strong=True)
    for _ in range(4):
        page = await someone.get(await brought(site, someone, "LN-AGAIN-1"))
        assert page.status == 200, page.words
    path = await brought(site, someone, "LN-AGAIN-2")
    refused = await someone.get(path)
    assert (refused.status, "请明天再试" in refused.words) == (429, True)
    (back,) = re.findall(rf'href="({re.escape(BANK_CALLBACK)}[^"]*)"', refused.text)
    answer = answer_of(html.unescape(back))
    assert answer == {"error": "temporarily_unavailable", "state": "af0ifjsldkj", "iss": site.url}
    assert (await someone.get(path)).status == 404, "the bank has been told"
    english = await someone.get(await brought(site, someone, "LN-AGAIN-2"), Accept_Language="en")
    assert "Try again tomorrow" in english.words
    assert "Back to the organization" in english.words
