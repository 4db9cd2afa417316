"""`credit-gateway review` over a store that a gateway has used."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from authz.keys import load_keys
from catalogue.values import CHINA_TIME
from gateway.cli import app
from tests.support.authz_parties import person
from tests.support.processes import Home
from tests.support.use import BOUNDLESS, Clock, number, office

OCTOBER = datetime(2026, 10, 12, 9, tzinfo=CHINA_TIME)


async def _used(home: Home) -> None:
    """A month of reads, and a client that was suspended."""
    keys = load_keys(home.folder / "keys.yaml")
    async with office(f"sqlite:///{home.store}", Clock(OCTOBER), keys, **BOUNDLESS) as found:
        await found.read(person(700))
        await found.reads(map(number, range(1, 21)))
        found.clock.now = datetime(2026, 11, 2, 9, tzinfo=CHINA_TIME)
        await found.deny()


@pytest.fixture
def used(home: Home) -> Home:
    asyncio.run(_used(home))
    return home


def review(home: Home, *words: str) -> Result:
    return CliRunner().invoke(app, ["review", *words, "--config", str(home.config)])


def told(home: Home, *words: str) -> Any:
    result = review(home, *words, "--json")
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def test_a_sample_is_drawn_listed_shown_and_reviewed(used: Home) -> None:
    drawn = told(used, "sample", "2026-10")
    assert (drawn["new"], len(drawn["drawn"])) == (True, 20)
    assert told(used, "sample", "2026-10", "--dry-run")["drawn"] == drawn["drawn"]
    items = told(used, "list", "--kind", "SAMPLE")
    assert len(items) == 20
    first = items[0]["id"]
    (read,) = told(used, "show", first)["reads"]
    assert (read["purpose"], read["fields"], read["subject"]) == (
        "职称评审",
        {"P-FY-01": ["caseNo", "court"]},
        None,
    )
    by = ("--reviewer", "rv-0001", "--note", "案卷齐全")
    assert told(used, "record", first, "IN_ORDER", *by)["number"] == 1
    again = review(used, "record", first, "MISUSE", *by)
    assert (again.exit_code, "ALREADY_REVIEWED" in again.output) == (1, True)
    assert told(used, "record", first, "MISUSE", *by, "--change")["number"] == 2
    assert len(told(used, "list", "--state", "REVIEWED")) == 1
    own = review(used, "record", items[1]["id"], "IN_ORDER", "--reviewer", "op-0087", "--note", "核对")
    assert (own.exit_code, "OWN_USE" in own.output) == (1, True)
    for page in (("list",), ("show", first)):
        text = review(used, *page)
        assert (text.exit_code, text.stderr) == (0, "")


def test_a_suspension_is_seen_and_ended_by_two(used: Home) -> None:
    found = told(used, "alarms")
    (lock,) = found["locks"]
    assert (lock["cause"], lock["until"]) == ("SEQUENTIAL_IDS", None)
    assert [alarm["kind"] for alarm in found["alarms"]] == ["SEQUENTIAL_IDS"]
    assert lock["id"] in review(used, "alarms").stdout.replace("\n", "")
    reason = ("--reason", "整班录取名单")
    half = review(used, "unlock", lock["id"], "--reviewer", "rv-0001", *reason)
    assert "a second reviewer" in half.stdout
    alone = review(used, "unlock", lock["id"], "--reviewer", "rv-0001", *reason)
    assert (alone.exit_code, "SECOND_REVIEWER" in alone.output) == (1, True)
    assert told(used, "unlock", lock["id"], "--reviewer", "rv-0002", *reason)["lifted_by"] == "rv-0002"
    assert told(used, "alarms")["locks"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sample", "October"), "MONTH_INVALID"),
        (("sample", "2090-01"), "MONTH_NOT_OVER"),
        (("show", "sr_2026-10_1"), "ITEM_UNKNOWN"),
        (("unlock", "lk_1", "--reviewer", "rv-0001", "--reason", "核对"), "LOCK_UNKNOWN"),
        (("unlock", "lk_1", "--reviewer", "13800138000", "--reason", "核对"), "REVIEWER_INVALID"),
    ],
)
def test_what_cannot_be_done_says_so(used: Home, words: tuple[str, ...], code: str) -> None:
    result = review(used, *words)
    assert (result.exit_code, code in result.output) == (1, True)
