"""What a run found: medians and spread over the rounds, ratios within each round.

`python -m bench.report [run.json]` prints a run, the newest by default, as the tables of docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console

from bench.contender import CHUNKED, Sample
from bench.errors import BenchError
from bench.npm import PEERS
from bench.rounds import BUSY_PERCENT, CONTENDERS, OURS, Turn
from bench.workloads import BESIDE, ONE, WORKLOADS

RESULTS: Final = Path(__file__).parent / "results"
_MEASURES: Final[dict[str, Callable[[Sample], float]]] = {
    "requests/s": lambda sample: sample.rps,
    "p50 ms": lambda sample: sample.p50_ms,
    "p99 ms": lambda sample: sample.p99_ms,
    "CPU µs/request": lambda sample: sample.cpu_us,
    "in subgraphs": lambda sample: sample.elsewhere_us,
    "core busy %": lambda sample: sample.busy * 100,
    "RSS MiB": lambda sample: sample.rss_mib,
}
_ORDER: Final = (*WORKLOADS, BESIDE)
_NAMES: Final = tuple(CONTENDERS)
_RATIOS: Final = {OURS: "gatewayTo", CHUNKED: "chunksTo"}
"""Whose ratios to the others a row has, and under which name."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of the rounds."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        if self.least == self.greatest:
            return _short(self.median)
        return f"{_short(self.median)} ({_short(self.least)}–{_short(self.greatest)})"


def spread(values: Iterable[float]) -> Spread:
    """The spread of some figures."""
    found = sorted(values)
    return Spread(median(found), found[0], found[-1])


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def figures(turns: list[Turn], contender: str, clients: int, workload: str = ONE.name) -> dict[str, Spread]:
    """Every measure of one contender under one load."""
    samples = [turn.sample for turn in _of(turns, contender, clients, workload)]
    return {name: spread(map(read, samples)) for name, read in _MEASURES.items()}


def ratios(
    turns: list[Turn], other: str, clients: int, workload: str = ONE.name, of: str = OURS
) -> dict[str, Spread]:
    """The gateway's share of another's throughput and multiple of its time, round by round."""
    theirs = {turn.round: turn.sample for turn in _of(turns, other, clients, workload)}
    ours = _of(turns, of, clients, workload)
    pairs = [(turn.sample, theirs[turn.round]) for turn in ours if turn.round in theirs]
    return {
        "throughput": spread(mine.rps / theirs_.rps for mine, theirs_ in pairs),
        "p50": spread(mine.p50_ms / theirs_.p50_ms for mine, theirs_ in pairs),
        "p99": spread(mine.p99_ms / theirs_.p99_ms for mine, theirs_ in pairs),
        "CPU": spread(mine.cpu_us / theirs_.cpu_us for mine, theirs_ in pairs),
    }


def loads(turns: list[Turn]) -> list[tuple[str, int, str]]:
    """Workload, clients and contender of every row: workloads first, so that rivals stand together."""
    ran = {(_ORDER.index(turn.workload), turn.clients, _NAMES.index(turn.contender)) for turn in turns}
    return [(_ORDER[place], clients, _NAMES[name]) for place, clients, name in sorted(ran)]


def _of(turns: list[Turn], contender: str, clients: int, workload: str) -> list[Turn]:
    wanted = (contender, clients, workload)
    return [turn for turn in turns if (turn.contender, turn.clients, turn.workload) == wanted]


def statements(
    turns: list[Turn], contender: str, clients: int, workload: str = ONE.name
) -> tuple[float, float]:
    """Statements per request on PostgreSQL and MariaDB; others use MariaDB too, so the least counts."""
    mine = _of(turns, contender, clients, workload)
    return min(turn.postgresql_statements for turn in mine), min(turn.mariadb_statements for turn in mine)


def summary(turns: list[Turn]) -> list[dict[str, object]]:
    """Everything, for JSON: one entry a row of the table."""
    found = []
    for workload, clients, name in loads(turns):
        own = figures(turns, name, clients, workload)
        row: dict[str, object] = {"workload": workload, "clients": clients, "contender": name}
        row["figures"] = {key: asdict(value) for key, value in own.items()}
        row["statementsPerRequest"] = statements(turns, name, clients, workload)
        row["othersPercent"] = max(turn.others for turn in _of(turns, name, clients, workload))
        for of, key in _RATIOS.items():
            if _comparable(turns, name, clients, workload, of):
                times = ratios(turns, name, clients, workload, of)
                row[key] = {measure: asdict(value) for measure, value in times.items()}
        found.append(row)
    return found


def _comparable(turns: list[Turn], name: str, clients: int, workload: str, of: str) -> bool:
    rounds = {turn.round for turn in _of(turns, of, clients, workload)}
    return name != of and any(turn.round in rounds for turn in _of(turns, name, clients, workload))


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The tables, a workload each: figures of each contender, and what the gateway's are of them."""
    for workload, found in groupby(rows, key=lambda row: row["workload"]):
        yield from (f"### {workload}", "")
        ratio = f"{OURS}: requests/s, p99, CPU"
        yield from _table(
            ["contender", "clients", *_MEASURES, "statements PG + MariaDB", ratio], map(_cells, found)
        )
    yield "Median (least–greatest) of the rounds; ratios are taken within each round, then their median."
    if any(row["othersPercent"] > BUSY_PERCENT for row in rows):
        yield f"\\* others used more than {BUSY_PERCENT:.0f} % of the machine just before one of the rounds."
    yield ""


def _cells(row: Row) -> list[str]:
    spreads = {name: Spread(**value) for name, value in row["figures"].items()}
    figures_ = [str(value) if value.greatest else "" for value in spreads.values()]
    postgresql, mariadb = row["statementsPerRequest"]
    ratio = [f"{_short(value['median'])}×" for key, value in row.get("gatewayTo", {}).items() if key != "p50"]
    busy = " \\*" if row["othersPercent"] > BUSY_PERCENT else ""
    statements_ = f"{postgresql:.2f} + {mariadb:.2f}"
    return [row["contender"] + busy, str(row["clients"]), *figures_, statements_, ", ".join(ratio)]


def goals(rows: Sequence[Row]) -> Iterator[str]:
    """The goals of the issue, as far as these rows tell: nothing where they tell of none."""
    if found := list(_goals(rows)):
        yield from ("### Goals", "")
        yield from _table(["goal", "wanted", "found", "met"], found)


def _goals(rows: Sequence[Row]) -> Iterator[list[str]]:
    found = {(row["workload"], row["clients"], row["contender"]): row for row in rows}

    def goal(
        text: str, wanted: float, key: tuple[str, int, str], measure: str, of: str = OURS
    ) -> Iterator[list[str]]:
        if key not in found or _RATIOS[of] not in found[key]:
            return
        ratio = found[key][_RATIOS[of]][measure]["median"]
        met = ratio >= wanted if measure == "throughput" else ratio <= wanted
        sign = "≥" if measure == "throughput" else "≤"
        yield [text, f"{sign} {wanted}×", f"{_short(ratio)}×", _met(met)]

    for name, wanted in (("floor+batch+audit", 0.75), ("floor", 2.0), ("strawberry", 10.0)):
        yield from goal(f"throughput of {name}, 32 clients", wanted, (ONE.name, 32, name), "throughput")
    for peer in PEERS:
        for workload in (ONE.name, "100 subjects"):
            for clients in (32, 256):
                for measure in ("throughput", "p99"):
                    text = f"{measure} of {peer}, {workload}, {clients} clients"
                    yield from goal(text, 1.0, (workload, clients, peer), measure)
                    in_chunks = f"{text}, in chunks"
                    yield from goal(in_chunks, 1.0, (workload, clients, peer), measure, CHUNKED)
    yield from goal("p50 of floor, 1 client", 1.3, (ONE.name, 1, "floor"), "p50")
    if first := found.get(("new document", 1, OURS)):
        took = first["figures"]["p50 ms"]["median"]
        yield [
            "first-seen document, whole request, 1 client",
            "< 10 ms",
            f"{_short(took)} ms",
            _met(took < 10),
        ]


def _met(value: bool) -> str:  # noqa: FBT001 - what it prints
    return "yes" if value else "**no**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"
    yield ""


def newest() -> Path:
    """The run that ended last."""
    runs = sorted(RESULTS.glob("*.json"))
    if not runs:
        raise BenchError(f"no run is in {RESULTS}")
    return runs[-1]


def read(run: Path) -> list[Row]:
    """The rows of a run."""
    try:
        rows: list[Row] = orjson.loads(run.read_bytes())["rows"]
    except OSError as fault:
        raise BenchError(f"{run} cannot be read: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise BenchError(f"{run} is not a run of the bench") from None
    return rows


def main(run: Annotated[Path | None, typer.Argument(help="JSON of a run.")] = None) -> None:
    """Print a run as Markdown."""
    try:
        rows = read(run or newest())
    except BenchError as fault:
        Console(stderr=True).print(f"[bold red]bench:[/] {fault}")
        raise typer.Exit(1) from None
    print("\n".join((*markdown(rows), *goals(rows))))


if __name__ == "__main__":
    typer.run(main)
