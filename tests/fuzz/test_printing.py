"""What is compiled prints what graphql-core prints: same data in the same order, same errors."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from graphql import FieldNode, GraphQLField, Undefined
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolvers.arguments import Reader, reader
from tests.fuzz.differential import Differs, Fuzzer

DOCUMENTS = 1_000
"""Each in four worlds; `make fuzz` asks for far more."""


@pytest.fixture(scope="module")
def fuzzer() -> Fuzzer:
    return Fuzzer()


def tried() -> Fuzzer:
    """A hundred documents without Hypothesis, always the same."""
    fuzzer = Fuzzer()
    for number in range(100):
        fuzzer.try_one(Random(number))
    return fuzzer


@pytest.mark.timeout(900)
@settings(
    max_examples=DOCUMENTS,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(dice=st.randoms(use_true_random=False))
def test_compiled_printing_says_what_graphql_core_says(fuzzer: Fuzzer, dice: Random) -> None:
    fuzzer.try_one(dice)


def test_most_of_it_is_compiled_and_much_of_it_goes_wrong() -> None:
    counts = tried().counts
    assert counts["invalid documents"] < counts["documents"] / 5
    assert counts["cases left to graphql-core"] < counts["cases"] / 4
    assert counts["cases with errors"] > counts["cases"] / 10
    assert counts["checks left to graphql-core"] < counts["checks"] / 4
    assert counts["variables"] / 50 < counts["variables refused"] < counts["variables"] / 5
    assert counts["variables left to graphql-core"] < counts["variables"] / 5
    assert counts["subjects after a cursor"]


@pytest.mark.parametrize("checks", [0, 1])
def test_a_difference_would_be_seen(monkeypatch: pytest.MonkeyPatch, checks: int) -> None:
    monkeypatch.setattr("tests.fuzz.differential.CHECKS", checks)
    monkeypatch.setattr("resolvers.compiled.source._decided", lambda _, name: f"values[{name!r}]")
    with pytest.raises(Differs):
        tried()


def of_the_first(field: GraphQLField, node: FieldNode) -> Reader:
    """Reads the arguments of one request, and gives them to the others."""
    kept: list[dict[str, Any]] = []
    return lambda variables: kept[0] if kept else kept.append(reader(field, node)(variables)) or kept[0]


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("gateway.coercing._a", lambda _, value: value),
        ("gateway.coercing.absent", lambda _: Undefined),
        ("resolvers.planning.reader", of_the_first),
        ("resolvers.plans._frozen", lambda *_: None),
    ],
    ids=["any class", "no default", "arguments of another", "plan of another"],
)
def test_variables_read_wrongly_would_be_seen(
    monkeypatch: pytest.MonkeyPatch, place: str, fault: Callable[..., Any]
) -> None:
    monkeypatch.setattr(place, fault)
    with pytest.raises(Differs):
        tried()
