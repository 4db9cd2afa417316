"""GR-08: prohibited data can have no type: in a catalogue, in a composed graph, or under another name."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalogue.guardrails import PROHIBITED_VALUES
from catalogue.lint import lint
from catalogue.loader import load_catalogue
from resolvers.schema import build_schema
from resolvers.shape import shape_problems
from tests.connectors.test_sql_check import by_code, check
from tests.support.commands import command
from tests.support.county import COUNTY
from tests.support.county_overlay import County
from tests.support.databases import Database
from tests.support.small_catalogue import PENALTY_TABLE, penalty_source
from tests.support.use import number

SHIPPED = Path(__file__).parents[2] / "schema.graphql"
PROHIBITED = {
    "religion": "宗教信仰",
    "geneticTest": "基因检测",
    "fingerprint": "指纹",
    "bloodType": "血型",
    "medicalHistory": "病史",
    "familyPlanning": "计划生育",
    "ethnicity": "民族",
    "politicalView": "政治面貌",
    "onlineBehaviour": "网上行为",
    "petition": "信访",
    "whereabouts": "行踪",
    "irisTemplate": "虹膜",
    "income": "收入",
    "depositBalance": "存款",
    "securities": "有价证券",
    "insurancePolicy": "商业保险",
    "realEstate": "不动产",
    "taxPaid": "纳税数额",
    "father": "父亲",
    "children": "子女",
    "spouse": "配偶",
}
EDGES = [
    "extend type NaturalPerson { religion: String }",
    "extend type PersonAdministrativePenalty { bloodType: String }",
    "extend type NaturalPerson { faith: Faith } enum Faith { RELIGION_A RELIGION_B }",
    "extend type NaturalPerson { wealth: Holdings } type Holdings { deposits: String }",
    "extend type NaturalPerson { spouse: ID }",
    "extend type NaturalPerson { home: Household } type Household { parents: [ID!] }",
    "extend type NaturalPerson { guarantors: [NaturalPerson!] }",
    "extend type NaturalPerson { known: [CreditSubject!] }",
    "extend type NaturalPerson { next: FamilyMember } type FamilyMember { ref: ID }",
    "extend type CheckResult { relatives: [ID!] }",
]


@pytest.fixture
def county(tmp_path: Path) -> County:
    return County(tmp_path / "catalogue")


@pytest.mark.parametrize("label", PROHIBITED.values(), ids=PROHIBITED)
def test_a_field_is_known_by_its_chinese_label(county: County, label: str) -> None:
    county.add_field("remark", zh=f"{label}情况")
    assert [problem.code for problem in lint(county.load())] == ["GR08"]


@pytest.mark.parametrize(
    "name",
    ["religion", "fingerprint", "medicalHistory", "ethnicity", "income", "deposits", "spouse", "xuexing"],
)
async def test_or_by_its_name_and_then_nothing_starts(county: County, name: str) -> None:
    county.add_field(name)
    refused = await command("catalogue", "lint", county.write(), "--json")
    assert (refused.code, [problem["code"] for problem in refused.json]) == (1, ["GR08"])


def test_a_whole_type_is_known_by_its_name(county: County) -> None:
    county.certificate["name"] = {"zh": "信访人员信息", "en": "Petitioners"}
    assert [problem.code for problem in lint(county.load())] == ["GR08"]


def test_the_shipped_graph_and_the_countys_hold_none() -> None:
    for sdl in (SHIPPED.read_text("utf-8"), build_schema(load_catalogue(COUNTY / "catalogue")).sdl):
        assert shape_problems(sdl) == []


@pytest.mark.parametrize("addition", EDGES)
def test_a_composed_graph_may_add_none_and_no_edge_to_a_relative(addition: str) -> None:
    assert {problem.code for problem in shape_problems(SHIPPED.read_text("utf-8") + addition)} == {"GR08"}


def test_what_concerns_entities_only_is_no_person_s() -> None:
    assert shape_problems(SHIPPED.read_text("utf-8") + "extend type Enterprise { deposits: String }") == []


async def _held(sqlite: Database, *values: str) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.execute("CREATE INDEX penalty_id_no ON penalty (id_no)")
    rows = [(number(n).value, "罚1号", values[n % len(values)], "测试局", "2025-01-02") for n in range(1, 13)]
    await sqlite.insert("penalty", rows)


@pytest.mark.parametrize("kind", PROHIBITED_VALUES)
async def test_a_column_is_known_by_what_it_holds_whatever_it_is_called(sqlite: Database, kind: str) -> None:
    values = sorted(PROHIBITED_VALUES[kind])[:4]
    await _held(sqlite, *values)
    found = await check(sqlite, penalty_source())
    told = by_code(found)["FIELD_PROHIBITED"]
    assert (told.level, told.where) == ("error", "tt-test.records.P-TT-01.fields.reason")
    assert kind in told.message
    assert not [value for value in values for finding in found if value in finding.message]


async def test_ordinary_words_are_no_such_thing(sqlite: Database) -> None:
    await _held(sqlite, "超速", "汉", "占道经营")
    assert "FIELD_PROHIBITED" not in by_code(await check(sqlite, penalty_source()))
