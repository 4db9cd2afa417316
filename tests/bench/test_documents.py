"""A first sight is measured of documents that share what they say they share."""

import subprocess
import sys
from collections.abc import Iterator
from random import Random

import pytest
from graphql import parse

from bench.documents import Reader, sharing_document
from bench.fresh import WORD, new_word, template
from bench.question import QUERY, federated
from gateway.limits import structure_errors
from gateway.settings import Limits
from resolvers.compiled.functions import Function
from tests.support.processes import CHECKOUT


def functions_of(function: Function) -> Iterator[Function]:
    """A function and all that it uses."""
    yield function
    for used in function.uses:
        if isinstance(used, Function):
            yield from functions_of(used)


def test_a_fresh_document_is_compiled_whole_and_another_as_far_as_it_differs() -> None:
    reader, dice = Reader(), Random(1)
    fresh = template(QUERY)

    def made(text: str) -> set[Function]:
        return set(functions_of(reader.read(text).source.function))

    first, second = (made(fresh.replace(WORD, new_word(dice))) for _ in range(2))
    assert len(first) == len(second) > 2 * 8
    assert not first & second
    one, other = (made(sharing_document(QUERY, number, dice)) for number in range(2))
    assert one & other
    assert one - other


@pytest.mark.parametrize("query", [QUERY, federated(many=False)])
def test_a_fresh_document_asks_for_the_same_and_keeps_the_limits(query: str) -> None:
    text = template(query).replace(WORD, "New")
    assert structure_errors(parse(text), Limits()) == []
    assert text.count("New_") >= 8
    for section in query.split("records {")[1:]:
        assert section.split("}")[0].split()[0] in text


def test_what_has_an_alias_gets_another() -> None:
    assert template("query A { rows { id: a name: b } }").replace(WORD, "New") == (
        "query New { rows { id: a New_1: b } }"
    )


def test_first_sight_and_memory_are_printed_ten_times() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench.documents", "--documents", "20"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [str(number) for number in range(2, 21, 2)]
    assert all("ms sharing nothing" in line and line.endswith("MiB") for line in lines)
