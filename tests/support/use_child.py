"""A gateway process that reads as often as it may.

Run as `python -m tests.support.use_child <store url> <key file> <attempts> <quota>`; says `ready`, starts
at a line on standard input, and prints how many reads it was let through.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from authz.errors import QuotaExceeded
from authz.keys import load_keys
from tests.support.use import office, quota


async def main(url: str, keys: str, attempts: int, limit: int) -> None:
    async with office(url, keys=load_keys(Path(keys)), subjects=quota(limit)) as found:
        print("ready", flush=True)  # noqa: T201
        await asyncio.to_thread(sys.stdin.readline)
        results = await asyncio.gather(*(found.read() for _ in range(attempts)), return_exceptions=True)
        refused = [each for each in results if isinstance(each, QuotaExceeded)]
        assert all(isinstance(each, QuotaExceeded) for each in results if isinstance(each, BaseException))
        print(attempts - len(refused), flush=True)  # noqa: T201


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
