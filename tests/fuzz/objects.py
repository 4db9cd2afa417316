"""Random objects of static types, such as checks, with records of random worlds in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from catalogue.identifiers import SubjectKind
from resolvers.context import RequestContext
from resolvers.nodes import RecordNode
from resolvers.planning import SubjectPlan
from resolvers.reading import SubjectRead
from tests.fuzz.worlds import World

_VALID: Final[dict[str, Callable[[Random], object]]] = {
    "Int": lambda dice: dice.choice([0, 20, -1]),
    "Boolean": lambda dice: dice.random() < 0.5,
    "Money": lambda dice: dice.choice([Decimal("1.10"), Decimal("1E+3")]),
}


class Thing:
    """An object each of whose values is made when it is first asked for, and is the same from then on."""

    def __init__(self, objects: Objects, kind: GraphQLObjectType) -> None:
        self._objects = objects
        self._types = {
            each.extensions["strawberry-definition"].python_name: each.type for each in kind.fields.values()
        }

    def __getattr__(self, name: str) -> object:
        if name not in self._types:
            raise AttributeError(name)
        value = self._objects.value(self._types[name])
        setattr(self, name, value)
        return value


@dataclass
class Objects:
    """Makes objects of one world that hold these records."""

    world: World
    records: Sequence[RecordNode]

    def value(self, kind: GraphQLOutputType) -> object:
        """A value of the type; in a bad world sometimes another leaf, or null."""
        world, dice = self.world, self.world.dice
        if dice.random() < world.bad:
            return world.fault() if is_leaf_type(get_named_type(kind)) else None
        if not isinstance(kind, GraphQLNonNull) and dice.random() < 0.15:
            return None
        return self._some(kind)

    def _some(self, kind: GraphQLOutputType) -> Any:
        dice = self.world.dice
        if isinstance(kind, GraphQLNonNull):
            return self._some(kind.of_type)
        if isinstance(kind, GraphQLList):
            named = get_named_type(kind)
            if is_abstract_type(named):
                return list(self.records)
            item = self.value if is_leaf_type(named) else self._some
            return [item(kind.of_type) for _ in range(dice.randint(0, 2))]
        if isinstance(kind, GraphQLObjectType):
            return Thing(self, kind)
        if isinstance(kind, GraphQLEnumType):
            return dice.choice(list(kind.wrapped_cls))  # type: ignore[attr-defined]
        assert isinstance(kind, GraphQLScalarType)
        if kind.name == "DateTime":
            return self.world.moment()
        return _VALID.get(kind.name, lambda dice: dice.choice(["某", "A-1", ""]))(dice)


def records_of(world: World, context: RequestContext, text: str) -> tuple[frozenset[str], list[RecordNode]]:
    """Records of types that a document names, under random decisions, and the GraphQL names of the types."""
    types = [each for each in world.catalogue.record_types.values() if each.pointer is None]
    chosen = [each for each in types if f" {each.graphql_type} " in text] or types[:1]
    plan = SubjectPlan(SubjectKind.NATURAL_PERSON)
    for entry in chosen:
        plan.of(entry.code).fields |= set(entry.field_by_name)
    read = world.outcome(context, plan, [])
    sections = read.sections.values() if isinstance(read, SubjectRead) else ()
    records = [record for each in sections for record in read.records(each)]  # type: ignore[union-attr]
    return frozenset(each.graphql_type for each in chosen), [RecordNode(record) for record in records]
