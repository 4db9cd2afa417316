"""The load generator: a process of its own that keeps N connections busy and times every answer.

Raw HTTP/1.1 over asyncio protocols, so that it costs little beside what it measures. A plan
comes as JSON on standard input; `measuring` goes out when the warm-up is over, `measured` when
the time is up, and then the result as one line of JSON.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Final, cast

import orjson
import uvloop

from bench.persons import large_persons, person

SECTIONS: Final = 8
LANES: Final = 10
"""Connections of a client that asks about many persons, one operation each."""
OPERATION: Final = "SpecialOccupation"
CASES: Final = 10_000
CASE: Final = {
    "scenario": "S06",
    "purpose": "从业资格审查",
    "reasonCode": "QUALIFICATION_REVIEW",
    "noConflictOfInterest": True,
    "repeatReason": "CASE_CONTINUED",
    "repeatNote": "压力测试",
}
PATIENCE: Final = 30.0
"""Seconds for the last answers; beyond them the run has failed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, how long, from which cores."""

    port: int
    token: str
    query: str
    persons: int
    clients: int
    warm_up: float
    seconds: float
    seed: int
    cores: list[int]
    subjects: int = 1
    """Persons that one client asks about at once: timed together."""
    listed: bool = False
    """They are one operation, as the peers' root of many takes them; otherwise one each."""
    large: bool = False
    """Only about those who have many records."""
    new_documents: bool = False
    faulty: bool = False
    """A source fails: its section is missing, and errors may stand beside the data."""

    @property
    def records(self) -> int:
        """Sections with records in a whole answer."""
        return (SECTIONS - self.faulty) * (self.subjects if self.listed else 1)

    @property
    def operations(self) -> int:
        """Requests that are timed together."""
        return 1 if self.listed else self.subjects


@dataclass(slots=True)
class Result:
    """What came back while measuring; `total` counts the warm-up too."""

    total: int = 0
    wrong: int = 0
    size: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)


def body_of(query: str, indexes: Sequence[int], *, listed: bool = False) -> bytes:
    """The question about these persons."""
    access = CASE | {"caseNo": f"BENCH-2026-{indexes[0] % CASES:04d}"}
    found = [{"citizenId": who.number, "name": who.name} for who in map(person, indexes)]
    return orjson.dumps(
        {"query": query, "variables": {"who": found if listed else found[0], "access": access}}
    )


def is_whole(body: bytes, records: int = SECTIONS, *, faulty: bool = False) -> bool:
    """Whether every section answered with a record, and nothing else went wrong."""
    return body.count(b'"records":[{') == records and (faulty or not body.startswith(b'{"errors"'))


class Clock:
    """When counting starts and when asking ends."""

    def __init__(self, plan: Plan) -> None:
        self.begins = perf_counter() + plan.warm_up
        self.ends = self.begins + plan.seconds


class Client:
    """Asks about its persons, waits for all answers, and asks again until the time is up."""

    def __init__(self, plan: Plan, clock: Clock, result: Result, dice: random.Random) -> None:
        self.plan = plan
        self.done = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._result = result
        self._dice = dice
        self._lanes: list[Connection] = []

    async def run(self) -> None:
        """Open the connections and use them until the time is up."""
        loop = asyncio.get_running_loop()
        for _ in range(min(LANES, self.plan.operations)):
            _, lane = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.plan.port)
            self._lanes.append(lane)
        self._begin()
        await self.done
        for lane in self._lanes:
            lane.close()

    def _begin(self) -> None:
        self._to_send = self._to_come = self.plan.operations
        self._began = perf_counter()
        for lane in self._lanes:
            self.next(lane)

    def next(self, lane: Connection) -> None:
        """Send the next of the questions, if one is left."""
        if self._to_send:
            self._to_send -= 1
            lane.send(self._body())

    def answered(self, lane: Connection, status: bytes, body: bytes) -> None:
        """Count an answer; with the last one, take the time and begin again."""
        plan, result, now = self.plan, self._result, perf_counter()
        result.total += 1
        if status != b"200" or not is_whole(body, plan.records, faulty=plan.faulty):
            result.wrong += 1
        self._to_come -= 1
        if self._to_come:
            self.next(lane)
            return
        if self._clock.begins <= now <= self._clock.ends:
            result.latencies.append(now - self._began)
            result.size = len(body)
        if now < self._clock.ends:
            self._begin()
        else:
            self.done.set_result(None)

    def _body(self) -> bytes:
        plan, dice = self.plan, self._dice
        among = large_persons(plan.persons) if plan.large else range(plan.persons)
        indexes = [dice.choice(among) for _ in range(plan.subjects if plan.listed else 1)]
        query = plan.query
        if plan.new_documents:
            query = query.replace(OPERATION, f"New{dice.getrandbits(64):016x}", 1)
        return body_of(query, indexes, listed=plan.listed)


class Connection(asyncio.Protocol):
    """One connection with one request in flight at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._buffer = bytearray()
        plan = client.plan
        self._head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\nAuthorization: Bearer {plan.token}\r\n"
            "Content-Type: application/json\r\nAccept: application/graphql-response+json\r\nContent-Length: "
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._client.done.done():
            self._client.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 :])
        self._buffer.clear()
        self._client.answered(self, head[9:12], body)

    def send(self, body: bytes) -> None:
        """One request."""
        self._transport.write(self._head + b"%d\r\n\r\n" % len(body) + body)

    def close(self) -> None:
        self._transport.close()


async def run(plan: Plan) -> Result:
    """Warm up, measure, and wait for the last answers."""
    loop = asyncio.get_running_loop()
    clock, result, dice = Clock(plan), Result(seconds=plan.seconds), random.Random(plan.seed)
    loop.call_later(plan.warm_up, say, b"measuring")
    loop.call_later(plan.warm_up + plan.seconds, say, b"measured")
    async with asyncio.timeout(plan.warm_up + plan.seconds + PATIENCE):
        await asyncio.gather(*(Client(plan, clock, result, dice).run() for _ in range(plan.clients)))
    return result


def say(line: bytes) -> None:
    """One line to whoever started us."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()


def main() -> None:
    """Run the plan on standard input."""
    plan = Plan(**orjson.loads(sys.stdin.buffer.readline()))
    os.sched_setaffinity(0, plan.cores)
    say(orjson.dumps(asdict(uvloop.run(run(plan)))))


if __name__ == "__main__":
    main()
