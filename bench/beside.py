"""What one who asks about one person waits for while others check files: `python -m bench.beside`.

One client asks as in the bench, alone and then beside jobs that send chunks of a hundred without a
pause, over one process of the gateway. Both loads share a core, which is not the server's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from bench import pinning
from bench.__main__ import fill, prepared, tell
from bench.contender import CHUNKED, Running, Sample, Setting, running
from bench.errors import BenchError
from bench.rounds import OURS
from bench.workloads import ONE, WORKLOADS

JOBS: Final = (0, 1, 2, 4)
WARM_UP: Final = 1.0
SUBJECTS: Final = WORKLOADS["100 subjects"]


class Waited(NamedTuple):
    """One round: milliseconds of who asks about one, persons a second of the files."""

    jobs: int
    p50: float
    p99: float
    persons: float


def main(
    persons: Annotated[int, typer.Option(min=1_000)] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1, max=20)] = 3,
    seconds: Annotated[float, typer.Option(min=1, max=60)] = 5,
) -> None:
    """Medians of the rounds, and times of who asks alone in the same round."""
    fill(persons)
    cores = sorted(os.sched_getaffinity(0))
    with TemporaryDirectory(prefix="credit-bench-") as folder:
        places = (Path(folder, str(number)) for number in count())
        settings = (prepared(place, persons, cores) for place in places)
        with pinning.databases_on(cores[1:-1] or cores[-1:], tell):
            found = [list(waited(settings, seconds, number)) for number in range(rounds)]
    table = Table("jobs", "p50 ms", "times alone", "p99 ms", "persons/s of the files")
    for at, jobs in enumerate(JOBS):
        each = [one[at] for one in found]
        times = median(one[at].p50 / one[0].p50 for one in found)
        table.add_row(
            str(jobs),
            f"{median(one.p50 for one in each):.1f}",
            f"{times:.1f}",
            f"{median(one.p99 for one in each):.1f}",
            f"{median(one.persons for one in each):.0f}",
        )
    Console().print(table)


def waited(settings: Iterator[Setting], seconds: float, seed: int) -> Iterator[Waited]:
    """One round: each number of jobs over a process and a store of its own, which knows no other reads."""
    for jobs, setting in zip(JOBS, settings, strict=False):
        with running(OURS, setting) as gateway, ThreadPoolExecutor(2) as loads:
            files = loads.submit(_files, gateway, jobs, seconds, seed) if jobs else None
            one = gateway.load(1, WARM_UP, seconds, seed)[ONE.name]
            checked = files.result() if files else None
        if one.wrong or (checked and checked.wrong):
            raise BenchError(f"beside {jobs} jobs not every answer was whole")
        yield Waited(jobs, one.p50_ms, one.p99_ms, checked.rps * SUBJECTS.subjects if checked else 0.0)


def _files(gateway: Running, jobs: int, seconds: float, seed: int) -> Sample:
    return replace(gateway, name=CHUNKED).load(jobs, WARM_UP, seconds, seed + 1, SUBJECTS)[SUBJECTS.name]


if __name__ == "__main__":
    typer.run(main)
