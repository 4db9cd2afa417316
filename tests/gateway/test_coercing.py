"""Variables coerced by compiled functions: what they accept, graphql-core accepts, with the same values."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_variable_values,
    parse,
)
from graphql.execution.values import VariableValues

from catalogue.loader import load_catalogue
from gateway.coercing import Signature
from resolvers.schema import build_schema

ODD: tuple[Any, ...] = (None, "", "S04", "PAGE", 0, 7, 2**40, 1.5, True, [], ["S04", None], {}, {"x": 1})
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


def given(dice: Random, kind: Any) -> Any:
    """A value that is often of the type."""
    if dice.random() < 0.05:
        return dice.choice(ODD)
    if isinstance(kind, GraphQLNonNull):
        return given(dice, kind.of_type)
    if isinstance(kind, GraphQLList):
        return [given(dice, kind.of_type) for _ in range(dice.randrange(3))]
    if isinstance(kind, GraphQLInputObjectType):
        names = dice.sample([*kind.fields], 1) if kind.is_one_of else [*kind.fields]
        asked = {name: given(dice, kind.fields[name].type) for name in names if dice.random() < 0.8}
        return asked | ({"stranger": 1} if dice.random() < 0.02 else {})
    members = getattr(kind, "values", None)
    return (
        dice.choice([*members]) if members else dice.choice(("S04", "P-FY-01", "91990100MA9TE00142", 3, True))
    )


def operation(kind: str) -> OperationDefinitionNode:
    (found,) = parse(f"query Q($given: {kind}) {{ __typename }}").definitions
    assert isinstance(found, OperationDefinitionNode)
    return found


def test_every_input_type_of_the_graph_is_coerced_as_graphql_core_does() -> None:
    accepted = 0
    for kind in kinds():
        node, dice = operation(kind), Random(kind)
        signature = Signature.of(schema(), node)
        assert signature.variables is not None
        for _ in range(FEW):
            raw = (
                {"given": given(dice, signature.variables[0].signature.type)} if dice.random() < 0.95 else {}
            )
            expected = get_variable_values(schema(), node.variable_definitions or (), dict(raw))
            found = signature.coerced(raw)
            if found is None:
                continue  # graphql-core looks, and says what is wrong
            assert isinstance(expected, VariableValues)
            assert found.coerced == expected.coerced
            assert [*map(str, found.sources)] == [*map(str, expected.sources)]
            assert [each.value for each in found.sources.values()] == [
                each.value for each in expected.sources.values()
            ]
            accepted += 1
    # where hardly anything is accepted, nothing was compared
    assert accepted > len(kinds()) * FEW / 5


def test_an_operation_with_defaults_is_left_to_graphql_core() -> None:
    (node,) = parse("query Q($first: Int = 3) { __typename }").definitions
    assert isinstance(node, OperationDefinitionNode)
    assert Signature.of(schema(), node).coerced({"first": 1}) is None
