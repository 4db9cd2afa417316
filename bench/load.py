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
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Final, cast

import orjson
import uvloop

from bench.persons import person

SECTIONS: Final = 8
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


@dataclass(slots=True)
class Result:
    """What came back while measuring; `total` counts the warm-up too."""

    total: int = 0
    wrong: int = 0
    size: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)


def body_of(query: str, index: int) -> bytes:
    """The question about one person."""
    who = person(index)
    access = CASE | {"caseNo": f"BENCH-2026-{index % CASES:04d}"}
    variables = {"who": {"citizenId": who.number, "name": who.name}, "access": access}
    return orjson.dumps({"query": query, "variables": variables})


def is_whole(body: bytes) -> bool:
    """Whether every section answered with a record, and nothing else went wrong."""
    return body.count(b'"records":[{') == SECTIONS and not body.startswith(b'{"errors"')


class Clock:
    """When counting starts and when asking ends."""

    def __init__(self, plan: Plan) -> None:
        self.begins = perf_counter() + plan.warm_up
        self.ends = self.begins + plan.seconds


class Client(asyncio.Protocol):
    """One connection with one request in flight at a time."""

    def __init__(self, plan: Plan, clock: Clock, result: Result, dice: random.Random) -> None:
        self._plan = plan
        self._clock = clock
        self._result = result
        self._dice = dice
        self._buffer = bytearray()
        self._sent = 0.0
        self.done = asyncio.get_running_loop().create_future()
        self._head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\nAuthorization: Bearer {plan.token}\r\n"
            "Content-Type: application/json\r\nAccept: application/graphql-response+json\r\nContent-Length: "
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        now = perf_counter()
        self._note(now, head[9:12], bytes(self._buffer[end + 4 :]))
        self._buffer.clear()
        if now < self._clock.ends:
            self._ask()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _note(self, now: float, status: bytes, body: bytes) -> None:
        self._result.total += 1
        if status != b"200" or not is_whole(body):
            self._result.wrong += 1
        if self._clock.begins <= now <= self._clock.ends:
            self._result.latencies.append(now - self._sent)
            self._result.size = len(body)

    def _ask(self) -> None:
        body = body_of(self._plan.query, self._dice.randrange(self._plan.persons))
        self._sent = perf_counter()
        self._transport.write(self._head + b"%d\r\n\r\n" % len(body) + body)


async def run(plan: Plan) -> Result:
    """Warm up, measure, and wait for the last answers."""
    loop = asyncio.get_running_loop()
    clock, result, dice = Clock(plan), Result(seconds=plan.seconds), random.Random(plan.seed)
    loop.call_later(plan.warm_up, say, b"measuring")
    loop.call_later(plan.warm_up + plan.seconds, say, b"measured")
    clients: list[Client] = []
    async with asyncio.timeout(plan.warm_up + plan.seconds + PATIENCE):
        for _ in range(plan.clients):
            _, client = await loop.create_connection(
                lambda: Client(plan, clock, result, dice), "127.0.0.1", plan.port
            )
            clients.append(client)
        await asyncio.gather(*(client.done for client in clients))
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
