"""Months that are closed: each is counted once, when it is over, and never changes again.

A month that still runs is not told at all, for two looks at it would tell what happened between.
What is told is stored with nothing that was withheld, and the log holds its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import AuditLog, ReviewAct
from authz.audit.leaves import canonical
from authz.audit.months import bounds_of
from authz.consent.tables import reading
from authz.moments import millis, moment
from authz.review.refusals import Fault, ReviewRefused
from authz.statistics.figures import Figure, Told, figures
from authz.store import Store, metadata
from catalogue.values import CHINA_TIME

_SETTLED: Final = timedelta(hours=1)
"""After which the last event of a month is in the log, whatever a node's clock says."""

statistics_month: Final = Table(
    "statistics_month",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("closed_at", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)
statistics_cell: Final = Table(
    "statistics_cell",
    metadata,
    Column("month", String(7), ForeignKey("statistics_month.month"), primary_key=True),
    Column("figure", String(16), primary_key=True),
    Column("row_key", String(64), primary_key=True),
    Column("column_key", String(64), primary_key=True),
    Column("value", Integer),
)


@dataclass(frozen=True, slots=True)
class Month:
    """A closed month, with its cells by figure, row and column."""

    month: str
    closed_at: datetime
    digest: str
    """SHA-256 over the RFC 8785 text of the cells, as the audit event `STATISTICS` has it."""
    cells: Sequence[Told]


def _now() -> datetime:
    return datetime.now(CHINA_TIME)


class StatisticsBook:
    """Closes months, and tells those that are closed."""

    def __init__(self, store: Store, audit: AuditLog, clock: Callable[[], datetime] = _now) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def close(self, month: str) -> Month:
        """Count a month that is over and keep what is told of it, or find it closed.

        Raises ReviewRefused MONTH_INVALID, MONTH_NOT_OVER or MONTH_EMPTY, and AuditUnavailable.
        """
        try:
            start, end = bounds_of(month)
        except ValueError:
            raise ReviewRefused(Fault.MONTH_INVALID, "Write the month as 2026-10.") from None
        now = self._clock()
        if now < end + _SETTLED:
            raise ReviewRefused(
                Fault.MONTH_NOT_OVER, "A month is told an hour after its last day, and not before."
            )
        if found := await self.told([month]):
            return found[0]
        cells = await figures(self._store, start, end)
        if cells is None:
            raise ReviewRefused(Fault.MONTH_EMPTY, "The log has no event of that month.")
        digest = _digest(cells)

        async def keep(connection: AsyncConnection) -> None:
            row = {"month": month, "closed_at": millis(now), "digest": digest}
            try:
                await connection.execute(insert(statistics_month).values(row))
            except IntegrityError:
                raise ReviewRefused(Fault.ALREADY_TOLD, "Another process has just closed it.") from None
            if cells:
                await connection.execute(insert(statistics_cell), [_row(month, each) for each in cells])

        about = {"cells": len(cells), "digest": digest, "month": month}
        with suppress(ReviewRefused):
            await self._audit.review(ReviewAct("STATISTICS", "", "", about), keep)
        (closed,) = await self.told([month])
        return closed

    async def told(self, months: Sequence[str]) -> list[Month]:
        """Those of these months that are closed, the newest first; raises AuditUnavailable."""
        head, cell = statistics_month.c, statistics_cell.c
        cells: dict[str, list[Told]] = {}
        async with reading(self._store) as connection:
            query = select(statistics_month).where(head.month.in_(months)).order_by(head.month.desc())
            found = (await connection.execute(query)).all()
            of_months = select(statistics_cell).where(cell.month.in_(months))
            ordered = of_months.order_by(cell.row_key, cell.column_key)
            for row in await connection.execute(ordered):
                told = Told(Figure(row.figure), row.row_key, row.column_key, row.value)
                cells.setdefault(row.month, []).append(told)
        order = list(Figure)
        return [
            Month(
                row.month,
                moment(row.closed_at),
                row.digest,
                sorted(cells.get(row.month, ()), key=lambda each: order.index(each.figure)),
            )
            for row in found
        ]

    async def months(self) -> list[str]:
        """Every month that is closed, the newest first; raises AuditUnavailable."""
        column = statistics_month.c.month
        async with reading(self._store) as connection:
            return list(await connection.scalars(select(column).order_by(column.desc())))


def _digest(cells: Sequence[Told]) -> str:
    told = [[each.figure, each.row, each.column, each.value] for each in cells]
    return hashlib.sha256(canonical({"cells": told})).hexdigest()


def _row(month: str, told: Told) -> dict[str, object]:
    return {
        "month": month,
        "figure": told.figure,
        "row_key": told.row,
        "column_key": told.column,
        "value": told.value,
    }
