"""Personal data inside a document: refused, for documents are cached, hashed and reported (ruling 5).

A literal is personal when it reads as a citizen id, a phone number or the like, or when it is
given at a place that is personal whatever is written there (a person's name). The code of an
organization is not personal; that of an individual business (D/T 92) is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final

from graphql import (
    ArgumentNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NameNode,
    Node,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    ValidationContext,
    ValidationRule,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    is_input_object_type,
    resolve_schema_coordinate,
)
from graphql.utilities.resolve_schema_coordinate import ResolvedFieldArgument, ResolvedInputField

from catalogue.identifiers import (
    IdentifierError,
    clean,
    is_citizen_id,
    is_individual_business,
    normalize_uscc,
)
from catalogue.personal_text import scrub
from gateway.errors import coded

_LONG_NUMBER: Final = re.compile(r"\d{11}")


def is_personal(text: str) -> bool:
    """Whether a literal leads to a person by itself."""
    if is_citizen_id(text):
        return True
    try:
        return is_individual_business(normalize_uscc(text))
    except IdentifierError:
        tidy = clean(text)
        return scrub(text) != text or scrub(tidy) != tidy


def holds_long_number(text: str) -> bool:
    """Whether there are digits enough for the number of a person; where not, no name has to be looked at."""
    return _LONG_NUMBER.search(text) is not None


class _PersonalLiteralRule(ValidationRule):
    """PERSONAL_LITERAL for each literal that is personal by its content or by its place."""

    places: ClassVar[tuple[GraphQLArgument | GraphQLInputField, ...]] = ()
    """Arguments and input fields that are personal whatever is given."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._defaults: dict[str, VariableDefinitionNode] = {}
        self._variables: set[str] = set()

    def enter_name(self, node: NameNode, *_: object) -> None:
        if holds_long_number(node.value) and is_personal(node.value):
            self._refuse(node)

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        if is_personal(node.value):
            self._refuse(node)

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        if is_personal(node.value):
            self._refuse(node)

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        if any(self.context.get_argument() is place for place in self.places):
            self._close(node.value)

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        parent = get_named_type(self.context.get_parent_input_type())
        if is_input_object_type(parent):
            field = parent.fields.get(node.name.value)
            if any(field is place for place in self.places):
                self._close(node.value)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        if node.default_value and not isinstance(node.default_value, NullValueNode):
            self._defaults[node.variable.name.value] = node

    def leave_document(self, *_: object) -> None:
        for name in self._variables & self._defaults.keys():
            self._refuse(self._defaults[name])

    def _close(self, value: ValueNode) -> None:
        match value:
            case VariableNode():
                self._variables.add(value.name.value)
            case ListValueNode():
                for item in value.values:
                    self._close(item)
            case ObjectValueNode():
                for member in value.fields:
                    self._close(member.value)
            case NullValueNode():
                pass
            case _:
                self._refuse(value)

    def _refuse(self, node: Node) -> None:
        self.report_error(coded("PERSONAL_LITERAL", nodes=[node]))


def personal_literal_rule(schema: GraphQLSchema, coordinates: Iterable[str]) -> type[ValidationRule]:
    """The rule for this schema, built once.

    Args:
        schema: the schema that documents are validated against.
        coordinates: places that are personal whatever is given, as schema coordinates:
            `PersonLookup.name`, `Query.subject(subjectRef:)`.

    Raises:
        ValueError: a coordinate that names neither an argument nor an input field.
    """
    places = tuple(_place(schema, coordinate) for coordinate in coordinates)
    return type("PersonalLiteralRule", (_PersonalLiteralRule,), {"places": places})


def _place(schema: GraphQLSchema, coordinate: str) -> GraphQLArgument | GraphQLInputField:
    match resolve_schema_coordinate(schema, coordinate):
        case ResolvedFieldArgument() as found:
            return found.field_argument
        case ResolvedInputField() as found:
            return found.input_field
    raise ValueError(f"{coordinate} is not an argument or input field of the schema")
