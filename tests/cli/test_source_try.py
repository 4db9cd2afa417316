"""`source try` and `source explain` as an engineer runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.commands import Result, command
from tests.support.county import cast
from tests.support.databases import throwaway
from tests.support.processes import Home

DIALECT_FORMS = {
    "oracle": "FETCH FIRST :limit ROWS ONLY",
    "mssql": "SELECT TOP (%(limit)s)",
    "postgresql": "= ANY ($1)",
    "mysql": "LIMIT %s",
    "sqlite": "LIMIT ? OFFSET ?",
}
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
    assert (told.json[0]["records"], told.json[0]["withheld"]) == (1, {})
    assert "  1 records, 0 withheld; 0 rows left out" in text.out
    for value in (key, "测试甲", "19800101"):
        assert value not in text.out + text.err + told.out


async def test_a_sample_shows_what_the_decoders_make_of_real_rows(police_home: Home) -> None:
    line = ("source", "try", "psb", "P-GA-01", "--sample", "50", "-c", police_home.config)
    text = await command(*line, env=police_home.environment)
    told = await command(*line, "--json", env=police_home.environment)
    assert text.code == told.code == 0, text.err
    assert "  citizenId ← GMSFHM\n" in text.out
    assert "× “999999999999999999” → citizenId “999999999999999999”" in text.out
    assert told.json[0]["rows"] >= 10
    assert "9901" not in text.out + told.out
    assert not any(subject.value in text.out + told.out for subject in cast().values())
    (await command(*line, "--subject-stdin", stdin="", env=police_home.environment)).refused("SAMPLE_OF_ONE")


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
    for dialect, form in DIALECT_FORMS.items():
        other = await command(*line, "--dialect", dialect, "--json", env=police_home.environment)
        assert other.json.keys() == told.json.keys()
        assert all(form in question for question in other.json.values()), dialect
    assert (await command(*line, "--dialect", "db2", env=police_home.environment)).code == 2
    unknown = await command(*line, "-f", "name", env=police_home.environment)
    unknown.refused("RECORD_TYPE_MISSING")


async def test_records_that_no_check_would_show_are_counted_by_rule(
    police_home: Home, tmp_path: Path
) -> None:
    key = cast()["测试甲"].value
    async with throwaway("sqlite", tmp_path) as database:
        await database.execute("CREATE TABLE cf (bh TEXT, sfzh TEXT, rq TEXT)")
        await database.insert("cf", [("1", key, "2001-01-02"), ("2", key, "2001-01-03"), ("3", key, None)])
        record = {
            "table": "cf",
            "keys": {"CITIZEN_ID": {"columns": ["sfzh"]}},
            "identity": ["bh"],
            "fields": {"documentNo": {"column": "bh"}, "determinedOn": {"column": "rq", "decode": ["date"]}},
            "controls": {"severity": {"value": "GENERAL"}},
        }
        manifest = {
            "source": "culture",
            "department": "WL",
            "contact": "12345",
            "connector": "sql",
            "system": {"zh": "执法", "en": "Law"},
            "url": database.url,
            "records": {"P-FG-03": record},
        }
        path = police_home.sources / "culture.yaml"
        path.write_text(yaml.safe_dump(manifest, allow_unicode=True), "utf-8")
        line = ("source", "try", "culture", "--subject-stdin", "-c", police_home.config)
        told = await command(*line, stdin=f"{key}\n", env=police_home.environment)
    assert told.out.splitlines()[-1].startswith("  3 records, 3 withheld: ")
    assert "2 by clock.retention" in told.out
    assert "1 by clock.start-missing" in told.out
