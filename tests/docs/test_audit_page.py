"""The examples of docs/audit.md check real proofs, and nothing but real ones."""

import asyncio
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.support.audit_logs import audit_log, intent
from tests.support.commands import command
from tests.support.documents import ROOT, sections
from tests.support.processes import Home, settle

PAGE = sections(ROOT / "docs" / "audit.md")
INCLUSION = PAGE["Prove one event to somebody else"].blocks("python")[0]
GROWTH = PAGE["Prove that the log only grew"].blocks("python")[0]


@pytest.fixture
async def home(tmp_path: Path) -> Home:
    """A log of 1,300 events, with a checkpoint somebody kept over 1,000."""
    home = settle(tmp_path / "home", {})
    async with audit_log(f"sqlite:///{home.store}", keys=home.keys) as log:
        await asyncio.gather(*(log.intent(intent()) for _ in range(1_000)))
        await log.sign()
        kept = await log.checkpoint()
        assert kept
        (tmp_path / "old.jws").write_text(f"{kept.statement}\n")
        await asyncio.gather(*(log.intent(intent()) for _ in range(300)))
    await command("audit", "keys", "--out", tmp_path / "audit-keys.json", "-c", home.config)
    return home


def checked(example: str, folder: Path) -> str:
    """What Python says of the example, without this tree; empty when the proof holds."""
    done = subprocess.run([sys.executable, "-I", "-c", example], cwd=folder, capture_output=True, text=True)
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr


def altered(path: Path, **members: object) -> None:
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | members))


@pytest.mark.parametrize("index", [0, 777, 1_299])
async def test_the_first_example_checks_an_event(home: Home, tmp_path: Path, index: int) -> None:
    proof = tmp_path / "proof.json"
    await command("audit", "prove", str(index), "--out", proof, "-c", home.config)
    assert checked(INCLUSION, tmp_path) == ""
    whole = orjson.loads(proof.read_bytes())
    for change in (
        {"leaf": "e30="},
        {"index": index + 1 if index < 1_299 else 0},
        {"path": whole["path"][1:]},
        {"path": [*whole["path"], whole["path"][0]]},
        {"checkpoint": whole["checkpoint"][:-4] + "AAAA"},
    ):
        proof.write_bytes(orjson.dumps(whole | change))
        assert checked(INCLUSION, tmp_path), change


async def test_the_second_example_checks_growth(home: Home, tmp_path: Path) -> None:
    growth = tmp_path / "growth.json"
    await command("audit", "prove-growth", "1000", "--out", growth, "-c", home.config)
    assert checked(GROWTH, tmp_path) == ""
    whole = orjson.loads(growth.read_bytes())
    for change in (
        {"path": whole["path"][1:]},
        {"path": whole["path"][::-1]},
        {"checkpoint": "e30.e30.e30"},
    ):
        growth.write_bytes(orjson.dumps(whole | change))
        assert checked(GROWTH, tmp_path), change
