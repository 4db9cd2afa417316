"""`query --explain` says what an operation would do; no department is there to be asked."""

from __future__ import annotations

import ast
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
from click.testing import Result
from typer.testing import CliRunner

from authz.errors import AuthzError
from catalogue.identifiers import SubjectKind
from gateway.cli import app
from gateway.cli.common import CommandError
from gateway.cli.query_asker import Asker
from gateway.cli.query_explain import Explaining, Explanation
from gateway.cli.query_shown import show
from gateway.settings import load_settings
from tests.support.documents import ROOT
from tests.support.processes import Home, settle

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


CHECK = (ROOT / "examples" / "scenarios" / "S04.graphql").read_text("utf-8")
SUBJECT = """query ($l: SubjectLookup!, $a: AccessContext!) {
  subject(lookup: $l, access: $a) { displayName }
}"""
ME = "{ me { person { displayName } consents { edges { cursor } } } __typename }"
CHUNK = """mutation ($job: ID!, $number: Int!, $rows: [CheckRowInput!]!, $access: AccessContext!) {
  mustCheckChunk(job: $job, number: $number, rows: $rows, access: $access) {
    rows { line check { items { recordType records { recordId } } } }
  }
}"""


@pytest.fixture(scope="module")
def explaining(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Explains without a process, for whom the options say."""
    settings = load_settings(settle(tmp_path_factory.mktemp("explained") / "home", {}).config, {})
    first = Explaining(settings, Asker(None, None, None, own=False, subject="person"))
    shared = {name: getattr(first, name) for name in ("catalogue", "schema", "sources", "registers")}

    def explain(
        text: str, given: dict[str, Any] | None = None, *, subject: str = "person", **who: Any
    ) -> tuple[Explaining, Explanation]:
        said = {"client": None, "scenario": None, "mandate": None, "own": False} | who
        made = Explaining(settings, Asker(**said, subject=subject))
        vars(made).update(shared)
        return made, made.explain(text, given)

    return explain


OFFICER = {"client": "hr-approval", "scenario": "S04"}


@pytest.mark.parametrize(
    ("text", "who", "code", "words"),
    [
        (ME, {}, "NOT_A_PERSON", "As anyone (no --self, no --client)"),
        (ME, OFFICER, "NOT_A_PERSON", "As client hr-approval"),
        (SUBJECT, {}, "ACTOR_NOT_ALLOWED", "As anyone"),
        (SUBJECT, {"own": True}, "ACTOR_NOT_ALLOWED", "As the person themself"),
        (SUBJECT, {"client": "sample-bank", "scenario": "S04"}, "ACTOR_NOT_ALLOWED", "As client sample-bank"),
        (SUBJECT, {"client": "hr-approval"}, "SCENARIO_REQUIRED", "--scenario"),
        (CHECK, {}, "ACTOR_NOT_ALLOWED", "As anyone"),
        (CHECK, OFFICER | {"subject": "enterprise"}, "SCENARIO_SUBJECT", "does not concern"),
        (SUBJECT, {"client": "hr-aproval"}, "CLIENT_UNKNOWN", "--client"),
    ],
)
def test_what_the_gateway_refuses_is_refused_here_too(explaining, text, who, code, words) -> None:
    with pytest.raises((AuthzError, CommandError)) as refused:
        explaining(text, **who)
    assert refused.value.code == code
    assert words in refused.value.message


def test_a_basis_in_the_variables_counts_as_in_the_gateway(explaining) -> None:
    text = 'query ($a: AccessContext) { enterprise(uscc: "91990100MA9TE00142", access: $a) { displayName } }'
    case = {"scenario": "S04", "purpose": "审查"}
    assert explaining(text, {"a": None})[1].basis == "PUBLIC"
    assert explaining(text)[1].basis == "PUBLIC"
    assert explaining(text, {"a": case}, client="hr-approval")[1].basis == "STATUTORY"
    with pytest.raises(CommandError, match="Mandates are for case officers") as refused:
        explaining(text, {"a": case})
    assert refused.value.code == "ACTOR_NOT_ALLOWED"
    with pytest.raises(CommandError) as refused:
        explaining(text, {"a": {"consentId": "ca_1", "purpose": "审查"}}, client="sample-bank")
    assert refused.value.code == "CONSENT_NOT_EXPLAINED"


@pytest.mark.parametrize(
    ("text", "who", "told"),
    [
        ("{ __typename }", {}, "anyone"),
        (ME, {"own": True}, "the person themself"),
        (ME, {"own": True, "client": "citizen-app"}, "the person themself, through client citizen-app"),
        (SUBJECT, OFFICER, "client hr-approval under mandate M-RS-S04"),
        (
            SUBJECT,
            {"client": "hr-approval", "mandate": "M-RS-S04"},
            "client hr-approval under mandate M-RS-S04",
        ),
    ],
)
def test_it_says_for_whom_it_decides(explaining, capsys, text, who, told) -> None:
    made, found = explaining(text, **who)
    show(found, made.sources, as_json=False, dump_source=False)
    assert capsys.readouterr().out.startswith(f"as: {told}\n")


def test_what_has_no_plan_is_named(explaining) -> None:
    _, found = explaining(ME, own=True)
    assert [one.path for one in found.reads] == [("me", "person")]
    assert [(".".join(one.path), one.reason) for one in found.others] == [
        ("me.consents", "graphql-core runs it, without a plan"),
        ("__typename", "asks no department"),
    ]


def test_what_another_field_leaves_to_graphql_core_is_said(explaining) -> None:
    for text, left in ((ME, True), ("{ me { person { displayName } } }", False)):
        (read,) = explaining(text, own=True)[1].reads
        assert read.source.startswith("# graphql-core prints the whole operation") == left
        assert "'displayName': " in read.source


def test_an_enterprise_is_no_person_unless_it_is_said(explaining) -> None:
    section = "registration { marketEntityRegistration { records { registrationState } } }"
    text = f'{{ enterprise(uscc: "91990100MA9TE00142") {{ {section} }} }}'
    for subject, effect in (("person", "PERMIT"), ("individual-business", "DENY")):
        (read,) = explaining(text, subject=subject)[1].reads
        assert read.decided.decisions["E-SC-01"].existence.effect == effect


@pytest.mark.parametrize(("text", "name"), [(CHECK, "CheckResult"), (CHUNK, "CheckChunk")])
def test_a_check_is_explained_with_what_prints_it(explaining, capsys, text, name) -> None:
    made, found = explaining(text, **OFFICER)
    (read,) = found.reads
    assert {"P-FY-01", "P-RS-02"} <= read.plan.types.keys()
    show(found, made.sources, as_json=False, dump_source=False)
    assert "SELECT" in capsys.readouterr().out
    show(found, made.sources, as_json=False, dump_source=True)
    text = capsys.readouterr().out
    ast.parse(text)
    assert f"def {name}_" in text
    assert "def PersonJudgmentDefault_" in text


def test_persons_of_an_entity_are_read_beside_it(explaining) -> None:
    text = """mutation ($l: SubjectLookup!, $a: AccessContext!) {
      mustCheck(lookup: $l, access: $a) { related { items { recordType } } }
    }"""
    _, found = explaining(text, client="procurement-centre", scenario="S09", subject="enterprise")
    assert [one.plan.kind for one in found.reads] == [SubjectKind.ENTERPRISE, SubjectKind.NATURAL_PERSON]


def test_what_reads_the_rows_is_shown(explaining, capsys) -> None:
    text = "{ me { person { judicial { judgmentDefaults { records { court } } } } } }"
    made, found = explaining(text, own=True)
    show(found, made.sources, as_json=False, dump_source=True)
    shown = capsys.readouterr().out
    ast.parse(shown)
    (source,) = (each for each in made.sources.values() if "P-FY-01" in each.record_types)
    (fields,) = found.reads[0].decided.read.values()
    assert source.row_source("P-FY-01", fields) in shown
    assert "def read(c, asked):" in shown


def test_every_error_is_told_with_its_place(explaining) -> None:
    with pytest.raises(CommandError) as refused:
        explaining("{\n  nothing\n  me { never }\n}")
    first, second = refused.value.message.splitlines()
    assert first.startswith("2:3 ")
    assert second.startswith("GRAPHQL_VALIDATION 3:8 ")


def test_a_token_is_refused_and_so_is_supposing_without_explaining(explained, home: Home) -> None:
    for options in (("--token", "t"), ("--operator", "o")):
        refused = explained(*options, given=GIVEN | {"all": True})
        assert refused.stderr.startswith("OPTIONS_CONFLICT ")
        assert "--self" in refused.stderr
    plain = CliRunner().invoke(app, ["query", str(home.config), "--self"])
    assert plain.stderr.startswith("OPTIONS_CONFLICT ")


def test_one_of_several_operations_is_named(explained, tmp_path: Path) -> None:
    (tmp_path / "query.graphql").write_text(
        "query A { __typename } query B { __schema { __typename } }", "utf-8"
    )
    assert explained().stderr.startswith("OPERATION_NOT_FOUND ")
    assert "__schema" in explained("--operation", "B").stdout


def test_a_gateway_is_told_which_operation(tmp_path: Path) -> None:
    (tmp_path / "query.graphql").write_text("query A { __typename } query B { __typename }", "utf-8")
    told: list[object] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": {}}')

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/graphql"
        done = CliRunner().invoke(
            app, ["query", str(tmp_path / "query.graphql"), "--url", url, "--operation", "B"]
        )
        server.shutdown()
    assert done.exit_code == 0, done.output
    (body,) = told
    assert body["operationName"] == "B"
