"""Variables coerced by functions that are made once for each input type.

They say yes to what graphql-core says yes to, with the same values. Whatever they doubt is
its business: then it coerces again, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

from resolvers.arguments import Doubt, absent, completed

Coercer: TypeAlias = Callable[[Any], object]
"""The value as resolvers get it; raises whatever it likes where graphql-core has to look."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The variables of one operation."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    variables: Sequence[tuple[GraphQLVariableSignature, Coercer]]

    @classmethod
    def of(cls, schema: GraphQLSchema, operation: OperationDefinitionNode) -> Signature:
        """The signature of a validated operation."""
        found = []
        for node in operation.variable_definitions or ():
            signature = get_variable_signature(schema, node)
            assert not isinstance(signature, GraphQLError)  # noqa: S101 - validated documents only
            found.append((signature, coercer(signature.type)))
        return cls(schema, operation, found)

    def coerced(self, raw: Mapping[str, object]) -> VariableValues | None:
        """The values of the variables; None where graphql-core has to look."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        try:
            for signature, coerce in self.variables:
                name = signature.name
                if name in raw:
                    coerced[name] = coerce(raw[name])
                    sources[name] = VariableValueSource(signature, raw[name])
                    continue
                sources[name] = VariableValueSource(signature)
                if (default := absent(signature)) is Doubt:
                    return None
                if default is not Undefined:
                    coerced[name] = default
        except Exception:  # of whatever kind: the reference knows what to say of it
            return None
        return VariableValues(sources, coerced)


_PLAIN: Final[Mapping[GraphQLInputType, type]] = {GraphQLString: str, GraphQLBoolean: bool}
"""Types whose values are what came, when it has the class."""


def coercer(kind: GraphQLInputType) -> Coercer:
    """The function for values of a type; made when the first value comes where types refer to each other."""
    if isinstance(kind, GraphQLNonNull):
        return _coercer(kind.of_type)
    inner, wanted = _coercer(kind), _PLAIN.get(kind)
    if wanted is None:
        return lambda value: None if value is None else inner(value)
    return lambda value: value if value is None or value.__class__ is wanted else inner(value)


def _coercer(kind: Any) -> Coercer:  # noqa: ANN401 - any input type but non-null
    if isinstance(kind, GraphQLList):
        item = coercer(kind.of_type)
        return lambda value: [item(each) for each in _a(list, value)]
    if isinstance(kind, GraphQLInputObjectType):
        return _of_object(kind)
    if kind in _PLAIN:
        return partial(_a, _PLAIN[kind])
    leaf = kind.coerce_input_value
    if isinstance(kind, GraphQLEnumType):
        return {name: leaf(name) for name in kind.values}.__getitem__

    def coerce(value: object) -> object:
        found = leaf(_some(value))
        if found is Undefined:
            raise Doubt
        return found

    return coerce


def _of_object(kind: GraphQLInputObjectType) -> Coercer:
    members: list[tuple[str, str, Coercer, object]] = []

    def coerce(value: object) -> object:
        given = _a(dict, value)
        if not members:
            members.extend(_members(kind))
        made, known = {}, 0
        for name, out, member, default in members:
            if name in given:
                made[out] = member(given[name])
                known += 1
            elif default is Doubt:
                raise Doubt
            elif default is not Undefined:
                made[out] = default
        if known != len(given):
            raise Doubt
        return completed(kind, made)

    return coerce


def _members(kind: GraphQLInputObjectType) -> list[tuple[str, str, Coercer, object]]:
    """Name, name in Python, coercer, and what stands for an absent one."""
    return [
        (name, field.out_name or name, coercer(field.type), absent(field))
        for name, field in kind.fields.items()
    ]


def _a(wanted: type, value: object) -> Any:  # noqa: ANN401 - what it is, is known
    if value.__class__ is not wanted:
        raise Doubt
    return value


def _some(value: object) -> object:
    if value is None:
        raise Doubt
    return value
