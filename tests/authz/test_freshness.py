"""What is new in the store is asked for once by all who need it, and nobody waits for the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from authz import freshness
from authz.errors import AuditUnavailable
from authz.freshness import FRESH, Freshness
from authz.store import Store


class Looks:
    """Looks at a real store, which begin when they are let."""

    def __init__(self, store: Store) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.number = 0
        self.statement = "SELECT 1"
        self.fault: Exception | None = None
        self.now = 100.0
        self.loop = asyncio.get_running_loop()
        self.freshness = Freshness(store, self.learn, lambda: self.now)

    def learn(self, connection: Connection) -> None:
        self.number += 1
        self.loop.call_soon_threadsafe(self.begun.set)
        assert self.gate.wait(60)
        fault, self.fault = self.fault, None
        if fault:
            raise fault
        connection.execute(text(self.statement))


@pytest.fixture
async def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Looks]:
    monkeypatch.setattr(freshness, "PATIENCE", 60)
    async with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        await store.prepare()
        yield Looks(store)


async def test_a_look_serves_all_who_ask_while_it_holds(looks: Looks) -> None:
    await asyncio.gather(*(looks.freshness.refresh() for _ in range(50)))
    looks.now += FRESH / 2
    await looks.freshness.refresh()
    assert looks.number == 1
    looks.now += FRESH / 2
    await asyncio.gather(*(looks.freshness.refresh() for _ in range(50)))
    assert looks.number == 2
    looks.freshness.forget()
    await looks.freshness.refresh()
    assert looks.number == 3


async def test_who_confirms_during_a_look_waits_for_the_next_which_all_of_them_share(looks: Looks) -> None:
    looks.gate.clear()
    early = asyncio.create_task(looks.freshness.confirm())
    await looks.begun.wait()
    late = [asyncio.create_task(looks.freshness.confirm()) for _ in range(50)]
    looks.gate.set()
    await asyncio.gather(early, *late)
    assert looks.number == 2


@pytest.mark.parametrize("needed", ["refresh", "confirm"])
async def test_all_who_waited_for_a_look_go_on_together(looks: Looks, needed: str) -> None:
    looks.gate.clear()
    waiting = [asyncio.create_task(getattr(looks.freshness, needed)()) for _ in range(200)]
    await looks.begun.wait()
    looks.gate.set()
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for _ in range(3):  # rounds of the loop, which under load take long: not one for each of them
        await asyncio.sleep(0)
    assert [each.done() for each in waiting] == [True] * 200


async def test_looks_follow_each_other_whenever_somebody_asks(looks: Looks) -> None:
    async def often() -> None:
        for _ in range(30):
            await looks.freshness.confirm()
            looks.now += FRESH
            await looks.freshness.refresh()

    await asyncio.wait_for(asyncio.gather(*(often() for _ in range(30))), 60)
    assert 60 <= looks.number <= 1_800


async def test_a_look_that_took_long_serves_those_alone_who_asked_before_it(looks: Looks) -> None:
    looks.gate.clear()
    early = asyncio.create_task(looks.freshness.refresh())
    await looks.begun.wait()
    looks.now += FRESH / 2
    late = asyncio.create_task(looks.freshness.refresh())
    await asyncio.sleep(0)
    looks.now += 2 * FRESH
    looks.gate.set()
    await early
    assert looks.number == 1
    await late
    assert looks.number == 2


async def test_a_look_is_as_old_as_its_beginning(looks: Looks) -> None:
    looks.gate.clear()
    first = asyncio.create_task(looks.freshness.refresh())
    await looks.begun.wait()
    looks.now += FRESH
    looks.gate.set()
    await first
    await looks.freshness.refresh()
    assert looks.number == 2


async def test_what_this_process_changed_is_no_look_that_was_under_way(looks: Looks) -> None:
    looks.gate.clear()
    under_way = asyncio.create_task(looks.freshness.refresh())
    await looks.begun.wait()
    looks.freshness.forget()
    after = asyncio.create_task(looks.freshness.refresh())
    looks.gate.set()
    await asyncio.gather(under_way, after)
    assert looks.number == 2
    await looks.freshness.refresh()
    assert looks.number == 2


@pytest.mark.parametrize("who", [0, 1])
async def test_who_leaves_leaves_alone(looks: Looks, who: int) -> None:
    looks.gate.clear()
    asked = [asyncio.create_task(looks.freshness.confirm()) for _ in range(3)]
    await looks.begun.wait()
    asked[who].cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked.pop(who)
    looks.gate.set()
    await asyncio.gather(*asked)
    await looks.freshness.refresh()


async def test_a_store_that_hangs_is_given_up_by_all(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "PATIENCE", 0.05)
    looks.gate.clear()
    said = await asyncio.gather(*(looks.freshness.refresh() for _ in range(50)), return_exceptions=True)
    assert [type(each) for each in said] == [AuditUnavailable] * 50
    monkeypatch.setattr(freshness, "PATIENCE", 60)
    looks.gate.set()
    await looks.freshness.refresh()


async def test_what_nobody_foresaw_is_told_to_one_and_tried_again(looks: Looks) -> None:
    looks.gate.clear()
    looks.fault = KeyError("unforeseen")
    one = asyncio.create_task(looks.freshness.refresh())
    await looks.begun.wait()
    other = asyncio.create_task(looks.freshness.refresh())
    await asyncio.sleep(0)
    looks.gate.set()
    with pytest.raises(KeyError):
        await one
    await other


async def test_a_look_that_fails_serves_nobody(looks: Looks) -> None:
    looks.statement = "SELECT nothing FROM nowhere"
    looks.gate.clear()
    waiting = [asyncio.create_task(looks.freshness.refresh()) for _ in range(50)]
    await looks.begun.wait()
    looks.gate.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in said] == [AuditUnavailable] * 50
    assert looks.number == 1
    looks.statement = "SELECT 1"
    await looks.freshness.refresh()
    assert looks.number == 2
