"""What a document selects below one field: a tree of response keys without fragments or conditions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLOutputType,
    TypeNameMetaFieldDef,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from resolvers.planning import Walk


@dataclass(frozen=True, slots=True)
class Field:
    """One response key."""

    key: str
    name: str
    type: GraphQLOutputType
    nodes: list[FieldNode]
    below: Mapping[str, Selection]
    """What is selected of the value, by concrete type; empty for a leaf."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The response keys of one concrete type, in the order of the answer."""

    type_name: str
    fields: tuple[Field, ...]


def selected(walk: Walk, type_name: str, nodes: Iterable[FieldNode], concrete: Collection[str]) -> Selection:
    """What is selected below `nodes`; where a value may be of several types, of those in `concrete`."""
    parent = walk.schema.get_type(type_name)
    assert isinstance(parent, GraphQLObjectType)  # noqa: S101 - validated documents only
    fields = []
    for key, found in walk.collect(type_name, nodes).items():
        name = found[0].name.value
        kind = TypeNameMetaFieldDef.type if name == "__typename" else parent.fields[name].type
        fields.append(Field(key, name, kind, found, _below(walk, kind, found, concrete)))
    return Selection(type_name, tuple(fields))


def _below(
    walk: Walk, kind: GraphQLOutputType, nodes: list[FieldNode], concrete: Collection[str]
) -> dict[str, Selection]:
    named = get_named_type(kind)
    if is_leaf_type(named):
        return {}
    if is_abstract_type(named):
        names = [each.name for each in walk.schema.get_possible_types(named) if each.name in concrete]
    else:
        names = [named.name]
    return {name: selected(walk, name, nodes, concrete) for name in names}
