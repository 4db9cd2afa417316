"""Before anything is timed: all contenders know everyone, and say the same as far as they say it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bench import npm
from bench.contender import CHUNKED, Setting, running
from bench.errors import BenchError
from bench.question import ASKED, Asked
from bench.rounds import CONTENDERS, OURS

CHECKED: Final = 25
"""Persons about whom all contenders are asked."""
CHECKED_ALIKE: Final = tuple(name for name in CONTENDERS if name not in npm.PEERS)
Answer = dict[str, Any]


def check(setting: Setting, contenders: Sequence[str] = CHECKED_ALIKE) -> int:
    """Raise BenchError unless contenders of our graph give the same data, peers and chunks the same values.

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
            elif name == CHUNKED:
                compare_check(ours, theirs)
            elif ours["data"] != theirs["data"]:
                where = ".".join(first_difference(ours["data"], theirs["data"]))
                raise BenchError(f"{name} and {OURS} differ in {where}")
    return compared


def _knows(answer: Answer) -> bool:
    data = answer.get("data") or {}
    return any(data.get(root) for root in ("subject", "register", "mustCheckChunk"))


def compare_check(ours: Answer, theirs: Answer) -> None:
    """Raise BenchError unless a chunk of one person found our read's records, with the values both show."""
    (row,) = theirs["data"]["mustCheckChunk"]["rows"]
    if row["refusal"]:
        raise BenchError(f"{CHUNKED} was refused: {row['refusal']['code']}")
    subject, found = ours["data"]["subject"], row["check"]
    if subject["displayName"] != found["displayName"]:
        raise BenchError(f"{CHUNKED} and {OURS} differ in displayName")
    items = {item["recordType"]: item for item in found["items"]}
    for asked in ASKED:
        records = subject[asked.group][asked.name]["records"]
        if records:
            _compare_item(asked, records, items[records[0]["recordType"]])


def _compare_item(asked: Asked, records: list[Answer], item: Answer) -> None:
    if item["result"] != "PRESENT" or len(item["records"]) != len(records):
        raise BenchError(f"{CHUNKED} has not found what {OURS} has of {asked.name}")
    for mine, yours in zip(records, item["records"], strict=True):
        for field in (field for field in asked.fields if field in yours):
            if mine[field] != yours[field]:
                raise BenchError(f"{CHUNKED} and {OURS} differ in {asked.name}.{field}")


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
