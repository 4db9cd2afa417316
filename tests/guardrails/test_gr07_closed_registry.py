"""GR-07: the registry of scenarios is closed, and each entry has relevance, a basis and two approvers."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalogue.errors import BrokenEntry
from catalogue.lint import lint
from tests.support.commands import command
from tests.support.county_overlay import Change, County

PROHIBITED = [
    "婚恋交友",
    "网上购物",
    "消费定价",
    "商业保险定价",
    "理财准入画像",
    "普通出国旅游",
    "普通购票",
    "子女入学",
    "亲属连带",
    "租房租车押金",
    "小区物业停车",
    "闯红灯计分",
    "投票评议",
    "村民评级",
    "医疗急救",
    "房价自动定价",
    "员工日常考核",
    "信用分排行榜",
    "媒体检索",
    "全量名单下载",
]


@pytest.fixture
def county(tmp_path: Path) -> County:
    return County(tmp_path / "catalogue")


@pytest.mark.parametrize("purpose", PROHIBITED)
def test_a_prohibited_purpose_is_refused(county: County, purpose: str):
    county.scenario["name"]["zh"] = purpose
    assert [problem.code for problem in lint(county.load())] == ["GR07"]


@pytest.mark.parametrize("kind", ["DATING", "SHOPPING", "INSURANCE_PRICING", "LEADERBOARD", "OTHER"])
def test_a_prohibited_kind_cannot_even_be_written(county: County, kind: str):
    county.scenario["kind"] = kind
    with pytest.raises(BrokenEntry, match="kind"):
        county.load()


UNFIT: list[tuple[str, Change]] = [
    ("relevance", lambda c: c.scenario.update(relevance=[])),
    ("relevance", lambda c: c.scenario.pop("relevance")),
    ("approvedBy", lambda c: c.scenario.update(approvedBy=["op-0012"])),
    ("approvedBy", lambda c: c.scenario.pop("approvedBy")),
    ("legalBasis", lambda c: c.scenario.update(legalBasis=[])),
    ("basis", lambda c: c.scenario["measures"][0].update(basis=[])),
    ("validUntil", lambda c: c.scenario.pop("validUntil")),
    ("predicates", lambda c: c.scenario["predicates"][0].update(present=["P-NY-01"])),
]


@pytest.mark.parametrize(("place", "change"), UNFIT)
def test_an_unfit_scenario_does_not_load(county: County, place: str, change: Change):
    change(county)
    with pytest.raises(BrokenEntry, match=place):
        county.load()


@pytest.mark.parametrize(
    ("said", "change"),
    [
        ("R-99 is not in the imported list", lambda c: c.scenario["measures"][0].update(code="R-99")),
        ("one person approved it alone", lambda c: c.scenario.update(approvedBy=["op-0012", "OP-0012 "])),
        ("does not bear on the matter", lambda c: c.scenario["predicates"][0].update(absent=["P-FG-03"])),
    ],
)
async def test_the_command_line_refuses_what_the_registry_does(county: County, said: str, change: Change):
    assert (await command("catalogue", "lint", county.write())).code == 0
    change(county)
    found = await command("catalogue", "lint", county.write(), "--json")
    assert found.code == 1
    assert [problem["code"] for problem in found.json] == ["GR07"]
    assert said in found.json[0]["message"]
