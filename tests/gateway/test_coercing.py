"""Variables coerced by compiled functions: what they accept, graphql-core accepts, with the same values."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_variable_values,
    parse,
    validate,
)
from graphql.execution.values import VariableValues

from catalogue.loader import load_catalogue
from gateway.coercing import Signature
from gateway.errors import RequestRefused
from gateway.values import coerce_variables
from resolvers.schema import build_schema
from tests.fuzz.variables import default, drawn

FEW = 200


@cache
def schema() -> GraphQLSchema:
    return build_schema(load_catalogue()).executable


@cache
def kinds() -> list[str]:
    """Every type that an argument of the graph has."""
    objects = (kind for kind in schema().type_map.values() if isinstance(kind, GraphQLObjectType))
    fields = (field for kind in objects if not kind.name.startswith("__") for field in kind.fields.values())
    return sorted({str(argument.type) for field in fields for argument in field.args.values()})


def operation(variables: str) -> OperationDefinitionNode:
    (found,) = parse(f"query Q({variables}) {{ __typename }}").definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


def test_every_input_type_of_the_graph_is_coerced_as_graphql_core_does() -> None:
    accepted = 0
    for kind in kinds():
        dice = Random(kind)
        for _ in range(FEW):
            node = operation(f"$given: {kind}{default(dice, schema(), kind)}")
            raw = drawn(dice, schema(), node)
            expected = get_variable_values(schema(), node.variable_definitions or (), dict(raw))
            found = Signature.of(schema(), node).coerced(raw)
            if found is None:
                continue  # graphql-core looks, and says what is wrong
            assert isinstance(expected, VariableValues)
            assert repr(found.coerced) == repr(expected.coerced)
            assert [*map(str, found.sources)] == [*map(str, expected.sources)]
            assert [each.value for each in found.sources.values()] == [
                each.value for each in expected.sources.values()
            ]
            accepted += 1
    # where hardly anything is accepted, nothing was compared
    assert accepted > len(kinds()) * FEW / 2


def test_a_default_stands_for_what_is_absent_and_not_for_null() -> None:
    signature = Signature.of(schema(), operation("$first: Int = 3, $last: Int! = 4, $sure: Boolean = null"))
    for raw, values in (
        ({}, {"first": 3, "last": 4, "sure": None}),
        ({"first": None, "sure": True}, {"first": None, "last": 4, "sure": True}),
        ({"last": 5}, {"first": 3, "last": 5, "sure": None}),
    ):
        found = signature.coerced(raw)
        assert found is not None
        assert found.coerced == values
    assert signature.coerced({"last": None}) is None


def test_requests_share_no_default_that_can_change() -> None:
    signature = Signature.of(schema(), operation('$types: [String!] = ["a"], $first: Int = 3'))
    one, other = (coerce_variables(signature, {}).coerced for _ in range(2))
    assert one == other == {"types": ["a"], "first": 3}
    assert one["types"] is not other["types"]
    # what is given needs no default
    assert signature.coerced({"types": []}) is not None


def test_a_default_that_only_coercion_refuses_is_refused_when_it_is_used() -> None:
    text = 'query ($l: SubjectLookup! = {}) { subject(lookup: $l, access: {purpose: "x"}) { displayName } }'
    document = parse(text)
    assert not validate(schema(), document)
    (node,) = document.definitions
    assert isinstance(node, OperationDefinitionNode)
    signature = Signature.of(schema(), node)
    assert signature.coerced({"l": {"uscc": "91990100MA9TE00142"}}) is not None
    with pytest.raises(RequestRefused):
        coerce_variables(signature, {})
