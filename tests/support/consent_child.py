"""A gateway process that uses one consent whenever it is sent a line.

Run as `python -m tests.support.consent_child <store url> <key file> <consent id> <at once>`. Every line
makes so many uses at once. Prints `ready`, then `used` or the code of each refusal.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from authz.errors import AccessDenied
from authz.keys import load_keys
from tests.support.authz_parties import NOW
from tests.support.consents import BANK, Bench, bench


async def use(found: Bench, consent_id: str) -> None:
    record = await found.register.find(BANK, consent_id)
    assert record is not None
    try:
        await found.use_once(record)
        print("used", flush=True)  # noqa: T201
    except AccessDenied as refusal:
        print(refusal.code, flush=True)  # noqa: T201


async def main(url: str, keys: str, consent_id: str, at_once: str) -> None:
    async with bench(url, load_keys(Path(keys)), lambda: NOW) as found:
        print("ready", flush=True)  # noqa: T201
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            await asyncio.gather(*(use(found, consent_id) for _ in range(int(at_once))))


asyncio.run(main(*sys.argv[1:]))
