"""What the plans of a document weigh, told from its text: so that all that are kept have a bound."""

from __future__ import annotations

from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NamedTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    is_abstract_type,
)

from resolvers.access import CHECK, CHECK_CHUNK

CHECK_NODES: Final = 200
"""A check is planned for several scenarios and kinds of subject, whatever is selected of it."""


def nodes_of(schema: GraphQLSchema, document: DocumentNode, types: int) -> int:
    """Selections and values of all operations of a validated document, each some 0.5 kB of a plan.

    Fragments count wherever they are spread. What is selected of any record, in a list of all
    types of one kind of subject, counts once for each of so many `types`.
    """
    return _Counting(schema, document, types).nodes()


class _Counting:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, types: int) -> None:
        self._schema = schema
        self._document = document
        self._types = types
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, int], int] = {}

    def nodes(self) -> int:
        operations = (
            each for each in self._document.definitions if isinstance(each, OperationDefinitionNode)
        )
        return sum(self._counted(each.selection_set, 1) for each in operations)

    def _counted(self, selections: SelectionSetNode, times: int) -> int:
        counted = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                counted += self._field(node, times)
            elif isinstance(node, FragmentSpreadNode):
                counted += self._spread(node.name.value, times)
            elif isinstance(node, InlineFragmentNode):
                counted += self._counted(node.selection_set, self._within(node.type_condition, times))
        return counted

    def _field(self, node: FieldNode, times: int) -> int:
        name, counted = node.name.value, times
        counted += sum(_values(each.value) for each in node.arguments or ())
        if name in (CHECK, CHECK_CHUNK):
            counted += CHECK_NODES
        if node.selection_set:
            counted += self._counted(node.selection_set, self._types if name == "edges" else times)
        return counted

    def _spread(self, name: str, times: int) -> int:
        if (name, times) not in self._known:
            fragment = self._fragments[name]
            within = self._within(fragment.type_condition, times)
            self._known[name, times] = self._counted(fragment.selection_set, within)
        return self._known[name, times]

    def _within(self, condition: NamedTypeNode | None, times: int) -> int:
        """What is of one type of record alone counts once."""
        if condition is None or is_abstract_type(self._schema.get_type(condition.name.value)):
            return times
        return 1


def _values(value: ValueNode) -> int:
    if isinstance(value, ListValueNode):
        return 1 + sum(map(_values, value.values))
    if isinstance(value, ObjectValueNode):
        return 1 + sum(_values(each.value) for each in value.fields)
    return 1
