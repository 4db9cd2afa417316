"""Questions that travel as one, over a source that is told when to answer; nothing waits for a clock."""

from __future__ import annotations

import asyncio
import gc

import pytest
from stdnum.cn import uscc

from catalogue.identifiers import SubjectKey, normalize_uscc
from connectors import batching
from connectors.errors import (
    SourceBusy,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.protocol import Answer, Links, Reject
from tests.support.desk import KEYS, Desk, ask, guarded, patient, soon, under_way

__all__ = ["patient"]


async def test_the_first_is_asked_at_once_and_alone_under_its_own_trace() -> None:
    desk = Desk()
    desk.gate.set()
    found = await guarded(desk).fetch(ask(KEYS[0], trace="r-7"))
    assert [each.trace for each in desk.asked] == ["r-7"]
    assert (list(found.rows), found.batch) == ([KEYS[0]], "")


async def test_who_comes_in_one_round_of_the_loop_goes_together() -> None:
    desk = Desk()
    desk.gate.set()
    source = guarded(desk)
    await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:5]))
    assert [len(each.keys) for each in desk.asked] == [5]


async def test_who_is_alone_is_cancelled_alone_and_leaves_the_lane_empty() -> None:
    desk = Desk()
    source = guarded(desk)
    asking = asyncio.create_task(source.fetch(ask(KEYS[0])))
    await soon()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert desk.cancelled == desk.asked
    assert source._batches._lanes == {}


async def test_what_arrives_meanwhile_travels_as_one_and_each_gets_its_own_part() -> None:
    desk = Desk()
    source = guarded(desk)
    running = await under_way(desk, source)
    waiting = [asyncio.create_task(source.fetch(ask(key, KEYS[0]))) for key in KEYS[1:30]]
    await soon()
    assert len(desk.asked) == batching.AT_ONCE
    desk.gate.set()
    answers = await asyncio.gather(*waiting)
    assert len(desk.asked) == batching.AT_ONCE + 1
    assert set(desk.asked[-1].keys) == set(KEYS[:30])
    for key, answer in zip(KEYS[1:30], answers, strict=True):
        assert answer.rows.keys() == {key, KEYS[0]}
        assert answer.rows[key][0].identity == key.value
        assert answer.batch == desk.asked[-1].trace != "r-1"
    assert all(answer.batch == "" for answer in await asyncio.gather(*running))


async def test_rejects_truncation_and_links_are_told_to_those_they_are_about() -> None:
    desk = Desk()
    source = guarded(desk)
    await under_way(desk, source)
    waiting = [asyncio.create_task(source.fetch(ask(key))) for key in KEYS[:3]]
    await soon()
    links = Links(former=(KEYS[9],))
    desk.more = {
        "rejects": {KEYS[0]: (Reject("DATE"),)},
        "truncated": frozenset({KEYS[1]}),
        "links": {KEYS[2]: links},
    }
    desk.gate.set()
    first, second, third = await asyncio.gather(*waiting)
    assert (first.rejects, first.truncated, first.links) == ({KEYS[0]: (Reject("DATE"),)}, frozenset(), {})
    assert (second.rejects, second.truncated, second.links) == ({}, {KEYS[1]}, {})
    assert (third.rejects, third.truncated, third.links) == ({}, frozenset(), {KEYS[2]: links})
    assert third.rows.keys() == {KEYS[2], KEYS[9]}


async def test_other_fields_are_another_question_and_a_lane_does_not_wait_for_another() -> None:
    desk = Desk()
    source = guarded(desk)
    await under_way(desk, source)
    wide = [asyncio.create_task(source.fetch(ask(key, fields="documentNo reason"))) for key in KEYS[:9]]
    narrow = [asyncio.create_task(source.fetch(ask(key))) for key in KEYS[:9]]
    await soon()
    assert len(desk.asked) == batching.AT_ONCE + 1
    desk.gate.set()
    for answers, fields in ((wide, {"documentNo", "reason"}), (narrow, {"documentNo"})):
        for answer in await asyncio.gather(*answers):
            assert all(row.values.keys() == fields for (row,) in answer.rows.values())
    assert [each.fields for each in desk.asked[2:]] == [{"documentNo", "reason"}, {"documentNo"}]


async def test_a_batch_holds_so_many_subjects_and_askers_take_turns() -> None:
    desk = Desk(batchKeys=10)
    source = guarded(desk)
    await under_way(desk, source)
    greedy = [asyncio.create_task(source.fetch(ask(key, asker="greedy"))) for key in KEYS[:100]]
    await soon()
    modest = asyncio.create_task(source.fetch(ask(KEYS[200], asker="modest")))
    await soon()
    desk.gate.set()
    await modest
    assert KEYS[200] in desk.asked[batching.AT_ONCE].keys
    await asyncio.gather(*greedy)
    assert [len(each.keys) for each in desk.asked[2:-1]] == [10] * 10
    assert set(desk.asked[2].keys) >= set(KEYS[:9])


async def test_a_question_for_many_goes_whole_and_is_joined_by_nobody_beyond_the_limit() -> None:
    desk = Desk(batchKeys=10)
    source = guarded(desk)
    await under_way(desk, source)
    bulk = asyncio.create_task(source.fetch(ask(*KEYS[:50], asker="bulk")))
    single = asyncio.create_task(source.fetch(ask(KEYS[60])))
    await soon()
    desk.gate.set()
    assert len((await bulk).rows) == 50
    assert len((await single).rows) == 1
    assert [len(each.keys) for each in desk.asked[2:]] == [50, 1]


async def test_companies_that_share_a_short_form_never_travel_together() -> None:
    desk = Desk()
    source = guarded(desk)
    await under_way(desk, source)
    bodies = ("91990100MA9TE0014", "92990100MA9TE0014")
    one, other = (SubjectKey.entity(normalize_uscc(body + uscc.calc_check_digit(body))) for body in bodies)
    waiting = [asyncio.create_task(source.fetch(ask(key))) for key in (one, other, one)]
    await soon()
    desk.gate.set()
    await asyncio.gather(*waiting)
    assert [each.keys for each in desk.asked[2:]] == [(one,), (other,), (one,)]


async def test_beyond_the_room_for_those_who_wait_the_source_is_busy_at_once() -> None:
    desk = Desk(inFlight=2, batchKeys=5)
    source = guarded(desk)
    await under_way(desk, source)
    waiting = [asyncio.create_task(source.fetch(ask(key))) for key in KEYS[:10]]
    await soon()
    with pytest.raises(SourceBusy, match="QUEUE_FULL"):
        await source.fetch(ask(KEYS[20]))
    desk.gate.set()
    assert len(await asyncio.gather(*waiting)) == 10


async def test_one_who_takes_all_the_room_gives_way_to_another() -> None:
    desk = Desk(inFlight=2, batchKeys=5)
    source = guarded(desk)
    await under_way(desk, source)
    greedy = [asyncio.create_task(source.fetch(ask(key, asker="greedy"))) for key in KEYS[:10]]
    await soon()
    modest = [asyncio.create_task(source.fetch(ask(key, asker="modest"))) for key in KEYS[20:27]]
    await soon()
    desk.gate.set()
    said = await asyncio.gather(*greedy, *modest, return_exceptions=True)
    busy = [number for number, each in enumerate(said) if isinstance(each, SourceBusy)]
    assert busy == [5, 6, 7, 8, 9, 15, 16], "until both wait for as many"
    assert {str(said[number]) for number in busy} == {"tt-test: QUEUE_FULL"}


# Leaving


async def test_one_who_leaves_takes_nobody_along() -> None:
    desk = Desk()
    source = guarded(desk)
    await under_way(desk, source)
    waiting = [asyncio.create_task(source.fetch(ask(key))) for key in KEYS[:6]]
    await soon()
    waiting[0].cancel()
    await soon()
    gate, desk.gate = desk.gate, asyncio.Event()
    gate.set()
    await soon()
    assert set(desk.asked[-1].keys) == set(KEYS[1:6])
    waiting[1].cancel()
    await soon()
    assert desk.cancelled == []
    desk.gate.set()
    said = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in said] == [asyncio.CancelledError] * 2 + [Answer] * 4


async def test_the_query_is_cancelled_when_its_last_waiter_leaves() -> None:
    desk = Desk()
    source = guarded(desk)
    running = await under_way(desk, source)
    waiting = [asyncio.create_task(source.fetch(ask(key))) for key in KEYS[:6]]
    await soon()
    gate, desk.gate = desk.gate, asyncio.Event()
    gate.set()
    await asyncio.gather(*running)
    for each in waiting[:5]:
        each.cancel()
    await soon()
    assert desk.cancelled == []
    waiting[5].cancel()
    await soon()
    assert desk.cancelled == [desk.asked[-1]]
    desk.gate.set()
    assert len((await source.fetch(ask(KEYS[0]))).rows) == 1


async def test_a_storm_of_cancels_leaves_nothing_behind() -> None:
    desk = Desk()
    source = guarded(desk)
    for _ in range(20):
        desk.gate.clear()
        tasks = [asyncio.create_task(source.fetch(ask(key, asker=key.value[-1]))) for key in KEYS[:200]]
        await soon()
        for number, each in enumerate(tasks):
            if number % 3:
                each.cancel()
        desk.gate.set()
        said = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, Answer) for each in said[::3])
    await soon()
    assert source._batches._lanes == {}
    assert source._batches._tasks == set()


async def test_a_driver_that_gives_up_by_itself_cancels_nobody() -> None:
    desk = Desk()
    desk.fault = lambda _ask: None
    source = guarded(desk)
    asking = asyncio.create_task(source.fetch(ask(KEYS[0])))
    await soon()
    for task in source._batches._tasks:
        task.cancel()
    with pytest.raises(SourceUnavailable):
        await asking


# Time


async def test_each_keeps_its_own_deadline() -> None:
    desk = Desk(deadlineMs=4_000, breaker={"failures": 3})
    source = guarded(desk)
    started = asyncio.get_running_loop().time()
    running = await under_way(desk, source)
    early = asyncio.create_task(source.fetch(ask(KEYS[0])))
    await asyncio.sleep(started + 2 - asyncio.get_running_loop().time())  # deadlines are what is tested
    late = asyncio.create_task(source.fetch(ask(KEYS[1])))
    await soon()
    gate, desk.gate = desk.gate, asyncio.Event()
    gate.set()
    await asyncio.gather(*running)
    with pytest.raises(SourceTimeout):
        await early
    assert not late.done()
    desk.gate.set()
    assert len((await late).rows) == 1


async def test_a_source_that_hangs_is_one_timeout_for_all_who_came_together() -> None:
    desk = Desk(deadlineMs=30, breaker={"failures": 2})
    source = guarded(desk)
    said = await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:20]), return_exceptions=True)
    assert {str(each) for each in said} == {"tt-test: DEADLINE"}
    assert len(desk.cancelled) == 1
    desk.gate.set()
    assert len((await source.fetch(ask(KEYS[0]))).rows) == 1


async def test_bursts_that_hang_open_the_breaker() -> None:
    desk = Desk(deadlineMs=30, breaker={"failures": 3})
    source = guarded(desk)
    for _ in range(3):
        said = await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:8]), return_exceptions=True)
        assert {str(each) for each in said} == {"tt-test: DEADLINE"}
    with pytest.raises(SourceUnavailable, match="BREAKER_OPEN"):
        await source.fetch(ask(KEYS[0]))


async def test_nothing_of_a_question_that_was_given_up_waits_for_the_collector() -> None:
    desk = Desk(deadlineMs=30)
    source = guarded(desk)
    gc.collect()
    gc.disable()
    try:
        await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:2]), return_exceptions=True)
        await soon()
        assert [one for one in gc.get_objects() if isinstance(one, batching._Batch)] == []
    finally:
        gc.enable()


async def test_who_could_not_go_in_time_is_told_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(deadlineMs=2_000, pool=2, batchKeys=2)
    source = guarded(desk)
    monkeypatch.setattr(batching, "PATIENCE", 0.002)
    said = await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:10]), return_exceptions=True)
    told = [str(each) for each in said]
    assert told.count("tt-test: DEADLINE") == 4
    assert told.count("tt-test: QUEUE_WAIT") == 6


async def test_nobody_waits_long_for_another_s_query_while_a_connection_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(pool=4)
    source = guarded(desk)
    running = await under_way(desk, source)
    monkeypatch.setattr(batching, "PATIENCE", 0.001)
    waiting = asyncio.create_task(source.fetch(ask(KEYS[0])))
    async with asyncio.timeout(60):
        while len(desk.asked) == batching.AT_ONCE:  # noqa: ASYNC110 -- until the desk is asked
            await asyncio.sleep(0)
    desk.gate.set()
    await asyncio.gather(waiting, *running)
