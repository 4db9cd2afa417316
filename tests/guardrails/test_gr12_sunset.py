"""GR-12: every scenario and every mandate has an end within two years, and stops by itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from catalogue.errors import BrokenEntry
from catalogue.lint import lint
from catalogue.values import Period
from tests.checks.conftest import CASES, Office, office  # noqa: F401 - the fixture
from tests.support.county_overlay import County
from tests.support.questions import catalogue

pytestmark = pytest.mark.asyncio(loop_scope="session")
TWO_YEARS = Period(years=2)


async def test_every_shipped_scenario_ends():
    for scenario in catalogue().scenarios.values():
        assert scenario.valid_until <= TWO_YEARS.after(scenario.valid_from), scenario.code
        assert not scenario.runs_on(date(2028, 1, 1)), scenario.code


async def test_a_scenario_without_an_end_or_with_a_late_one_is_refused(tmp_path: Path):
    county = County(tmp_path)
    county.scenario["validUntil"] = "2028-01-02"
    assert [problem.code for problem in lint(county.load())] == ["GR12"]
    del county.scenario["validUntil"]
    with pytest.raises(BrokenEntry, match="validUntil"):
        county.load()


async def test_every_mandate_ends_no_later_than_its_scenario(office: Office):  # noqa: F811
    for mandate in office.stage.deployment.mandates.mandates:
        scenario = office.stage.deployment.catalogue.scenarios[mandate.scenario]
        assert mandate.valid_until <= scenario.valid_until, mandate.id
        assert mandate.valid_until <= TWO_YEARS.after(mandate.valid_from), mandate.id


async def test_the_day_after_nobody_checks_and_no_source_is_asked(office: Office):  # noqa: F811
    async with office.later(today=lambda: date(2027, 12, 31)) as last_day:
        assert not (await last_day.check("S04", "样例乙")).reply.codes
    async with office.later(today=lambda: date(2028, 1, 1)) as day_after:
        for scenario in CASES:
            refused = await day_after.check(scenario, "样例乙")
            assert (refused.reply.codes, refused.reply.questions) == (["MANDATE_EXPIRED"], ())
