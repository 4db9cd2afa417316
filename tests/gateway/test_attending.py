import asyncio
from contextlib import suppress

import pytest

from gateway.attending import Gone, Late, attended


async def until_cancelled(ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        ended.set()


async def at_once() -> None:
    pass


async def never() -> None:
    await asyncio.Event().wait()


async def test_what_is_done_in_time_is_given_back():
    assert await attended(asyncio.sleep(0, "done"), 5, never()) == "done"
    with pytest.raises(KeyError):
        await attended(failing(), 5, never())


async def failing() -> None:
    raise KeyError


@pytest.mark.parametrize(
    ("seconds", "leaving", "reason"), [(0.001, None, Late), (0.001, never, Late), (5, at_once, Gone)]
)
async def test_what_is_given_up_has_ended_before_it_is_told(seconds, leaving, reason):
    ended = asyncio.Event()
    with pytest.raises(reason):
        await attended(until_cancelled(ended), seconds, leaving() if leaving else None)
    assert ended.is_set()
    assert not asyncio.current_task().cancelling()


async def test_what_a_client_may_not_send_is_told_and_not_taken_for_its_leaving():
    ended = asyncio.Event()
    with pytest.raises(KeyError):
        await attended(until_cancelled(ended), 5, failing())
    assert ended.is_set()
    assert not asyncio.current_task().cancelling()


async def test_work_that_ends_its_own_way_after_it_was_given_up_does_not_answer():
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "answer"

    with pytest.raises(Late):
        await attended(stubborn(), 0.001)


async def test_a_client_that_goes_when_the_work_is_done_disturbs_nobody():
    leaving = asyncio.Event()

    async def last() -> str:
        leaving.set()
        await asyncio.sleep(0)
        return "done"

    async def gone() -> None:
        await leaving.wait()

    for _ in range(3):
        leaving.clear()
        with suppress(Gone):
            assert await attended(last(), 5, gone()) == "done"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not asyncio.current_task().cancelling()


async def test_who_cancels_the_request_cancels_the_work():
    ended = asyncio.Event()
    request = asyncio.ensure_future(attended(until_cancelled(ended), 5, never()))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert ended.is_set()
