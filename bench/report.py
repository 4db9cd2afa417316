"""What a run found: medians and spread over the rounds, ratios within each round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.contender import Sample
from bench.rounds import CONTENDERS, OURS, Turn
from bench.workloads import ONE, WORKLOADS

_MEASURES: Final[dict[str, Callable[[Sample], float]]] = {
    "requests/s per core": lambda sample: sample.rps,
    "p50 ms": lambda sample: sample.p50_ms,
    "p99 ms": lambda sample: sample.p99_ms,
    "CPU µs/request": lambda sample: sample.cpu_us,
    "elsewhere": lambda sample: sample.elsewhere_us,
    "core busy %": lambda sample: sample.busy * 100,
    "RSS MiB": lambda sample: sample.rss_mib,
}
_WIDTH: Final = 170
_NAMES: Final = tuple(CONTENDERS)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of the rounds."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
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


def ratios(turns: list[Turn], other: str, clients: int, workload: str = ONE.name) -> dict[str, Spread]:
    """The gateway's share of another's throughput and multiple of its time, round by round."""
    theirs = {turn.round: turn.sample for turn in _of(turns, other, clients, workload)}
    ours = _of(turns, OURS, clients, workload)
    pairs = [(turn.sample, theirs[turn.round]) for turn in ours if turn.round in theirs]
    return {
        "throughput": spread(mine.rps / theirs_.rps for mine, theirs_ in pairs),
        "p50": spread(mine.p50_ms / theirs_.p50_ms for mine, theirs_ in pairs),
        "p99": spread(mine.p99_ms / theirs_.p99_ms for mine, theirs_ in pairs),
        "CPU": spread(mine.cpu_us / theirs_.cpu_us for mine, theirs_ in pairs),
    }


def loads(turns: list[Turn]) -> list[tuple[str, int, str]]:
    """Workload, clients and contender of every row: workloads first, so that rivals stand together."""
    order = list(WORKLOADS)
    ran = {(order.index(turn.workload), turn.clients, _NAMES.index(turn.contender)) for turn in turns}
    return [(order[place], clients, _NAMES[name]) for place, clients, name in sorted(ran)]


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
        if _comparable(turns, name, clients, workload):
            times = ratios(turns, name, clients, workload)
            row["gatewayTo"] = {key: asdict(value) for key, value in times.items()}
        found.append(row)
    return found


def _comparable(turns: list[Turn], name: str, clients: int, workload: str) -> bool:
    rounds = {turn.round for turn in _of(turns, OURS, clients, workload)}
    return name != OURS and any(turn.round in rounds for turn in _of(turns, name, clients, workload))


def show(turns: list[Turn]) -> None:
    """One table: figures of each contender, and what the gateway's are of them."""
    console = Console(width=max(Console().width, _WIDTH))
    compared = ("ours: requests/s", "p99", "CPU")
    table = Table("workload", "clients", "contender", *_MEASURES, "statements PG + MariaDB", *compared)
    before = None
    for workload, clients, name in loads(turns):
        if before not in (None, (workload, clients)):
            table.add_section()
        before = workload, clients
        postgresql, mariadb = statements(turns, name, clients, workload)
        times = ["", "", ""]
        if _comparable(turns, name, clients, workload):
            ratio = ratios(turns, name, clients, workload)
            times = [f"{ratio[key]}×" for key in ("throughput", "p99", "CPU")]
        own = map(str, figures(turns, name, clients, workload).values())
        table.add_row(workload, str(clients), name, *own, f"{postgresql:.2f} + {mariadb:.2f}", *times)
    console.print(table)
    console.print("Median (least–greatest) of the rounds; ratios are taken within each round.")
