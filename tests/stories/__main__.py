"""`python -m tests.stories [--engine sqlite]`: tells what happens; exit code 1 on a broken promise."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.stories import STORIES
from tests.stories.county import PROCESSES, county


def main() -> None:
    """Play them on each engine that is asked for."""
    parser = argparse.ArgumentParser(prog="make stories", description=__doc__)
    parser.add_argument("--engine", choices=PROCESSES, action="append")
    for engine in parser.parse_args().engine or PROCESSES:
        print(f"\nThe county on {engine}, behind {PROCESSES[engine]} process(es) of the gateway", flush=True)
        asyncio.run(_told(engine))


async def _told(engine: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with county(engine, Path(folder), lambda words: print(f"  {words}", flush=True)) as here:
            for story in STORIES:
                print(f"\n{story.__doc__}", flush=True)
                await story.play(here)


if __name__ == "__main__":
    main()
