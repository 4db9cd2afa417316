"""Documents are valid, or wrong in the same places and words, as graphql-core's own `validate` has it."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import graphql
import pytest
from graphql import parse, specified_rules

from catalogue.loader import load_catalogue
from gateway.personal import holds_long_number
from gateway.validation import validate
from resolvers.schema import build_schema
from tests.fuzz.documents import Writer

MOST = 20
SCHEMA = build_schema(load_catalogue()).executable
NAME = re.compile(r"(?<=[\s$:{(])[a-zA-Z]\w+")
SPOILED = ("unheardOf", "first", "subject", "state", "F0", "c1", "on", "__typename")


def spoiled(text: str, dice: Random) -> str:
    """The document with some of its names exchanged, which makes it wrong in every way."""
    for _ in range(dice.choice([0, 1, 1, 2, 30])):
        names = list(NAME.finditer(text))
        start, end = dice.choice(names).span()
        text = f"{text[:start]}{dice.choice([*SPOILED, dice.choice(names).group()])}{text[end:]}"
    return text


def told(errors: list[graphql.GraphQLError]) -> Counter[tuple[str, str]]:
    return Counter((error.message, str(error.locations)) for error in errors)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_wrong_is_what_graphql_core_finds(seed: int) -> None:
    dice, wrong = Random(seed), 0
    for _ in range(30):
        text = spoiled(Writer(SCHEMA, dice).document().text, dice)
        try:
            ast = parse(text)
        except graphql.GraphQLSyntaxError:
            continue
        theirs = graphql.validate(SCHEMA, ast, specified_rules, max_errors=MOST)
        ours = validate(SCHEMA, ast, specified_rules, most=MOST, names=holds_long_number(text))
        if len(theirs) > MOST:  # the last one only says that there are more
            theirs, ours = theirs[:MOST], ours[:MOST]
        assert told(ours) == told(theirs)
        wrong += bool(ours)
    assert wrong > 5


def test_too_many_errors_end_it_and_say_so() -> None:
    ast = parse("{" + " ".join(f"nothing{number}" for number in range(MOST + 5)) + "}")
    errors = validate(SCHEMA, ast, specified_rules, most=MOST, names=False)
    assert len(errors) == MOST + 1
    assert errors[-1].message.startswith("Validation aborted")
    assert errors[-1].__traceback__ is None


def test_fragments_too_deep_for_the_interpreter_end_it() -> None:
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(1_500))
    ast = parse(f"{{ ...F0 }} {chain} fragment F1500 on Query {{ __typename }}")
    errors = validate(SCHEMA, ast, specified_rules, most=MOST, names=False)
    assert not errors or errors[-1].message.startswith("Validation aborted")
