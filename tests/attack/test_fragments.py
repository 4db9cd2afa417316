"""Fragments that double themselves must cost what reading the document costs."""

import pytest
from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, build_schema, parse
from graphql.execution.values import VariableValues

from resolvers.planning import Walk

SCHEMA: GraphQLSchema = build_schema("type Query { a: Query b: Int c: Int }")


def walked(text: str) -> tuple[Walk, OperationDefinitionNode]:
    document = parse(text)
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return Walk(SCHEMA, fragments, VariableValues({}, {})), operation


def doubling(levels: int) -> str:
    """Fragments that spread the next one twice: 2 ** levels leaves, without a level of depth or an alias."""
    rows = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return "\n".join([*rows, f"fragment F{levels} on Query {{ b }}"])


@pytest.mark.parametrize("selection", ["{ a { ...F0 } }", "{ a { ... { ...F0 } ... on Query { ...F0 } } }"])
def test_a_fragment_is_collected_once_like_execution_does(selection: str):
    walk, operation = walked(f"{selection} {doubling(12)}")
    (node,) = operation.selection_set.selections
    collected = walk.collect("Query", [node])  # type: ignore[list-item]
    assert [len(nodes) for nodes in collected.values()] == [1]


def test_the_roots_are_collected_once_too():
    walk, operation = walked(f"{{ ...F0 ...F0 }} {doubling(12)}")
    assert [len(nodes) for nodes in walk.roots("Query", operation).values()] == [1]


def test_a_fragment_that_was_skipped_in_one_place_counts_in_another():
    walk, operation = walked("{ a { ...F @skip(if: true) ...F } } fragment F on Query { b }")
    assert list(walk.collect("Query", operation.selection_set.selections)) == ["b"]  # type: ignore[arg-type]


def test_a_fragment_spread_in_two_fields_is_collected_in_each():
    walk, operation = walked("{ a { ...F } x: a { ...F } } fragment F on Query { b }")
    for node in operation.selection_set.selections:
        assert list(walk.collect("Query", [node])) == ["b"]  # type: ignore[list-item]
