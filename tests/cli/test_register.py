"""`mandate` and `scenario`: two persons open, one closes, and everything says what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli import app
from tests.support.processes import Home
from tests.support.registers import ENTRY

NEW = ENTRY | {"id": "M-NEW"}


@pytest.fixture
def config(home: Home) -> Path:
    """A deployment whose store is set up."""
    assert _run(home.config, "db", "upgrade").exit_code == 0
    return home.config


def _run(config: Path, *line: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [*line, "-c", str(config)], input=text)


def _json(config: Path, *line: str) -> Any:
    result = _run(config, *line, "--json")
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout_bytes)


def _act(config: Path, *line: str, by: str) -> Result:
    return _run(config, *line, "--by", by, "--reason", "年度备案")


def _refused(result: Result, code: str) -> None:
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(f"{code} "), result.stderr


def _proposal(folder: Path, **changes: object) -> str:
    path = folder / "new.yaml"
    path.write_text(yaml.safe_dump(NEW | changes, allow_unicode=True), "utf-8")
    return str(path)


def test_one_proposes_another_reads_and_approves(config: Path, tmp_path: Path) -> None:
    added = _act(config, "mandate", "add", _proposal(tmp_path), by="op-0012")
    assert (added.exit_code, added.output) == (
        0,
        "M-NEW is PROPOSED; another person has to approve it\n",
    )
    shown = _json(config, "mandate", "show", "M-NEW")
    assert (shown["state"], shown["approvedBy"]) == ("PROPOSED", ["op-0012", "nobody yet"])
    _refused(_act(config, "mandate", "approve", "M-NEW", "--yes", by="op-0012"), "TWO_PERSONS")
    unread = _run(config, "mandate", "approve", "M-NEW", "--by", "op-0034", "--reason", "同意", text="n\n")
    assert unread.exit_code == 1
    assert "casePattern: RSKS" in unread.stderr, "what is approved is shown first"
    assert _act(config, "mandate", "approve", "M-NEW", "--yes", by="op-0034").output.endswith(
        "M-NEW is RUNNING\n"
    )
    found = {row["id"]: row for row in _json(config, "mandate", "list")}
    assert found["M-NEW"]["state"] == "RUNNING"
    assert found["M-NEW"]["approvedBy"] == ["op-0012", "op-0034"]
    assert found["M-RS-S04"]["state"] == "RUNNING", "those of the file are listed too"
    acts = _json(config, "mandate", "show", "M-NEW")["acts"]
    assert [(act["act"], act["by"]) for act in acts] == [("PROPOSED", "op-0012"), ("APPROVED", "op-0034")]
    assert "公务员法第26条第4项" in _run(config, "mandate", "show", "M-NEW").output


def test_one_stops_and_two_resume_a_mandate_of_the_file(config: Path) -> None:
    assert _act(config, "mandate", "stop", "M-RS-S04", by="op-1").exit_code == 0
    waits = _act(config, "mandate", "resume", "M-RS-S04", by="op-2")
    assert waits.output == "M-RS-S04 is RESUMING; another person has to agree\n"
    _refused(_act(config, "mandate", "resume", "M-RS-S04", by="op-2"), "TWO_PERSONS")
    assert _act(config, "mandate", "resume", "M-RS-S04", by="op-3").output == "M-RS-S04 is RUNNING\n"


def test_a_scenario_that_is_stopped_shows_in_its_mandates(config: Path) -> None:
    assert _act(config, "scenario", "stop", "S04", by="op-1").output == "S04 is STOPPED\n"
    (stopped,) = [one for one in _json(config, "scenario", "list") if one["state"] != "RUNNING"]
    assert (stopped["name"], stopped["acts"][0]["reason"]) == ("S04", "年度备案")
    mandates = {row["id"]: row["state"] for row in _json(config, "mandate", "list")}
    assert (mandates["M-RS-S04"], mandates["M-JY-S06"]) == ("STOPPED", "RUNNING")
    assert "op-1" in _run(config, "scenario", "list").output
    for who in ("op-1", "op-2"):
        assert _act(config, "scenario", "resume", "S04", by=who).exit_code == 0
    assert {one["state"] for one in _json(config, "scenario", "list")} == {"RUNNING"}


def test_what_cannot_be_done_says_why(config: Path, tmp_path: Path) -> None:
    _refused(_act(config, "mandate", "stop", "M-NONE", by="op-1"), "MANDATE_UNKNOWN")
    _refused(_run(config, "mandate", "show", "M-NONE"), "MANDATE_UNKNOWN")
    _refused(_act(config, "scenario", "stop", "S99", by="op-1"), "SCENARIO_UNKNOWN")
    _refused(_act(config, "scenario", "resume", "S04", by="op-1"), "REGISTER_STATE")
    _refused(_act(config, "scenario", "stop", "S04", by="张三"), "OPERATOR_INVALID")
    _refused(_act(config, "mandate", "add", str(tmp_path / "none.yaml"), by="op-1"), "MANDATE_FILE")
    _refused(
        _act(config, "mandate", "add", _proposal(tmp_path, scenario="S99"), by="op-1"), "MANDATE_SCENARIO"
    )
    _refused(
        _act(config, "mandate", "add", _proposal(tmp_path, id="M-RS-S04"), by="op-1"), "MANDATE_DUPLICATE"
    )


def test_a_store_that_was_never_set_up_is_refused(home: Home) -> None:
    _refused(_run(home.config, "mandate", "list"), "STORE_EMPTY")
