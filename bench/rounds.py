"""Interleaved rounds: every load on every contender in turn, so that drift hits rivals alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench import npm
from bench.contender import CHUNKED, Running, Sample, Setting, running
from bench.errors import BenchError
from bench.meters import machine_busy, statements
from bench.workloads import ONE, WORKLOADS, Workload, hanging

OURS: Final = "gateway"
BY_HAND: Final = frozenset({ONE.name, "100 subjects", "100 KB"})
"""A floor reads no document, and waits for ever where a source hangs."""
CONTENDERS: Final[dict[str, frozenset[str]]] = {
    "floor": BY_HAND,
    "floor+audit": frozenset({ONE.name}),
    "floor+batch": BY_HAND,
    "floor+batch+audit": BY_HAND | {"few persons"},
    "strawberry": BY_HAND | {"new document"},
    **dict.fromkeys(npm.PEERS, BY_HAND | {"new document", "one hangs"}),
    "gateway, unbatched": frozenset({ONE.name}),
    CHUNKED: frozenset({"100 subjects"}),
    OURS: frozenset(WORKLOADS),
}
"""Contenders, and what each is asked; ours comes last."""
MOST_CLIENTS: Final = {
    ("gateway, unbatched", ONE.name): 32,  # more than its sources have room for would be told BUSY
    **dict.fromkeys(((name, "100 subjects") for name in ("floor", "floor+batch", "strawberry")), 32),
}
PEERS_WARM_UP: Final = 4
"""Times as long: Node compiles late."""
BUSY_PERCENT: Final = 15.0
"""Of the machine's processor time, used by others before a load: beyond it, figures are marked."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long and how often."""

    rounds: int = 3
    warm_up: float = 0.5
    seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender in one round."""

    round: int
    contender: str
    clients: int
    sample: Sample
    postgresql_statements: float
    """Per request, connections' own included."""
    mariadb_statements: float
    workload: str = ONE.name
    others: float = 0.0
    """Percent of the machine's processor time that others used before."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of all there is a run measures."""

    contenders: tuple[str, ...] = tuple(CONTENDERS)
    workloads: tuple[str, ...] = tuple(WORKLOADS)
    clients: tuple[int, ...] = ()
    """Only these numbers of clients; all if empty."""
    every_round: bool = False
    """Measure all workloads in every round."""

    def loads(self, number: int = 0) -> list[tuple[Workload, int, list[str]]]:
        """What is asked in a round, by how many clients, and whom: another begins in each round."""
        shift = number % len(self.contenders)
        order = (*self.contenders[shift:], *self.contenders[:shift])
        return [
            (workload, clients, asked)
            for workload in map(WORKLOADS.__getitem__, self.workloads)
            if number == 0 or workload.every_round or self.every_round
            for clients in workload.clients
            if clients in (self.clients or workload.clients)
            if (asked := [name for name in order if _takes(name, workload, clients)])
        ]


def _takes(contender: str, workload: Workload, clients: int) -> bool:
    most = MOST_CLIENTS.get((contender, workload.name), clients)
    return workload.name in CONTENDERS[contender] and clients <= most


def turns(
    settings: Mapping[int | None, Setting],
    timing: Timing,
    choice: Choice,
    advance: Callable[[str], None],
    tell: Callable[[str], None],
) -> Iterator[Turn]:
    """All turns; each starts its server afresh. A turn that fails is told and left out."""
    for number in range(timing.rounds):
        for workload, clients, contenders in choice.loads(number):
            others = machine_busy()
            load = f"round {number + 1}: {workload.name}, {clients} clients"
            if others > BUSY_PERCENT:
                tell(f"busy machine ({others:.0f} %), {load}")
            for name in contenders:
                advance(f"{load}, {name}")
                try:
                    setting = settings[workload.persons]
                    yield from _turn(number, name, workload, clients, setting, timing, others)
                except BenchError as fault:
                    tell(f"left out: {load}: {fault}")


def _turn(
    number: int, name: str, workload: Workload, clients: int, setting: Setting, timing: Timing, others: float
) -> Iterator[Turn]:
    before = statements(setting.persons)
    with running(name, setting) as contender, hanging(workload, setting.persons):
        samples = _load(contender, workload, clients, number, timing)
    ran = statements(setting.persons) - before
    for kind, sample in samples.items():
        requests = sample.total / workload.subjects
        postgresql, mariadb = ran.postgresql / requests, ran.mariadb / requests
        yield Turn(number, name, clients, sample, postgresql, mariadb, kind, others)


def _load(
    contender: Running, workload: Workload, clients: int, number: int, timing: Timing
) -> dict[str, Sample]:
    warm_up = timing.warm_up * (PEERS_WARM_UP if contender.is_peer else 1)
    samples = contender.load(clients, warm_up, timing.seconds, number * 100 + clients, workload)
    if wrong := samples[workload.name].wrong:
        raise BenchError(f"{wrong} answers of {contender.name} were not whole")
    return samples
