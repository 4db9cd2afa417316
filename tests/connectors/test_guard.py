"""The wrappers around every source, by an injected clock and by events, without waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime

import pytest

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import Label
from catalogue.values import CHINA_TIME
from connectors.errors import (
    ConnectionDied,
    SourceBusy,
    SourceDrift,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.guard import Bulkhead, guarded
from connectors.protocol import Answer, Ask, Finding, Source
from tests.support.small_catalogue import manifest_of, penalty_source

KEY = SubjectKey.person("990101198001010014")
ASK = Ask("P-TT-01", frozenset(), (KEY,))
ANSWER = Answer({KEY: ()}, datetime(2026, 1, 1, tzinfo=CHINA_TIME))


class Scripted:
    """A source that does what its script says: raise, wait for an event, or answer."""

    name = "tt-test"
    department = "TT"
    system = Label(zh="测试", en="Test")
    contact = "desk@example.cn"
    record_types = frozenset({"P-TT-01"})

    def __init__(self, *script):
        self.script = deque(script)
        self.asked = 0
        self.cancelled = 0
        self.closed = False
        self.waiting = asyncio.Event()

    def key_kinds(self, record_type):
        return frozenset({KeyKind.CITIZEN_ID}) if record_type == "P-TT-01" else frozenset()

    def settled(self, ask):
        return ask

    def lane(self, ask):
        return None

    async def fetch(self, ask):
        self.asked += 1
        await self._play()
        return ANSWER

    async def ping(self):
        await self._play()

    async def check(self):
        return [Finding("info", "CHECKED", self.name, "checked")]

    async def close(self):
        self.closed = True

    async def _play(self):
        step = self.script.popleft() if self.script else None
        if isinstance(step, Exception):
            raise step
        if step is not None:
            self.waiting.set()
            try:
                await step.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def guard(source, clock=None, **changes):
    manifest = manifest_of({"P-TT-01": penalty_source()}, **changes)
    return guarded(source, manifest, clock) if clock else guarded(source, manifest)


def unavailable():
    return SourceUnavailable("tt-test", "CONNECT")


async def failing(source, error, times):
    for _ in range(times):
        with pytest.raises(error):
            await source.fetch(ASK)


async def test_it_is_the_source_it_guards():
    behind = Scripted()
    source = guard(behind)
    assert isinstance(source, Source)
    assert (source.name, source.department, source.contact) == ("tt-test", "TT", "desk@example.cn")
    assert (source.system, source.record_types) == (behind.system, behind.record_types)
    assert source.key_kinds("P-TT-01") == {KeyKind.CITIZEN_ID}
    assert await source.fetch(ASK) is ANSWER
    assert [finding.code for finding in await source.check()] == ["CHECKED"]
    await source.close()
    assert behind.closed


# Deadline


async def test_a_slow_source_is_cancelled_at_the_deadline():
    behind = Scripted(asyncio.Event())
    with pytest.raises(SourceTimeout) as late:
        await guard(behind, deadlineMs=10).fetch(ASK)
    assert late.value.reason == "DEADLINE"
    assert behind.cancelled == 1


async def test_waiting_in_our_own_queue_until_the_deadline_is_busy_and_opens_no_breaker():
    behind = Scripted()
    source = guard(behind, deadlineMs=10, inFlight=1, breaker={"failures": 1})
    async with source._bulkhead:
        with pytest.raises(SourceBusy, match="QUEUE_WAIT"):
            await source.fetch(ASK)
    assert behind.asked == 0
    assert await source.fetch(ASK) is ANSWER


async def test_a_timeout_of_the_sources_own_is_not_taken_for_the_deadline():
    with pytest.raises(SourceRubbish):
        await guard(Scripted(TimeoutError())).fetch(ASK)


async def test_what_no_connector_foresaw_is_this_sources_own_fault():
    with pytest.raises(SourceRubbish) as fault:
        await guard(Scripted(AttributeError("990101198001010014"))).fetch(ASK)
    assert str(fault.value) == "tt-test: UNFORESEEN"


async def test_ping_is_bounded_too():
    with pytest.raises(SourceTimeout):
        await guard(Scripted(asyncio.Event()), deadlineMs=10).ping()


# Retry


async def test_a_dead_connection_is_retried_once():
    died = ConnectionDied("tt-test", "CONNECTION_DIED")
    behind = Scripted(died)
    assert await guard(behind).fetch(ASK) is ANSWER
    assert behind.asked == 2
    behind = Scripted(died, died)
    with pytest.raises(ConnectionDied):
        await guard(behind).fetch(ASK)
    assert behind.asked == 2


@pytest.mark.parametrize("error", [SourceUnavailable, SourceTimeout, SourceBusy, SourceRubbish, SourceDrift])
async def test_nothing_else_is_retried(error):
    behind = Scripted(error("tt-test"))
    with pytest.raises(error):
        await guard(behind).fetch(ASK)
    assert behind.asked == 1


async def test_the_retry_is_within_the_same_deadline():
    behind = Scripted(ConnectionDied("tt-test"), asyncio.Event())
    with pytest.raises(SourceTimeout):
        await guard(behind, deadlineMs=10).fetch(ASK)
    assert (behind.asked, behind.cancelled) == (2, 1)


# Bulkhead


async def test_beyond_the_queue_the_source_is_busy_at_once():
    gate = asyncio.Event()
    behind = Scripted(gate, gate)
    source = guard(behind, inFlight=1)
    running = asyncio.create_task(source.fetch(ASK))
    await behind.waiting.wait()
    queued = asyncio.create_task(source.fetch(ASK))
    await asyncio.sleep(0)
    with pytest.raises(SourceBusy) as full:
        await source.fetch(ASK)
    assert full.value.reason == "QUEUE_FULL"
    assert behind.asked == 1
    gate.set()
    assert await running is ANSWER
    assert await queued is ANSWER
    assert await source.fetch(ASK) is ANSWER


async def test_a_waiter_that_leaves_gives_its_place_back():
    bulkhead = Bulkhead("tt-test", 1)
    async with bulkhead:
        queued = asyncio.create_task(bulkhead.__aenter__())
        await asyncio.sleep(0)
        queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await queued
        other = asyncio.create_task(bulkhead.__aenter__())
        await asyncio.sleep(0)
        assert not other.done()
    await other


async def test_at_most_in_flight_run_together():
    gate = asyncio.Event()
    behind = Scripted(*[gate] * 6)
    source = guard(behind, inFlight=3)
    tasks = [asyncio.create_task(source.fetch(ASK)) for _ in range(6)]
    await behind.waiting.wait()
    await asyncio.sleep(0)
    assert behind.asked == 3
    gate.set()
    assert await asyncio.gather(*tasks) == [ANSWER] * 6


# Breaker


async def test_failures_in_a_row_open_the_breaker_and_the_source_is_left_alone():
    clock, behind = Clock(), Scripted(*[unavailable() for _ in range(3)])
    source = guard(behind, clock, breaker={"failures": 3, "openForMs": 1000})
    await failing(source, SourceUnavailable, 3)
    with pytest.raises(SourceUnavailable) as opened:
        await source.fetch(ASK)
    assert opened.value.reason == "BREAKER_OPEN"
    assert behind.asked == 3


async def test_an_answer_between_failures_starts_the_count_again():
    behind = Scripted(unavailable(), None, unavailable())
    source = guard(behind, Clock(), breaker={"failures": 2})
    await failing(source, SourceUnavailable, 1)
    await source.fetch(ASK)
    await failing(source, SourceUnavailable, 1)
    assert await source.fetch(ASK) is ANSWER


@pytest.mark.parametrize("error", [SourceBusy, SourceRubbish, SourceDrift])
async def test_a_source_that_speaks_does_not_open_the_breaker(error):
    behind = Scripted(*[error("tt-test") for _ in range(3)])
    source = guard(behind, Clock(), breaker={"failures": 1})
    await failing(source, error, 3)
    assert await source.fetch(ASK) is ANSWER


async def test_rubbish_between_failures_shows_that_the_source_is_alive():
    behind = Scripted(unavailable(), SourceRubbish("tt-test"), unavailable())
    source = guard(behind, Clock(), breaker={"failures": 2})
    for error in (SourceUnavailable, SourceRubbish, SourceUnavailable):
        await failing(source, error, 1)
    assert await source.fetch(ASK) is ANSWER


async def test_timeouts_open_the_breaker():
    behind = Scripted(asyncio.Event())
    source = guard(behind, Clock(), breaker={"failures": 1}, deadlineMs=10)
    await failing(source, SourceTimeout, 1)
    with pytest.raises(SourceUnavailable):
        await source.fetch(ASK)


async def test_half_open_admits_one_probe_and_its_answer_closes():
    clock, gate = Clock(), asyncio.Event()
    behind = Scripted(unavailable(), gate)
    source = guard(behind, clock, breaker={"failures": 1, "openForMs": 1000})
    await failing(source, SourceUnavailable, 1)
    clock.now += 0.999
    await failing(source, SourceUnavailable, 1)
    clock.now += 0.001
    probe = asyncio.create_task(source.fetch(ASK))
    await behind.waiting.wait()
    await failing(source, SourceUnavailable, 1)
    assert behind.asked == 2
    gate.set()
    assert await probe is ANSWER
    assert await source.fetch(ASK) is ANSWER


async def test_a_failed_probe_opens_for_another_period():
    clock = Clock()
    behind = Scripted(unavailable(), unavailable())
    source = guard(behind, clock, breaker={"failures": 1, "openForMs": 1000})
    await failing(source, SourceUnavailable, 1)
    clock.now += 1
    await failing(source, SourceUnavailable, 1)
    clock.now += 0.5
    await failing(source, SourceUnavailable, 1)
    assert behind.asked == 2
    clock.now += 0.5
    assert await source.fetch(ASK) is ANSWER


@pytest.mark.parametrize("outcome", ["cancelled", "busy"])
async def test_a_probe_that_says_nothing_leaves_the_next_one_to_try(outcome):
    clock = Clock()
    behind = Scripted(unavailable(), asyncio.Event() if outcome == "cancelled" else SourceBusy("tt-test"))
    source = guard(behind, clock, breaker={"failures": 1, "openForMs": 1000})
    await failing(source, SourceUnavailable, 1)
    clock.now += 1
    probe = asyncio.create_task(source.fetch(ASK))
    if outcome == "cancelled":
        await behind.waiting.wait()
        probe.cancel()
    with pytest.raises(asyncio.CancelledError if outcome == "cancelled" else SourceBusy):
        await probe
    assert await source.fetch(ASK) is ANSWER


async def test_ping_asks_even_while_the_breaker_is_open():
    behind = Scripted(unavailable(), unavailable())
    source = guard(behind, Clock(), breaker={"failures": 1})
    await failing(source, SourceUnavailable, 1)
    with pytest.raises(SourceUnavailable) as told:
        await source.ping()
    assert told.value.reason == "CONNECT"
    await source.ping()
