"""A file of candidates over real processes: whatever dies in the middle, each is checked and counted once."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from catalogue.identifiers import IdentifierError, SubjectKey
from gateway.cli.check import OPEN_LINES
from tests.e2e.conftest import Settle
from tests.support.commands import command
from tests.support.databases import Database
from tests.support.processes import BINARY, Home, Server, environ, eventually, free_port, serving
from tests.support.use import number

CASE = "RSKS-2026-7001"
JUDGMENTS = "P-FY-01"
UNKNOWN_THERE = 5
"""At most so many cannot be confirmed, or have a court record that cannot be read: the county's dirt."""


@dataclass(frozen=True)
class Bulk:
    """One job of `credit-gateway check`."""

    home: Home
    servers: Sequence[Server]
    rows: Sequence[tuple[str, str]]
    database: Database
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.home.folder / "results.ndjson"

    async def start(self, *more: str) -> asyncio.subprocess.Process:
        file = self.home.folder / "candidates.csv"
        if not file.exists():
            with file.open("w", encoding="utf-8", newline="") as opened:
                csv.writer(opened).writerows([("身份证号", "姓名"), *self.rows])
        urls = [part for server in self.servers for part in ("--url", f"{server.url}/graphql")]
        declared = ("--case", CASE, "--purpose", "公务员招录资格审查", "--no-conflict-of-interest")
        process = await asyncio.create_subprocess_exec(
            *(BINARY, "check", "--scenario", "S04", "--file", str(file), "--out", str(self.out)),
            *(*declared, *urls, "--chunk", "10", "-c", str(self.home.config), *more),
            env=environ() | {"CREDIT_GATEWAY_TOKEN": self.home.token("hr-approval")},
            stderr=asyncio.subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    async def finish(self, process: asyncio.subprocess.Process) -> tuple[int | None, str]:
        _, said = await process.communicate()
        return process.returncode, said.decode()

    async def run(self, *more: str) -> tuple[int | None, str]:
        return await self.finish(await self.start(*more))

    def noted(self, what: str) -> list[Any]:
        """Entries of the journal, whole ones."""
        path = Path(f"{self.out}.journal")
        content = path.read_bytes() if path.exists() else b""
        entries = [orjson.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
        return [each for each in entries if what in each]

    async def under_way(self) -> None:
        """Some chunks are through, and others are not."""

        async def some() -> bool:
            return len(self.noted("done")) > 3

        await eventually(some)
        assert len(self.noted("done")) < len(self.rows) // 10

    def results(self) -> list[Any]:
        return [orjson.loads(line) for line in self.out.read_bytes().splitlines()]

    def kept(self) -> Iterator[bytes]:
        """All that stays beside the results, here and in the gateway's store."""
        for pattern in (f"{self.home.store.name}*", f"{self.out.name}.*"):
            yield from (path.read_bytes() for path in self.home.folder.glob(pattern))

    async def leaves(self) -> list[Any]:
        rows = await self.database.fetch("SELECT subject, payload FROM audit_leaf")
        return [orjson.loads(payload) | {"of": subject} for subject, payload in rows]

    async def prove_once(self) -> None:
        """Every line came out once, and everybody was recorded and counted once."""
        lines = [each["line"] for each in self.results()]
        assert sorted(lines) == list(range(2, len(self.rows) + 2))
        checks = [each["check"]["checkId"] for each in self.results() if "check" in each]
        leaves = await self.leaves()
        intents = Counter(leaf["of"] for leaf in leaves if leaf["phase"] == "INTENT")
        assert (len(intents), set(intents.values())) == (len(self.rows), {1})
        outcomes = Counter(leaf["intentIndex"] for leaf in leaves if leaf["phase"] == "OUTCOME")
        assert (len(outcomes), set(outcomes.values())) == (len(self.rows), {1})
        ((subjects,),) = await self.database.fetch("SELECT count(*) FROM case_subject")
        assert subjects == len(self.rows)
        receipts = await self.database.fetch("SELECT jti FROM check_receipt")
        assert sorted(checks) == sorted(jti for (jti,) in receipts)
        assert len(checks) >= len(self.rows) - UNKNOWN_THERE
        assert await self.verdict() == (0, "WHOLE")

    async def verdict(self) -> tuple[int, str]:
        given = ("receipt", "summary", f"{self.out}.summary", "--json", "-c", self.home.config)
        ended = await command(*given)
        return ended.code, ended.json["verdict"]


def people(home: Home, wanted: int) -> list[tuple[str, str]]:
    """So many of the police register who stand in it plainly."""
    with closing(sqlite3.connect(home.folder / "county" / "psb.db")) as opened:
        rows = opened.execute(
            "SELECT GMSFHM, max(XM) FROM T_CZRK_JBXX WHERE RYZT = '10' AND CXBZ = '0' AND JLBZ = '1'"
            " GROUP BY GMSFHM HAVING count(*) = 1 ORDER BY GMSFHM"
        ).fetchall()
    found = [row for row in rows if _plain(row[0])]
    assert len(found) >= wanted
    return found[:wanted]


def _plain(number: str) -> bool:
    try:
        return SubjectKey.person(number).value == number
    except IdentifierError:
        return False


def own(home: Home) -> Database:
    return Database("sqlite", f"sqlite:///{home.store}")


async def test_a_long_file_with_all_its_faults(settled: Settle):
    home = settled()
    good = people(home, 200)
    faults = [
        good[0],
        ("990101198001010015", "测试甲"),
        (good[1][0], "别的姓名"),
        (number(7).value, "查无此人"),
    ]
    with serving(home) as server:
        bulk = Bulk(home, [server], [*good, *faults], own(home))
        code, said = await bulk.run()
        assert code == OPEN_LINES, said
        found = {each["line"]: each for each in bulk.results()}
        log = server.log.read_text()
    assert sorted(found) == list(range(2, 206))
    checks = Counter(each["check"]["completeness"] for each in found.values() if "check" in each)
    assert 200 - UNKNOWN_THERE <= checks["COMPLETE"] <= checks.total() <= 200
    assert (found[202]["sameAs"], found[2]["alsoOn"]) == (2, [202])
    codes = [found[line]["refusal"]["code"] for line in (203, 204, 205)]
    assert codes == ["IDENTIFIER_INVALID", "SUBJECT_REPEATED", "SUBJECT_NOT_CONFIRMED"]
    assert await bulk.verdict() == (0, "WHOLE")
    kept = b"".join(bulk.kept())
    for citizen, _ in good:
        raw = citizen.encode()
        plain = [citizen, *(hashlib.new(name, raw).hexdigest() for name in ("md5", "sha1", "sha256"))]
        assert not [each for each in plain if each in log or each.encode() in kept]


async def test_the_command_is_killed_and_goes_on(settled: Settle):
    home = settled()
    with serving(home) as server:
        bulk = Bulk(home, [server], people(home, 200), own(home))
        process = await bulk.start("--parallel", "2")
        await bulk.under_way()
        process.send_signal(signal.SIGKILL)
        await bulk.finish(process)
        code, said = await bulk.run("--parallel", "4")
        assert code in (0, OPEN_LINES), said
        await bulk.prove_once()


@pytest.mark.postgresql
async def test_one_of_two_processes_is_killed_and_the_other_does_the_rest(
    own_database: Database, settled: Settle
):
    if own_database.engine != "postgresql":
        return
    home = settled(store=own_database.url)
    with serving(home) as one, serving(home) as other:
        bulk = Bulk(home, [one, other], people(home, 200), own_database)
        process = await bulk.start("--parallel", "4")
        await bulk.under_way()
        other.process.kill()
        code, said = await bulk.finish(process)
        assert code in (0, OPEN_LINES), said
        await bulk.prove_once()


async def test_a_department_that_goes_down_in_the_middle_is_never_none(settled: Settle):
    home = settled()
    court = home.folder / "county" / "court.db"
    with serving(home) as server:
        bulk = Bulk(home, [server], people(home, 200), own(home))
        process = await bulk.start("--parallel", "1")
        await bulk.under_way()
        court.rename(court.with_suffix(".off"))
        before = {line for each in bulk.noted("sent") for line in each["lines"]}
        code, said = await bulk.finish(process)
        assert code == OPEN_LINES, said
    last = {each["line"]: each["check"] for each in bulk.results() if "check" in each}
    assert last.keys() - before
    for line in last.keys() - before:
        (item,) = (each for each in last[line]["items"] if each["recordType"] == JUDGMENTS)
        assert (item["result"], item.get("records")) == ("UNKNOWN", None)


async def test_one_subject_too_many_and_nothing_is_sent(settled: Settle):
    home = settled()
    bulk = Bulk(home, [], [("990101198001010014", "测试甲")] * 10_001, own(home))
    code, said = await bulk.run("--url", f"http://127.0.0.1:{free_port()}/graphql")
    assert (code, said.split()[0]) == (1, "FILE_TOO_LONG")
    assert not bulk.out.exists()
