"""A gateway process that asks about as many subjects of one case at once as it is told.

Run as `python -m tests.support.case_child <store url> <key file> <first> <last>`: after a line on
standard input it prints `used`, or the code of the refusal, for each subject.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from authz.errors import AccessDenied
from authz.keys import load_keys
from tests.support.authz_parties import NOW, person
from tests.support.case_uses import Desk, desk


async def ask(found: Desk, serial: int) -> None:
    try:
        await found.ask(person(serial))
        print("used", flush=True)  # noqa: T201
    except AccessDenied as refusal:
        print(refusal.code, flush=True)  # noqa: T201


async def main(url: str, keys: str, first: str, last: str) -> None:
    async with desk(url, load_keys(Path(keys)), lambda: NOW) as found:
        print("ready", flush=True)  # noqa: T201
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await asyncio.gather(*(ask(found, serial) for serial in range(int(first), int(last))))


asyncio.run(main(*sys.argv[1:]))
