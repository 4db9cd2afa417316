"""Interleaved rounds: every contender under every load, in turn, so that drift hits all alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bench.contender import BenchError, Running, Sample, Setting, running
from bench.meters import statements

CONTENDERS: Final = ("floor", "floor+audit", "gateway")
CLIENTS: Final = (1, 32)
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
    samples: dict[int, Sample]
    """By number of clients."""
    postgresql_statements: float
    """Per request, connections' own included."""
    mariadb_statements: float


def check(setting: Setting) -> None:
    """Raise BenchError unless all contenders give the same answers."""
    dice = random.Random(setting.persons)
    indexes = [dice.randrange(setting.persons) for _ in range(CHECKED)]
    answers = {}
    for name in CONTENDERS:
        with running(name, setting) as contender:
            answers[name] = [contender.ask(index) for index in indexes]
        if not all(isinstance(answer, dict) and answer["subject"] for answer in answers[name]):
            raise BenchError(f"{name} knows nobody of whom it was asked")
    *floors, gateway = CONTENDERS
    for name in floors:
        for ours, theirs in zip(answers[gateway], answers[name], strict=True):
            if ours != theirs:
                where = ".".join(first_difference(ours, theirs))
                raise BenchError(f"{name} and {gateway} differ in {where}")


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


def turns(setting: Setting, timing: Timing, advance: Callable[[str], None]) -> Iterator[Turn]:
    """All turns; each starts its server afresh. The order rotates from round to round."""
    for number in range(timing.rounds):
        shift = number % len(CONTENDERS)
        for name in (*CONTENDERS[shift:], *CONTENDERS[:shift]):
            advance(f"round {number + 1}: {name}")
            yield _turn(number, name, setting, timing)


def _turn(number: int, name: str, setting: Setting, timing: Timing) -> Turn:
    before = statements(setting.persons)
    with running(name, setting) as contender:
        samples = {clients: _load(contender, clients, number, timing) for clients in CLIENTS}
    ran = statements(setting.persons) - before
    total = sum(sample.total for sample in samples.values())
    return Turn(number, name, samples, ran.postgresql / total, ran.mariadb / total)


def _load(contender: Running, clients: int, number: int, timing: Timing) -> Sample:
    sample = contender.load(clients, timing.warm_up, timing.seconds, seed=number * 100 + clients)
    if sample.wrong:
        raise BenchError(f"{contender.name} at {clients} clients: {sample.wrong} answers were not whole")
    return sample
