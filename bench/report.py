"""What a run found: medians and spread over the rounds, ratios within each round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.contender import Sample
from bench.rounds import CLIENTS, CONTENDERS, Turn

_MEASURES: Final[dict[str, Callable[[Sample], float]]] = {
    "requests/s per core": lambda sample: sample.rps,
    "p50 ms": lambda sample: sample.p50_ms,
    "p99 ms": lambda sample: sample.p99_ms,
    "CPU µs/request": lambda sample: sample.cpu_us,
    "core busy %": lambda sample: sample.busy * 100,
    "RSS MiB": lambda sample: sample.rss_mib,
}
_WIDTH: Final = 150
_FLOORS: Final = CONTENDERS[:-1]
_OURS: Final = CONTENDERS[-1]


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


def figures(turns: list[Turn], contender: str, clients: int) -> dict[str, Spread]:
    """Every measure of one contender under one load."""
    samples = [turn.samples[clients] for turn in turns if turn.contender == contender]
    return {name: spread(map(read, samples)) for name, read in _MEASURES.items()}


def ratios(turns: list[Turn], floor: str, clients: int) -> dict[str, Spread]:
    """The gateway's share of the floor's throughput and multiple of its time, round by round."""
    ours = [turn.samples[clients] for turn in turns if turn.contender == _OURS]
    theirs = [turn.samples[clients] for turn in turns if turn.contender == floor]
    pairs = list(zip(ours, theirs, strict=True))
    return {
        "throughput": spread(mine.rps / floor_.rps for mine, floor_ in pairs),
        "p50": spread(mine.p50_ms / floor_.p50_ms for mine, floor_ in pairs),
        "p99": spread(mine.p99_ms / floor_.p99_ms for mine, floor_ in pairs),
        "CPU": spread(mine.cpu_us / floor_.cpu_us for mine, floor_ in pairs),
    }


def statements(turns: list[Turn], contender: str) -> tuple[float, float]:
    """Statements per request on PostgreSQL and MariaDB; others use MariaDB too, so the least counts."""
    mine = [turn for turn in turns if turn.contender == contender]
    return min(turn.postgresql_statements for turn in mine), min(turn.mariadb_statements for turn in mine)


def summary(turns: list[Turn]) -> dict[str, object]:
    """Everything, for JSON."""
    return {
        "figures": {
            name: {
                str(clients): {key: asdict(value) for key, value in figures(turns, name, clients).items()}
                for clients in CLIENTS
            }
            for name in CONTENDERS
        },
        "gatewayTo": {
            floor: {
                str(clients): {key: asdict(value) for key, value in ratios(turns, floor, clients).items()}
                for clients in CLIENTS
            }
            for floor in _FLOORS
        },
        "statementsPerRequest": {
            name: dict(zip(("postgresql", "mariadb"), statements(turns, name), strict=True))
            for name in CONTENDERS
        },
    }


def show(turns: list[Turn]) -> None:
    """Two tables: the figures, and the gateway's ratio to each floor."""
    console = Console(width=max(Console().width, _WIDTH))
    table = Table("contender", "clients", *_MEASURES, "statements PG + MariaDB")
    for name in CONTENDERS:
        postgresql, mariadb = statements(turns, name)
        for clients in CLIENTS:
            found = figures(turns, name, clients)
            ran = f"{postgresql:.2f} + {mariadb:.2f}"
            table.add_row(name, str(clients), *map(str, found.values()), ran)
        table.add_section()
    console.print(table)
    table = Table("gateway to", "clients", "throughput", "p50", "p99", "CPU per request")
    for floor in _FLOORS:
        for clients in CLIENTS:
            times = ratios(turns, floor, clients).values()
            table.add_row(floor, str(clients), *(f"{each}×" for each in times))
    console.print(table)
    console.print("Median (least–greatest) of the rounds; ratios are taken within each round.")
