"""双公示: what was not public within seven working days, for the credit office and for its own department."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from authz.publicity import Breach, breaches
from connectors.protocol import Tally
from tests.consent.conftest import Town
from tests.support.county import personal_values
from tests.support.deployment import county_stage
from tests.support.scenarios import OVERLAY

BEFORE_THE_HOLIDAY = date(2026, 9, 28)
"""The seventh working day after it is 13 October: a week is off, and a Saturday worked."""
PENALTY = {
    "CF_XDR_LB": "法人及非法人组织",
    "CF_XDR_SHXYM": "91990100MA9TE00142",
    "CF_XDR_MC": "测试有限公司",
    "CF_CFJGDM": "11990100009000082Q",
    "CF_JDRQ": "2026年2月2日",
    "CF_ZT": "0",
}
TOLD = """query P($month: String!) { publicity(month: $month) { source recordType decisions unread
  breaches { department determinedOn dueOn late unpublished } } }"""


@pytest.mark.parametrize(
    ("published", "today", "late", "unpublished"),
    [
        (date(2026, 10, 13), date(2026, 12, 1), 0, 0),
        (date(2026, 10, 14), date(2026, 12, 1), 4, 0),
        (None, date(2026, 10, 13), 0, 0),
        (None, date(2026, 10, 14), 0, 4),
    ],
)
def test_seven_working_days_after_the_decision(
    published: date | None, today: date, late: int, unpublished: int
) -> None:
    found = breaches([Tally("SC", BEFORE_THE_HOLIDAY, published, 4)], 7, today)
    assert [(one.late, one.unpublished) for one in found] == (
        [(late, unpublished)] if late + unpublished else []
    )


def test_breaches_of_one_day_are_one_pointer() -> None:
    day, late = BEFORE_THE_HOLIDAY, date(2026, 11, 1)
    given = [Tally("SC", day, late, 2), Tally("SC", day, None, 1), Tally("ZJ", day, late, 1)]
    assert breaches(given, 7, date(2026, 12, 1)) == [
        Breach("SC", day, date(2026, 10, 13), 2, 1),
        Breach("ZJ", day, date(2026, 10, 13), 1, 0),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder = tmp_path_factory.mktemp("publicity")
    async with county_stage(folder, OVERLAY, "default") as stage:
        rows = [("late", "2026-03-20 10:00:00"), ("soon", "2026-02-03 10:00:00")]
        with closing(sqlite3.connect(folder / "sgs.db")) as sgs, sgs:
            for serial, sent in rows:
                row = PENALTY | {"ID": serial, "CF_WSH": f"测罚〔2026〕{serial}号", "SJC": sent}
                places = ", ".join("?" for _ in row)
                sgs.execute(
                    f"INSERT INTO t_xzcf_grr ({', '.join(row)}) VALUES ({places})", tuple(row.values())
                )
        yield Town(stage)


async def told(town: Town, client: str) -> Any:
    token = town.stage.deployment.token(client, "rv-0001")
    return (await town.ask(token, TOLD, {"month": "2026-02"})).data["publicity"]


@pytest.mark.asyncio(loop_scope="session")
async def test_the_office_sees_every_breach_and_a_steward_their_own(town: Town) -> None:
    deployment = town.stage.deployment
    found = await deployment.sources["sgs"].tallies("E-FG-03", date(2026, 2, 1))
    book = deployment.services.publicity
    for _ in range(2):  # a new count stands in the place of the last
        await book.keep("sgs", "E-FG-03", "2026-02", found.tallies, found.unread, 7)
    breach = {
        "department": "SC",
        "determinedOn": "2026-02-02",
        "dueOn": "2026-02-11",
        "late": 1,
        "unpublished": 0,
    }
    for client in ("credit-office", "audit-office", "market-steward"):
        (count,) = await told(town, client)
        assert (count["source"], count["recordType"]) == ("sgs", "E-FG-03")
        assert breach in count["breaches"]
    (count,) = await told(town, "court-steward")
    assert count["breaches"] == []
    leaves = [leaf for leaf in await town.leaves() if leaf.get("kind") == "REVIEW"]
    assert [leaf["act"] for leaf in leaves] == ["PUBLICITY", "PUBLICITY"]
    assert not any(value in str([count, found]) for value in [*personal_values(), "测罚"])


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("client", [None, "hr-approval", "sample-bank"])
async def test_nobody_else_sees_any(town: Town, client: str | None) -> None:
    token = town.stage.deployment.token(client, "op-0087") if client else None
    refused = await town.ask(token, TOLD, {"month": "2026-02"})
    assert (refused.codes, refused.data) == (["ACTOR_NOT_ALLOWED"], {"publicity": None})
