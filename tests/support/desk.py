"""A source that is told when to answer, behind its guard: nothing waits for a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any

import pytest

from bench.persons import person
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME
from connectors import batching
from connectors.described import Described
from connectors.guard import Guarded
from connectors.protocol import Answer, Ask, Row
from tests.support.small_catalogue import manifest_of, penalty_source

KEYS = [SubjectKey.person(person(index).number) for index in range(400)]
AT = datetime(2026, 1, 1, tzinfo=CHINA_TIME)


class Desk(Described):
    """Answers each question when its gate is open, with one row a key; `faults` raise instead."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(manifest_of({"P-TT-01": penalty_source()}, **changes))
        self.asked: list[Ask] = []
        self.cancelled: list[Ask] = []
        self.gate = asyncio.Event()
        self.fault: Callable[[Ask], Exception | None] = lambda _ask: None
        self.more: dict[str, Any] = {}

    def lane(self, ask: Ask) -> Hashable | None:
        return ask.record_type, ask.fields, ask.follow

    async def fetch(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(ask)
            raise
        if fault := self.fault(ask):
            raise fault
        rows = {key: (Row(key.value, dict.fromkeys(ask.fields, key.value), {}),) for key in ask.keys}
        linked = [other for found in self.more.get("links", {}).values() for other in found.former]
        return Answer(rows | dict.fromkeys(linked, ()), AT, **self.more)

    def explain(self, record_type: str, fields: frozenset[str]) -> str:
        return ""

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        return ""

    async def check(self) -> list[Any]:
        return []

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


def guarded(desk: Desk) -> Guarded:
    return Guarded(desk, desk.manifest, lambda: 0.0)


def ask(*keys: SubjectKey, fields: str = "documentNo", **more: Any) -> Ask:
    return Ask("P-TT-01", frozenset(fields.split()), keys, more.pop("trace", "r-1"), **more)


async def soon() -> None:
    """Let everything go on that needs no gate."""
    for _ in range(10):
        await asyncio.sleep(0)


async def under_way(desk: Desk, source: Guarded) -> list[asyncio.Task[Answer]]:
    """Fill the lane, so that whoever comes now has to gather."""
    running = []
    for number in range(batching.AT_ONCE):
        running.append(asyncio.create_task(source.fetch(ask(KEYS[-1 - number]))))
        await soon()
    assert len(desk.asked) == batching.AT_ONCE
    return running


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes beside what is under way, unless the test is about that."""
    monkeypatch.setattr(batching, "PATIENCE", 3600.0)
