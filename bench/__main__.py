"""`python -m bench`: prepare the data, check that all answer the same, measure, report."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import authorization, data, meters, npm, prepare, report
from bench.contender import Setting
from bench.errors import BenchError
from bench.ports import free_port
from bench.rounds import CONTENDERS, OURS, Choice, Timing, Turn, check, turns
from bench.tables import TABLES
from bench.workloads import WORKLOADS

RESULTS: Final = Path(__file__).parent / "results"
console: Final = Console(stderr=True)


def main(
    persons: Annotated[int, typer.Option(min=1_000, help="Persons in each table.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Rounds of every contender.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="Seconds measured per load.")] = 5.0,
    contender: Annotated[list[str] | None, typer.Option(help="Only these (and the gateway).")] = None,
    workload: Annotated[list[str] | None, typer.Option(help="Only these.")] = None,
    clients: Annotated[list[int] | None, typer.Option(help="Only so many at once.")] = None,
    *,
    drop: Annotated[bool, typer.Option("--drop", help="Remove this size's databases and stop.")] = False,
) -> None:
    """Measure the gateway against the floor. Databases: BENCH_POSTGRESQL_URL, BENCH_MARIADB_URL."""
    if drop:
        data.drop(persons)
        return
    try:
        choice = chosen(contender, workload, clients)
        fill(persons)
        machine = meters.machine()
        found = measure(persons, Timing(rounds, seconds=seconds), choice)
        pieces = [] if contender or workload or clients else authorization.measure(rounds)
    except BenchError as fault:
        console.print(f"[bold red]bench:[/] {fault}")
        raise typer.Exit(1) from None
    report.show(found)
    if pieces:
        authorization.show(pieces)
    console.print(f"all figures: {save(persons, machine, found, pieces)}")


def chosen(contenders: list[str] | None, workloads: list[str] | None, clients: list[int] | None) -> Choice:
    """What to measure; peers that cannot be had are left out, and said."""
    for names, known in ((contenders, CONTENDERS), (workloads, WORKLOADS)):
        if unknown := set(names or ()) - known.keys():
            raise BenchError(f"there is no {sorted(unknown)[0]}; there are {', '.join(known)}")
    wanted = [name for name in CONTENDERS if not contenders or name in (*contenders, OURS)]
    if set(wanted) & set(npm.PEERS):
        try:
            npm.fetch()
        except npm.PeersMissing as reason:
            console.print(f"[bold yellow]left out:[/] {', '.join(npm.PEERS)}: {reason}")
            wanted = [name for name in wanted if name not in npm.PEERS]
    return Choice(tuple(wanted), tuple(workloads or WORKLOADS), tuple(clients or ()))


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
    """Check the answers, then run every round."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchError("give it two cores at least: one for the server, one for the load")
    with TemporaryDirectory(prefix="credit-bench-") as folder:
        state, port = Path(folder), free_port()
        prepare.deployment(state, persons, port)
        if set(choice.contenders) & set(npm.PEERS):
            npm.compose(state, persons)
        token = (state / "token").read_text()
        query = (prepare.HERE / "query.graphql").read_text(encoding="utf-8")
        setting = Setting(state, persons, port, token, query, cores[0], (cores[-1],))
        with _progress() as progress:
            loads = sum(len(choice.loads(name)) for name in choice.contenders)
            task = progress.add_task("checking answers", total=timing.rounds * loads)
            check(setting, choice.contenders)

            def began(what: str) -> None:
                progress.update(task, description=what, advance=1)

            def missed(what: str) -> None:
                console.print(f"[bold yellow]left out:[/] {what}")

            return list(turns(setting, timing, choice, began, missed))


def save(
    persons: int, machine: dict[str, object], found: list[Turn], pieces: list[list[authorization.Piece]]
) -> Path:
    """Write everything as JSON."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now().astimezone()
    path = RESULTS / f"{now:%Y%m%dT%H%M%S}-{persons}.json"
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
