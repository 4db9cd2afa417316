"""`credit-gateway case`: a steward at the command line, who sees no person and decides with reasons."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from authz.cases.tables import Case
from authz.keys import KeyRing, load_keys
from gateway.cli import app
from tests.support.authz_parties import person
from tests.support.case_parties import DEBT, hall
from tests.support.processes import Home


@dataclass(frozen=True)
class Filed:
    """A deployment in which one person has objected."""

    home: Home
    case: Case

    def run(self, *words: str | Path) -> Result:
        return CliRunner().invoke(app, ["case", *map(str, words), "--config", str(self.home.config)])

    def told(self, *words: str | Path) -> Any:
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.output
        return orjson.loads(result.stdout)


async def _filed(home: Home, keys: KeyRing) -> Filed:
    async with hall(f"sqlite:///{home.store}", keys) as found:
        order = replace(DEBT, record_type="P-FY-02")  # the court's list knows no longer term
        return Filed(home, await found.filed(target=order, evidence=("收据",)))


@pytest.fixture
def filed(home: Home) -> Filed:
    return asyncio.run(_filed(home, load_keys(home.folder / "keys.yaml")))


def test_a_steward_sees_the_cases_of_the_department_and_no_person(filed: Filed) -> None:
    (one,) = filed.told("list", "--department", "FY")
    assert (one["id"], one["kind"], one["state"]) == (filed.case.id, "OBJECTION", "OPEN")
    assert filed.told("list", "--department", "GA") == []
    assert [each["id"] for each in filed.told("list")] == [filed.case.id]
    shown = filed.told("show", filed.case.id, "--department", "FY")
    assert (shown["sourceSystem"], shown["sourceKey"], shown["evidence"]) == ("court", "1", ["收据"])
    assert "sourceKey" not in filed.told("show", filed.case.id)
    plain = filed.run("list").output + filed.run("show", filed.case.id).output
    assert person().value not in plain + str(shown)
    assert "CASE_UNKNOWN" in filed.run("show", filed.case.id, "--department", "GA").output


def test_take_extend_and_decide_with_two_people_and_reasons(filed: Filed) -> None:
    steward = ("--department", "FY", "--operator", "op-0201")
    undeclared = filed.run("take", filed.case.id, *steward)
    assert undeclared.exit_code == 1
    assert "UNDECLARED" in undeclared.output
    free = "--no-conflict-of-interest"
    assert filed.run("take", filed.case.id, *steward, free).exit_code == 0
    why = ("--reasons", "须调取原件。", free)
    assert "SECOND_PERSON" in filed.run("extend", filed.case.id, *steward, *why).output
    second = ("--department", "FY", "--operator", "op-0202")
    assert filed.run("extend", filed.case.id, *second, *why).exit_code == 0
    named = filed.run("decide", filed.case.id, "UPHELD", "--department", "FY", "--operator", "测试甲", *why)
    assert "OPERATOR_INVALID" in named.output
    assert "OUTCOME" in filed.run("decide", filed.case.id, "REPAIRED", *steward, *why).output
    decided = filed.run("decide", filed.case.id, "CORRECTED", *steward, *why)
    assert decided.output.strip() == f"{filed.case.id} is CORRECTED"
    assert filed.told("list", "--department", "FY") == []
    (one,) = filed.told("list", "--department", "FY", "--all")
    assert (one["state"], one["takenBy"]) == ("CORRECTED", "op-0201")


def test_remind_tells_of_what_is_due_once(filed: Filed) -> None:
    """Filed on the parties' fixed day, whose five working days have passed or not by the machine's clock."""
    first, again = filed.told("remind"), filed.told("remind")
    assert {one["id"] for one in first} <= {filed.case.id}
    assert again == []
