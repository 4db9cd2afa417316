"""The examples of docs/receipts.md believe real receipts with their answers, and nothing else."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.checks.conftest import Office, office  # noqa: F401 - the fixture
from tests.support.documents import ROOT, sections

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = sections(ROOT / "docs" / "receipts.md")
EXAMPLES = {
    "Python": ("python", "verify.py", [sys.executable, "-I"]),
    "JavaScript": ("js", "verify.mjs", ["node"]),
    "Java": ("java", "Receipt.java", ["java"]),
}
HERE = [name for name, (_, _, program) in EXAMPLES.items() if shutil.which(program[0])]


async def run(name: str, folder: Path) -> int:
    language, file, program = EXAMPLES[name]
    (code,) = PAGE[name].blocks(language)
    (folder / file).write_text(code, "utf-8")
    process = await asyncio.create_subprocess_exec(
        *program, file, cwd=folder, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


def write(folder: Path, answer: Any) -> None:
    given = answer["data"]["mustCheck"]["receipt"]
    (folder / "answer.json").write_bytes(orjson.dumps(answer))
    (folder / "receipt.jws").write_text(given["jws"])
    (folder / "nonce.txt").write_text(given["nonce"])
    (folder / "statement.json").write_text(given["statement"], "utf-8")


@pytest.mark.parametrize("name", HERE)
async def test_the_example_tells_a_receipt_from_a_forgery(office: Office, tmp_path: Path, name: str):  # noqa: F811
    answer = (await office.check("S04", "异议样例")).reply.body
    keys = office.stage.deployment.keys.receipt_keys().as_dict(private=False)
    (tmp_path / "receipt-jwks.json").write_bytes(orjson.dumps(keys))
    write(tmp_path, answer)
    assert await run(name, tmp_path) == 0
    given = answer["data"]["mustCheck"]["receipt"]
    statement, jws = given["statement"], given["jws"]
    given["statement"] = statement.replace("DISPUTED", "PRESENT")
    write(tmp_path, answer)
    assert await run(name, tmp_path) != 0
    given["statement"] = statement
    head, body, _ = jws.split(".")
    other = (await office.check("S04", "异议样例")).body["receipt"]["jws"].split(".")[2]
    given["jws"] = f"{head}.{body}.{other}"
    write(tmp_path, answer)
    assert await run(name, tmp_path) != 0


async def test_python_is_always_here():
    assert "Python" in HERE
