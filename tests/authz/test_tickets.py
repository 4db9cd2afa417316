"""Tickets count faults by day and row, in both stores, and hold no value."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from authz.errors import StoreUnavailable
from authz.store import Store
from authz.tickets import KEPT_DAYS, ROWS_NAMED, RowFault, Tickets
from tests.support.databases import Database

DAY = date(2026, 11, 21)
FAULT = RowFault("housing", "P-ZJ-01", "DATE_FORMAT", "rdrq", "0123456789abcdef")


class Calendar:
    """A day that the test turns."""

    def __init__(self) -> None:
        self.day = DAY

    def __call__(self) -> date:
        return self.day


async def test_a_fault_met_again_is_one_ticket_with_its_first_and_last_day(own_database: Database) -> None:
    calendar = Calendar()
    async with Store(own_database.url) as store:
        await store.prepare()
        tickets = Tickets(store, calendar)
        tickets.note([FAULT, FAULT])
        await tickets.flush()
        calendar.day += timedelta(days=3)
        tickets.note([FAULT])
        await tickets.flush()
        (found,) = await tickets.listed()
    assert (found.fault, found.count) == (FAULT, 3)
    assert (found.first_seen, found.last_seen) == (DAY, DAY + timedelta(days=3))


async def test_gateways_that_meet_the_same_fault_add_up(own_database: Database) -> None:
    async with Store(own_database.url) as store, Store(own_database.url) as other:
        await store.prepare()
        both = [Tickets(store, Calendar()), Tickets(other, Calendar())]
        for tickets in both:
            tickets.note([FAULT])
        await asyncio.gather(*(tickets.flush() for tickets in both))
        assert [ticket.count for ticket in await both[0].listed()] == [2]


async def test_a_ticket_that_nobody_meets_any_more_goes(tmp_path: Path) -> None:
    calendar = Calendar()
    async with Store(f"sqlite:///{tmp_path}/s.db") as store:
        await store.prepare()
        tickets = Tickets(store, calendar)
        tickets.note([FAULT])
        await tickets.flush()
        calendar.day += timedelta(days=KEPT_DAYS + 1)
        other = RowFault("court", "P-FY-01", "CLOCK_MISSING")
        tickets.note([other])
        await tickets.flush()
        assert [ticket.fault for ticket in await tickets.listed()] == [other]
        assert await tickets.listed(since=calendar.day + timedelta(days=1)) == []


async def test_rows_beyond_the_limit_are_counted_together(tmp_path: Path) -> None:
    faults = [replace(FAULT, row=f"{n:016x}") for n in range(ROWS_NAMED + 7)]
    async with Store(f"sqlite:///{tmp_path}/s.db") as store:
        await store.prepare()
        tickets = Tickets(store, Calendar())
        tickets.note(faults)
        await tickets.flush()
        found = await tickets.listed()
    assert len(found) == ROWS_NAMED + 1
    assert {ticket.fault.row: ticket.count for ticket in found}[""] == 7


async def test_the_next_day_rows_are_named_again(tmp_path: Path) -> None:
    calendar = Calendar()
    async with Store(f"sqlite:///{tmp_path}/s.db") as store:
        await store.prepare()
        tickets = Tickets(store, calendar)
        tickets.note(replace(FAULT, row=f"{n:016x}") for n in range(ROWS_NAMED))
        calendar.day += timedelta(days=1)
        tickets.note([replace(FAULT, row="new")])
        await tickets.flush()
        assert "new" in {ticket.fault.row for ticket in await tickets.listed()}


async def test_a_row_of_a_file_is_named_by_the_longest_place_there_is(own_database: Database) -> None:
    fault = replace(FAULT, row=f"{'名' * 255}:{1 << 32}")
    async with Store(own_database.url) as store:
        await store.prepare()
        tickets = Tickets(store, Calendar())
        tickets.note([fault])
        await tickets.flush()
        assert [ticket.fault for ticket in await tickets.listed()] == [fault]


async def test_a_store_that_is_down_loses_no_count(tmp_path: Path) -> None:
    async with Store(f"sqlite:///{tmp_path}/s.db") as store:
        tickets = Tickets(store, Calendar())
        tickets.note([FAULT])
        with pytest.raises(StoreUnavailable):
            await tickets.flush()  # there are no tables yet
        await store.prepare()
        await tickets.flush()
        assert [ticket.count for ticket in await tickets.listed()] == [1]


async def test_what_was_counted_is_written_at_the_end(tmp_path: Path) -> None:
    async with Store(f"sqlite:///{tmp_path}/s.db") as store:
        await store.prepare()
        async with Tickets(store, Calendar()) as tickets:
            tickets.note([FAULT])
        assert [ticket.count for ticket in await tickets.listed()] == [1]
