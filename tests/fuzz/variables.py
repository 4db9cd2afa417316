"""Random values of input types: mostly right, and now and then of another kind, or missing."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    is_input_type,
    is_required_input_field,
    parse_type,
    print_ast,
    type_from_ast,
)
from graphql.utilities import value_to_literal

ODD: Final[tuple[Any, ...]] = (
    *(None, "", "S04", "PAGE", 0, 7, 2**31, -(2**40), 1.0, 1.5, True, False),
    *([], ["S04", None], [["S04"]], {}, {"x": 1}),
)
_SOME: Final[dict[str, tuple[Any, ...]]] = {
    "Int": (1, 2, 5, 100, 0, -1, 2.0),
    "Boolean": (True, False),
    "ID": ("id", 7),
    "_Any": ({"uscc": "91990100MA9TE00142"}, [], "text", 1.5),
    "[RecordTypeCode!]": ([], ["E-RS-01"], ["P-FY-01", "P-FG-03"], ["X-XX-99"], "E-RS-01"),
}
_TEXTS: Final = ("S04", "P-FY-01", "91990100MA9TE00142", "2026-05-06")


def value(dice: Random, kind: GraphQLInputType, odd: float) -> Any:
    """A value of the type; `odd` is how often a part of it may be of any other."""
    if dice.random() < odd:
        return dice.choice(ODD)
    if isinstance(kind, GraphQLNonNull):
        return _some(dice, kind.of_type, odd)
    return None if dice.random() < 0.1 else _some(dice, kind, odd)


def _some(dice: Random, kind: Any, odd: float) -> Any:
    if str(kind) in _SOME:
        return dice.choice(_SOME[str(kind)])
    if isinstance(kind, GraphQLList):
        return [value(dice, kind.of_type, odd) for _ in range(dice.randrange(3))]
    if not isinstance(kind, GraphQLInputObjectType):
        return dice.choice(tuple(getattr(kind, "values", _TEXTS)))
    if kind.extensions["strawberry-definition"].is_one_of:
        name = dice.choice([*kind.fields])
        return {name: value(dice, GraphQLNonNull(kind.fields[name].type), odd)}
    given = {
        name: value(dice, field.type, odd)
        for name, field in kind.fields.items()
        if dice.random() >= (odd if is_required_input_field(field) else 0.5)
    }
    return given | ({"stranger": 1} if dice.random() < odd else {})


def default(dice: Random, schema: GraphQLSchema, kind: str) -> str:
    """The default of a variable of this type as it is written, if it has one."""
    found = type_from_ast(schema, parse_type(kind))
    assert is_input_type(found)
    literal = value_to_literal(value(dice, found, 0), found) if dice.random() < 0.4 else None
    return f" = {print_ast(literal)}" if literal else ""


def drawn(dice: Random, schema: GraphQLSchema, operation: OperationDefinitionNode) -> dict[str, Any]:
    """Variables of an operation as a client sends them: two in three times of their types."""
    odd, given = dice.choice([0, 0, 0.05]), {}
    for node in operation.variable_definitions or ():
        kind = type_from_ast(schema, node.type)
        assert is_input_type(kind)
        needed = isinstance(kind, GraphQLNonNull) and not node.default_value
        if dice.random() >= (odd if needed else 0.5):
            anything = dice.random() < 4 * odd
            given[node.variable.name.value] = dice.choice(ODD) if anything else value(dice, kind, odd)
    return given
