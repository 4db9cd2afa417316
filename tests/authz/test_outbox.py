"""Notices: durable with what they tell of, in an order that a cursor can follow."""

import asyncio
from datetime import datetime

import pytest

from authz import outbox
from authz.outbox import OFFICE, Notice, NoticeKind, Recipient, RecipientKind
from authz.store import Store
from catalogue.values import CHINA_TIME
from tests.support.databases import Database
from tests.support.stores import stored

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=CHINA_TIME)
POLICE = Recipient(RecipientKind.DEPARTMENT, "GA")
TAX = Recipient(RecipientKind.DEPARTMENT, "SW")


def notice(to: Recipient, pointer: str) -> Notice:
    return Notice(to, NoticeKind.CASE_FILED, pointer, NOW)


async def told(store: Store, number: int, *to: Recipient, first: int = 100) -> list[Notice]:
    async with store.reading() as connection:
        return await outbox.after(connection, number, to, first)


async def test_each_party_reads_its_own_on_from_where_it_stopped(own_database: Database):
    async with stored(own_database) as store:
        async with store.writing() as connection:
            await outbox.within(connection, notice(POLICE, "ca_first"), notice(TAX, "ca_second"))
            await outbox.within(connection, notice(POLICE, "ca_third"), notice(OFFICE, "ca_fourth"))
        (one,) = await told(store, 0, POLICE, first=1)
        assert one == Notice(POLICE, NoticeKind.CASE_FILED, "ca_first", NOW, one.number)
        assert [each.pointer for each in await told(store, one.number, POLICE)] == ["ca_third"]
        assert [each.pointer for each in await told(store, 0, TAX, OFFICE)] == ["ca_second", "ca_fourth"]


async def test_a_change_that_fails_tells_nobody(own_database: Database):
    async with stored(own_database) as store:

        async def fail() -> None:
            async with store.writing() as connection:
                await outbox.within(connection, notice(POLICE, "ca_never"))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await fail()
        assert await told(store, 0, POLICE) == []


async def test_a_reader_with_a_cursor_misses_nothing_that_processes_write_at_once(own_database: Database):
    seen: list[Notice] = []

    async def write(writer: int) -> None:
        async with Store(own_database.url) as store:
            for number in range(20):
                async with store.writing() as connection:
                    await outbox.within(connection, notice(POLICE, f"ca_{writer:02}x{number:02}"))

    async def read(store: Store) -> None:
        while len(seen) < 80:
            seen.extend(await told(store, seen[-1].number if seen else 0, POLICE, first=3))

    async with stored(own_database) as store, asyncio.timeout(60):
        await asyncio.gather(read(store), *(write(writer) for writer in range(4)))
    assert len({each.pointer for each in seen}) == 80
    assert [each.number for each in seen] == sorted({each.number for each in seen})


async def test_numbers_rise_when_old_notices_were_deleted(own_database: Database):
    async with stored(own_database) as store:
        async with store.writing() as connection:
            await outbox.within(connection, notice(POLICE, "ca_first"))
        (one,) = await told(store, 0, POLICE)
        await own_database.execute("DELETE FROM outbox")
        async with store.writing() as connection:
            await outbox.within(connection, notice(POLICE, "ca_second"))
        (two,) = await told(store, one.number, POLICE)
        assert two.pointer == "ca_second"


@pytest.mark.parametrize(
    "pointer", ["", "测试甲", "990101199001010015", "ca_测试甲", "ca_x y z", "罚款500元"]
)
def test_a_notice_holds_no_more_than_a_reference(pointer: str):
    with pytest.raises(ValueError, match="points to"):
        notice(POLICE, pointer)
