"""`credit-gateway demo`: ready with one command, everything it prints works, Ctrl-C stops all of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
import yaml

from authz.errors import ConfigurationError
from authz.keys import load_keys
from gateway.cli.demo import _keys
from tests.cli.conftest import Demo, started
from tests.support.commands import command
from tests.support.processes import listens, wait_for

SECTIONS_OF_THE_COURT = {"judicial"}


async def shell(line: str) -> str:
    """What a reader sees who pastes the line into a terminal."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def pasted(demo: Demo, start: str) -> Any:
    return orjson.loads(await shell(demo.printed(start)))


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed command needs curl")
async def test_the_printed_question_is_answered_by_eight_departments(demo: Demo) -> None:
    assert (
        demo.said.lstrip().startswith(f"ready {demo.url}/graphql") or f"ready {demo.url}/graphql" in demo.said
    )
    answer = await pasted(demo, "curl")
    assert "errors" not in answer
    assert {entry["source"] for entry in answer["extensions"]["sources"]} == {
        *("psb", "court", "market", "tax", "hr", "housing", "civil", "sgs")
    }
    assert {entry["state"] for entry in answer["extensions"]["sources"]} == {"OK"}
    assert "990101198001010014" not in orjson.dumps(answer).decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed command needs curl")
async def test_the_printed_check_is_answered_again_and_again(demo: Demo) -> None:
    start = f"curl -s {demo.url}/graphql -d @{demo.state}/check.json"
    for _ in range(2):
        checked = (await pasted(demo, start))["data"]["mustCheck"]
        assert (checked["caseNo"], checked["completeness"]) == ("RSKS-2026-0001", "COMPLETE")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed command needs curl")
async def test_the_printed_way_to_stop_a_department_changes_its_section_only(demo: Demo) -> None:
    before = (await pasted(demo, "curl"))["data"]["me"]["person"]
    move = demo.printed("mv").split("  ")[0]
    _, there, away = move.split()
    await shell(move)
    after = (await pasted(demo, "curl"))["data"]["me"]["person"]
    await shell(f"mv {away} {there}")
    assert {field for field in before if without_times(before[field]) != without_times(after[field])} == {
        "judicial"
    }
    assert after["judicial"]["judgmentDefaults"]["state"] == "UNAVAILABLE"


def without_times(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: without_times(value) for key, value in answer.items() if key != "fetchedAt"}
    return [without_times(value) for value in answer] if isinstance(answer, list) else answer


async def test_the_printed_commands_work(demo: Demo) -> None:
    check = demo.printed("Is everything as its manifest says?").partition("? ")[2].split()
    checked = await command(*check[1:])
    assert checked.code == 0, checked.out


async def test_the_printed_bank_reads_and_is_refused_after_revocation(demo: Demo) -> None:
    told = await shell(demo.printed(sys.executable))
    assert told.splitlines()[-1] == "after revocation: 401 TOKEN_REVOKED"


def test_demo_keys_of_an_older_version_are_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    for wanted_anew in (False, True):
        before = path.read_text() if path.is_file() else ""
        _keys(path)
        load_keys(path)
        assert (path.read_text() != before) is (wanted_anew or not before)
        older = yaml.safe_load(path.read_text())
        del older["keys"]["dpopNonce"]
        path.write_text(yaml.safe_dump(older))
    path.write_text("demo: true")
    with pytest.raises(ConfigurationError):
        _keys(path)


async def test_what_only_the_owner_may_read(demo: Demo) -> None:
    for name in ("token", "keys.yaml", "bank.jwk", "approval.jwk"):
        assert (demo.state / name).stat().st_mode & 0o077 == 0


async def test_a_taken_port_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        size = ("--persons", "1", "--entities", "0")
        refused = await command("demo", "--state", tmp_path / "s", *size, "--port", str(port))
    assert refused.code == 1
    assert "ADDRESS_TAKEN" in refused.err
    assert "Set PORT" in refused.err


@pytest.mark.parametrize("how", ["ctrl-c", "terminated"])
async def test_it_stops_all_of_it(tmp_path: Path, how: str) -> None:
    with started(tmp_path / "state") as demo:
        children = psutil.Process(demo.process.pid).children(recursive=True)
        assert children
        assert listens(demo.tax_port)
        if how == "ctrl-c":
            os.killpg(demo.process.pid, signal.SIGINT)
        else:
            demo.process.terminate()
        demo.process.wait(20)
        wait_for(lambda: not any(map(psutil.pid_exists, [child.pid for child in children])), "the children")
        assert not listens(demo.tax_port)
        assert "Traceback" not in demo.said
    if how == "terminated":
        with started(tmp_path / "state") as again:
            assert again.url != demo.url
