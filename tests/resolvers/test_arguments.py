"""Arguments are what graphql-core makes of them, whichever way a document writes them."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    build_schema,
    get_argument_values,
    get_variable_values,
    parse,
)
from graphql.execution.values import VariableValues

from resolvers.arguments import reader

SCHEMA = build_schema(
    """
    scalar Anything
    enum Kind { ONE TWO }
    input Inner { id: ID!, kind: Kind = ONE, all: [Int!] = [1, 2] }
    input Few { id: ID, kind: Kind = ONE }
    input Which @oneOf { inner: Few, code: String }
    type Query {
      find(which: Which, few: Few, inner: Inner, first: Int! = 20, types: [String!], any: Anything): Int
    }
    """
)
VARIABLES = (
    "$id: ID, $few: Few, $which: Which, $code: String, $first: Int = 3, $type: String = null, $any: Anything"
)
GIVEN: tuple[dict[str, Any], ...] = (
    {},
    {"id": "1", "few": {"id": "2"}, "which": {"code": "c"}, "code": "d", "first": 5, "type": "t", "any": [1]},
    {"id": None, "few": None, "which": None, "code": None, "type": None, "any": None},
)
ARGUMENTS = (
    "which: {inner: $few}",
    "which: {inner: {id: $id, kind: TWO}}",
    "which: {code: $code}",
    'which: {code: "x"}',
    "which: $which, first: $first",
    "few: {id: 7, kind: null}",
    "few: {kind: ONE, id: $id}",
    "few: null, first: 1",
    'inner: {id: "a"}',
    'inner: {id: "a", all: 3}',
    'inner: {id: "a", all: [3, 4], kind: TWO}',
    'types: ["a", "b"]',
    'types: "a"',
    'types: ["a", $type]',
    "any: {a: [1, $id]}",
    "any: $any",
    "any: 2.5",
)


def made(text: str, given: dict[str, Any]) -> tuple[FieldNode, VariableValues]:
    document = parse(f"query ({VARIABLES}) {{ find({text}) }}")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    variables = get_variable_values(SCHEMA, operation.variable_definitions or (), given)
    assert isinstance(variables, VariableValues)
    (node,) = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    return node, variables


def told(read: Any) -> object:
    try:
        return list(read().items())
    except GraphQLError as error:
        return error.message


@pytest.mark.parametrize("given", GIVEN, ids=["nothing", "all", "null"])
@pytest.mark.parametrize("text", ARGUMENTS)
def test_arguments_are_what_the_reference_makes_of_them(text, given):
    field = SCHEMA.query_type.fields["find"]
    node, variables = made(text, given)
    read = reader(field, node)
    wanted = told(lambda: get_argument_values(field, node, variables))
    assert [told(lambda: read(variables)), told(lambda: read(variables))] == [wanted, wanted]


def test_what_is_usual_needs_no_reference(monkeypatch):
    monkeypatch.setattr("resolvers.arguments.get_argument_values", None)
    field = SCHEMA.query_type.fields["find"]
    node, variables = made('which: {inner: $few}, few: {id: $id}, types: ["a", $code], any: 1', GIVEN[1])
    assert reader(field, node)(variables) == {
        "which": {"inner": {"id": "2", "kind": "ONE"}},
        "few": {"id": "1", "kind": "ONE"},
        "first": 20,
        "types": ["a", "d"],
        "any": 1,
    }


def test_requests_share_no_value_that_can_change():
    field = SCHEMA.query_type.fields["find"]
    node, variables = made('few: {id: 1}, types: ["a"]', {})
    read = reader(field, node)
    one, other = read(variables), read(variables)
    assert one["few"] is not other["few"]
    assert one["types"] is not other["types"]
