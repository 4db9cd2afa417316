"""A gateway process that records an intent, says so, and never gets to its outcome.

Run as `python -m tests.support.audit_child <store url>`; waits to be killed.
"""

from __future__ import annotations

import asyncio
import sys

from tests.support.audit_logs import audit_log, intent


async def main() -> None:
    async with audit_log(sys.argv[1]) as log:
        ref = await log.intent(intent())
        print(ref.index, flush=True)  # noqa: T201
        await asyncio.Event().wait()


asyncio.run(main())
