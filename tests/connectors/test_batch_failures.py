"""What fails when questions travel as one: only those whose data it is, and within the source's own room."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

from catalogue.identifiers import SubjectKey
from connectors import batching
from connectors.errors import (
    ConnectionDied,
    SourceBusy,
    SourceDrift,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.guard import Guarded
from connectors.protocol import Answer, Ask
from tests.support.desk import KEYS, Desk, ask, guarded, patient, soon, under_way

__all__ = ["patient"]


def poisoned(*bad: SubjectKey, error: Callable[[], Exception]) -> Callable[[Ask], Exception | None]:
    return lambda asked: error() if set(bad) & set(asked.keys) else None


def stumbling(desk: Desk, together: int) -> Callable[[Ask], Exception | None]:
    """A statement about so many fails on data, and what is asked from then on waits for another gate."""

    def fault(asked: Ask) -> Exception | None:
        if len(asked.keys) < together:
            return None
        desk.gate = asyncio.Event()
        raise SourceRubbish("tt-test", "STATEMENT")  # not returned: the desk would keep it in its own frame

    return fault


async def gathered(desk: Desk, source: Guarded, many: int) -> list[asyncio.Task[Answer]]:
    """So many questions that will travel as one, when the gate is opened."""
    await under_way(desk, source)
    waiting = [asyncio.create_task(source.fetch(ask(key))) for key in KEYS[:many]]
    await soon()
    return waiting


@pytest.mark.parametrize(
    "error",
    [
        lambda: SourceRubbish("tt-test", "STATEMENT"),
        lambda: SourceDrift("tt-test", "COLUMN_TYPE"),
        lambda: ValueError("a fault of our own"),
    ],
)
async def test_a_poisoned_key_hurts_only_its_own_waiter(error: Callable[[], Exception]) -> None:
    desk = Desk(breaker={"failures": 1})
    source = guarded(desk)
    waiting = await gathered(desk, source, 16)
    desk.fault = poisoned(KEYS[5], error=error)
    desk.gate.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    failed = [at for at, each in enumerate(said) if isinstance(each, Exception)]
    assert failed == [5]
    assert isinstance(said[5], SourceRubbish | SourceDrift)
    # all, four parts of four, and the four of the part with the fault
    assert [len(each.keys) for each in desk.asked[batching.AT_ONCE :]] == [16, 4, 4, 4, 4, 1, 1, 1, 1]


async def test_the_healthy_do_not_wait_for_one_part_after_the_other() -> None:
    desk = Desk(pool=8, breaker={"failures": 9})
    source = guarded(desk)
    waiting = await gathered(desk, source, 64)
    held = asyncio.Event()

    def fault(asked: Ask) -> Exception | None:
        if KEYS[5] not in asked.keys:
            return None
        desk.gate = held  # for what is asked from now on
        return SourceRubbish("tt-test", "STATEMENT")

    desk.fault = fault
    desk.gate.set()
    await soon()
    await soon()
    assert [len(each.keys) for each in desk.asked[batching.AT_ONCE :]] == [64, *[8] * 8]
    held.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    assert [at for at, each in enumerate(said) if isinstance(each, Exception)] == [5]


@pytest.mark.parametrize(
    "manifest",
    [
        {"pool": 1, "inFlight": 2},
        {"pool": 64, "inFlight": 4},
        {"pool": 64, "inFlight": 64, "breaker": {"failures": 3}},
    ],
)
async def test_parts_take_no_more_room_than_there_is(manifest: dict[str, Any]) -> None:
    desk = Desk(**manifest)
    source = guarded(desk)
    waiting = await gathered(desk, source, 64)
    bad = KEYS[3:64:7]
    desk.fault = poisoned(*bad, error=lambda: SourceRubbish("tt-test", "STATEMENT"))
    desk.gate.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    told = {key: str(each) for key, each in zip(KEYS, said, strict=False) if isinstance(each, Exception)}
    assert told == dict.fromkeys(bad, "tt-test: STATEMENT")


async def test_a_source_that_hangs_ends_the_parts_without_opening_the_breaker_by_them_alone() -> None:
    desk = Desk(pool=64, inFlight=64, deadlineMs=1_000, breaker={"failures": 3})
    source = guarded(desk)
    waiting = await gathered(desk, source, 64)
    desk.fault = stumbling(desk, 64)
    desk.gate.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in said} == {SourceTimeout}
    desk.gate.set()
    assert len((await source.fetch(ask(KEYS[0]))).rows) == 1, "the breaker is closed"


async def test_those_of_a_part_may_leave_while_others_are_asked() -> None:
    desk = Desk()
    source = guarded(desk)
    waiting = await gathered(desk, source, 8)
    desk.fault = stumbling(desk, 8)
    desk.gate.set()
    await soon()
    await soon()
    for leaving in waiting[:7]:
        leaving.cancel()
    await soon()
    assert not desk.cancelled, "one is left"
    waiting[7].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [len(each.keys) for each in desk.cancelled] == [2, 2, 2, 2]


@pytest.mark.parametrize(
    "error", [SourceTimeout, SourceUnavailable, SourceBusy, lambda _: SourceDrift("tt-test")]
)
async def test_what_fails_on_time_or_connection_is_not_asked_again(error: Any) -> None:
    desk = Desk(breaker={"failures": 100})
    source = guarded(desk)
    waiting = await gathered(desk, source, 16)
    desk.fault = poisoned(KEYS[5], error=lambda: error("tt-test"))
    desk.gate.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    assert len(desk.asked) == batching.AT_ONCE + 1
    assert len({type(each) for each in said}) == 1
    # nobody writes into another's traceback
    assert len({id(each) for each in said}) == len(said)


async def test_a_dead_connection_is_retried_once_for_all() -> None:
    desk = Desk()
    source = guarded(desk)
    waiting = await gathered(desk, source, 5)
    dead = [ConnectionDied("tt-test")]
    desk.fault = lambda asked: dead.pop() if len(asked.keys) > 1 and dead else None
    desk.gate.set()
    assert len(await asyncio.gather(*waiting)) == 5
    assert [len(each.keys) for each in desk.asked[2:]] == [5, 5]


async def test_a_batch_counts_once_for_the_breaker_and_once_for_the_bulkhead() -> None:
    desk = Desk(breaker={"failures": 4}, inFlight=2)
    source = guarded(desk)
    waiting = await gathered(desk, source, 30)
    desk.fault = lambda _ask: SourceUnavailable("tt-test", "CONNECT")
    desk.gate.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    assert {str(each) for each in said} == {"tt-test: CONNECT"}
    # two and one have failed: the fourth opens it
    with pytest.raises(SourceUnavailable, match="CONNECT"):
        await source.fetch(ask(KEYS[0]))
    with pytest.raises(SourceUnavailable, match="BREAKER_OPEN"):
        await source.fetch(ask(KEYS[0]))


async def test_nothing_of_parts_that_were_given_up_waits_for_the_collector() -> None:
    desk = Desk()
    source = guarded(desk)
    waiting = await gathered(desk, source, 8)
    desk.fault = stumbling(desk, 8)
    gc.collect()
    gc.disable()
    try:
        desk.gate.set()
        await soon()
        await soon()
        assert len(desk.asked) > batching.AT_ONCE + 1, "parts are under way"
        for leaving in waiting:
            leaving.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        del waiting, leaving
        await soon()
        assert [one for one in gc.get_objects() if isinstance(one, batching._Batch)] == []
        assert [one for one in gc.get_objects() if isinstance(one, batching._Waiter)] == []
    finally:
        gc.enable()
