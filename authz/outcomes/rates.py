"""The must-check rate (应查必查率): reported outcomes that rest on a check, by organization and scenario.

Nobody is named in it: neither persons nor officers, and no case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.moments import millis
from authz.outcomes.tables import check_outcome
from authz.receipts.book import check_receipt, manual_check
from authz.receipts.receipt import Completeness
from catalogue.values import CHINA_TIME

MOST_GAPS: Final = 1000
"""Incomplete checks that are listed, the newest first."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A check that did not know everything."""

    check_id: str
    unknown: tuple[str, ...]
    """Record types without an answer."""
    by_hand: tuple[str, ...]
    """Those of them that somebody looked up by hand."""
    overridden: bool
    """Whether an outcome was reported on it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One organization in one scenario."""

    organization: str
    scenario: str
    checks: int
    reported: int
    """Outcomes that were reported."""
    checked: int
    """Those of them that rest on a check."""
    gaps: Sequence[Gap]

    @property
    def rate(self) -> float | None:
        """From 0 to 1; None where nothing was reported."""
        return self.checked / self.reported if self.reported else None


async def rates(connection: AsyncConnection, since: date, until: date) -> list[Rate]:
    """Checks made and outcomes reported from one day to another, both included, in China's time."""
    period = (_start(since), _start(until + timedelta(days=1)))
    checks = await _counts(connection, check_receipt, "checked_at", period)
    reported = await _counts(connection, check_outcome, "reported_at", period)
    gaps = await _gaps(connection, period)
    return [
        Rate(
            *which,
            checks=checks.get(which, (0, 0))[0],
            reported=reported.get(which, (0, 0))[0],
            checked=reported.get(which, (0, 0))[1],
            gaps=gaps.get(which, ()),
        )
        for which in sorted(checks.keys() | reported.keys())
    ]


async def _counts(
    connection: AsyncConnection, table: Table, at: str, period: tuple[int, int]
) -> dict[tuple[str, str], tuple[int, int]]:
    """By organization and scenario: how many rows, and how many of them have a receipt."""
    column = table.c
    query = (
        select(column.organization, column.scenario, func.count(), func.count(column.jti))
        .where(column[at] >= period[0], column[at] < period[1])
        .group_by(column.organization, column.scenario)
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in await connection.execute(query)}


async def _gaps(connection: AsyncConnection, period: tuple[int, int]) -> dict[tuple[str, str], list[Gap]]:
    column, outcome = check_receipt.c, check_outcome.c
    query = (
        select(column.jti, column.organization, column.scenario, column.unknown, outcome.id.label("outcome"))
        .select_from(check_receipt.outerjoin(check_outcome, outcome.jti == column.jti))
        .where(
            column.completeness == Completeness.INCOMPLETE,
            column.checked_at >= period[0],
            column.checked_at < period[1],
        )
        .order_by(column.checked_at.desc(), column.jti)
        .limit(MOST_GAPS)
    )
    rows = (await connection.execute(query)).all()
    by_hand: dict[str, list[str]] = {}
    done = select(manual_check.c.jti, manual_check.c.record_type).where(
        manual_check.c.jti.in_([row.jti for row in rows])
    )
    for jti, record_type in await connection.execute(done.order_by(manual_check.c.record_type)):
        by_hand.setdefault(jti, []).append(record_type)
    found: dict[tuple[str, str], list[Gap]] = {}
    for row in rows:
        gap = Gap(
            row.jti, tuple(row.unknown.split()), tuple(by_hand.get(row.jti, ())), row.outcome is not None
        )
        found.setdefault((row.organization, row.scenario), []).append(gap)
    return found


def _start(day: date) -> int:
    return millis(datetime.combine(day, time(), CHINA_TIME))
