"""GR-04: audit first, visible to the person, fail-closed (domain.md §7).

Without the proof there is no read: a store that cannot write stops everything but public reading.
That a flipped byte is found and located is shown in tests/authz/test_audit_integrity.py.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from authz.audit.checkpoints import Notary
from authz.audit.verification import verify_leaves
from authz.store import Store
from tests.support.bureau import bureau
from tests.support.county_answers import FIRM, PERSON
from tests.support.declared import DECLARED
from tests.support.departments import PATIENT_MS, Settle
from tests.support.processes import Home, Reply, Server, eventually, serving

MINE = "{ me { person { tax { taxViolations { state records { caseKind } } } } } }"
NO_PROOF = (["AUDIT_UNAVAILABLE"], ["STORE_UNAVAILABLE"])
"""Without the store nobody can say either that a token still holds."""
CASE = """
query Case($lookup: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $lookup, access: $access) { records { state } }
}
"""
PUBLIC = """
query Firm($uscc: String!) {
  enterprise(uscc: $uscc) { registration { marketEntityRegistration { state records { name } } } }
}
"""
"""Of the market register only."""


@pytest.fixture
def home(settled: Settle) -> Home:
    """A deployment whose tax bureau may take its time."""
    found = settled(deadlines={"operation_ms": PATIENT_MS})
    found.manifest("tax", lambda manifest: manifest.update(deadlineMs=60_000))
    return found


@pytest.fixture
def gateway(home: Home) -> Iterator[Server]:
    with serving(home) as running:
        yield running


def leaves(store: Path) -> list[dict[str, Any]]:
    """Every event of the log, as another process reads it."""
    with closing(sqlite3.connect(store)) as opened:
        rows = opened.execute("SELECT payload FROM audit_leaf ORDER BY leaf_index").fetchall()
    return [orjson.loads(row[0]) for row in rows]


async def intact(home: Home) -> bool:
    async with Store(f"sqlite:///{home.store}") as opened:
        return (await verify_leaves(opened, Notary(home.keys, "any"))).fault is None


async def mine(server: Server) -> Reply:
    return await server.ask(MINE, token=server.home.token("citizen-app", PERSON))


async def in_a_case(server: Server, case: str = "LSTD-2026-00001") -> Reply:
    variables = {
        "lookup": {"person": {"citizenId": PERSON.value, "name": "测试甲"}},
        "access": {"scenario": "S16", "caseNo": case, "purpose": "绿色通道"} | DECLARED,
    }
    return await server.ask(CASE, variables, server.home.token("service-hall"))


async def public(server: Server) -> Reply:
    return await server.ask(PUBLIC, {"uscc": FIRM.value})


@contextmanager
def gone(store: Path) -> Iterator[None]:
    """The file taken away under the running gateway, and put back."""
    away = store.rename(store.with_suffix(".away"))
    yield
    store.unlink(missing_ok=True)
    away.rename(store)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Somebody else writes and never finishes."""
    with closing(sqlite3.connect(store, isolation_level=None)) as opened:
        opened.execute("BEGIN EXCLUSIVE")
        yield
        opened.execute("ROLLBACK")


@pytest.mark.parametrize("broken", [gone, locked])
async def test_nothing_is_read_that_cannot_be_recorded(gateway: Server, broken: Any) -> None:
    async with bureau(gateway.home) as tax:
        with broken(gateway.home.store):
            asked = await gateway.metric("gateway_source_answers_total")
            answers = await asyncio.gather(
                mine(gateway), in_a_case(gateway), in_a_case(gateway, "not a case"), public(gateway)
            )
            for reply in answers[:3]:
                assert reply.status == 503
                assert reply.codes in NO_PROOF
                assert "data" not in reply.body
                assert not reply.body.get("extensions", {}).get("sources")
            firm = answers[3]
            of_the_firm = 0
            if broken is gone:  # nobody knows then what was objected to, so nothing is published either
                assert (firm.status, firm.codes in NO_PROOF) == (503, True)
            else:
                assert (firm.status, firm.errors) == (200, [])
                assert firm.data["enterprise"]["registration"]["marketEntityRegistration"]["records"]
                of_the_firm = len(firm.body["extensions"]["sources"])
            assert tax.calls == 0
            assert await gateway.metric("gateway_source_answers_total") == asked + of_the_firm
        tax.open.set()

        async def reads_again() -> bool:
            return (await mine(gateway)).errors == []

        await eventually(reads_again)
        assert tax.calls > 0
    assert sum([await gateway.metric("gateway_errors_total", code=code) for (code,) in NO_PROOF]) >= 3


async def test_a_process_killed_in_the_middle_leaves_its_intent(home: Home) -> None:
    async with bureau(home) as tax:
        with serving(home) as first:
            answer = asyncio.create_task(mine(first))
            await eventually(tax.called)
            first.process.send_signal(signal.SIGKILL)
            with pytest.raises(Exception):  # noqa: B017, PT011 - the connection ends somehow
                await answer
        phases = [leaf["phase"] for leaf in leaves(home.store)]
        assert phases == ["INTENT"]
        assert await intact(home)
        tax.open.set()
        with serving(home) as second:
            assert (await mine(second)).errors == []
    assert [leaf["phase"] for leaf in leaves(home.store)] == ["INTENT", "INTENT", "OUTCOME"]
    assert leaves(home.store)[2]["intentIndex"] == 1
    assert await intact(home)


async def test_what_was_fetched_stays_inside_when_the_outcome_cannot_be_written(gateway: Server) -> None:
    async with bureau(gateway.home) as tax:
        answer = asyncio.create_task(mine(gateway))
        await eventually(tax.called)
        with gone(gateway.home.store):
            tax.open.set()
            reply = await answer
            assert reply.codes == ["AUDIT_UNAVAILABLE"]
            assert not any((reply.body.get("data") or {}).values())
    assert leaves(gateway.home.store)[0]["phase"] == "INTENT"


async def test_the_log_tells_which_reads_a_department_saw_as_one(gateway: Server) -> None:
    """A batch has an id of its own: whoever finds it in a database's log finds here who asked (ruling 13)."""
    async with bureau(gateway.home) as tax:
        tax.open.set()
        replies = await asyncio.gather(*(in_a_case(gateway, f"LSTD-2026-{n:05d}") for n in range(1, 25)))
    assert all(reply.errors == [] for reply in replies)
    told = Counter(
        batch
        for leaf in leaves(gateway.home.store)
        if leaf["phase"] == "OUTCOME"
        for batch in leaf["batches"]
    )
    assert told
    assert all(batch.startswith("batch-") and reads > 1 for batch, reads in told.items())
    assert not any("batch-" in str(reply.body) for reply in replies)
