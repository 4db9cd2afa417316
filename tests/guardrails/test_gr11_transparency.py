"""GR-11: anyone may know how authorities use the gateway, and each scenario can be stopped at once.

The report comes from the audit: reads per authority and scenario, refusals, objections and how long
they took. It holds no small count, nobody's data, and changes no more once it was told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from authz.audit.months import bounds_of
from authz.register.acts import Register
from authz.register.events import Item, Kind
from authz.statistics.book import StatisticsBook
from catalogue.values import CHINA_TIME
from gateway.web.texts import TEXTS
from tests.consent.conftest import Town
from tests.support.county import personal_values
from tests.support.declared import DECLARED
from tests.support.pages import Seen, Site, Visitor, pages_stage, visitor
from tests.support.rights import Rights
from tests.support.use import number

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW = datetime.now(CHINA_TIME)
MONTH = f"{NOW:%Y-%m}"
UNCONFIRMED = "SUBJECT_NOT_CONFIRMED"
COUNTS = ("READS", "DENIALS", "PUBLIC_READS", "CHECKED", "UNCHECKED", "CASES_FILED", "CASES_CLOSED")
READ = "query R($who: SubjectLookup!, $why: AccessContext!) { subject(lookup: $who, access: $why) { kind } }"
TOLD = """query T($months: [String!]!) { review { statisticsMonths
  statistics(months: $months) { month digest cells { figure row column value } } } }"""
HALL, HR = "11990100000090149X", "11990100000090106G"
"""Who asked twelve times, and who asked three times."""


@dataclass(frozen=True)
class County:
    """A county with pages, and its parties."""

    site: Site
    town: Town
    anyone: Visitor

    async def read(self, client: str, scenario: str, case_no: str, index: int) -> list[str]:
        who = {"person": {"citizenId": number(index * 9).value, "name": "测试甲"}}
        why = {"scenario": scenario, "caseNo": case_no, "purpose": "资格审查"} | DECLARED
        token = self.site.deployment.token(client, "op-0001")
        return (await self.town.ask(token, READ, {"who": who, "why": why})).codes

    async def told(self) -> dict[tuple[str, str, str], int | None]:
        """The cells of the public JSON."""
        reply = await self.anyone.get(f"/transparency.json?month={MONTH}")
        assert reply.status == 200
        return {(each["figure"], each["row"], each["column"]): each["value"] for each in body(reply)["cells"]}


def body(reply: Seen) -> Any:
    return orjson.loads(reply.text)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def county(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[County]:
    async with pages_stage(tmp_path_factory.mktemp("gr11")) as site, visitor(site) as anyone:
        yield County(site, Town(replace(site.stage, urls={"default": site.url})), anyone)


async def test_anyone_sees_how_authorities_used_it_and_nobody_a_small_count(county: County) -> None:
    early = await county.anyone.get("/transparency")
    assert (early.status, TEXTS["transparency.none_yet"].zh in early.words) == (200, True)
    assert (await county.anyone.get("/transparency.json")).status == 404
    for index in range(12):
        assert await county.read("service-hall", "S16", f"LSTD-2026-{index:05d}", index) == [UNCONFIRMED]
    for index in range(3):
        assert await county.read("hr-approval", "S04", f"RSKS-2026-{index:04d}", 20 + index) == [UNCONFIRMED]
    for index in range(11):
        assert await county.read("service-hall", "S16", "X", index) == ["CASE_NUMBER_INVALID"]
    rights = Rights(county.town)
    (record, *_) = await rights.mine()
    assert (await rights.objected(record))["state"] == "OPEN"

    over = bounds_of(MONTH)[1] + timedelta(hours=1)
    deployment = county.site.deployment
    closed = await StatisticsBook(deployment.store, deployment.audit, lambda: over).close(MONTH)

    cells = await county.told()
    assert cells["READS", HALL, "S16"] == 12
    assert cells["READS", HR, "S04"] is None
    assert cells["DENIALS", HALL, "CASE_NUMBER_INVALID"] == 11
    assert cells["CASES_FILED", "FY", "OBJECTION"] is None
    told = [value for (figure, *_), value in cells.items() if value is not None and figure in COUNTS]
    assert min(told) >= 10
    graph = (
        await county.town.ask(deployment.token("audit-office", "rv-0001"), TOLD, {"months": [MONTH]})
    ).data
    (month,) = graph["review"]["statistics"]
    assert month["digest"] == closed.digest
    assert {(each["figure"], each["row"], each["column"]): each["value"] for each in month["cells"]} == cells
    refused = await county.town.ask(deployment.token("hr-approval", "op-0087"), TOLD, {"months": [MONTH]})
    assert refused.codes == ["ACTOR_NOT_ALLOWED"]


async def test_the_page_tells_it_in_two_languages_without_anybodys_data(county: County) -> None:
    page = await county.anyone.get(f"/transparency?month={MONTH}")
    assert page.status == 200
    for word in ("样例县行政审批服务局", "绿色通道", " 12 ", TEXTS["transparency.withheld"].zh):
        assert word in page.words
    english = await county.anyone.get("/transparency", Accept_Language="en")
    assert TEXTS["transparency.READS"].en in english.words
    report = await county.anyone.get("/transparency.json")
    asked = [number(index * 9).value for index in range(12)]
    for text in (page.text, english.text, report.text):
        assert not any(value in text for value in [*personal_values(), *asked, "op-0001", "LSTD"])
    for path in ("/transparency", "/transparency.json"):
        assert (await county.anyone.get(f"{path}?month=2020-01")).status == 404
        assert (await county.anyone.get(f"{path}?month={asked[0]}")).status == 404


async def test_what_was_told_does_not_change(county: County) -> None:
    before = await county.told()
    await county.read("hr-approval", "S04", "RSKS-2026-0099", 90)
    assert await county.told() == before


async def test_one_person_stops_a_scenario_and_nobody_reads_for_it(county: County) -> None:
    deployment = county.site.deployment
    register = Register(deployment.store, deployment.audit, deployment.catalogue, deployment.mandates)
    await register.stop(Item(Kind.SCENARIO, "S16"), "op-0012", "核查中")
    assert await county.read("service-hall", "S16", "LSTD-2026-00099", 99) == ["SCENARIO_STOPPED"]
    assert await county.read("hr-approval", "S04", "RSKS-2026-0100", 91) == [UNCONFIRMED]
