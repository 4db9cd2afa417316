"""Load, trouble and measurement side by side, and what is left when the trouble has passed."""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import yaml

from catalogue.identifiers import KeyKind, SubjectKind
from catalogue.strict_yaml import StrictLoader
from tests.soak.county import DEADLINE, OPEN_FOR, POOL, Soaked, soaked
from tests.soak.judge import SILENT, Trouble, Verdicts, judge
from tests.support.county import COUNTY, cast
from tests.support.county_answers import faults, served_by
from tests.support.processes import Reply, Server
from tests.support.questions import about, about_me, sections, types_of

RECOVERY = OPEN_FOR + 2 * DEADLINE + 1.0
"""Seconds in which a department must be answered again: the breaker's window, a question that was on its
way when the fault ended, the probe, and a second for the machine."""
OUT_OF_TIME = "OPERATION_TIMEOUT"
"""The one honest refusal of a whole operation: nothing of it was answered."""
NO_EPOCH = "STORE_UNAVAILABLE"
"""Another, where the machine kept the gateway from confirming within a second that nothing was revoked."""
GROWTH_MB = 40.0
"""Resident memory may grow by this between the middle and the end of the run, when caches are full."""
WARM = 300
"""Seconds below which a run says nothing of memory: caches are still filling."""
STARVED = 0.5
"""Share of its time for which the gateway may be ready to run and have no processor. Beyond it the machine
is what fails: deadlines are of the clock on the wall."""
UNEXPLAINED = 1e-4
"""Share of sections that may go unanswered without a fault: this machine has other work."""


@dataclass
class Report:
    """What was measured."""

    seconds: float = 0.0
    questions: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    verdicts: Verdicts = field(default_factory=Verdicts)
    happened: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    sessions: dict[str, int] = field(default_factory=dict)
    """Most connections that each server counted."""
    starved: float = 0.0
    """Seconds in which the gateway had no processor."""
    broken: str = ""
    """What ended the run before its time."""

    @property
    def violations(self) -> list[str]:
        return [*self.verdicts.violations, *([f"the run broke off: {self.broken}"] if self.broken else [])]

    @property
    def tenths(self) -> list[float]:
        """Median megabytes of each tenth of the run."""
        size = max(1, len(self.memory) // 10)
        return [median(self.memory[start : start + size]) for start in range(0, len(self.memory), size)]

    @property
    def growth(self) -> float:
        """Megabytes between the middle and the end."""
        return self.tenths[-1] - self.tenths[(len(self.tenths) - 1) // 2]

    def text(self) -> str:
        states = ", ".join(f"{state} {count}" for state, count in self.verdicts.sections.most_common())
        slowest = max(self.recoveries, default=0.0)
        usual = median(self.recoveries) if self.recoveries else 0.0
        lines = [
            f"{self.questions} questions in {self.seconds:.0f} s",
            f"sections: {states}; unanswered without a fault: {dict(self.verdicts.unexplained) or 0}",
            f"whole requests refused: {dict(self.refused) or 'none'}",
            f"faults: {', '.join(f'{name} {count}' for name, count in sorted(self.happened.items()))}",
            f"recovery: median {usual:.2f} s, slowest {slowest:.2f} s of {RECOVERY:.1f} s allowed",
            f"without a processor: {self.starved:.0f} s, each of which excuses {RECOVERY:.1f} s behind it",
            *self._resources(),
        ]
        return "\n".join([*lines, *(f"VIOLATION {what}" for what in self.violations), self._verdict()])

    def _resources(self) -> list[str]:
        if not self.memory or not self.files:
            return ["memory and files: never measured"]
        return [
            f"memory: {self.memory[0]:.0f} MB at first, {self.memory[-1]:.0f} at last,"
            f" {self.growth:+.1f} between the middle and the end;"
            f" by tenths {', '.join(f'{each:.0f}' for each in self.tenths)}",
            f"open files: {self.files[0]} at first, {max(self.files)} at most, {self.files[-1]} at last",
            f"connections at most: {self.sessions}",
        ]

    def _verdict(self) -> str:
        return f"{len(self.violations)} violations" if self.violations else "no violation"


async def soak(report: Report, seconds: float, dice: random.Random, workers: int) -> None:
    """The whole run into the report, whatever ends it; raises where the county could not be set up."""
    try:
        async with soaked(dice) as county:
            truths = await _truths(county.server)
            started = time.monotonic()
            try:
                await _soak(county, truths, report, dice, workers, started + seconds)
            finally:
                report.seconds = time.monotonic() - started
    except (Exception, asyncio.CancelledError) as fault:
        if not report.seconds:
            raise
        traceback.print_exception(fault)
        report.broken = ", ".join(sorted({type(each).__name__ for each in _leaves(fault)}))
    _limits(report)


async def _soak(
    county: Soaked,
    truths: Mapping[str, Any],
    report: Report,
    dice: random.Random,
    workers: int,
    until: float,
) -> None:
    trouble = Trouble(grace=RECOVERY)
    async with asyncio.TaskGroup() as watching:
        machine = watching.create_task(_watch(county, trouble, report))
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(_ask(county.server, truths, trouble, report, dice, until))
            group.create_task(_measure(county, report, until))
            await _trouble(county, trouble, report, dice, until, group)
        await _aftermath(county, truths, trouble, report)
        machine.cancel()


def _leaves(fault: BaseException) -> list[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        return [leaf for inner in fault.exceptions for leaf in _leaves(inner)]
    return [fault]


async def told(server: Server, name: str) -> tuple[dict[str, Any], frozenset[str]]:
    """Sections by record type, and which of them have an error; `errors` of a refusal raise."""
    key = cast()[name]
    if key.kind is KeyKind.CITIZEN_ID:
        reply = await server.ask(about_me(), token=server.home.token("citizen-app", key))
        kind, subject = SubjectKind.NATURAL_PERSON, _at(reply, "me", "person")
    else:
        kind = key.subject_kind
        reply = await server.ask(about(kind), {"uscc": key.value})
        subject = next(iter((reply.body.get("data") or {}).values()), None)
    if subject is None:
        raise Refused(",".join(sorted(set(reply.codes))) or str(reply.status))
    named = {entry.section: entry.code for entry in types_of(kind)}
    faulted = frozenset(named[step] for path in faults(reply) for step in path.split(".") if step in named)
    return sections(kind, subject), faulted


async def _truths(server: Server) -> dict[str, Any]:
    """What is answered while nothing is wrong, of everyone whom the identity sources confirm."""
    found = {}
    for name in cast():
        try:
            for _ in range(20):  # a first answer may be late: nothing is warm yet
                found[name], _ = await told(server, name)
                if all(section["state"] not in SILENT for section in found[name].values()):
                    break
        except Refused:
            continue
    return found


class Refused(Exception):
    """No subject in the answer."""


def _at(reply: Reply, *steps: str) -> Any:
    found = reply.body.get("data")
    for step in steps:
        found = (found or {}).get(step)
    return found


async def _ask(
    server: Server,
    truths: Mapping[str, Any],
    trouble: Trouble,
    report: Report,
    dice: random.Random,
    until: float,
) -> None:
    names = list(truths)
    while (asked_at := time.monotonic()) < until:
        name = dice.choice(names)
        kind = cast()[name].subject_kind
        try:
            answer, faulted = await told(server, name)
        except Refused as refusal:
            # an identity source that is down must not look like an unknown subject either
            report.refused[str(refusal)] += 1
            starved = trouble.starved + RECOVERY > asked_at
            if str(refusal) not in ((OUT_OF_TIME, NO_EPOCH) if starved else (OUT_OF_TIME,)):
                report.verdicts.violated(f"a known subject was refused: {refusal}")
            continue
        report.questions += 1
        troubled = frozenset(
            code
            for source in manifests()
            if trouble.during(source, asked_at)
            for code in (answer if source in identity_of(kind) else served_by(source))
        )
        judge(report.verdicts, truths[name], answer, faulted, troubled)


async def _trouble(
    county: Soaked,
    trouble: Trouble,
    report: Report,
    dice: random.Random,
    until: float,
    group: asyncio.TaskGroup,
) -> None:
    """One fault after another, sometimes two at once, each followed until its department answers again."""
    while time.monotonic() < until - RECOVERY:
        source = dice.choice([name for name in county.faults if name not in trouble.since])
        kind = dice.choice(list(county.faults[source]))
        group.create_task(_one(county, trouble, report, source, kind, dice.uniform(0.2, 4)))
        await asyncio.sleep(dice.uniform(0.5, 4))


async def _one(
    county: Soaked, trouble: Trouble, report: Report, source: str, kind: str, seconds: float
) -> None:
    report.happened[kind] += 1
    trouble.begin(source)
    async with county.faults[source][kind]():
        await asyncio.sleep(seconds)
    trouble.end(source)
    ended = time.monotonic()
    while source not in trouble.since:
        # an answer may wait for another department's deadline: what counts is when it was asked for
        asked_at = time.monotonic()
        if await _answers(county.server, source):
            report.recoveries.append(asked_at - ended)
            return
        if asked_at > trouble.settles(source):
            report.verdicts.violated(f"{source}: not answered {RECOVERY:.1f} s after {kind}")
            return
        await asyncio.sleep(0.05)


async def _answers(server: Server, source: str) -> bool:
    """Whether the graph gets answers from a source: readiness asks past the breaker, a question does not."""
    reply = await server.ask(about_me(), token=server.home.token("citizen-app", cast()["测试甲"]))
    if "extensions" not in reply.body:  # refused whole; the workers judge that
        return False
    states = reply.sources.get(source)
    if states is None:  # nobody was asked because the identity authority is in trouble itself
        return source != "psb" and "psb" in reply.sources and reply.sources["psb"] != {"OK"}
    return states == {"OK"}


async def _measure(county: Soaked, report: Report, until: float) -> None:
    process = psutil.Process(county.server.process.pid)
    while time.monotonic() < until:
        report.memory.append(process.memory_info().rss / 1e6)
        report.files.append(process.num_fds())
        # a server that takes no more logins is asked again; what is left open at the end must be told
        with suppress(Exception):
            for name, count in (await county.sessions()).items():
                report.sessions[name] = max(report.sessions.get(name, 0), count)
        await asyncio.sleep(1)


async def _watch(county: Soaked, trouble: Trouble, report: Report) -> None:
    """Notes when the machine has other work than the gateway."""
    then, waited = time.monotonic(), _waited(county)
    while True:
        await asyncio.sleep(0.25)
        now, longer = time.monotonic(), _waited(county)
        if longer - waited > STARVED * (now - then):
            trouble.starved = now
            report.starved += now - then
        then, waited = now, longer


def _waited(county: Soaked) -> float:
    """Seconds for which the gateway could have run and had no processor, by `/proc/pid/schedstat`."""
    try:
        return int(Path(f"/proc/{county.server.process.pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0  # another system does not tell


async def _aftermath(county: Soaked, truths: Mapping[str, Any], trouble: Trouble, report: Report) -> None:
    """With everything healed each answer is the truth again, and nothing is left open."""
    await asyncio.sleep(RECOVERY)
    for name, truth in truths.items():
        asked_at = time.monotonic()
        answer, _ = await told(county.server, name)
        if answer != truth and asked_at > trouble.starved + RECOVERY:
            report.verdicts.violated("an answer after all faults differs from the one before them")
    process = psutil.Process(county.server.process.pid)
    report.files.append(process.num_fds())
    for name, count in (await county.sessions()).items():
        if count > POOL:
            report.verdicts.violated(f"{name}: {count} connections are left of a pool of {POOL}")


def _limits(report: Report) -> None:
    total = sum(report.verdicts.sections.values())
    if report.verdicts.unexplained.total() > max(2, total * UNEXPLAINED):
        report.verdicts.violated(f"{report.verdicts.unexplained.total()} sections unanswered without a fault")
    if len(report.memory) >= WARM and report.growth > GROWTH_MB:
        report.verdicts.violated(f"memory grew by {report.growth:.0f} MB")
    if report.files and report.files[-1] > report.files[0] + 2 * POOL * len(manifests()):
        report.verdicts.violated(f"{report.files[-1]} files are left open, {report.files[0]} at first")
    for name, count in report.sessions.items():
        # a query is killed by a connection of its own, and a killed session lingers for a moment
        if count > 3 * POOL:
            report.verdicts.violated(f"{name}: {count} connections at a time")


@cache
def manifests() -> dict[str, dict[str, Any]]:
    """The county's manifests by source."""
    files = (COUNTY / "sources").glob("*.yaml")
    return {path.stem: yaml.load(path.read_text("utf-8"), StrictLoader) for path in files}


@cache
def identity_of(kind: SubjectKind) -> frozenset[str]:
    """Sources that confirm this kind of subject."""
    return frozenset(name for name, found in manifests().items() if kind in found.get("identity", {}))
