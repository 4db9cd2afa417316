"""The README's story, command by command: what it shows is what the demo county answers."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from gateway.app import create_app
from gateway.cli.demo import TEST_PERSON, prepare
from gateway.deployment import deploy
from gateway.settings import load_settings
from tests.support.county import COUNTY, TODAY, serving_tax
from tests.support.documents import ROOT, Section, sections
from tests.support.http import served
from tests.support.unhurried import copy_unhurried, unhurried

README = sections(ROOT / "README.md")
CONFIG = Path("var/demo/gateway.yaml")
PROGRAM = (sys.executable, "-c", "from gateway.cli import main; main()")


@dataclass(frozen=True)
class Gateway:
    """The demo, asked by the commands of the README."""

    url: str

    async def query(self, command: str, token: str = "") -> dict[str, Any]:
        """Run a `credit-gateway query` of the README against this gateway."""
        words = [*_words(command), "--url", self.url, *(["--token", token] if token else [])]
        return dict(orjson.loads(await run(words)))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone has after `make demo`: the county's files, and a small county in var/demo."""
    root = tmp_path_factory.mktemp("clone")
    county = root / "examples" / "county"
    shutil.copytree(COUNTY / "queries", county / "queries")
    added = copy_unhurried(COUNTY / "sources", county / "sources") / "fire.yaml"
    added.write_text(unhurried(_add("yaml")[0]), "utf-8")
    subprocess.run([sys.executable, "-c", _add("python")[0]], cwd=root, check=True)
    config = prepare(root / "var" / "demo", 6, 3, 0, 0, 0)
    _rewrite(config, root)
    return root


@pytest.fixture
async def gateway(clone: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    monkeypatch.chdir(clone)
    monkeypatch.delenv("CREDIT_GATEWAY_TOKEN", raising=False)
    async with serving_tax(clone / "var/demo/county") as tax, _serving(tax) as url:
        yield Gateway(f"{url}/graphql")


async def test_a_first_question(gateway: Gateway) -> None:
    section = README["A first question"]
    (command,) = _commands(section, "query")
    assert_shown(section, await gateway.query(command, await person_token()))


async def test_a_stopped_department(gateway: Gateway) -> None:
    (command,) = _commands(README["A first question"], "query")
    token = await person_token()
    before = await gateway.query(command, token)
    (moved,) = README["Stop a department"].blocks("sh")
    _, there, away = moved.split()
    os.rename(there, away)
    try:
        without = await gateway.query(command, token)
    finally:
        os.rename(away, there)
    assert_shown(README["Stop a department"], without)
    del before["data"]["me"]["person"]["judicial"], without["data"]["me"]["person"]["judicial"]
    assert _timeless(without["data"]) == _timeless(before["data"])


async def test_a_killed_service(gateway: Gateway, clone: Path) -> None:
    (command,) = _commands(README["A first question"], "query")
    async with _serving("http://127.0.0.1:9") as url:
        answer = await Gateway(f"{url}/graphql").query(command, await person_token())
    section = answer["data"]["me"]["person"]["tax"]["taxViolations"]
    assert (section["state"], section["reason"], section["records"]) == ("UNAVAILABLE", "CONNECT", None)


async def test_an_officer_in_a_case(gateway: Gateway) -> None:
    section = README["An officer in a case"]
    (token,) = _commands(section, "token")
    (operator,) = _commands(section, "operator")
    (query,) = _commands(section, "query")
    held, who = [(await run(_words(command))).strip() for command in (token, operator)]
    assert_shown(section, await gateway.query(f"{query} --operator {who}", held))


async def test_anyone_about_an_enterprise(gateway: Gateway) -> None:
    section = README["Anyone about an enterprise"]
    (command,) = _commands(section, "query")
    assert_shown(section, await gateway.query(command))


async def test_a_new_department(gateway: Gateway, clone: Path) -> None:
    section = README["Add a department in five minutes"]
    (check,) = set(re.findall(r"credit-gateway source check [^`]+", section.text))
    assert "MANIFEST" not in await run(check.split()[1:])
    found = re.search(r"`(\{ enterprise.+?)`.+?gives `(.+?)` of `(.+?)`", section.text, re.S)
    assert found
    question, *shown = found.groups()
    (clone / "new.graphql").write_text(question, "utf-8")
    answer = orjson.dumps(await gateway.query("credit-gateway query new.graphql")).decode()
    assert all(value in answer for value in shown)


def assert_shown(section: Section, answer: Mapping[str, Any]) -> None:
    """What the section shows as JSON is a part of the answer."""
    (shown,) = section.blocks("json")
    assert contains(answer, orjson.loads(shown)), orjson.dumps(answer).decode()


def contains(whole: Any, part: Any) -> bool:
    """Every key shown is there with what is shown of its value; lists of the answer may be longer."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and contains(whole[name], inner) for name, inner in part.items()
        )
    if isinstance(part, list):
        return (
            isinstance(whole, list)
            and bool(whole) == bool(part)
            and all(any(contains(found, inner) for found in whole) for inner in part)
        )
    return bool(whole == part)


async def run(words: list[str]) -> str:
    """A command's output; it must succeed."""
    process = await asyncio.create_subprocess_exec(*PROGRAM, *words, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0, words
    return output.decode()


async def person_token() -> str:
    words = ["token", "citizen-app", "--person", TEST_PERSON, "-c", str(CONFIG)]
    return (await run(words)).strip()


@asynccontextmanager
async def _serving(tax: str) -> AsyncIterator[str]:
    """The deployment in the clone, on the county's day."""
    deployment = deploy(load_settings(CONFIG, {}), {"COUNTY_TAX_URL": tax}, demo=True)
    deployment.__dict__["services"] = replace(deployment.services, today=lambda: TODAY)
    async with served(create_app(deployment)) as url:
        yield url


def _add(language: str) -> list[str]:
    return README["Add a department in five minutes"].blocks(language)


def _commands(section: Section, name: str) -> list[str]:
    return [
        found
        for block in section.blocks("sh")
        for found in re.findall(rf"credit-gateway {name} [^)\n]+", block)
    ]


def _words(command: str) -> list[str]:
    """Arguments without the program and without `--token "$(…"`, which the test brings itself."""
    return command.partition(" --token ")[0].split()[1:]


def _rewrite(config: Path, root: Path) -> None:
    """Manifests of the clone, and clients that are in force on the day of the test."""
    settings = yaml.safe_load(config.read_text("utf-8"))
    clients = yaml.safe_load((config.parent / settings["clients"]).read_text("utf-8"))
    valid = {"validFrom": date.today(), "validUntil": date.today() + timedelta(days=30)}
    (config.parent / "clients.yaml").write_text(yaml.safe_dump([each | valid for each in clients]), "utf-8")
    settings |= {"issuer": "http://127.0.0.1:1", "clients": "clients.yaml"}
    settings |= {"sources": str(root / "examples" / "county" / "sources")}
    config.write_text(yaml.safe_dump(settings), "utf-8")


def _timeless(part: Any) -> Any:
    """Without the moments of fetching."""
    if isinstance(part, dict):
        return {name: _timeless(inner) for name, inner in part.items() if name != "fetchedAt"}
    return [_timeless(inner) for inner in part] if isinstance(part, list) else part
