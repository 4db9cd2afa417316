"""`query --explain` says what an operation would do; no department is there to be asked."""

from __future__ import annotations

import ast
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli import app
from tests.support.processes import Home

QUERY = """
query Q($who: PersonLookup!, $access: AccessContext!, $all: Boolean!) {
  subject(lookup: {person: $who}, access: $access) {
    displayName
    ... on NaturalPerson {
      judicial { judgmentDefaults { state records { ...F nature court @include(if: $all) } } }
      tax { taxViolations { state } }
    }
  }
}
fragment F on PersonJudgmentDefault { caseNo citizenId }
"""


@pytest.fixture
def explained(home: Home, tmp_path: Path) -> object:
    document, variables = tmp_path / "query.graphql", tmp_path / "variables.json"
    document.write_text(QUERY, "utf-8")

    def run(*options: str, given: dict[str, object] | None = None) -> Result:
        line = ["query", str(document), "--explain", "-c", str(home.config), *options]
        if given is not None:
            variables.write_bytes(orjson.dumps(given))
            line += ["--variables", str(variables)]
        return CliRunner().invoke(app, line)

    return run


GIVEN = {"who": {"citizenId": "990101198001010014", "name": "测试甲"}, "access": {"purpose": "审查"}}
S04 = ("--client", "hr-approval", "--scenario", "S04")


def test_the_plan_the_questions_and_the_decisions(explained) -> None:
    shown = explained(*S04, "--json", given=GIVEN | {"all": False})
    assert shown.exit_code == 0, shown.output
    told = orjson.loads(shown.stdout)
    (read,) = told["reads"]
    assert (told["basis"], read["path"], read["kind"]) == ("STATUTORY", "subject", "NATURAL_PERSON")
    defaults, taxes = read["types"]
    assert defaults["recordType"] == "P-FY-01"
    assert defaults["sections"] == ["subject.judicial.judgmentDefaults"]
    assert {name: told.split()[0] for name, told in defaults["fields"].items()} == {
        "caseNo": "PERMIT",
        "citizenId": "DENY",
    }
    (question,) = defaults["questions"].values()
    assert question.startswith("SELECT")
    assert (taxes["existence"].split()[0], taxes["questions"]) == ("DENY", {})
    records = "subject.judicial.judgmentDefaults.records"
    assert read["denied"] == [f"{records}.citizenId", "subject.tax.taxViolations"]
    assert GIVEN["who"]["citizenId"] not in shown.output


def test_what_a_condition_adds_is_asked_too(explained) -> None:
    shown = explained(*S04, given=GIVEN | {"all": True})
    assert shown.exit_code == 0, shown.output
    assert "court" in shown.output


def test_the_code_that_prints_is_python_and_names_no_denied_field(explained) -> None:
    shown = explained("--dump-source", *S04, given=GIVEN | {"all": True})
    assert shown.exit_code == 0, shown.output
    assert "'caseNo': v if (v := values['caseNo'])" in shown.stdout
    assert "'citizenId': None," in shown.stdout
    ast.parse(shown.stdout)


@pytest.mark.parametrize(
    ("options", "given", "code"),
    [
        (S04, None, "VARIABLES_MISSING"),
        (S04, {"all": True}, "BAD_VARIABLES"),
        (("--client", "hr-approval", "--scenario", "S99"), GIVEN | {"all": True}, "SCENARIO_NOT_MANDATED"),
        (("--subject", "animal"), GIVEN | {"all": True}, "SUBJECT_KIND"),
    ],
)
def test_what_cannot_be_explained(explained, options, given, code) -> None:
    refused = explained(*options, given=given)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"{code} ")
