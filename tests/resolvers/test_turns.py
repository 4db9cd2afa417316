"""Who works on many subjects leaves room to who asks about one."""

from __future__ import annotations

import asyncio
from math import ceil

import pytest

from authz.errors import Throttled
from catalogue.identifiers import KeyKind, SubjectKey
from resolvers import turns
from resolvers.recording import TOGETHER, each_of
from resolvers.turns import Turns, breathing

KEYS = [SubjectKey(KeyKind.CITIZEN_ID, f"99010119{number:08d}0X") for number in range(2 * TOGETHER + 3)]


async def ran_between(subjects: int) -> int:
    """How often somebody else who was ready ran while so many subjects were worked on."""
    loop, ran = asyncio.get_running_loop(), [0]

    def ready() -> None:
        ran[0] += 1
        loop.call_soon(ready)

    loop.call_soon(ready)
    assert [one async for one in breathing(range(subjects))] == list(range(subjects))
    return ran[0]


async def test_when_a_slice_is_over_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", -1.0)
    assert await ran_between(5) == 5


async def test_within_a_slice_nobody_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE", 3600.0)
    assert await ran_between(5) == 0


async def test_clients_take_turns_and_the_chunks_of_each_go_in_the_order_they_came() -> None:
    places, order = Turns(at_once=1, patience=60), []

    async def chunk(name: str) -> None:
        async with places.taken(name[0]):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*map(chunk, ["a1", "a2", "a3", "a4", "b1", "c1", "b2"]))
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_so_many_at_once() -> None:
    places, inside, most = Turns(at_once=2, patience=60), 0, 0

    async def chunk(client: str) -> None:
        nonlocal inside, most
        async with places.taken(client):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    for _ in range(2):
        await asyncio.gather(*map(chunk, "aabbcd"))
    assert most == 2


async def test_who_gets_no_turn_in_time_is_told_when_to_come_back() -> None:
    places = Turns(at_once=1, patience=0.01)
    async with places.taken("a"):
        with pytest.raises(Throttled) as busy:
            await places.taken("b").__aenter__()
    assert (busy.value.code, busy.value.retry_after) == ("GATEWAY_BUSY", 1)
    async with places.taken("c"):
        """Whoever gave up took no place."""


async def test_many_are_told_to_come_back_one_turn_after_the_other() -> None:
    places = Turns(at_once=1, patience=0.01)

    async def told() -> int | None:
        with pytest.raises(Throttled) as busy:
            await places.taken("b").__aenter__()
        return busy.value.retry_after

    async with places.taken("a"):
        waits = await asyncio.gather(*(told() for _ in range(100)))
    once = int(turns.LONGEST / turns.PACE)
    assert waits[: once - 1] == [ceil(number * turns.PACE) for number in range(1, once)]
    assert (waits[once + 1], max(waits)) == (1, turns.LONGEST), "and from the beginning again"


async def test_turns_that_were_given_up_cost_their_client_none() -> None:
    places, order = Turns(at_once=1, patience=60), []

    async def chunk(name: str) -> None:
        async with places.taken(name[0]):
            order.append(name)

    async with places.taken("z"):
        given_up = [asyncio.ensure_future(chunk(f"a{number}")) for number in range(5)]
        others = [asyncio.ensure_future(chunk(name)) for name in ("b1", "b2", "a9")]
        await asyncio.sleep(0)
        for one in given_up:
            one.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        assert places._line.ahead("another") == 2, "one of each who still waits"
    await asyncio.gather(*others)
    assert order == ["a9", "b1", "b2"]


@pytest.mark.parametrize("late", [False, True])
async def test_a_client_that_goes_away_leaves_its_place(*, late: bool) -> None:
    """`late`: at the very moment when its turn had come."""
    places = Turns(at_once=1, patience=60)
    async with places.taken("a"):
        waiting = asyncio.ensure_future(places.taken("b").__aenter__())
        await asyncio.sleep(0)
        if not late:
            waiting.cancel()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(60), places.taken("c"):
        """It is free."""


async def test_leaves_are_written_so_many_at_once_and_in_order() -> None:
    under_way = most = 0

    async def write(key: SubjectKey) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return key.value

    assert await each_of(KEYS, write) == [key.value for key in KEYS]
    assert most == TOGETHER


async def test_what_is_made_may_be_a_refusal() -> None:
    async def write(key: SubjectKey) -> Exception:
        return ValueError(key.value)

    assert [str(one) for one in await each_of(KEYS, write)] == [key.value for key in KEYS]


async def test_after_one_that_fails_those_beside_it_are_finished_and_no_more_begun() -> None:
    finished: list[SubjectKey] = []

    async def write(key: SubjectKey) -> None:
        if key == KEYS[1]:
            raise ValueError(key.value)
        await asyncio.sleep(0)
        finished.append(key)

    with pytest.raises(ValueError, match=KEYS[1].value):
        await each_of(KEYS, write)
    assert finished == [KEYS[0], *KEYS[2:TOGETHER]]
