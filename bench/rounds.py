"""Interleaved rounds: every contender under every load, in turn, so that drift hits all alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench import npm
from bench.contender import Running, Sample, Setting, running
from bench.errors import BenchError
from bench.meters import statements
from bench.workloads import ONE, WORKLOADS, Workload, hanging

OURS: Final = "gateway"
ALL: Final = frozenset(WORKLOADS)
# a floor reads no document, and waits for ever where a source hangs
BY_HAND: Final = ALL - {"new document", "one hangs"}
CONTENDERS: Final[dict[str, frozenset[str]]] = {
    "floor": BY_HAND,
    "floor+audit": frozenset({ONE.name}),
    "floor+batch": BY_HAND,
    "floor+batch+audit": BY_HAND,
    "strawberry": ALL - {"one hangs"},
    **dict.fromkeys(npm.PEERS, ALL),
    "gateway, unbatched": frozenset({ONE.name}),
    OURS: ALL,
}
"""Contenders, and what each can be asked; ours comes last."""
MOST_CLIENTS: Final = {"gateway, unbatched": 32}
"""More than its sources have room for would be told BUSY."""
CHECKED_ALIKE: Final = tuple(name for name in CONTENDERS if name not in npm.PEERS)
PEERS_WARM_UP: Final = 4
"""Times as long: Node compiles late."""
CHECKED: Final = 25
"""Persons about whom all contenders must say the same, before anything is measured."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long and how often."""

    rounds: int = 5
    warm_up: float = 1.5
    seconds: float = 5.0


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


@dataclass(frozen=True, slots=True)
class Choice:
    """What of all there is a run measures."""

    contenders: tuple[str, ...] = tuple(CONTENDERS)
    workloads: tuple[str, ...] = tuple(WORKLOADS)
    clients: tuple[int, ...] = ()
    """Only these numbers of clients; all if empty."""

    def loads(self, contender: str) -> list[tuple[Workload, int]]:
        """What a contender is asked, and by how many clients."""
        most = MOST_CLIENTS.get(contender, max(ONE.clients))
        return [
            (WORKLOADS[name], clients)
            for name in self.workloads
            if name in CONTENDERS[contender]
            for clients in WORKLOADS[name].clients
            if clients <= most and clients in (self.clients or WORKLOADS[name].clients)
        ]


def check(setting: Setting, contenders: Sequence[str] = CHECKED_ALIKE) -> None:
    """Raise BenchError unless all contenders know everyone, and those of our graph give the same answers."""
    dice = random.Random(setting.persons)
    indexes = [dice.randrange(setting.persons) for _ in range(CHECKED)]
    answers = {}
    for name in contenders:
        with running(name, setting) as contender:
            answers[name] = [contender.ask(index) for index in indexes]
        if not all(isinstance(answer, dict) and answer["subject"] for answer in answers[name]):
            raise BenchError(f"{name} knows nobody of whom it was asked")
    alike = [name for name in contenders if name not in npm.PEERS]
    for name in alike[:-1]:
        for ours, theirs in zip(answers[alike[-1]], answers[name], strict=True):
            if ours != theirs:
                where = ".".join(first_difference(ours, theirs))
                raise BenchError(f"{name} and {alike[-1]} differ in {where}")


def first_difference(one: object, other: object) -> list[str]:
    """Where two answers part, as a path; values are not told."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            if one[key] != other[key]:
                return [str(key), *first_difference(one[key], other[key])]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (mine, yours) in enumerate(zip(one, other, strict=True)):
            if mine != yours:
                return [str(place), *first_difference(mine, yours)]
    return []


def turns(
    setting: Setting,
    timing: Timing,
    choice: Choice,
    advance: Callable[[str], None],
    missed: Callable[[str], None],
) -> Iterator[Turn]:
    """All turns; each starts its server afresh. The order rotates; a turn that fails is told and left out."""
    contenders = choice.contenders
    for number in range(timing.rounds):
        shift = number % len(contenders)
        for name in (*contenders[shift:], *contenders[:shift]):
            for workload, clients in choice.loads(name):
                what = f"round {number + 1}: {name}, {workload.name}, {clients}"
                advance(what)
                try:
                    yield _turn(number, name, workload, clients, setting, timing)
                except BenchError as fault:
                    missed(f"{what}: {fault}")


def _turn(number: int, name: str, workload: Workload, clients: int, setting: Setting, timing: Timing) -> Turn:
    before = statements(setting.persons)
    with running(name, setting) as contender, hanging(workload, setting.persons):
        sample = _load(contender, workload, clients, number, timing)
    ran = statements(setting.persons) - before
    asked = sample.total
    return Turn(number, name, clients, sample, ran.postgresql / asked, ran.mariadb / asked, workload.name)


def _load(contender: Running, workload: Workload, clients: int, number: int, timing: Timing) -> Sample:
    warm_up = timing.warm_up * (PEERS_WARM_UP if contender.is_peer else 1)
    seconds = timing.seconds * workload.times_as_long
    sample = contender.load(clients, warm_up, seconds, number * 100 + clients, workload)
    if sample.wrong:
        raise BenchError(
            f"{contender.name}, {workload.name}, {clients} clients: {sample.wrong} answers were not whole"
        )
    return sample
