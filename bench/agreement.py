"""Before anything is timed: all contenders know everyone, and say the same as far as they say it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bench import npm
from bench.contender import Setting, running
from bench.errors import BenchError
from bench.question import ASKED
from bench.rounds import CONTENDERS, OURS

CHECKED: Final = 25
"""Persons about whom all contenders are asked."""
CHECKED_ALIKE: Final = tuple(name for name in CONTENDERS if name not in npm.PEERS)
Answer = dict[str, Any]


def check(setting: Setting, contenders: Sequence[str] = CHECKED_ALIKE) -> int:
    """Raise BenchError unless contenders of our graph give the same data, and peers the same values.

    Returns how many values of one answer a peer has word for word: those that are neither decoded nor masked.
    """
    dice = random.Random(setting.persons)
    indexes = [dice.randrange(setting.persons) for _ in range(CHECKED)]
    answers = {}
    for name in contenders:
        with running(name, setting) as contender:
            answers[name] = [contender.ask(index) for index in indexes]
        if not all(_knows(answer) for answer in answers[name]):
            raise BenchError(f"{name} knows nobody of whom it was asked")
    compared = 0
    for name in contenders:
        for ours, theirs in zip(answers.get(OURS, ()), answers[name], strict=True):
            if name in npm.PEERS:
                compared = _compare_values(name, ours, theirs, npm.departments(setting.state))
            elif ours["data"] != theirs["data"]:
                where = ".".join(first_difference(ours["data"], theirs["data"]))
                raise BenchError(f"{name} and {OURS} differ in {where}")
    return compared


def _knows(answer: Answer) -> bool:
    data = answer.get("data") or {}
    return bool(data.get("subject") or data.get("register"))


def _compare_values(name: str, ours: Answer, theirs: Answer, departments: list[dict[str, Any]]) -> int:
    """Values that both have as stored: of columns without decoders, not masked and not denied."""
    plain = {section["name"]: section["plain"] for each in departments for section in each["sections"]}
    told = ours["extensions"]["authorization"]
    hidden = {tuple(path.split(".")[-3::2]) for path in (*told["masked"], *told["denied"])}
    compared = 0
    for section, mine, yours in _records(ours, theirs):
        for field in plain[section]:
            if (section, field) in hidden:
                continue
            if mine[field] != yours[field]:
                raise BenchError(f"{name} and {OURS} differ in {section}.{field}")
            compared += 1
    return compared


def _records(ours: Answer, theirs: Answer) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Records of our answer with those of a peer: on its person, or rows under the section's name."""
    for asked in ASKED:
        mine = ours["data"]["subject"][asked.group][asked.name]["records"]
        subject = theirs["data"].get("subject")
        yours = subject[asked.name]["records"] if subject else theirs["data"][asked.name]
        for pair in zip(mine, yours, strict=True):
            yield asked.name, *pair


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
