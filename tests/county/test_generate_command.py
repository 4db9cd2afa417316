"""`python examples/county/generate.py`: what it leaves behind, and how it refuses."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from examples.county.generator.departments import DEPARTMENTS
from tests.support.county_sources import COUNTY


def databases(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.db")}


async def run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(COUNTY / "generate.py"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_it_writes_eight_files_and_their_urls(tmp_path: Path) -> None:
    code, output = await run("--out", str(tmp_path), "--persons", "5", "--entities", "2")
    assert code == 0, output
    assert databases(tmp_path) == {f"{department.NAME}.db" for department in DEPARTMENTS}
    variables = dict(line.split("=", 1) for line in (tmp_path / "county.env").read_text().splitlines())
    assert variables["COUNTY_PSB_URL"] == f"sqlite:///{tmp_path}/psb.db"
    assert len(variables) == 7
    assert "rows in 8 departments" in output


async def test_it_refuses_a_day_that_does_not_exist(tmp_path: Path) -> None:
    code, output = await run("--out", str(tmp_path / "county"), "--today", "2026-02-30")
    assert code == 2
    assert "day" in output
    assert not (tmp_path / "county").exists()


async def test_it_refuses_another_kind_of_database(tmp_path: Path) -> None:
    code, _ = await run("--out", str(tmp_path), "--engine", "postgresql", "--url", "oracle://somewhere")
    assert code == 2


async def test_it_says_when_the_server_does_not_answer(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1"
    code, output = await run("--out", str(tmp_path), "--engine", "postgresql", "--url", url)
    assert code == 1
    assert "not complete" in output
