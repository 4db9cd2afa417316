"""Arguments of a field, by functions that are made once for each field of a kept document.

They know what documents mostly write: variables, objects and lists of them, and leaves written
out. Whatever else there is, and whatever they doubt, is graphql-core's business: then it coerces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_argument_values,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature
from graphql.execution.values import VariableValues
from graphql.utilities import coerce_input_literal
from graphql.utilities.coerce_input_value import coerce_default_value

Reader: TypeAlias = Callable[[VariableValues], dict[str, Any]]
_Value: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""A value out of the coerced variables; raises Doubt, and KeyError for a variable that was not given."""


class Doubt(Exception):
    """Here nobody can say what the value is worth."""


def absent(one: GraphQLArgument | GraphQLInputField | GraphQLVariableSignature) -> Any:
    """What stands for a value that is not given: the default, Undefined, or Doubt where there must be one."""
    default = coerce_default_value(one)
    if isinstance(default, list | dict):
        return Doubt  # each request would share it
    return Doubt if default is Undefined and isinstance(one.type, GraphQLNonNull) else default


def completed(kind: GraphQLInputObjectType, made: dict[str, Any]) -> Any:
    """The object of these members; raises Doubt where it is to have one, and has not."""
    if kind.is_one_of and (len(made) != 1 or None in made.values()):
        raise Doubt
    return kind.out_type(made)


def reader(field: GraphQLField, node: FieldNode) -> Reader:
    """What gives the coerced arguments of a field, by their GraphQL name."""

    def by_reference(variables: VariableValues) -> dict[str, Any]:
        return get_argument_values(field, node, variables)

    try:
        members = _members(field.args, ((each.name.value, each.value) for each in node.arguments or ()))
    except Doubt:
        return by_reference

    def read(variables: VariableValues) -> dict[str, Any]:
        given = variables.coerced
        try:
            return {name: value(given) for name, value in members}
        except (Doubt, KeyError):
            return by_reference(variables)

    return read


def _members(
    defined: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
    written: Iterable[tuple[str, ValueNode]],
) -> list[tuple[str, _Value]]:
    """Arguments of a field or members of an object, in the order in which they are defined."""
    nodes, found = dict(written), []
    for name, one in defined.items():
        if name in nodes:
            found.append((one.out_name or name, _value(one.type, nodes[name])))
        elif (default := absent(one)) is not Undefined:
            found.append((one.out_name or name, _constant(default)))
    return found


def _value(kind: GraphQLInputType, node: ValueNode) -> _Value:
    strict = isinstance(kind, GraphQLNonNull)
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(node, VariableNode):
        return _variable(node.name.value, strict=strict)
    if isinstance(node, ListValueNode) and isinstance(inner, GraphQLList):
        items = [_value(inner.of_type, each) for each in node.values]
        return lambda given: [item(given) for item in items]
    if isinstance(node, ObjectValueNode) and isinstance(inner, GraphQLInputObjectType):
        return _object(inner, node)
    if isinstance(node, ListValueNode | ObjectValueNode):
        raise Doubt
    return _constant(coerce_input_literal(node, kind))


def _variable(name: str, *, strict: bool) -> _Value:
    def read(given: Mapping[str, Any]) -> Any:
        value = given[name]
        if value is None and strict:
            raise Doubt
        return value

    return read


def _object(kind: GraphQLInputObjectType, node: ObjectValueNode) -> _Value:
    members = _members(kind.fields, ((each.name.value, each.value) for each in node.fields))

    def read(given: Mapping[str, Any]) -> Any:
        return completed(kind, {name: value(given) for name, value in members})

    return read


def _constant(value: Any) -> _Value:
    if value is Undefined or value is Doubt or isinstance(value, list | dict):
        raise Doubt  # invalid, or each request would share it
    return lambda _: value
