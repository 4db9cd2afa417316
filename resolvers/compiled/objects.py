"""Objects of the graph's static types, printed by a function written for their selection.

A check is such an object: hundreds of leaves that hold plain values, each of which graphql-core visits
by some ten calls. Records among them are printed by what is written for their type under the
decisions of the grant, as in `source`. What does not fit is left to graphql-core, over the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cachetools import LRUCache
from graphql import FieldNode, GraphQLObjectType, GraphQLSchema, get_named_type, is_abstract_type

from resolvers.building import TypeView
from resolvers.compiled.leaves import Uncompiled, Unfit
from resolvers.compiled.source import Source, Writer, each_or_one
from resolvers.compiled.tree import Field, Selection, selected
from resolvers.context import RequestContext
from resolvers.nodes import RecordNode
from resolvers.planning import Walk

RECORDS_KEPT: Final = 256
"""Functions for records of one document: for so many types under so many shapes of decisions."""
_DECLARED: Final = "strawberry-definition"


@dataclass(frozen=True, slots=True)
class Printed:
    """The value of a field, printed already."""

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ObjectPrinter:
    """Prints objects of one selection."""

    function: Callable[[object, Callable[[object, int], object]], dict[str, Any]]
    places: tuple[Mapping[str, Selection], ...]
    """What is selected of records in each place, by their type."""
    functions: LRUCache[object, Callable[..., Any]] = field(default_factory=lambda: LRUCache(RECORDS_KEPT))
    """For records: by place, type and what decisions make of the selected fields."""

    def print(self, value: object) -> dict[str, Any]:
        """The object as JSON has it; raises Unfit or whatever a value brings about."""
        return self.function(value, _Records(self))

    def of_record(self, view: TypeView, place: int) -> Callable[..., Any]:
        """The function for records of a type; raises Uncompiled, KeyError."""
        selection = self.places[place][view.entry.graphql_type]
        fields = view.decisions.fields
        decisions = (fields[each.name] for each in selection.fields if each.name in fields)
        key = (place, view.entry.code, *((one.effect, one.mask) for one in decisions))
        if key not in self.functions:
            self.functions[key] = written_record(view, selection).function.value
        return self.functions[key]


@dataclass(slots=True)
class _Records:
    """Prints the records of one answer, whose types stand under decisions that do not change meanwhile."""

    printer: ObjectPrinter
    known: dict[tuple[int, TypeView], Callable[..., Any]] = field(default_factory=dict)

    def __call__(self, node: object, place: int) -> object:
        if node.__class__ is not RecordNode:
            raise Unfit
        assert isinstance(node, RecordNode)  # noqa: S101 - for the type checker
        record = node.record
        key = (place, record.view)
        function = self.known.get(key)
        if function is None:
            function = self.known[key] = self.printer.of_record(record.view, place)
        return function(record)


def printed_object(context: RequestContext, key: str, value: object, concrete: frozenset[str]) -> object:
    """The value of a root field, printed where that is compiled; otherwise the value, for graphql-core.

    `concrete` are the GraphQL types of the records that may be in it.
    """
    plan, known = context.plan, (key, concrete)
    if not plan.kept:
        return value
    try:
        if known not in plan.objects:
            plan.objects[known] = _made(context, key, concrete)
        printer = plan.objects[known]
        if isinstance(printer, ObjectPrinter):
            return Printed(printer.print(value))
        context.left = "document"
    except Exception:  # a value brings about any; graphql-core says what is wrong, the metric that it had to
        context.left = "value"
    return value


def _made(context: RequestContext, key: str, concrete: frozenset[str]) -> ObjectPrinter | None:
    try:
        source, places = written_object(context.walk, context.plan.roots[key], concrete)
        return ObjectPrinter(source.function.value, places)
    except Uncompiled:
        return None


def written_object(
    walk: Walk, nodes: list[FieldNode], concrete: frozenset[str]
) -> tuple[Source, tuple[Mapping[str, Selection], ...]]:
    """The source for what a mutation gives, and what of records in each place; raises Uncompiled."""
    root = walk.schema.mutation_type
    assert root  # noqa: S101 - it is a mutation's
    type_name = get_named_type(root.fields[nodes[0].name.value].type).name
    writer = _ObjectWriter(walk.schema)
    source = writer.source(writer.object(selected(walk, type_name, nodes, concrete)))
    return source, tuple(writer.records)


def written_record(view: TypeView, selection: Selection) -> Source:
    """The source for the records of one type in one place; raises Uncompiled."""
    writer = Writer({view.entry.code: view})
    return writer.source(writer.record(selection, view))


class _ObjectWriter(Writer):
    """Writes functions for objects, which hold each field under its name in Python."""

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__({})
        self._schema = schema
        self.records: list[Mapping[str, Selection]] = []

    def object(self, selection: Selection) -> str:
        """The function of one type."""
        return self._function(
            selection.type_name,
            "node, record",
            selection,
            lambda each: self._member(selection.type_name, each),
        )

    def _member(self, parent: str, member: Field) -> str:
        if member.name == "__typename":
            return ""
        value = f"node.{self._attribute(parent, member.name)}"
        if not member.below:
            return self._leaf(member, value)
        if is_abstract_type(get_named_type(member.type)):
            self.records.append(member.below)
            return each_or_one(member, value, "record", str(len(self.records) - 1))
        (selection,) = member.below.values()
        return each_or_one(member, value, self.object(selection), "record")

    def _attribute(self, parent: str, name: str) -> str:
        """Where the value stands; raises Uncompiled for a field that is worked out."""
        kind = self._schema.get_type(parent)
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - validated documents only
        declared = kind.fields[name].extensions[_DECLARED]
        if not declared.is_basic_field:
            raise Uncompiled(name)
        return str(declared.python_name)
