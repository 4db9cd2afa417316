"""A gateway process that records operations until it is done or killed.

Run as `python -m tests.support.audit_writer <store url> <key file> <operations>`; says `ready`, records ten
at a line on standard input and the rest at another, and prints the index of each intent once it may answer.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from authz.keys import load_keys
from tests.support.audit_logs import audit_log, intent, outcome


async def main(url: str, keys: str, number: int) -> None:
    async with audit_log(url, keys=load_keys(Path(keys)), store_patience=30.0, patience=30.0) as log:
        print("ready", flush=True)  # noqa: T201

        async def work(serial: int) -> None:
            ref = await log.intent(intent(serial % 900))
            await log.outcome(ref, outcome())
            print(ref.index, flush=True)  # noqa: T201

        for start in range(0, number, 10):
            if start < 20:
                await asyncio.to_thread(sys.stdin.readline)
            await asyncio.gather(*(work(serial) for serial in range(start, start + 10)))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
