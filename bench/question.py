"""The bench's question as data: which fields of which sections it asks for, and of which columns they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from graphql import FieldNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse

from bench.prepare import HERE

QUERY: Final = (HERE / "query.graphql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Asked:
    """One section of the question: `fields` are those of its records, without the fragment's."""

    group: str
    name: str
    fields: tuple[str, ...]

    @property
    def type_name(self) -> str:
        """The GraphQL type of one record, for contenders that name their own."""
        return self.name[0].upper() + self.name[1:].removesuffix("s")


def _fields(selection: SelectionSetNode | None) -> Iterator[FieldNode]:
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set)


def _asked() -> Iterator[Asked]:
    operation = parse(QUERY).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    (subject,) = _fields(operation.selection_set)
    for group in _fields(subject.selection_set):
        for section in _fields(group.selection_set):
            (records,) = (each for each in _fields(section.selection_set) if each.name.value == "records")
            fields = tuple(each.name.value for each in _fields(records.selection_set))
            yield Asked(group.name.value, section.name.value, fields)


ASKED: Final = tuple(_asked())
"""In the order of the question."""

_RECORD: Final = "recordType nature status provenance { department system sourceUpdatedAt }"


def federated(*, many: bool) -> str:
    """The question in the peers' graph, where sections stand on the person: no department owns a group."""
    root = "subjects(persons: $who)" if many else "subject(person: $who)"
    kind = "[PersonLookup!]!" if many else "PersonLookup!"
    sections = " ".join(
        f"{each.name} {{ state fetchedAt records {{ {_RECORD} {' '.join(each.fields)} }} }}" for each in ASKED
    )
    return f"query SpecialOccupation($who: {kind}) {{ {root} {{ kind displayName {sections} }} }}"
