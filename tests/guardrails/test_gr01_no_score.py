"""GR-01: no score, rank, level or points about a natural person (domain.md §7)."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalogue.lint import lint
from catalogue.loader import load_catalogue
from gateway.cli import app
from resolvers.schema import build_schema
from resolvers.shape import shape_problems
from tests.support.county import COUNTY

SHIPPED = Path(__file__).parents[2] / "schema.graphql"
SCORED = {
    "a field": "extend type NaturalPerson { creditScore: Int }",
    "a field of a record": "extend type CourtJudgmentDefault { riskRating: String }",
    "an enumeration": "extend type NaturalPerson { standing: Standing } enum Standing { LEVEL_A LEVEL_B }",
    "a type": "extend type NaturalPerson { trust: TrustRanking } type TrustRanking { of: String }",
    "an argument": "extend type NaturalPerson { others(minPoints: String): String }",
    "an order": "extend type NaturalPerson { others(orderBy: String): String }",
    "an input": "extend type NaturalPerson { others(by: By): String } input By { grade: String }",
    "a number of several records": "extend type NaturalPerson { adverseRecords: Int! }",
}


@pytest.fixture(scope="module")
def sdl() -> str:
    return SHIPPED.read_text("utf-8")


def codes(sdl: str) -> set[str]:
    return {problem.code for problem in shape_problems(sdl)}


def test_the_shipped_graph_and_the_countys_score_nobody(sdl: str) -> None:
    assert codes(sdl) == set()
    assert codes(build_schema(load_catalogue(COUNTY / "catalogue")).sdl) == set()


@pytest.mark.parametrize("addition", SCORED.values(), ids=SCORED)
def test_a_composed_graph_that_scores_is_refused(sdl: str, addition: str) -> None:
    kind = "PersonAdministrativePenalty"
    assert "GR01" in codes(sdl + addition.replace("CourtJudgmentDefault", kind))


def test_a_decision_and_an_edge_to_a_relative_are_refused(sdl: str) -> None:
    assert codes(sdl + "extend type NaturalPerson { recommendation: String }") == {"GR09"}
    assert codes(sdl + "extend type NaturalPerson { household: [NaturalPerson!] }") == {"GR08"}


def test_what_others_say_of_entities_is_not_ours(sdl: str) -> None:
    assert codes(sdl + "extend type Enterprise { taxCreditGrade: String }") == set()


def test_the_facts_that_a_law_itself_creates_are_the_only_exceptions(sdl: str) -> None:
    elsewhere = sdl.replace('@recordType(code: "P-WJ-01")', "")
    assert {problem.where.rpartition(".")[2] for problem in shape_problems(elsewhere)} == {"points"}


@pytest.mark.parametrize(
    "field",
    ["name: creditScore, label: {zh: 信用, en: Credit}", "name: honesty, label: {zh: 诚信分, en: Honesty}"],
)
def test_a_record_type_that_scores_is_refused_before_it_is_served(tmp_path: Path, field: str) -> None:
    shipped = (SHIPPED.parent / "catalogue" / "record_types" / "P-FG-03.yaml").read_text("utf-8")
    entry = shipped.replace("P-FG-03", "P-FG-93").replace("PersonAdministrativePenalty", "OtherPenalty")
    entry = entry.replace("section: administrativePenalties", "section: otherPenalties")
    entry = entry.replace("fields:\n", f"fields:\n  - {{{field}, type: string, class: A}}\n", 1)
    (tmp_path / "record_types").mkdir()
    (tmp_path / "record_types" / "P-FG-93.yaml").write_text(entry, "utf-8")
    added = field.split(",")[0].removeprefix("name: ")
    assert [str(problem.code) for problem in lint(load_catalogue(tmp_path)) if added in problem.where] == [
        "GR01"
    ]


def test_the_command_reads_any_sdl(sdl: str, tmp_path: Path) -> None:
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(sdl + SCORED["a field"], "utf-8")
    run = CliRunner().invoke
    assert run(app, ["schema", "--lint", str(SHIPPED)]).exit_code == 0
    refused = run(app, ["schema", "--lint", str(supergraph)])
    assert refused.exit_code == 1
    assert "NaturalPerson.creditScore" in refused.output
    supergraph.write_text("nothing {", "utf-8")
    assert run(app, ["schema", "--lint", str(supergraph)]).exit_code == 1
