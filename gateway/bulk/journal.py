"""What is remembered of a job beside its results: chunks by number and their lines, nothing of anybody.

One JSON object a line, only ever added to:

    {"job": …, "scenario": …, "caseNo": …, "chunk": 50, "began": …, "file": [bytes, nanoseconds]}
    {"sent": 3, "lines": [102, 103, …]}
    {"done": 3, "out": 81234, "again": [117], "summary": "<compact JWS>"}
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from gateway.bulk.rows import FileRefused


@dataclass(frozen=True, slots=True)
class Heading:
    """Which job it is, of which file."""

    job: str
    scenario: str
    case_no: str
    chunk: int
    """Subjects in a chunk."""
    began: float
    """Seconds since the epoch."""
    file: tuple[int, int]
    """Size in bytes and time of the last change in nanoseconds: a file that was touched is another one."""


@dataclass(frozen=True, slots=True)
class Done:
    """A chunk whose results are on the disk."""

    number: int
    out: int
    """Where its results end in the output, in bytes."""
    again: Sequence[int]
    """Lines to be asked again, alone."""
    summary: str


@dataclass(slots=True)
class Journal:
    """The journal of one job, open for adding; without a path it is forgotten with the process."""

    path: Path | None
    heading: Heading
    sent: dict[int, list[int]] = field(default_factory=dict)
    """Lines by chunk, in the order of sending."""
    done: dict[int, Done] = field(default_factory=dict)

    @classmethod
    def begun(cls, path: Path | None, heading: Heading) -> Self:
        """A new one."""
        made = cls(path, heading)
        made._add(asdict(heading))
        return made

    @classmethod
    def found(cls, path: Path) -> Self | None:
        """The one that is there, None where there is none; raises FileRefused for something else."""
        try:
            content = path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                os.truncate(path, len(whole))  # a crash cut the last entry off
            entries = [orjson.loads(line) for line in whole.splitlines()]
        except FileNotFoundError:
            return None
        except (OSError, orjson.JSONDecodeError) as error:
            raise _damaged(path) from error
        if not entries:
            return None
        try:
            heading, *later = entries
            made = cls(path, Heading(**{**heading, "file": tuple(heading["file"])}))
            for entry in later:
                made._take(entry)
        except (KeyError, TypeError) as error:
            raise _damaged(path) from error
        return made

    @property
    def end(self) -> int:
        """Where the results end that are noted."""
        return max((each.out for each in self.done.values()), default=0)

    @property
    def open(self) -> list[int]:
        """Chunks that were sent and never noted as done."""
        return [number for number in self.sent if number not in self.done]

    def again(self) -> list[int]:
        """Lines that are to be asked again and have not been since."""
        last = {line: number for number, lines in sorted(self.sent.items()) for line in lines}
        return sorted(line for done in self.done.values() for line in done.again if last[line] == done.number)

    def note_sent(self, number: int, lines: list[int]) -> None:
        """Before a chunk is sent."""
        self.sent[number] = lines
        self._add({"sent": number, "lines": lines})

    def note_done(self, done: Done) -> None:
        """After its results are on the disk."""
        self.done[done.number] = done
        entry = {"done": done.number, "out": done.out, "again": list(done.again), "summary": done.summary}
        self._add(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        if "sent" in entry:
            self.sent[entry["sent"]] = entry["lines"]
        else:
            done = Done(entry["done"], entry["out"], entry["again"], entry["summary"])
            self.done[done.number] = done

    def _add(self, entry: dict[str, Any]) -> None:
        if self.path is None:
            return
        with self.path.open("ab") as opened:
            opened.write(orjson.dumps(entry) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())


def _damaged(path: Path) -> FileRefused:
    return FileRefused("JOURNAL_UNREADABLE", f"{path} is no journal of a check. Name another --journal.")
