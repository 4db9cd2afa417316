"""Plans of operations, made once for each document, operation and valuation of what shapes it.

Fragments, aliases, type conditions and `@skip`/`@include` are settled here. What a plan
depends on is its key: the document's text, the operation, and the values of the few variables
that shape it. Everything else of a request (who asks, about whom, which page) comes later.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from cachetools import LRUCache
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import VariableValues

from authz.audit import EventKind
from catalogue.identifiers import SubjectKind
from resolvers.access import CHECK, CHECK_CHUNK, CHECK_ROOTS, ENTITY_ROOTS
from resolvers.arguments import Reader
from resolvers.compiled.tree import Selection, selected
from resolvers.plan_weight import nodes_of
from resolvers.planning import Kept, Planner, ResponsePath, SubjectPlan, Walk
from resolvers.subjects import GRAPHQL_NAME

NODES_KEPT: Final = 50_000
"""Nodes in all plans that are kept (`resolvers.plan_weight`)."""
NODES_MAX: Final = NODES_KEPT // 2
"""Of one plan that is kept."""
CHECKS_KEPT: Final = 16
"""Scenarios and kinds of subject of one operation."""
READING: Final = frozenset({"subject", "represented", "me", "_entities", *ENTITY_ROOTS})
"""Root fields that read departments."""
_COMPILED: Final = READING | {"__typename"}
_OBJECTS: Final = frozenset({CHECK, CHECK_CHUNK, "__typename"})
"""Root fields of mutations whose objects are printed by `resolvers.compiled.objects`."""
_COMPILED_OF_ME: Final = frozenset({"person", "__typename"})
CONDITIONS_MAX: Final = 6
"""With more conditional variables nothing is kept (ruling 12)."""

_Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]
_Roots: TypeAlias = Mapping[str, list[FieldNode]]
_Valuation: TypeAlias = tuple[object, ...]


@dataclass(slots=True)
class Wanted:
    """What one field wants of subjects of one kind: as it is read, and as it is printed."""

    plan: SubjectPlan
    selection: Selection


@dataclass(slots=True)
class OperationPlan:
    """One operation under one valuation; what subjects want is planned when the first of a kind is asked."""

    fragments: _Fragments
    roots: _Roots
    """Root fields by response key."""
    persons: Mapping[str, _Roots]
    """Fields below each `me`, by response key."""
    compiled: bool
    """Whether every field of it can be printed by what is compiled."""
    of_objects: bool
    """Whether its root fields give objects that what is compiled prints where it can, one by one."""
    kept: bool
    """Whether it serves the next request too."""
    recorded_as: EventKind
    """As what the operation is recorded where it is refused."""
    nodes: int
    """What it weighs among those that are kept."""
    readers: dict[int, Reader] = field(default_factory=dict)
    """What reads the arguments of its fields, by the identity of their nodes."""
    checks: LRUCache[object, tuple[object, SubjectPlan]] = field(
        default_factory=lambda: LRUCache(CHECKS_KEPT)
    )
    """What checks read (`resolvers.checks.plan`)."""
    objects: dict[tuple[str, frozenset[str]], object] = field(default_factory=dict)
    """What prints root fields that return objects of static types (`resolvers.compiled.objects`)."""
    _subjects: dict[tuple[ResponsePath, SubjectKind], Wanted] = field(default_factory=dict)

    def subject(
        self, planner: Planner, walk: Walk, nodes: Iterable[FieldNode], path: ResponsePath, kind: SubjectKind
    ) -> SubjectPlan:
        """What the field at `path` wants of a subject of this kind; raises BadArgument."""
        found = self._subjects.get((path, kind))
        if found is None:
            plan = planner.plan(walk, nodes, path, kind)
            if not self.kept:
                plan.kept = Kept()
            selection = selected(walk, GRAPHQL_NAME[kind], nodes, planner.type_names(plan))
            found = self._subjects[path, kind] = Wanted(plan, selection)
        return found.plan

    def wanted(self, path: ResponsePath, kind: SubjectKind) -> Wanted:
        """The same with its selection, once it was planned."""
        return self._subjects[path, kind]


@dataclass(frozen=True, slots=True)
class _Operation:
    """What all plans of one operation share."""

    fragments: _Fragments
    conditions: tuple[str, ...]
    """Variables of `@skip` and `@include`."""
    filters: tuple[str, ...]
    """Variables that say of which types `records` are."""
    nodes: int

    def valuation(self, variables: VariableValues, codes: Container[str]) -> _Valuation:
        """What makes this request's plan another than the next one's; `codes` are those of record types."""
        names = (*self.conditions, *self.filters)
        return tuple(_frozen(variables.coerced.get(name, ...), codes) for name in names)


class Plans:
    """Keeps the plans of the operations that were asked last."""

    def __init__(self, planner: Planner, nodes_kept: int = NODES_KEPT) -> None:
        self.planner = planner
        self._types = max(len(planner.catalogue.of_kind(kind)) for kind in SubjectKind)
        self._operations: LRUCache[tuple[str, str], _Operation] = LRUCache(nodes_kept, _nodes_of)
        self._plans: LRUCache[tuple[str, str, _Valuation], OperationPlan] = LRUCache(nodes_kept, _nodes_of)

    def of(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        digest: str,
        operation: OperationDefinitionNode,
        variables: VariableValues,
    ) -> OperationPlan:
        """The plan of a validated operation; `digest` is of the document's text, literals included."""
        name = operation.name.value if operation.name else ""
        known = self._operations.get((digest, name))
        if known is None:
            known = _studied(document, nodes_of(schema, document, self._types))
            if known.nodes <= NODES_MAX:
                self._operations[digest, name] = known
        if len(known.conditions) > CONDITIONS_MAX or known.nodes > NODES_MAX:
            return _planned(schema, known, operation, variables, kept=False)
        key = (digest, name, known.valuation(variables, self.planner.catalogue.record_types))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _planned(schema, known, operation, variables, kept=True)
        return plan


def _nodes_of(one: _Operation | OperationPlan) -> int:
    return one.nodes


def _planned(
    schema: GraphQLSchema,
    known: _Operation,
    operation: OperationDefinitionNode,
    variables: VariableValues,
    *,
    kept: bool,
) -> OperationPlan:
    fragments = known.fragments
    walk = Walk(schema, fragments, variables)
    roots = walk.roots(operation.operation.value.capitalize(), operation)
    names = {key: nodes[0].name.value for key, nodes in roots.items()}
    persons = {key: walk.collect("Me", roots[key]) for key, name in names.items() if name == "me"}
    inner = {nodes[0].name.value for below in persons.values() for nodes in below.values()}
    query, fields = operation.operation is OperationType.QUERY, set(names.values())
    compiled = kept and query and fields <= _COMPILED and inner <= _COMPILED_OF_ME
    of_objects = kept and not query and fields <= _OBJECTS
    recorded_as = _event_kind(fields)
    return OperationPlan(fragments, roots, persons, compiled, of_objects, kept, recorded_as, known.nodes)


def _event_kind(roots: set[str]) -> EventKind:
    if roots & CHECK_ROOTS:
        return EventKind.CHECK
    return EventKind.IDENTITY_VERIFY if "verifyIdentity" in roots else EventKind.READ


def _studied(document: DocumentNode, nodes: int) -> _Operation:
    fragments, conditions, filters = {}, dict[str, None](), dict[str, None]()
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
        if isinstance(definition, FragmentDefinitionNode | OperationDefinitionNode):
            for node in _selections(definition.selection_set):
                for directive in node.directives or ():
                    conditions |= _variables(directive.arguments)
                if isinstance(node, FieldNode) and node.name.value == "records":
                    types = (each for each in node.arguments or () if each.name.value == "types")
                    filters |= _variables(types)
    return _Operation(fragments, tuple(conditions), tuple(filters), nodes)


def _selections(
    selections: SelectionSetNode,
) -> Iterator[FieldNode | FragmentSpreadNode | InlineFragmentNode]:
    for node in selections.selections:
        assert isinstance(node, FieldNode | FragmentSpreadNode | InlineFragmentNode)  # noqa: S101
        yield node
        below = getattr(node, "selection_set", None)
        if below:
            yield from _selections(below)


def _variables(arguments: Iterable[ArgumentNode] | None) -> dict[str, None]:
    """Names of the variables in some arguments, in order."""
    return {name: None for argument in arguments or () for name in _named(argument.value)}


def _named(value: ValueNode) -> Iterator[str]:
    if isinstance(value, VariableNode):
        yield value.name.value
    elif isinstance(value, ListValueNode):
        for each in value.values:
            yield from _named(each)


def _frozen(value: Any, codes: Container[str]) -> object:
    """Of a list of types neither order nor repetition matters; one that does not exist is never planned."""
    if isinstance(value, list):
        return frozenset(_frozen(each, codes) for each in value)
    return value if not isinstance(value, str) or value in codes else "?"
