"""Several gateway processes on one store behave as one appender: real processes, real stores."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path

from tests.support.audit_logs import KEYS, audit_log
from tests.support.databases import Database
from tests.support.merkle_checks import grew
from tests.support.tampering import verified

ROOT = Path(__file__).parents[2]
Process = asyncio.subprocess.Process


@asynccontextmanager
async def writers(
    database: Database, folder: Path, count: int, operations: int
) -> AsyncIterator[list[Process]]:
    """Processes that wait for the word, each with its own log of the same store."""
    keys = folder / "keys.yaml"
    KEYS.write(keys)
    module = ("-m", "tests.support.audit_writer")
    command = (sys.executable, *module, database.url, str(keys), str(operations))
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT, **pipes) for _ in range(count)]
    try:
        for each in processes:
            assert await line_of(each) == b"ready\n"
        yield processes
    finally:
        for each in processes:
            if each.returncode is None:
                each.kill()
            await each.wait()


def go(process: Process) -> None:
    assert process.stdin
    process.stdin.write(b"\n")


async def line_of(process: Process) -> bytes:
    assert process.stdout
    return await asyncio.wait_for(process.stdout.readline(), 60)


async def answered(process: Process) -> list[int]:
    """The intents whose outcome the process could have answered."""
    assert process.stdout
    return [int(line) async for line in process.stdout]


async def test_processes_that_write_at_once_make_one_tree(own_database: Database, tmp_path: Path) -> None:
    async with writers(own_database, tmp_path, 3, 200) as processes:
        for each in processes:
            go(each)
        begun = [[int(await line_of(each)) for _ in range(10)] for each in processes]
        for each in processes:  # all have begun, and none is done: so they take turns
            go(each)
        told = await asyncio.wait_for(asyncio.gather(*(answered(each) for each in processes)), 120)
        told = [[*first, *rest] for first, rest in zip(begun, told, strict=True)]
        assert [await each.wait() for each in processes] == [0, 0, 0]
    found = await verified(own_database)
    assert (found.leaves, found.fault, found.signed) == (1_200, None, 1_200)
    async with audit_log(own_database.url) as log:
        linked = {leaf.event["intentIndex"] async for leaf in log.read() if leaf.event["phase"] == "OUTCOME"}
        first = (await log.prove_growth(1)).checkpoint
        roots = [leaf.root async for leaf in log.read()]
        path = (await log.prove_growth(777)).path
    assert sorted(chain.from_iterable(told)) == sorted(linked), "each answer has its own two events"
    assert grew(777, roots[776], first.size, first.root, path)
    assert max(map(min, told)) < min(map(max, told)), "they took turns"


async def test_a_process_that_is_killed_hurts_no_other(own_database: Database, tmp_path: Path) -> None:
    async with writers(own_database, tmp_path, 2, 2_000) as (victim, other):
        for each in (victim, victim, other, other):
            go(each)
        first = int(await line_of(victim))
        victim.send_signal(signal.SIGKILL)
        assert await victim.wait() == -signal.SIGKILL
        assert victim.stdout
        said = {first, *(int(line) for line in (await victim.stdout.read()).split(b"\n")[:-1])}
        said |= set(await asyncio.wait_for(answered(other), 120))
        assert await other.wait() == 0
    found = await verified(own_database)
    assert found.fault is None
    async with audit_log(own_database.url) as log:
        ended = [leaf.event["intentIndex"] async for leaf in log.read() if leaf.event["phase"] == "OUTCOME"]
    assert len(ended) == len(set(ended)), "nothing is counted twice"
    assert said <= set(ended), "nothing that could be answered is lost"
