"""docs/sandbox.md over HTTP: every test subject has its promised outcome, every example runs as printed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from authz.demo_tokens import issue_operator, issue_token
from catalogue.values import CHINA_TIME
from gateway.app import create_app
from gateway.cli.demo import prepare
from gateway.deployment import Deployment, deploy
from gateway.settings import load_settings
from tests.checks.conftest import CASES, Checked
from tests.docs.test_receipts_page import EXAMPLES as VERIFIERS
from tests.docs.test_receipts_page import run as verified
from tests.support.county import TODAY, serving_tax
from tests.support.declared import DECLARED
from tests.support.documents import ROOT, sections
from tests.support.http import served
from tests.support.processes import Reply, free_port
from tests.support.unhurried import unhurried_county

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = sections(ROOT / "docs" / "sandbox.md")
SUBJECTS = [[cell.strip("`") for cell in row] for row in PAGE["Test subjects"].rows()]
EXAMPLES = {
    "curl": ("sh", "check.sh", ["bash", "-eu"], ["curl", "jq"]),
    "JavaScript": ("js", "check.mjs", ["node"], ["node"]),
    "Java": ("java", "Check.java", ["java"], ["java"]),
}
HERE = [name for name, (*_, needed) in EXAMPLES.items() if all(map(shutil.which, needed))]
REPRESENTATIVE = [
    {"role": "LEGAL_REPRESENTATIVE", "person": {"citizenId": "990101198001010014", "name": "测试甲"}}
]


@dataclass(frozen=True)
class Sandbox:
    """What a clone has while `make demo` runs in it, on the county's day."""

    folder: Path
    url: str
    deployment: Deployment

    async def check(self, scenario: str, number: str, name: str) -> Reply:
        """A must-check as an approval system makes it."""
        client, case, purpose = CASES[scenario]
        settings, keys, now = self.deployment.settings, self.deployment.keys, datetime.now(CHINA_TIME)
        registered = self.deployment.clients.active(client, now.date())
        known = {"audience": settings.audience, "now": now, "operator": "op-0001"}
        token = issue_token(keys, registered, issuer=settings.issuer, **known)
        operator = issue_operator(keys, registered, **known)
        person = {"person": {"citizenId": number, "name": name}}
        variables: dict[str, Any] = {
            "lookup": {"uscc": number} if number.startswith("91") else person,
            "access": {"scenario": scenario, "caseNo": case.format(1), "purpose": purpose, **DECLARED},
        }
        if scenario == "S11":
            variables["relatedPersons"] = REPRESENTATIVE
        query = (ROOT / "examples" / "scenarios" / f"{scenario}.graphql").read_text("utf-8")
        headers = {"Authorization": f"Bearer {token}", "Operator-Assertion": operator}
        body = {"query": query, "variables": variables}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.url}/graphql", json=body) as response,
        ):
            return Reply(response.status, dict(response.headers), await response.read())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    folder, port = tmp_path_factory.mktemp("clone"), free_port()
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    config = await asyncio.to_thread(prepare, folder / "var" / "demo", 6, 3, port, 0, 0)
    settings = unhurried_county(folder / "sources")
    async with serving_tax(config.parent / "county") as tax:
        deployment = deploy(load_settings(config, settings), {"COUNTY_TAX_URL": tax}, demo=True)
        deployment.__dict__["services"] = replace(deployment.services, today=lambda: TODAY)
        async with served(create_app(deployment), port) as url:
            yield Sandbox(folder, url, deployment)


@pytest.mark.parametrize(("scenario", "number", "name", "because", "promised"), SUBJECTS)
async def test_a_test_subject_has_its_outcome(
    sandbox: Sandbox, scenario: str, number: str, name: str, because: str, promised: str
):
    reply = await sandbox.check(scenario, number, name)
    told = set(reply.codes) if reply.codes else outcome(Checked(reply))
    assert set(promised.split("` `")) <= told, because


def outcome(checked: Checked) -> set[str]:
    """All that a check says, as the page writes it."""
    body = checked.body
    related = [(one["role"], item) for one in body.get("related", ()) for item in one["items"]]
    return {
        *(f"{code} {result}" for code, result in {**checked.results, **checked.truths}.items()),
        *(f"{role} {item['recordType']} {item['result']}" for role, item in related),
        *(code for code, _, _ in checked.measures),
        *(task["step"] for task in body["tasks"]),
        body["completeness"],
    }


async def test_every_outcome_has_a_test_subject():
    promised = " ".join(row[-1] for row in SUBJECTS)
    for word in ("NONE", "PRESENT", "DISPUTED", "UNKNOWN", "NOT_PERMITTED", "SUBJECT_NOT_CONFIRMED"):
        assert re.search(rf"\b{word}\b", promised), word
    for word in ("TRUE", "FALSE", "COMPLETE", "INCOMPLETE", "ASK_AGAIN", "CHECK_BY_HAND"):
        assert re.search(rf"\b{word}\b", promised), word


@pytest.mark.parametrize("name", HERE)
async def test_the_example_checks_keeps_the_receipt_and_reports(sandbox: Sandbox, name: str):
    language, file, program, _ = EXAMPLES[name]
    (code,) = PAGE[name].blocks(language)
    (sandbox.folder / file).write_text(code, "utf-8")
    process = await asyncio.create_subprocess_exec(
        *program,
        file,
        cwd=sandbox.folder,
        env={**os.environ, "GATEWAY": sandbox.url},
        stdout=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    assert "P-FY-01 NONE" in said
    assert "OutcomeReported" in said
    if name in VERIFIERS:
        assert await verified(name, sandbox.folder) == 0
