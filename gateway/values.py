"""Values that do not fit their type: said in the schema's words, never in the value's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from graphql import (
    GraphQLError,
    GraphQLSchema,
    get_variable_values,
    is_enum_type,
    is_input_object_type,
)
from graphql.execution.values import VariableValues

from catalogue.identifiers import IdentifierError
from gateway.coercing import Signature
from gateway.errors import RequestRefused, coded, of_exception, origin_of

_FROM_SCHEMA: Final = re.compile(
    r"Expected (?:a )?value of (?:non-null )?type '[^']+'"
    r"(?: to be provided| not to be None| to be an object| to include required field '\w+')?"
    r"|Within OneOf Input Object type '\w+', exactly one field must be specified"
)
_UNKNOWN_KEY: Final = re.compile(r"Expected value of type '(\w+)' not to include unknown field")
_ENUM: Final = re.compile(r"Value .* does not exist in '(\w+)' enum|Enum '(\w+)' cannot represent", re.DOTALL)
_VARIABLE: Final = re.compile(r"(Variable '\$\w+' has invalid (?:default )?value[^:]*): (.*)", re.DOTALL)


def complaint(schema: GraphQLSchema, message: str) -> str:
    """What graphql-core's complaint about a value says in names of the schema.

    A key that is unknown is not repeated: it is the client's word, as a value is.
    """
    if unknown := _UNKNOWN_KEY.match(message):
        known = schema.get_type(unknown[1])
        keys = f" It has {', '.join(known.fields)}." if is_input_object_type(known) else ""
        return f"A key is unknown to type '{unknown[1]}'.{keys}"
    if found := _FROM_SCHEMA.match(message):
        return f"{found[0]}."
    named = _ENUM.match(message)
    kind = schema.get_type(named[1] or named[2]) if named else None
    if is_enum_type(kind):
        return f"Expected one of {', '.join(kind.values)}."
    return "The value does not fit its type."


def coerce_variables(signature: Signature, raw: Mapping[str, object]) -> VariableValues:
    """The variables as resolvers get them, defaults included.

    Raises:
        RequestRefused: BAD_VARIABLES, or IDENTIFIER_INVALID where an identifier is at fault; one
            error a variable, naming the place in the variable and never its value.
    """
    if (coerced := signature.coerced(raw)) is not None:
        return coerced
    nodes = signature.operation.variable_definitions or ()
    found = get_variable_values(signature.schema, nodes, dict(raw), max_errors=10)
    if isinstance(found, list):
        raise RequestRefused(*(_told(signature.schema, error) for error in found))
    return found


def _told(schema: GraphQLSchema, error: GraphQLError) -> GraphQLError:
    found = _VARIABLE.fullmatch(error.message)
    origin = origin_of(error)
    if isinstance(origin, IdentifierError):
        plain = of_exception(origin)
        place = f"{found[1]}. " if found else ""
        return GraphQLError(place + plain.message, error.nodes, extensions=plain.extensions)
    return coded(
        "BAD_VARIABLES", f"{found[1]}: {complaint(schema, found[2])}" if found else None, error.nodes
    )
