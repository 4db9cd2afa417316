"""The process is killed amid must-checks: each was kept with its receipt, or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import aiohttp
import orjson

from tests.support.county import cast
from tests.support.declared import DECLARED
from tests.support.departments import Settle
from tests.support.processes import Reply, Server, serving

CHECK = """
mutation Check($who: SubjectLookup!, $access: AccessContext!) {
  mustCheck(lookup: $who, access: $access) { checkId receipt { jws } }
}
"""
PERSON = "样例乙"
AGAIN = {"repeatReason": "CASE_CONTINUED", "repeatNote": "同一办件继续办理"}


async def check(server: Server, number: int) -> Reply:
    case = {"scenario": "S04", "caseNo": f"RSKS-2026-{number:04d}", "purpose": "公务员招录资格审查"}
    who = {"person": {"citizenId": cast()[PERSON].value, "name": PERSON}}
    variables = {"who": who, "access": case | DECLARED | AGAIN}
    return await server.ask(CHECK, variables, server.home.token("hr-approval"))


async def test_a_check_and_its_receipt_are_kept_together_or_not_at_all(settled: Settle) -> None:
    home = settled()
    with serving(home) as server:
        asked = [asyncio.create_task(check(server, number)) for number in range(1, 41)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        server.process.kill()
        ended = await asyncio.gather(*asked, return_exceptions=True)
    given = {one.data["mustCheck"]["checkId"] for one in ended if isinstance(one, Reply)}
    assert given
    assert all(isinstance(one, Reply | aiohttp.ClientError) for one in ended)
    with closing(sqlite3.connect(home.store)) as store:
        kept = dict(store.execute("SELECT position, jti FROM check_receipt").fetchall())
        leaves = [orjson.loads(payload) for (payload,) in store.execute("SELECT payload FROM audit_leaf")]
    answered = {leaf["intentIndex"] for leaf in leaves if leaf["phase"] == "OUTCOME"}
    assert set(kept) == answered
    assert given <= set(kept.values())
    with serving(home) as again:
        for number in range(1, 41):
            assert (await check(again, number)).codes == []
