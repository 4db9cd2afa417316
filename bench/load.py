"""The load generator: a process of its own that keeps N connections busy and times every answer.

Raw HTTP/1.1 over asyncio protocols, so that it costs little beside what it measures. A plan comes as JSON
on standard input; `measuring` goes out when the answers of the warm-up are in, `measured` when those of the
time measured are, and then the result as one line of JSON. So nothing is cut off, and nothing else counted.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Final, cast

import orjson
import uvloop

from bench.fresh import WORD, new_word, template
from bench.persons import Person, large_persons, person

SECTIONS: Final = 8
LANES: Final = 10
"""Connections of a client that asks about many persons, one operation each."""
IN_FLIGHT: Final = 320
"""Requests at once of clients that ask about many persons: more of them have fewer connections each."""
BUSY: Final = re.compile(rb'"code":"GATEWAY_BUSY".*?"retryAfter":(\d+)')
"""A chunk that got no turn, which is sent again when it is told to, as `check` does."""
OPERATION: Final = "SpecialOccupation"
"""The name of the question."""
CASES: Final = 10_000
CASE: Final = {
    "scenario": "S06",
    "purpose": "从业资格审查",
    "reasonCode": "QUALIFICATION_REVIEW",
    "noConflictOfInterest": True,
    "repeatReason": "CASE_CONTINUED",
    "repeatNote": "压力测试",
}
WARMING: Final = 8
"""Clients that warm up where each asks about many persons: all would take as long as what is measured."""
_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")
PATIENCE: Final = 150.0
"""Seconds for the last answers, of 256 clients who want 100 persons each: beyond them the load has failed."""


def _graph(people: Sequence[Person]) -> dict[str, object]:
    return {"who": {"citizenId": people[0].number, "name": people[0].name}}


def _list(people: Sequence[Person]) -> dict[str, object]:
    return {"who": [{"citizenId": each.number, "name": each.name} for each in people]}


def _tables(people: Sequence[Person]) -> dict[str, object]:
    numbers = [each.number for each in people]
    listed = f"({','.join(numbers)})" if len(numbers) > 1 else numbers[0]
    forms = [*numbers, *(number[:6] + number[8:17] for number in numbers)]
    return {"numbers": numbers, "forms": forms, "listed": listed}


def _chunk(people: Sequence[Person]) -> dict[str, object]:
    """A chunk of a job of its own, so that none is one that came before."""
    rows = [
        {"line": line, "citizenId": each.number, "name": each.name} for line, each in enumerate(people, 1)
    ]
    return {"job": "jb_" + secrets.token_hex(16).translate(_LETTERS), "number": 1, "rows": rows}


FORMS: Final[dict[str, Callable[[Sequence[Person]], dict[str, object]]]] = {
    "graph": _graph,
    "list": _list,
    "tables": _tables,
    "chunk": _chunk,
}
"""Variables of a question about one person, a list of them, rows of tables, and a chunk of a bulk check."""


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
    form: str = "graph"
    """One of FORMS."""
    subjects: int = 1
    """Persons that one client asks about at once: timed together."""
    large: bool = False
    """Only about those who have many records."""
    new_documents: bool = False
    """Each request is a text that shares nothing with those before."""
    beside: str = ""
    """A source fails, whose section this text does not ask for, and which every other client sends."""

    @property
    def operations(self) -> int:
        """Requests that are timed together: our graph takes one person in each, but for a chunk."""
        return self.subjects if self.form == "graph" else 1

    @property
    def listed(self) -> int:
        """Persons of one request."""
        return self.subjects // self.operations


@dataclass(slots=True)
class Result:
    """What came back while measuring; `total` are persons, those of the warm-up too."""

    total: int = 0
    wrong: int = 0
    size: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)


def body_of(query: str, indexes: Sequence[int], form: str = "graph") -> bytes:
    """The question about these persons."""
    access = CASE | {"caseNo": f"BENCH-2026-{indexes[0] % CASES:04d}"}
    variables = FORMS[form]([person(index) for index in indexes]) | {"access": access}
    return orjson.dumps({"query": query, "variables": variables})


def is_whole(
    body: bytes, subjects: int = 1, form: str = "graph", *, missing: bool = False, faulty: bool = False
) -> bool:
    """Whether every section, but a missing one, answered with a record, and nothing else went wrong."""
    sections = SECTIONS - missing
    if form == "tables":
        rows = (sections + 1) * subjects
        whole = body.count(b':[{"citizenId":') == sections + 1 and body.count(b'{"citizenId":') >= rows
    elif form == "chunk":
        found = body.count(b'"result":"PRESENT"') + body.count(b'"result":"NONE"')
        checked = body.count(b'"completeness":"COMPLETE"'), body.count(b'"receipt":{"jws":"ey')
        whole = found == sections * subjects and checked == (subjects, subjects)
    else:
        whole = body.count(b'"records":[{') == sections * subjects
    return whole and (faulty or not body.startswith(b'{"errors"'))


class Client:
    """Asks about its persons, waits for all answers, and asks again until the time is up."""

    def __init__(self, plan: Plan, result: Result, dice: random.Random, *, beside: bool) -> None:
        self.plan = plan
        self._result = result
        self._query = plan.beside if beside else plan.query
        if plan.new_documents:
            self._query = template(self._query)
        self._latencies = result.beside if beside else result.latencies
        self._faulty = bool(plan.beside) and not beside
        self._dice = dice
        self._lanes: list[Connection] = []
        self.done = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Open the connections."""
        plan, loop = self.plan, asyncio.get_running_loop()
        most = min(LANES, IN_FLIGHT // plan.clients, plan.operations) if plan.form == "graph" else 1
        for _ in range(max(1, most)):
            _, lane = await loop.create_connection(lambda: Connection(self), "127.0.0.1", plan.port)
            self._lanes.append(lane)

    async def ask(self, seconds: float) -> None:
        """Ask until the time is up, and wait for the last answers."""
        self._ends = perf_counter() + seconds
        self.done = asyncio.get_running_loop().create_future()
        self._begin()
        await self.done

    def close(self) -> None:
        """Close the connections."""
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
        if busy := BUSY.search(body, 0, 1024):
            asyncio.get_running_loop().call_later(int(busy[1]), lane.again)
            return
        result.total += plan.listed
        missing = bool(plan.beside)
        if status != b"200" or not is_whole(
            body, plan.listed, plan.form, missing=missing, faulty=self._faulty
        ):
            result.wrong += 1
        self._to_come -= 1
        if self._to_come:
            self.next(lane)
            return
        self._latencies.append(now - self._began)
        result.size = len(body)
        if now < self._ends:
            self._begin()
        else:
            self.done.set_result(None)

    def _body(self) -> bytes:
        plan, dice = self.plan, self._dice
        among = large_persons(plan.persons) if plan.large else range(plan.persons)
        query = self._query.replace(WORD, new_word(dice)) if plan.new_documents else self._query
        return body_of(query, dice.sample(among, plan.listed), plan.form)


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
        self._request = self._head + b"%d\r\n\r\n" % len(body) + body
        self.again()

    def again(self) -> None:
        """The same request."""
        self._transport.write(self._request)

    def close(self) -> None:
        self._transport.close()


async def run(plan: Plan) -> Result:
    """Warm up, wait for the answers, and measure over new connections: idle ones are closed after a while."""
    result, dice = Result(), random.Random(plan.seed)
    warming = plan.clients if plan.subjects == 1 else min(plan.clients, WARMING)
    async with asyncio.timeout(plan.warm_up + plan.seconds + PATIENCE):
        await _ask(await _opened(plan, warming, result, dice), plan.warm_up)
        result.latencies.clear()
        result.beside.clear()
        clients = await _opened(plan, plan.clients, result, dice)
        say(b"measuring")
        began = perf_counter()
        await _ask(clients, plan.seconds)
        result.seconds = perf_counter() - began
        say(b"measured")
    return result


async def _opened(plan: Plan, number: int, result: Result, dice: random.Random) -> list[Client]:
    """Clients with their connections; every other one asks beside a source that fails."""
    places = range(number)
    clients = [Client(plan, result, dice, beside=bool(plan.beside) and place % 2 == 1) for place in places]
    await asyncio.gather(*(client.open() for client in clients))
    return clients


async def _ask(clients: Sequence[Client], seconds: float) -> None:
    await asyncio.gather(*(client.ask(seconds) for client in clients))
    for client in clients:
        client.close()


def say(line: bytes) -> None:
    """One line to whoever started us."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()


def main() -> None:
    """Run the plan on standard input."""
    plan = Plan(**orjson.loads(sys.stdin.buffer.readline()))
    os.sched_setaffinity(0, plan.cores)
    try:
        say(orjson.dumps(asdict(uvloop.run(run(plan)))))
    except TimeoutError:
        sys.exit(f"answers were missing {PATIENCE:.0f} s after the last could be asked for")


if __name__ == "__main__":
    main()
