"""What the gateway keeps of its own no longer than it has to (PIPL 19, 47): cases, receipts, notices.

A case goes with its sealed words three years after it was closed; what stays is its leaves in the audit
log, which hold hashes, and the mark of a record that was stopped or repaired, or the record would be back.
A check goes with its outcome and its measures when the log of queries may, none of them while a measure
runs. Whatever is due is found anew each time, so it may be run every night, by whichever machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Select, Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.cases.states import WAITING, Effect, State
from authz.cases.tables import record_mark, rights_case, rights_case_event
from authz.moments import millis
from authz.outbox import outbox
from authz.outcomes.states import MeasureState
from authz.outcomes.tables import check_outcome, taken_measure
from authz.receipts.book import check_receipt
from authz.store import Store, metadata
from catalogue.values import Period

CASES_KEPT: Final = 3
"""Years from the last act (民法典 188, PIPL 56); the database lets none of its events go before."""
NOTICES_KEPT: Final = 1
"""Years: whoever has not come for a year has to read again anyway."""
BATCH: Final = 500
"""Rows erased in one transaction, so that gateways beside it need not wait."""
_OPEN: Final = frozenset({*WAITING, State.STANDING})
_OVER: Final = frozenset({MeasureState.CLOSED, MeasureState.REVOKED, MeasureState.ENDED})


async def retain(store: Store, now: datetime, query_log_years: int, *, apply: bool) -> Mapping[str, int]:
    """How many rows are due, by table; with `apply` they are erased."""
    due = _due(now, query_log_years)
    if not apply:
        async with store.reading() as connection:
            counted = {
                str(table.name): await connection.execute(select(func.count()).select_from(query.subquery()))
                for table, query in due.items()
            }
        return {name: int(result.scalar_one()) for name, result in counted.items()}
    return {str(table.name): await _erased(store, table, query) for table, query in due.items()}


async def _erased(store: Store, table: Table, query: Select[Any]) -> int:
    erased = 0
    while True:
        async with store.writing() as connection:
            ids = (await connection.execute(query.limit(BATCH))).scalars().all()
            await _erase(connection, table, ids)
        erased += len(ids)
        if len(ids) < BATCH:
            return erased


async def _erase(connection: AsyncConnection, table: Table, ids: Sequence[Any]) -> None:
    """Rows by their key, after those that hang on them."""
    if not ids:
        return
    for child, link in _links(table):
        if len(child.primary_key) == 1:
            hanging = select(*child.primary_key).where(link.in_(ids))
            await _erase(connection, child, (await connection.execute(hanging)).scalars().all())
        else:
            await connection.execute(delete(child).where(link.in_(ids)))
    (key,) = table.primary_key
    await connection.execute(delete(table).where(key.in_(ids)))


def _links(table: Table) -> Iterator[tuple[Table, Column[Any]]]:
    """Tables whose rows hang on rows of this one, and the columns by which they do."""
    if table is rights_case:
        yield rights_case_event, rights_case_event.c.case_id
    for child in metadata.sorted_tables:
        for link in child.foreign_keys:
            if link.column.table is table:
                yield child, link.parent


def _due(now: datetime, query_log_years: int) -> dict[Table, Select[Any]]:
    """What may go, as queries of keys; a check before its outcome, which goes with it."""

    def ago(years: int) -> int:
        return millis(datetime.combine(Period(years=-years).after(now.date()), now.timetz()))

    case, event, mark = rights_case.c, rights_case_event.c, record_mark.c
    lately = select(event.case_id).where(event.at > ago(CASES_KEPT))
    newest = select(func.max(mark.number)).group_by(mark.case_id)
    ended = select(mark.case_id).where(mark.number.in_(newest), mark.effect == Effect.ENDED)
    kept = select(case.id)
    outcome = check_outcome.c
    running = (
        select(outcome.id)
        .join(taken_measure, taken_measure.c.outcome == outcome.id)
        .where(taken_measure.c.state.not_in(_OVER))
    )
    of_running = select(outcome.jti).where(outcome.id.in_(running), outcome.jti.is_not(None))
    receipt, notice = check_receipt.c, outbox.c
    return {
        rights_case: select(case.id).where(case.state.not_in(_OPEN), case.id.not_in(lately)),
        record_mark: select(mark.number).where(mark.case_id.in_(ended), mark.case_id.not_in(kept)),
        check_receipt: select(receipt.jti).where(
            receipt.checked_at < ago(query_log_years), receipt.jti.not_in(of_running)
        ),
        check_outcome: select(outcome.id).where(
            outcome.jti.is_(None), outcome.reported_at < ago(query_log_years), outcome.id.not_in(running)
        ),
        outbox: select(notice.number).where(notice.created_at < ago(NOTICES_KEPT)),
    }
