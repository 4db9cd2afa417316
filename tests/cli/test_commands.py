"""Every command explains itself, answers programs in JSON, and says what to do about an error."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path

import orjson
from typer.testing import CliRunner

from gateway.cli import app
from tests.cli.conftest import Demo
from tests.support.commands import command, commands
from tests.support.county import COUNTY
from tests.support.county_overlay import County
from tests.support.processes import CHECKOUT, Home, free_port

PERSON = "990101198001010014"
EIGHT = {"psb", "court", "market", "tax", "hr", "housing", "civil", "sgs"}
GROUPS = (
    "catalogue",
    "source",
    "audit",
    "mandate",
    "scenario",
    "policy",
    "consent",
    "review",
    "publicity",
    "db",
    "client",
    "keys",
)
TREE = {
    (): ("serve", "demo", "schema", "token", "operator", "query", "stats", *GROUPS),
    ("catalogue",): ("lint",),
    ("source",): ("list", "introspect", "check", "explain", "try", "report"),
    ("audit",): ("verify", "show", "prove", "prove-growth", "checkpoint", "keys", "erase"),
    ("mandate",): ("list", "show", "add", "approve", "stop", "resume"),
    ("scenario",): ("list", "stop", "resume"),
    ("policy",): ("explain",),
    ("consent",): ("list", "show", "revoke", "verify"),
    ("review",): ("sample", "list", "show", "record", "alarms", "unlock"),
    ("publicity",): ("count", "breaches"),
    ("db",): ("upgrade",),
    ("keys",): ("generate", "complete", "list", "rotate", "retire"),
    ("client",): ("list", "add", "approve"),
}
COMMANDS = [(*group, name) for group, names in TREE.items() for name in names if (*group, name) not in TREE]
ME = "{ me { person { displayName identity { civilIdentity { state records { citizenId } } } } } }"


def test_every_command_has_help() -> None:
    """In this process: a process for each of them would take minutes on a busy machine."""
    runner = CliRunner()
    for group, names in TREE.items():
        shown = runner.invoke(app, [*group, "--help"], prog_name="credit-gateway")
        assert shown.exit_code == 0
        assert all(f" {name} " in shown.output for name in names)
    for line in COMMANDS:
        shown = runner.invoke(app, [*line, "--help"], prog_name="credit-gateway")
        assert (shown.exit_code, shown.stderr) == (0, ""), line
        assert f"credit-gateway {' '.join(line)} [OPTIONS]" in shown.output
        assert shown.output.count("\n") > 8


async def test_the_version_is_the_one_installed() -> None:
    told = await command("--version")
    assert (told.code, told.out, told.err) == (0, f"{version('credit-subject-gateway')}\n", "")


async def test_what_is_not_a_command() -> None:
    unknown, nothing, option = await commands(("srve",), (), ("serve", "--prot", "1"))
    assert (unknown.code, nothing.code, option.code) == (2, 2, 2)
    assert "No such command" in unknown.err
    assert "Usage:" in nothing.out + nothing.err
    assert "No such option" in option.err


async def test_schema_is_the_file_in_the_repository(tmp_path: Path) -> None:
    drifted, written = tmp_path / "drifted.graphql", tmp_path / "written.graphql"
    current = (CHECKOUT / "schema.graphql").read_text("utf-8")
    drifted.write_text(current.replace("type Enterprise ", "type Company ", 1), "utf-8")
    same, drift, missing, out, printed, own = await commands(
        ("schema", "--check", CHECKOUT / "schema.graphql"),
        ("schema", "--check", drifted),
        ("schema", "--check", tmp_path / "missing.graphql"),
        ("schema", "--out", written),
        ("schema",),
        ("schema", "--catalogue", COUNTY / "catalogue"),
    )
    assert same.code == 0, same.err
    drift.refused("SCHEMA_DRIFT", f"credit-gateway schema --out {drifted}")
    missing.refused("SCHEMA_DRIFT", "schema --out")
    assert out.code == 0
    assert written.read_text("utf-8") == current == printed.out
    assert "type SmallPremisesPatrol implements CreditRecord" in own.out
    assert "SmallPremisesPatrol" not in printed.out


async def test_catalogue_lint_names_each_problem(tmp_path: Path) -> None:
    sound, broken, unreadable = (County(tmp_path / name) for name in ("sound", "broken", "unreadable"))
    broken.add_field("creditScore")
    broken.add_field("religion")
    broken.add_field("note", mask="M_X")
    broken.certificate["domain"] = "FARMING"
    (unreadable.write() / "record_types" / "P-NY-01.yaml").write_text(
        "code: P-NY-01\nname: {zh: [\n", "utf-8"
    )
    ours, own, wrong, as_json, no_yaml = await commands(
        ("catalogue", "lint"),
        ("catalogue", "lint", sound.write(), "--json"),
        ("catalogue", "lint", broken.write()),
        ("catalogue", "lint", broken.folder, "--json"),
        ("catalogue", "lint", unreadable.folder),
    )
    assert ours.code == 0
    assert "53 record types" in ours.out
    assert (own.code, own.json) == (0, [])
    found = {(each["code"], each["where"]) for each in as_json.json}
    assert found >= {
        ("GR01", "P-NY-01.creditScore"),
        ("GR08", "P-NY-01.religion"),
        ("MASK_UNKNOWN", "P-NY-01.note"),
        ("UNKNOWN_REFERENCE", "P-NY-01"),
    }
    assert (wrong.code, as_json.code, no_yaml.code) == (1, 1, 1)
    assert all(code in wrong.out and where in wrong.out for code, where in found)
    assert "P-NY-01.yaml:" in no_yaml.err
    assert no_yaml.err.count("\n") == 1


async def test_source_list_and_explain_ask_no_source(home: Home) -> None:
    listed, text, explained, narrow, unknown, untyped, unfielded = await commands(
        ("source", "list", "-c", home.config, "--json"),
        ("source", "list", "-c", home.config),
        ("source", "explain", "court", "P-FY-01", "-c", home.config),
        ("source", "explain", "court", "P-FY-01", "-f", "caseNo", "-c", home.config),
        ("source", "explain", "curt", "P-FY-01", "-c", home.config),
        ("source", "explain", "court", "P-SW-01", "-c", home.config),
        ("source", "explain", "court", "P-FY-01", "-f", "colour", "-c", home.config),
    )
    assert {row["source"] for row in listed.json} == EIGHT
    assert {row["connector"] for row in listed.json if row["source"] == "tax"} == {"rest"}
    assert all(row["recordTypes"] for row in listed.json)
    assert all(name in text.out for name in EIGHT)
    assert "FROM zx_sxbzxr" in explained.out
    assert "yjwh" in explained.out
    assert "yjwh" not in narrow.out
    assert "ah" in narrow.out
    unknown.refused("SOURCE_UNKNOWN", "there are", "court")
    untyped.refused("RECORD_TYPE_UNKNOWN", "P-SW-01")
    unfielded.refused("FIELD_UNKNOWN", "colour")


async def test_source_check_of_a_sound_county(demo: Demo) -> None:
    whole, one = await commands(
        ("source", "check", "-c", demo.config, "--json"), ("source", "check", "court", "-c", demo.config)
    )
    assert whole.code == 0, whole.out
    assert whole.json.keys() == EIGHT
    assert {each["level"] for found in whole.json.values() for each in found} <= {"info", "warning"}
    assert one.code == 0
    assert "housing" not in one.out


async def test_token_and_query(demo: Demo, home: Home, tmp_path: Path) -> None:
    document, variables = tmp_path / "me.graphql", tmp_path / "variables.json"
    document.write_text(ME, "utf-8")
    firm = "query($uscc: String!) { enterprise(uscc: $uscc) { kind } }"
    variables.write_bytes(orjson.dumps({"uscc": "91990100MA9TE00142"}))
    config = ("-c", demo.config)
    made, officer, nobody, no_id, real = await commands(
        ("token", "citizen-app", "--person", PERSON, *config),
        ("token", "hr-approval", "--operator", "op-0007", *config),
        ("token", "nobody", *config),
        ("token", "citizen-app", "--person", PERSON[:-1] + "5", *config),
        ("token", "citizen-app", "--person", PERSON, "-c", home.config),
    )
    assert (made.code, officer.code) == (0, 0)
    nobody.refused("TOKEN_CLIENT_UNKNOWN", "credit office")
    no_id.refused("IDENTIFIER_INVALID", "--person", "CHECK_DIGIT")
    assert PERSON[:-1] not in no_id.err
    real.refused("KEYS_NOT_DEMO", "Ask your issuer")

    url = ("--url", f"{demo.url}/graphql")
    token = made.out.strip()
    asked, by_variable, piped, anonymous, forged = await asyncio.gather(
        command("query", document, *url, "--token", token),
        command("query", document, *url, env={"CREDIT_GATEWAY_TOKEN": token}),
        command("query", "-", "-v", variables, *url, stdin=firm),
        command("query", document, *url),
        command("query", document, *url, "--token", "not.a.token"),
    )
    for answer in (asked, by_variable):
        assert answer.code == 0, answer
        section = answer.json["data"]["me"]["person"]["identity"]["civilIdentity"]
        assert section["state"] == "OK"
        assert PERSON not in answer.out
    assert piped.json["data"] == {"enterprise": {"kind": "ENTERPRISE"}}
    assert anonymous.code == forged.code == 1
    assert anonymous.json["errors"][0]["extensions"]["code"] == "NOT_A_PERSON"
    assert forged.json["errors"][0]["extensions"]["code"] == "TOKEN_MALFORMED"


async def test_query_says_what_is_missing(tmp_path: Path) -> None:
    document, variables = tmp_path / "q.graphql", tmp_path / "v.json"
    document.write_text("{ __typename }", "utf-8")
    variables.write_text("{half", "utf-8")
    silent, scheme, half, absent, unwritten = await commands(
        ("query", document, "--url", f"http://127.0.0.1:{free_port()}/graphql"),
        ("query", document, "--url", "ftp://127.0.0.1/graphql"),
        ("query", document, "-v", variables),
        ("query", document, "-v", tmp_path / "none.json"),
        ("query", tmp_path / "none.graphql"),
    )
    silent.refused("GATEWAY_UNREACHABLE", "Is it running?")
    scheme.refused("URL_INVALID", "http")
    half.refused("VARIABLES_UNREADABLE", "v.json")
    absent.refused("VARIABLES_UNREADABLE", "none.json")
    unwritten.refused("DOCUMENT_UNREADABLE", "none.graphql")


async def test_every_command_names_the_settings_it_misses(tmp_path: Path) -> None:
    lines = [("source", "check"), ("source", "list"), ("token", "hr-approval"), ("serve",)]
    for result in await commands(*((*line, "-c", tmp_path / "none.yaml") for line in lines)):
        result.refused("SETTINGS_FILE_MISSING", "none.yaml", "--config")
