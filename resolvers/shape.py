"""The guardrails that concern the shape of a graph: GR-01, GR-08 and GR-09 over any SDL (domain.md §7).

The catalogue's lint keeps this subgraph clean. A supergraph is composed of others' subgraphs too, so
the same rules are read off the SDL, whoever wrote it: `credit-gateway schema --lint supergraph.graphql`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
)

from catalogue import guardrails
from catalogue.lint import Problem, Problems

PERSON: Final = "NaturalPerson"
SUBJECTS: Final = frozenset({PERSON, "CreditSubject"})
CHECK: Final = "CheckResult"
"""What a must-check says of a person is theirs too (ruling 28)."""
RECORD: Final = "CreditRecord"
ORDERING: Final = guardrails.Vocabulary.of("order by, sort, sort by, ordering", "")
COUNTED: Final = frozenset({"CheckItem.count", "MeasureInfo.legalClass"})
"""The one number about a person that the gateway makes itself, capped (domain.md §3.3), and one of a law."""

_Owner: TypeAlias = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType


def shape_problems(sdl: str) -> list[Problem]:
    """What in the SDL would score, rank or decide about a natural person, or lead from one to another.

    Reads everything reachable from `NaturalPerson` and `CheckResult`; directives, descriptions and types of
    entities only do not count (ruling 28). Raises GraphQLError for text that is no SDL.
    """
    schema = build_schema(sdl, assume_valid=True, assume_valid_sdl=True)
    return [problem for found in _reachable(schema) for problem in _of_type(schema, found)]


def _reachable(schema: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    """Types behind both; an interface stands for itself, or a person would lead to all entities."""
    waiting = [found for name in (PERSON, CHECK) if (found := schema.get_type(name))]
    seen = {PERSON, CHECK}
    while waiting:
        found = waiting.pop()
        yield found
        for field in found.fields.values() if isinstance(found, _Owner) else ():
            arguments = field.args.values() if isinstance(field, GraphQLField) else ()
            for item in (field, *arguments):
                named = get_named_type(item.type)
                if named.name not in seen:
                    seen.add(named.name)
                    waiting.append(named)


def _of_type(schema: GraphQLSchema, found: GraphQLNamedType) -> Problems:
    if word := guardrails.SCORES.find(found.name):
        yield Problem("GR01", found.name, f"“{word}” scores a person; say what the type is")
    yield from _prohibited(found.name, found.name)
    if isinstance(found, GraphQLEnumType):
        for value in found.values:
            yield from _spoken(f"{found.name}.{value}", value.lower())
    elif isinstance(found, _Owner):
        for name, field in found.fields.items():
            if f"{_code(found)}.{name}" not in guardrails.STATUTORY_FACTS:
                yield from _spoken(f"{found.name}.{name}", name)
            if isinstance(field, GraphQLField):
                yield from _of_field(schema, found, name, field)


def _of_field(schema: GraphQLSchema, owner: _Owner, name: str, field: GraphQLField) -> Problems:
    place = f"{owner.name}.{name}"
    named = get_named_type(field.type)
    for argument in field.args:
        yield from _spoken(f"{place}({argument})", argument)
        if word := ORDERING.find(argument):
            yield Problem("GR01", f"{place}({argument})", f"“{word}” would rank; records come newest first")
    record = isinstance(owner, GraphQLObjectType) and any(face.name == RECORD for face in owner.interfaces)
    if named in (GraphQLInt, GraphQLFloat) and not record and place not in COUNTED:
        yield Problem("GR01", place, "a number made of several records is a score; give the records")
    if named.name in SUBJECTS and isinstance(schema.get_type(named.name), _Owner):
        yield Problem("GR08", place, "leads from a person to another; nobody answers for a relative")


def _prohibited(place: str, name: str) -> Problems:
    if word := guardrails.SENSITIVE.find(name) or guardrails.WEALTH.find(name):
        yield Problem("GR08", place, f"“{word}” is data about a person that nobody may ask for; remove it")
    if name not in guardrails.CHILD_CONTACT and (word := guardrails.RELATIVES.find(name)):
        yield Problem("GR08", place, f"“{word}” leads to a relative; nobody answers for one")


def _spoken(place: str, name: str) -> Problems:
    yield from _prohibited(place, name)
    if word := guardrails.SCORES.find(name):
        yield Problem("GR01", place, f"“{word}” scores a person; remove it")
    if word := guardrails.VERDICTS.find(name):
        yield Problem("GR09", place, f"“{word}” reads as a verdict; the gateway states facts")


def _code(owner: GraphQLNamedType) -> str | None:
    """The record type's code, of `@recordType(code:)`."""
    written = (owner.ast_node and owner.ast_node.directives) or ()
    named = [
        argument for node in written if node.name.value == "recordType" for argument in node.arguments or ()
    ]
    return str(getattr(named[0].value, "value", "")) if named else None
