"""`credit-gateway check`: a file of subjects against a running gateway, for one scenario and one case."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer
from rich.progress import Progress

from authz.declarations import ReasonCode, RepeatReason
from authz.ids import new_id
from authz.receipts.chunks import KEPT
from catalogue.loader import load_catalogue
from gateway.bulk.job import Gateway, Job, Terms
from gateway.bulk.journal import Heading, Journal
from gateway.bulk.rows import Candidates, FileRefused, read
from gateway.cli.asking import DemoOfficer, GivenOfficer, Officer
from gateway.cli.common import (
    OPERATOR_COMMAND_VARIABLE,
    TOKEN_VARIABLE,
    CommandError,
    fail,
    problems,
    reported,
    settings_of,
)
from gateway.cli.summary import counted
from gateway.client import GatewayError, Transport
from gateway.parts import catalogue_of
from resolvers.checks.documents import chunk_operation_of

OPEN_LINES: Final = 3
"""Exit code: finished, and some lines have no whole answer."""
_ADDRESS: Final = "http://127.0.0.1:8000/graphql"

Scenario = Annotated[str, typer.Option(help="Code of the scenario, such as S04.")]
File = Annotated[
    Path, typer.Option(help="CSV: columns 身份证号 and 姓名, or 统一社会信用代码 (docs/bulk.md).")
]
Case = Annotated[str, typer.Option(help="Number of the case.")]
Purpose = Annotated[str, typer.Option(help="What for, in words; each subject will read it.")]
Declared = Annotated[
    bool, typer.Option("--no-conflict-of-interest", help="The officer declares it for every subject.")
]
Reason = Annotated[ReasonCode, typer.Option(help="Why the officer asks.")]
RepeatWhy = Annotated[
    RepeatReason | None, typer.Option(help="Why again, where the officer asked within 30 days.")
]
RepeatNote = Annotated[str | None, typer.Option(help="The same in words.")]
Out = Annotated[Path | None, typer.Option(help="File for the results (NDJSON); standard output if absent.")]
Urls = Annotated[
    list[str] | None, typer.Option(help=f"Address of a gateway; several share the work. [{_ADDRESS}]")
]
Token = Annotated[str | None, typer.Option(envvar=TOKEN_VARIABLE, help="Access token.")]
OperatorCommand = Annotated[
    str | None,
    typer.Option(envvar=OPERATOR_COMMAND_VARIABLE, help="Command that prints a new operator assertion."),
]
DemoClient = Annotated[
    str | None, typer.Option(help="With demo keys of --config: this client and its login.")
]
Deployment = Annotated[
    Path | None, typer.Option("--config", "-c", help="A deployment, for its scenarios and demo keys.")
]
Parallel = Annotated[int, typer.Option(min=1, max=16, help="Chunks under way at a time.")]
Size = Annotated[int, typer.Option(min=1, max=100, help="Subjects in a chunk.")]


def check(
    scenario: Scenario,
    file: File,
    case: Case,
    purpose: Purpose,
    no_conflict_of_interest: Declared = False,
    reason: Reason = ReasonCode.QUALIFICATION_REVIEW,
    repeat_reason: RepeatWhy = None,
    repeat_note: RepeatNote = None,
    out: Out = None,
    url: Urls = None,
    token: Token = None,
    operator_command: OperatorCommand = None,
    client: DemoClient = None,
    config: Deployment = None,
    parallel: Parallel = 2,
    chunk: Size = 50,
) -> None:
    """Check everybody in a file; the same command resumes a job that stopped.

    Exit code 0: every line has a whole answer; 3: finished, but some have not; 1: stopped.
    """
    access = {
        "scenario": scenario,
        "caseNo": case,
        "purpose": purpose,
        "reasonCode": reason,
        "noConflictOfInterest": no_conflict_of_interest,
        "repeatReason": repeat_reason,
        "repeatNote": repeat_note,
    }
    with reported(), _stopping():
        terms = Terms(_operation(scenario, config), access, parallel)
        officer = DemoOfficer(config, client) if client and config else GivenOfficer(token, operator_command)
        candidates, stat = read(file), file.stat()
        heading = Heading(new_id("jb"), scenario, case, chunk, time.time(), (stat.st_size, stat.st_mtime_ns))
        journal = _journal(out, heading)
        with _output(out, journal) as opened, _Bar(candidates) as bar:
            job = Job((), candidates, journal, opened, terms, bar.advance)
            summary = asyncio.run(_run(job, url or [_ADDRESS], officer))
    _finish(out, candidates, summary)


def _operation(scenario: str, config: Path | None) -> str:
    catalogue = catalogue_of(settings_of(config)) if config else load_catalogue()
    if scenario not in catalogue.scenarios:
        raise CommandError("SCENARIO_UNKNOWN", "The catalogue has no such scenario.")
    return chunk_operation_of(catalogue.scenarios[scenario], catalogue)


@contextmanager
def _stopping() -> Iterator[None]:
    """What stops a job, as one line and exit code 1."""
    try:
        yield
    except FileRefused as refusal:
        fail(refusal.code, refusal.message)
    except GatewayError as error:
        fail(error.code, f"{error.message} Nothing is lost: the same command with --out goes on.")


def _journal(out: Path | None, heading: Heading) -> Journal:
    """The one beside the results, or a new one; raises CommandError for another job's."""
    if out is None:
        return Journal.begun(None, heading)
    path = Path(f"{out}.journal")
    found = Journal.found(path)
    if found is None:
        if out.exists():
            raise CommandError("OUT_EXISTS", f"{out} is there already, without a journal. Name another file.")
        return Journal.begun(path, heading)
    known = found.heading
    if (known.scenario, known.case_no, known.file) != (heading.scenario, heading.case_no, heading.file):
        raise CommandError(
            "JOURNAL_OTHER", f"{path} is of another scenario, case or state of the file. Name another --out."
        )
    if heading.began - known.began > KEPT.total_seconds():
        raise CommandError("JOB_EXPIRED", "The job began a week ago or more. Start anew with another --out.")
    return found


@contextmanager
def _output(out: Path | None, journal: Journal) -> Iterator[BinaryIO]:
    """Open for adding, behind the results that are noted."""
    if out is None:
        yield sys.stdout.buffer
        return
    try:
        opened = os.fdopen(os.open(out, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    except OSError:
        raise CommandError("OUT_UNWRITABLE", f"{out} cannot be written.") from None
    with opened:
        opened.truncate(journal.end)
        opened.seek(journal.end)
        yield opened


class _Bar:
    """How many lines are through, on standard error."""

    def __init__(self, candidates: Candidates) -> None:
        self._progress = Progress(console=problems, transient=True)
        self._task = self._progress.add_task("lines", total=candidates.lines)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, lines: int) -> None:
        self._progress.advance(self._task, lines)


class _Asking:
    """One gateway, asked by the officer."""

    def __init__(self, transport: Transport, officer: Officer) -> None:
        self._transport = transport
        self._officer = officer

    async def ask(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        return await self._transport.ask(document, variables, await self._officer.assertion())


async def _run(job: Job, urls: Sequence[str], officer: Officer) -> str | None:
    async with AsyncExitStack() as stack:
        gateways: list[Gateway] = [
            _Asking(await stack.enter_async_context(Transport(url, officer.credentials)), officer)
            for url in urls
        ]
        return await replace(job, gateways=gateways).run()


def _finish(out: Path | None, candidates: Candidates, summary: str | None) -> None:
    if summary and out:
        Path(f"{out}.summary").write_text(summary + "\n")
    elif summary:
        problems.print(summary, soft_wrap=True, highlight=False)
    counts = counted(summary, candidates)
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    problems.print(told, highlight=False, soft_wrap=True)
    if counts["complete"] + counts["repeated"] < counts["lines"]:
        raise typer.Exit(OPEN_LINES)
