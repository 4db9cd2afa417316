"""One job, from its first chunk to its summary: sent in parallel, written as it comes, resumable."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, BinaryIO, Final, Protocol

import orjson

from gateway.bulk.journal import Done, Journal
from gateway.bulk.rows import Candidates
from gateway.client import GatewayError

_FEW: Final = 10
_PIECES: Final = 20
"""Lines that are asked again go in small chunks, for what a slow source could not answer at once it can in
pieces; but no more than so many chunks, or the summary of a long file would not fit in a request."""
MOST_WAIT: Final = 120.0
"""Seconds that a job waits for a quota; beyond, it stops and is resumed by a person."""
PATIENCE: Final = 60.0
"""Seconds for which a gateway that does not answer is asked again."""
_FIRST_PAUSE: Final = 0.25
_SUMMARY_BYTES: Final = 40_000
"""Of summaries in one request; a body may have 64 KiB."""
_ADD: Final = "mutation Add($summaries: [String!]!) { addCheckSummaries(summaries: $summaries) }"


class Gateway(Protocol):
    """Sends one operation; raises GatewayError."""

    async def ask(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """`data` of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How a job is run."""

    document: str
    """The operation of the chunk."""
    access: Mapping[str, Any]
    parallel: int = 2
    rounds: int = 3
    """How often what a source did not answer is asked again."""
    patience: float = PATIENCE


@dataclass
class Job:
    """A file being checked; `told` hears how many lines are through."""

    gateways: Sequence[Gateway]
    candidates: Candidates
    journal: Journal
    out: BinaryIO
    terms: Terms
    told: Callable[[int], None] = lambda _: None
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _not_before: float = 0.0

    def __post_init__(self) -> None:
        self._end = self.journal.end

    async def run(self) -> str | None:
        """The summary of the job; raises GatewayError where it had to stop, which loses nothing."""
        if 0 not in self.journal.done:
            self._write_problems()
        numbers = count(max(self.journal.sent, default=0) + 1)
        for number in self.journal.open:
            await self._chunk(number, self.journal.sent[number])
        known = {line for lines in self.journal.sent.values() for line in lines}
        fresh = [line for line in self.candidates.rows if line not in known]
        await self._all(self._cut(numbers, fresh, self.journal.heading.chunk))
        left = self.terms.rounds
        while left and (again := self.journal.again()):
            left -= self._not_before == 0
            size = min(self.journal.heading.chunk, max(_FEW, -(-len(again) // _PIECES)))
            await self._all(self._cut(numbers, again, size))
        return await self._summary()

    def _cut(
        self, numbers: Iterator[int], lines: Sequence[int], size: int
    ) -> Iterator[tuple[int, list[int]]]:
        """Chunks, each noted before it is sent."""
        for start in range(0, len(lines), size):
            number, some = next(numbers), list(lines[start : start + size])
            self.journal.note_sent(number, some)
            yield number, some

    async def _all(self, chunks: Iterator[tuple[int, list[int]]]) -> None:
        """Send chunks, so many at a time; the first that fails stops the others."""

        async def work() -> None:
            for number, lines in chunks:  # shared: each chunk goes to whoever is free
                await self._chunk(number, lines)

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(self.terms.parallel):
                    workers.create_task(work())
        except* GatewayError as failed:
            raise failed.exceptions[0] from None

    async def _chunk(self, number: int, lines: Sequence[int]) -> None:
        await self._wait_for_quota()
        rows = [self.candidates.rows[line].as_input() for line in lines]
        variables = {
            "job": self.journal.heading.job,
            "number": number,
            "rows": rows,
            "access": self.terms.access,
        }
        answer = (await self._sent(self.terms.document, variables, number))["mustCheckChunk"]
        again = [row["line"] for row in answer["rows"] if _worth_another_try(row)]
        waits = [row["refusal"]["retryAfter"] or 0 for row in answer["rows"] if row["refusal"]]
        async with self._writing:
            self._write(self._shown(number, row) for row in answer["rows"])
            self.journal.note_done(Done(number, self._end, again, answer["summary"]))
        if longest := max(waits, default=0):
            self._not_before = max(self._not_before, asyncio.get_running_loop().time() + longest)
            if longest > MOST_WAIT:
                raise GatewayError("QUOTA_EXCEEDED", f"Wait {longest} seconds.", retryable=True)
        through = sum(1 + len(self.candidates.rows[line].also_on) for line in lines if line not in again)
        self.told(through)

    async def _sent(self, document: str, variables: Mapping[str, Any], number: int) -> dict[str, Any]:
        """The answer, from whichever gateway; asked again while that can help."""
        clock = asyncio.get_running_loop().time
        until, pause = clock() + self.terms.patience, _FIRST_PAUSE
        for attempt in count(number):
            try:
                return await self.gateways[attempt % len(self.gateways)].ask(document, variables)
            except GatewayError as error:
                wait = error.retry_after or pause
                if error.code == "GATEWAY_BUSY":  # it does answer, and others have their turns
                    until, pause = clock() + wait + self.terms.patience, _FIRST_PAUSE
                if not error.retryable or clock() + wait > until:
                    raise
            await asyncio.sleep(wait)
            pause *= 2
        raise AssertionError

    async def _wait_for_quota(self) -> None:
        left = self._not_before - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)
        self._not_before = 0.0

    def _shown(self, number: int, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The line of the output, and one for each further line of the file that names the same subject."""
        line = row["line"]
        attempt = sum(line in lines for sent, lines in self.journal.sent.items() if sent <= number)
        also_on = self.candidates.rows[line].also_on
        shown = {
            "line": line,
            "attempt": attempt,
            **{name: row[name] for name in ("check", "refusal") if row[name]},
        }
        if also_on:
            shown["alsoOn"] = also_on
        return [shown, *({"line": other, "sameAs": line} for other in also_on if attempt == 1)]

    def _write_problems(self) -> None:
        problems = self.candidates.problems
        self._write(
            [{"line": each.line, "refusal": {"code": each.code, "message": each.message}}]
            for each in problems
        )
        self.journal.note_done(Done(0, self._end, (), ""))
        self.told(len(problems))

    def _write(self, shown: Iterable[list[dict[str, Any]]]) -> None:
        """On the disk before anybody notes it."""
        for each in shown:
            for line in each:
                self._end += self.out.write(orjson.dumps(line) + b"\n")
        self.out.flush()
        if self.out.seekable():
            os.fsync(self.out.fileno())

    async def _summary(self) -> str | None:
        parts = [done.summary for _, done in sorted(self.journal.done.items()) if done.summary]
        while len(parts) > 1:
            parts = [await self._added(group) for group in _groups(parts)]
        return parts[0] if parts else None

    async def _added(self, parts: Sequence[str]) -> str:
        if len(parts) == 1:
            return parts[0]
        answer = await self._sent(_ADD, {"summaries": parts}, 0)
        return str(answer["addCheckSummaries"])


def _worth_another_try(row: Mapping[str, Any]) -> bool:
    if row["refusal"]:
        return row["refusal"]["retryAfter"] is not None
    return any(task["step"] == "ASK_AGAIN" for task in row["check"]["tasks"])


def _groups(parts: Sequence[str]) -> Iterator[list[str]]:
    """In order, each at least two where there are two, and small enough for one request."""
    group: list[str] = []
    for part in parts:
        if len(group) > 1 and sum(map(len, group)) + len(part) > _SUMMARY_BYTES:
            yield group
            group = []
        group.append(part)
    yield group
