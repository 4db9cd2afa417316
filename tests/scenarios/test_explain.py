"""`policy explain` tells what a read does, because both take it from one table."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.support.deployment import Stage
from tests.support.mutations import mutations
from tests.support.scenario_run import ask
from tests.support.scenarios import Scenario

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIELDS = {
    "P-FY-01": ("subject.judicial.judgmentDefaults", ("caseNo", "court", "citizenId", "obligation", "sex")),
    "P-GA-02": ("subject.publicSecurity.seriousTrafficViolations", ("violationName", "plateNo")),
    "P-RS-02": ("subject.personnel.personnelExamMisconduct", ("examName", "admissionTicketNo")),
}
OFFICER = Scenario.model_validate(
    {
        "name": "what an officer of S04 reads of three types",
        "actor": {"client": "hr-approval"},
        "grant": {"scenario": "S04", "caseNo": "RSKS-2026-0001"},
        "about": "测试甲",
        "query": """query Explain($who: SubjectLookup!, $access: AccessContext!) {
          subject(lookup: $who, access: $access) { ... on NaturalPerson {
            judicial { judgmentDefaults { state records { caseNo court citizenId obligation sex } } }
            publicSecurity { seriousTrafficViolations { state records { violationName plateNo } } }
            personnel { personnelExamMisconduct { state records { examName admissionTicketNo } } }
          } } }""",
    }
)
BROKEN = (
    None,
    "drop forbid.mandate-field",
    "drop forbid.mandate-type",
    "drop permit.mandate",
    "drop mask.declared",
    "invert mask.declared",
)


def _explained(stage: Stage, *options: str) -> list[dict[str, Any]]:
    config = Path(stage.deployment.settings.clients).parent / "gateway.yaml"
    line = ["policy", "explain", *FIELDS, *options, "--on", "2026-11-21", "--json", "-c", str(config)]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.output
    told: list[dict[str, Any]] = orjson.loads(result.stdout_bytes)["decisions"]
    return told


def _expected(decisions: list[dict[str, Any]], effect: str) -> Iterator[str]:
    """The paths of the operation that these decisions deny or mask."""
    by_action = {(one["recordType"], one["action"]): one["effect"] for one in decisions}
    for code, (section, fields) in FIELDS.items():
        if by_action[code, "exists"] == "DENY":
            yield from [section] if effect == "DENY" else []
            continue
        yield from (f"{section}.records.{name}" for name in fields if by_action[code, name] == effect)


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_read_does_what_is_explained_and_a_changed_rule_changes_both(
    stage: Stage, broken: str | None
) -> None:
    sound = _explained(stage, "--client", "hr-approval", "--scenario", "S04")
    fault = next((each.applied() for each in mutations() if each.name == broken), nullcontext())
    with fault:
        told = _explained(stage, "--client", "hr-approval", "--scenario", "S04")
        answer = (await ask(stage, OFFICER)).content
    assert (told == sound) is (broken is None)
    assert "extensions" in answer, answer
    seen = answer["extensions"]["authorization"]
    assert set(seen["denied"]) == set(_expected(told, "DENY"))
    assert set(seen["masked"]) == set(_expected(told, "MASK"))


async def test_the_public_oneself_and_a_mandate_by_name_are_explained(stage: Stage) -> None:
    rules = {
        "permit.public": _explained(stage, "--field", "court"),
        "permit.self": _explained(stage, "--self", "--client", "citizen-app", "--field", "court"),
        "permit.mandate": _explained(
            stage, "--client", "hr-approval", "--mandate", "M-RS-S04", "--field", "court"
        ),
    }
    for rule, told in rules.items():
        exists = [one for one in told if (one["recordType"], one["action"]) == ("P-FY-01", "exists")]
        assert [one["rule"] for one in exists] == [rule]
        assert {one["action"] for one in told} == {"exists", "court"}
