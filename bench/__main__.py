"""`python -m bench`: prepare the data, check that all answer the same, measure, report."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import authorization, data, meters, npm, pinning, prepare, report
from bench.agreement import check
from bench.contender import Setting
from bench.errors import BenchError
from bench.ports import free_port
from bench.processes import leave_on_sigterm
from bench.question import QUERY
from bench.rounds import CONTENDERS, OURS, Choice, Timing, Turn, turns
from bench.tables import TABLES
from bench.workloads import FEW, WORKLOADS

console: Final = Console(stderr=True)


def main(
    persons: Annotated[
        int | None, typer.Option(min=1_000, help="Persons: 1,000,000, if quick 10,000.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, max=20, help="Rounds: 3, if quick 1.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.5, max=60, help="Per load: 2, if quick 1.")] = None,
    contender: Annotated[
        list[str] | None, typer.Option(help=f"Only these (and the gateway): {quoted(CONTENDERS)}.")
    ] = None,
    workload: Annotated[
        list[str] | None, typer.Option(help=f"Only these, in every round: {quoted(WORKLOADS)}.")
    ] = None,
    clients: Annotated[list[int] | None, typer.Option(help="Only so many at once; if quick 32.")] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Three minutes instead of twenty.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Remove this size's databases and stop.")] = False,
) -> None:
    """Measure the gateway against the floor. Databases: BENCH_POSTGRESQL_URL, BENCH_MARIADB_URL."""
    leave_on_sigterm()
    persons = persons or (FEW if quick else 1_000_000)
    timing = Timing(1, seconds=1.0) if quick else Timing()
    timing = Timing(rounds or timing.rounds, timing.warm_up, seconds or timing.seconds)
    if drop:
        data.drop(persons)
        return
    try:
        choice = chosen(contender, workload, clients or ([32] if quick else []))
        for size in {persons, FEW}:
            fill(size)
        machine = meters.machine()
        found = measure(persons, timing, choice)
        pieces = [] if quick or contender or workload or clients else authorization.measure(timing.rounds)
    except BenchError as fault:
        console.print(f"[bold red]bench:[/] {fault}")
        raise typer.Exit(1) from None
    if pieces:
        authorization.show(pieces)
    path = save(persons, machine, found, pieces)
    report.main(path)
    console.print(f"all figures: {path}")


def quoted(names: Iterable[str]) -> str:
    """Names as a shell takes them: there are commas in some."""
    return ", ".join(f'"{name}"' for name in names)


def tell(what: str) -> None:
    """Something that whoever reads the figures should know."""
    console.print(f"[bold yellow]note:[/] {what}")


def chosen(contenders: list[str] | None, workloads: list[str] | None, clients: list[int]) -> Choice:
    """What to measure; peers that cannot be had are left out, and said."""
    for names, known in ((contenders, CONTENDERS), (workloads, WORKLOADS)):
        if unknown := set(names or ()) - known.keys():
            raise BenchError(f"there is no {quoted(sorted(unknown)[:1])}; there are {quoted(known)}")
    wanted = [name for name in CONTENDERS if not contenders or name in (*contenders, OURS)]
    if set(wanted) & set(npm.PEERS):
        try:
            npm.fetch()
        except npm.PeersMissing as reason:
            tell(f"left out: {', '.join(npm.PEERS)}: {reason}")
            wanted = [name for name in wanted if name not in npm.PEERS]
    return Choice(tuple(wanted), tuple(workloads or WORKLOADS), tuple(clients), every_round=bool(workloads))


def fill(persons: int) -> None:
    """Make the databases that are missing."""
    sources = data.missing(persons)
    if sources:
        rows = persons * sum(table.source in sources for table in TABLES)
        with _progress() as progress:
            task = progress.add_task("rows", total=rows)
            data.fill(persons, sources, lambda step: progress.advance(task, step))
    data.enlarge(persons)


def measure(persons: int, timing: Timing, choice: Choice) -> list[Turn]:
    """Check the answers, then run every round: server, databases and load on cores of their own."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchError("give it two cores at least: one for the server, one for the load")
    with TemporaryDirectory(prefix="credit-bench-") as folder, _progress() as progress:
        places = {size: Path(folder, str(size)) for size in {persons, FEW}}
        settings = {size: prepared(place, size, cores) for size, place in places.items()}
        choice = replace(choice, contenders=tuple(_composed(choice.contenders, settings[persons])))
        loads = [asked for number in range(timing.rounds) for *_, asked in choice.loads(number)]
        task = progress.add_task("checking answers", total=sum(map(len, loads)))
        with pinning.databases_on(cores[1:-1] or cores[-1:], tell):
            same = check(settings[persons], choice.contenders)
            tell(f"load {os.getloadavg()[0]:.1f}")
            if set(choice.contenders) & set(npm.PEERS):
                tell(f"peers have {same} of our values as they are stored")
            began = partial(progress.update, task, advance=1)
            every = {None: settings[persons], **settings}
            return list(turns(every, timing, choice, lambda what: began(description=what), tell))


def prepared(state: Path, persons: int, cores: list[int]) -> Setting:
    """A county of this size, with keys and a token of this run."""
    state.mkdir()
    port = free_port()
    prepare.deployment(state, persons, port)
    token = (state / "token").read_text()
    return Setting(state, persons, port, token, QUERY, cores[0], (cores[-1],))


def _composed(contenders: tuple[str, ...], setting: Setting) -> Iterator[str]:
    """Contenders without the peers that cannot be composed here."""
    for name in contenders:
        try:
            if name in npm.PEERS:
                npm.compose(name, setting.state, setting.persons, set(setting.load_cores))
            yield name
        except npm.PeersMissing as reason:
            tell(f"left out: {name}: {reason}")


def save(
    persons: int, machine: dict[str, object], found: list[Turn], pieces: list[list[authorization.Piece]]
) -> Path:
    """Write everything as JSON."""
    report.RESULTS.mkdir(exist_ok=True)
    now = datetime.now().astimezone()
    path = report.RESULTS / f"{now:%Y%m%dT%H%M%S}-{persons}.json"
    content = {
        "at": now.isoformat(timespec="seconds"),
        "persons": persons,
        "machine": machine,
        "rows": report.summary(found),
        "turns": [asdict(turn) for turn in found],
        "authorization": [[asdict(piece) for piece in each] for each in pieces],
    }
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    return path


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


if __name__ == "__main__":
    typer.run(main)
