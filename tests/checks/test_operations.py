"""The operation of each scenario: made from the catalogue, kept in examples/, and accepted as it stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from graphql import parse, validate

from gateway.app import _weights
from gateway.limits import structure_errors, weigh
from resolvers.checks.documents import operation_of
from tests.checks.conftest import CASES, Office
from tests.support.commands import command
from tests.support.documents import ROOT
from tests.support.questions import catalogue

pytestmark = pytest.mark.asyncio(loop_scope="session")
FOLDER = ROOT / "examples" / "scenarios"
CODES = sorted(catalogue().scenarios)


@pytest.mark.parametrize("code", CODES)
async def test_it_is_the_one_in_the_examples(code: str):
    """`credit-gateway scenario operation --out examples/scenarios` writes them anew."""
    found = catalogue()
    assert (FOLDER / f"{code}.graphql").read_text("utf-8") == operation_of(found.scenarios[code], found)


@pytest.mark.parametrize("code", CODES)
async def test_the_graph_takes_it_within_its_limits(office: Office, code: str):
    deployment = office.stage.deployment
    document = parse(
        (FOLDER / f"{code}.graphql").read_text("utf-8"), max_tokens=deployment.settings.limits.tokens
    )
    schema, limits = deployment.schema.executable, deployment.settings.limits
    assert validate(schema, document) == []
    assert structure_errors(document, limits) == []
    weigh(schema, document, limits, _weights(deployment))


@pytest.mark.parametrize("code", sorted(CASES))
async def test_it_checks(office: Office, code: str):
    query = (FOLDER / f"{code}.graphql").read_text("utf-8")
    about = "测试有限公司" if code in ("S09", "S11") else "测试甲"
    checked = await office.check(code, about, query)
    assert checked.body["receipt"]["jws"]


async def test_the_command_prints_one_and_writes_all(tmp_path: Path):
    printed = await command("scenario", "operation", "S04")
    assert (printed.code, printed.out) == (0, (FOLDER / "S04.graphql").read_text("utf-8"))
    assert (await command("scenario", "operation", "--out", tmp_path)).code == 0
    assert set(os.listdir(tmp_path)) == {f"{code}.graphql" for code in CODES}
    (await command("scenario", "operation", "S99")).refused("SCENARIO_UNKNOWN")
