"""One hour's quota of a source, kept by processes that share a store and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from authz.source_use import SourceUse, source_use
from authz.store import Store
from connectors.errors import SourceBusy
from connectors.quota import Counter, HourlyQuota, OwnCounter
from tests.support.databases import Database
from tests.support.stores import stored

MINUTE = 60.0


class Clock:
    """Epoch seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000 * MINUTE

    def __call__(self) -> float:
        return self.now


class Counted:
    """Another counter that also counts how often it is asked."""

    def __init__(self, behind: Counter) -> None:
        self.behind = behind
        self.asked = 0

    async def lease(
        self, source: str, minute: int, limit: int, wanted: int, unused: tuple[int, int]
    ) -> int | None:
        self.asked += 1
        return await self.behind.lease(source, minute, limit, wanted, unused)


@pytest.fixture
async def stores(own_database: Database) -> AsyncIterator[tuple[Store, Store]]:
    """Two processes' stores in one database."""
    async with stored(own_database) as one, stored(own_database) as two:
        yield one, two


async def taken(quota: HourlyQuota, times: int) -> int:
    count = 0
    for _ in range(times):
        with suppress(SourceBusy):
            await quota.take()
            count += 1
    return count


@pytest.mark.parametrize("limit", [7, 200])
async def test_two_processes_take_no_more_than_one_quota_and_all_of_it(
    stores: tuple[Store, Store], limit: int
) -> None:
    clock = Clock()
    quotas = [HourlyQuota("tax", limit, SourceUse(store), clock) for store in stores]
    assert sum(await asyncio.gather(*(taken(quota, limit) for quota in quotas))) == limit
    assert await taken(HourlyQuota("court", limit, SourceUse(stores[0]), clock), 1) == 1, "another's quota"
    clock.now += 60 * MINUTE
    assert sum([await taken(quota, limit) for quota in quotas]) == 0, "the hour has not quite passed"
    clock.now += MINUTE
    assert sum([await taken(quota, limit) for quota in quotas]) == limit


@pytest.mark.parametrize("shared", [True, False])
async def test_what_a_minute_leaves_unused_is_there_for_the_next(
    stores: tuple[Store, Store], shared: bool
) -> None:
    clock = Clock()
    counter = SourceUse(stores[0]) if shared else OwnCounter()
    quota = HourlyQuota("tax", 100, counter, clock)
    for _ in range(30):
        await quota.take()
        clock.now += MINUTE
    assert await taken(quota, 100) == 70


async def test_few_questions_wait_for_the_store(stores: tuple[Store, Store]) -> None:
    counter = Counted(SourceUse(stores[0]))
    quota = HourlyQuota("tax", 500, counter, Clock())
    assert await taken(quota, 100) == 100
    assert counter.asked == 10
    assert await taken(quota, 500) == 400
    assert await taken(quota, 100) == 0
    assert counter.asked == 51, "a quota that is used up is not asked for again in the same minute"


async def test_without_the_store_nothing_is_taken_beyond_what_was_leased(
    stores: tuple[Store, Store],
) -> None:
    store, _ = stores
    quota = HourlyQuota("tax", 500, SourceUse(store), Clock())
    await quota.take()
    async with store.writing() as connection:
        await connection.run_sync(source_use.drop)
    assert await taken(quota, 100) == 9
    with pytest.raises(SourceBusy) as refused:
        await quota.take()
    assert refused.value.reason == "QUOTA_UNKNOWN"


async def test_a_store_that_hangs_is_not_waited_for() -> None:
    class Hanging:
        async def lease(self, *_: object) -> int | None:
            await asyncio.Event().wait()
            return None

    with pytest.raises(SourceBusy) as refused:
        await HourlyQuota("tax", 5, Hanging(), Clock()).take()
    assert refused.value.reason == "QUOTA_UNKNOWN"
