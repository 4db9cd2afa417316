"""`python -m tests.soak [--seconds 1200] [--seed N] [--workers 8]`: figures, exit code 1 on a violation."""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys

from tests.soak.run import Report, soak


def main() -> int:
    """Run it and say how it went."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--workers", type=int, default=8)
    given = parser.parse_args()
    print(f"soak of {given.seconds:g} s, seed {given.seed}, {given.workers} workers", flush=True)
    report = Report()
    try:
        asyncio.run(_run(report, given.seconds, given.seed, given.workers))
    finally:
        print(report.text(), flush=True)
    return 1 if report.violations else 0


async def _run(report: Report, seconds: float, seed: int, workers: int) -> None:
    run = asyncio.current_task()
    assert run is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.cancel)
    await soak(report, seconds, random.Random(seed), workers)


if __name__ == "__main__":
    sys.exit(main())
