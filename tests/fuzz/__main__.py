"""`python -m tests.fuzz --cases 100000 --seed 1`: differential fuzzing by the hour, on every core."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from random import Random
from time import perf_counter

from tests.fuzz.differential import Fuzzer


def work(seed: int, cases: int) -> Counter[str]:
    fuzzer, number = Fuzzer(), 0
    while fuzzer.counts["cases"] < cases:
        try:
            fuzzer.try_one(Random(f"{seed}.{number}"))
        except Exception as fault:
            raise AssertionError(f"seed {seed}.{number}: {fault}") from fault
        number += 1
    return fuzzer.counts


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    started, total = perf_counter(), Counter[str]()
    share = -(-asked.cases // asked.processes)
    with ProcessPoolExecutor(asked.processes) as pool:
        for counts in pool.map(
            work, range(asked.seed, asked.seed + asked.processes), [share] * asked.processes
        ):
            total += counts
    for name, count in total.items():
        print(f"{count:9,} {name}")
    print(f"{perf_counter() - started:9.1f} seconds, no difference")


if __name__ == "__main__":
    main()
