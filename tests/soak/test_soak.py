"""The soak itself: its judge sees what it must see, and a short run ends without a violation."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.soak.judge import Trouble, Verdicts, judge
from tests.soak.run import GROWTH_MB, WARM, Report, _limits, soak

TRUTH = {"A": {"state": "OK", "records": [1]}, "B": {"state": "OK", "records": []}}
DOWN = {"state": "UNAVAILABLE", "reason": "CONNECT", "records": None}


def judged(told, faulted="", troubled=""):
    verdicts = Verdicts()
    judge(verdicts, TRUTH, TRUTH | told, frozenset(faulted), frozenset(troubled))
    return verdicts


def test_the_truth_and_an_honest_silence_are_right():
    assert judged({}).violations == []
    honest = judged({"A": DOWN}, "A", "A")
    assert (honest.violations, honest.unexplained.total()) == ([], 0)
    assert judged({"A": DOWN}, "A").unexplained == {"A UNAVAILABLE CONNECT": 1}


@pytest.mark.parametrize(
    "told",
    [
        {"A": {"state": "OK", "records": []}},
        {"A": {"state": "PARTIAL", "records": []}},
        {"B": {"state": "OK", "records": [1]}},
        {"A": {"state": "UNAVAILABLE", "records": []}},
        {"A": {"state": "NOT_CONNECTED", "records": None}},
    ],
)
def test_everything_else_is_a_violation(told):
    assert judged(told, "AB", "AB").violations


def test_silence_without_an_error_is_a_violation():
    assert judged({"A": DOWN}, "", "A").violations


def test_trouble_lasts_as_long_as_the_breaker_may_be_open():
    trouble = Trouble(grace=0.0)
    assert not trouble.during("a", 0.0)
    trouble.begin("a")
    assert trouble.during("a", 1e12)
    trouble.end("a")
    assert trouble.during("a", 0.0)
    assert not trouble.during("a", 1e12)


def test_a_machine_without_a_processor_excuses_as_long_as_a_fault():
    trouble = Trouble(grace=1.0, starved=10.0)
    assert trouble.during("a", 10.9)
    assert not trouble.during("a", 11.1)
    trouble.until["a"] = 20.0
    assert trouble.settles("a") == 21.0


def test_leaks_are_violations():
    grown = Report(memory=[100.0] * WARM + [101.0 + GROWTH_MB] * WARM, files=[40, 41], sessions={"psb": 4})
    _limits(grown)
    assert len(grown.violations) == 1
    leaking = Report(memory=[100.0] * 10, files=[40, 400], sessions={"psb": 40})
    _limits(leaking)
    assert len(leaking.violations) == 2
    assert "VIOLATION" in leaking.text()


@pytest.mark.postgresql
@pytest.mark.mariadb
async def test_a_short_run_has_no_violation():
    report = Report()
    await soak(report, 10.0, random.Random(7), workers=4)
    assert report.violations == []
    assert report.questions > 20
    assert report.happened


@pytest.mark.postgresql
@pytest.mark.mariadb
async def test_a_run_that_is_ended_reports_what_it_saw():
    report = Report()
    run = asyncio.create_task(soak(report, 600.0, random.Random(7), workers=2))
    while not report.questions and not run.done():  # noqa: ASYNC110 -- the county is another process
        await asyncio.sleep(0.05)
    run.cancel()
    await run
    assert report.violations[-1] == "the run broke off: CancelledError"
    assert "questions in" in report.text()
