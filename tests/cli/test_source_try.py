"""`source try` and `source explain` as an engineer runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import Result, command
from tests.support.county import cast
from tests.support.processes import Home

REAL = "11010519491231002X"


async def run_try(home: Home, subject: str, *more: str) -> Result:
    line = ("source", "try", "psb", "--subject-stdin", *more, "-c", home.config)
    return await command(*line, stdin=f"{subject}\n", env=home.environment)


async def test_a_test_subject_is_shown_step_by_step(police_home: Home) -> None:
    key = cast()["测试甲"].value
    text = await run_try(police_home, key)
    told = await run_try(police_home, key, "P-GA-01", "--json")
    assert text.code == told.code == 0, text.err
    assert "P-GA-01: " in text.out
    assert "citizenId ← GMSFHM “999999999999999999” → citizenId “999999999999999999”" in text.out
    assert [each["record_type"] for each in told.json] == ["P-GA-01"]
    assert told.json[0]["records"] == 1
    for value in (key, "测试甲", "19800101"):
        assert value not in text.out + text.err + told.out


@pytest.mark.parametrize(
    ("subject", "code"),
    [(REAL, "SUBJECT_NOT_SYNTHETIC"), ("12345", "IDENTIFIER_INVALID"), ("", "IDENTIFIER_INVALID")],
)
async def test_who_may_exist_is_refused_and_not_repeated(police_home: Home, subject: str, code: str) -> None:
    result = await run_try(police_home, subject)
    result.refused(code)
    assert not subject or subject not in result.err


async def test_explain_tells_every_question_of_a_source(police_home: Home, tmp_path: Path) -> None:
    line = ("source", "explain", "psb", "-c", police_home.config)
    text = await command(*line, env=police_home.environment)
    told = await command(*line, "--json", env=police_home.environment)
    assert "-- P-GA-01\nSELECT" in text.out
    assert told.json.keys() == {"P-GA-01", "P-GA-02", "P-GA-03"}
    assert told.json["P-GA-01"] in text.out
    unknown = await command(*line, "-f", "name", env=police_home.environment)
    unknown.refused("RECORD_TYPE_MISSING")
