"""The hash of a document: the same for what differs in literals, blanks and comments, for nothing else."""

from __future__ import annotations

import gc

import pytest
from graphql import Token, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.spelling import forget_tokens, literal_free_hash

DOCUMENT = """query Q($a: [[Int!]!]! = [[1], [2]], $b: Text = "x", $c: In = {list: [{y: 1.5e3}], z: "}"}) {
  one: entity(text: "A", number: -1, list: [1, "[", $a], one: $b, object: {x: 2, y: [3]}) @include(if: true)
  ... on Thing { two(x: $c) }
}"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('text: "A"', 'text: "张伟 \\" # [ { "'),
        ('text: "A"', 'text: """\n block "of \\""" text" ] \n"""'),
        ('text: "A"', 'text: ""'),
        ("number: -1", "number: 22.5E+7"),
        ('list: [1, "[", $a]', "list: []"),
        ('list: [1, "[", $a]', "list: [[[{x: [1]}], [2]] THREE]"),
        ("= [[1], [2]]", "= [[[]]]"),
        (", ", ',,\n\t , # a comment [ " with brackets\r\n'),
        (": ", ":"),
    ],
)
def test_literals_blanks_and_comments_do_not_count(one: str, other: str) -> None:
    changed = DOCUMENT.replace(one, other)
    parse(changed)
    assert changed != DOCUMENT
    assert literal_free_hash(changed) == literal_free_hash(DOCUMENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("one: entity", "two: entity"),
        ("entity", "entities"),
        ("[[Int!]!]!", "[[Int]!]!"),
        ("[[Int!]!]!", "[Int!]!"),
        ("number: -1", "number: $b"),
        ("number: -1", "number: ONE"),
        ("if: true", "if: false"),
        ("{x: 2, y: [3]}", "{y: [3], x: 2}"),
        ("... on Thing", "... on Things"),
        ("query Q", "query R"),
    ],
)
def test_all_else_counts(one: str, other: str) -> None:
    changed = DOCUMENT.replace(one, other)
    parse(changed)
    assert changed != DOCUMENT
    assert literal_free_hash(changed) != literal_free_hash(DOCUMENT)


@settings(max_examples=30)
@given(text=st.text(max_size=60), number=st.floats(allow_nan=False, allow_infinity=False))
def test_no_literal_shows_in_the_hash(text: str, number: float) -> None:
    quoted = text.encode("unicode_escape").decode().replace('"', '\\"')
    document = f'{{ f(a: "{quoted}", b: {number!r}, c: ["{quoted}"]) }}'
    try:
        parse(document)
    except Exception:
        return
    assert literal_free_hash(document) == literal_free_hash('{ f(a: "", b: 0, c: []) }')


def test_no_token_outlives_the_reading() -> None:
    ast = parse(DOCUMENT.replace("entity", "onlyHere"))
    forget_tokens(ast)
    tokens = [each for each in gc.get_objects() if isinstance(each, Token) and each.value == "onlyHere"]
    assert tokens == []
    assert ast.loc
    assert ast.loc.end > ast.loc.start
