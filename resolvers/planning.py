"""What an operation wants to read, worked out before anything is asked.

The validated document is walked once per subject field: fragments, aliases, type
conditions and `@skip`/`@include` are resolved here, and what comes out names record
types and catalogue fields only. The plan knows nothing of grants; the decision table
is applied to it afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from cachetools import LRUCache
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_directive_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues

from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue, RecordType
from resolvers.arguments import Reader, reader
from resolvers.errors import BadArgument
from resolvers.records import BASE_FIELDS
from resolvers.subjects import GRAPHQL_NAME, PAGE_MAX, domain_type

ResponsePath = tuple[str, ...]
DECIDED_KEPT: Final = 10_000
"""Record types that were decided on, some 4 kB each, for all plans: every mandate of a day decides anew."""
PRINTERS_KEPT: Final = 512
"""For all plans, each for one shape of decisions: up to 100 kB of code."""
_numbers: Final = count()


@dataclass(slots=True)
class Walk:
    """The document in which selections are collected."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    readers: dict[int, Reader] = field(default_factory=dict)
    """What reads the arguments of a field: kept with the plan, and so no longer than its nodes."""
    _arguments: dict[int, dict[str, Any]] = field(default_factory=dict)

    def collect(self, type_name: str, nodes: Iterable[FieldNode]) -> dict[str, list[FieldNode]]:
        """Fields below `nodes` that apply to the concrete type, by response key."""
        return self._collected(type_name, [node.selection_set for node in nodes if node.selection_set])

    def roots(self, type_name: str, operation: OperationDefinitionNode) -> dict[str, list[FieldNode]]:
        """Root fields of an operation by response key."""
        return self._collected(type_name, [operation.selection_set])

    def _collected(self, type_name: str, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """CollectFields of the specification: a fragment counts once, or doubling ones would never end."""
        collected: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selections in sets:
            self._collect_set(type_name, selections, collected, spread)
        return collected

    def _collect_set(
        self,
        type_name: str,
        selections: SelectionSetNode,
        into: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        """Collect one selection set, following fragments that have not been spread yet."""
        for node in selections.selections:
            if not self._included(node):  # type: ignore[arg-type]
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                into.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._applies(condition.name.value, type_name):
                    self._collect_set(type_name, node.selection_set, into, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, type_name):
                    self._collect_set(type_name, fragment.selection_set, into, spread)

    def arguments(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        """Coerced arguments of a field, by their GraphQL name; worked out once for each request."""
        found = self._arguments.get(id(node))
        if found is None:
            read = self.readers.get(id(node)) or self._reader(type_name, node)
            found = self._arguments[id(node)] = read(self.variables)
        return found

    def _reader(self, type_name: str, node: FieldNode) -> Reader:
        parent = self.schema.get_type(type_name)
        assert isinstance(parent, GraphQLObjectType)  # noqa: S101 - validated documents only
        made = self.readers[id(node)] = reader(parent.fields[node.name.value], node)
        return made

    def _applies(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        abstract = self.schema.get_type(condition)
        concrete = self.schema.get_type(type_name)
        return (
            is_abstract_type(abstract)
            and isinstance(concrete, GraphQLObjectType)
            and self.schema.is_sub_type(abstract, concrete)
        )

    def _included(self, node: FieldNode | FragmentSpreadNode | InlineFragmentNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not include or bool(include["if"])


@dataclass(slots=True)
class TypeRead:
    """What is wanted of one record type, merged over every place that selects it."""

    fields: set[str] = field(default_factory=set)
    """Catalogue fields; base fields need no column of their own."""
    paths: dict[str, list[ResponsePath]] = field(default_factory=dict)
    """Where each selected field (also base fields) stands in the answer."""
    sections: list[ResponsePath] = field(default_factory=list)
    """Where the type's section stands in the answer."""


@dataclass(frozen=True, slots=True)
class PagePlan:
    """One `records` connection."""

    key: str
    types: frozenset[str]
    node: FieldNode


@dataclass(frozen=True, slots=True)
class PageRead:
    """The page of a `records` connection that one request asks for."""

    key: str
    types: frozenset[str]
    first: int
    after: str | None


class Kept:
    """What was made of plans, by their numbers; of all together, what was not used for longest goes first."""

    __slots__ = ("decided", "printers")

    def __init__(self) -> None:
        self.decided: LRUCache[object, Any] = LRUCache(DECIDED_KEPT, lambda made: 1 + len(made.entries))
        """What grants make of a plan (`resolvers.deciding`)."""
        self.printers: LRUCache[object, Any] = LRUCache(PRINTERS_KEPT)
        """What prints it under a shape of decisions (`resolvers.compiled.printer`)."""


@dataclass(slots=True)
class SubjectPlan:
    """Everything one subject field of an operation wants."""

    kind: SubjectKind
    types: dict[str, TypeRead] = field(default_factory=dict)
    pages: list[PagePlan] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    """Domains selected, by their GraphQL field."""
    responsible: bool = False
    kept: Kept = field(default_factory=Kept)
    number: int = field(default_factory=_numbers.__next__)
    """No other plan of the process has it: whatever is kept for a plan does not keep the plan."""

    def of(self, code: str) -> TypeRead:
        """The read of one record type, created when first wanted."""
        return self.types.setdefault(code, TypeRead())


def pages_of(plan: SubjectPlan, walk: Walk) -> list[PageRead]:
    """The pages that this request's variables ask for; raises BadArgument PAGE_SIZE."""
    return [_page_read(plan, page, walk) for page in plan.pages]


def _page_read(plan: SubjectPlan, page: PagePlan, walk: Walk) -> PageRead:
    arguments = walk.arguments(GRAPHQL_NAME[plan.kind], page.node)
    if not 1 <= arguments["first"] <= PAGE_MAX:
        raise BadArgument("PAGE_SIZE", f"`first` must be from 1 to {PAGE_MAX}.")
    return PageRead(page.key, page.types, arguments["first"], arguments.get("after"))


class Planner:
    """Plans subject fields against one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.kept = Kept()
        self._sections: dict[tuple[SubjectKind, str], dict[str, RecordType]] = {}
        for kind in SubjectKind:
            for entry in catalogue.of_kind(kind):
                group = catalogue.domains[entry.domain].field
                self._sections.setdefault((kind, group), {})[entry.section] = entry

    def plan(
        self, walk: Walk, nodes: Iterable[FieldNode], path: ResponsePath, kind: SubjectKind
    ) -> SubjectPlan:
        """Plan the selection below a field that returns a subject of this kind."""
        plan = SubjectPlan(kind, kept=self.kept)
        type_name = GRAPHQL_NAME[kind]
        for key, found in walk.collect(type_name, nodes).items():
            name = found[0].name.value
            if name == "records":
                self._plan_page(plan, walk, key, found, path)
            elif name == "responsiblePersons":
                self._plan_responsible(plan, (*path, key))
            elif (kind, name) in self._sections:
                self._plan_group(plan, walk, (kind, name), found, (*path, key))
        return plan

    def type_names(self, plan: SubjectPlan) -> frozenset[str]:
        """The GraphQL types of the records that a plan reads."""
        return frozenset(self.catalogue.record_types[code].graphql_type for code in plan.types)

    def _plan_group(
        self,
        plan: SubjectPlan,
        walk: Walk,
        group: tuple[SubjectKind, str],
        nodes: list[FieldNode],
        path: ResponsePath,
    ) -> None:
        plan.groups.add(group[1])
        sections = self._sections[group]
        for key, found in walk.collect(domain_type(*group), nodes).items():
            entry = sections.get(found[0].name.value)
            if entry is None:
                continue
            read = plan.of(entry.code)
            read.sections.append((*path, key))
            for inner, members in walk.collect(f"{entry.graphql_type}Section", found).items():
                if members[0].name.value == "records":
                    self.want(read, entry, walk, members, (*path, key, inner))

    def _plan_page(
        self,
        plan: SubjectPlan,
        walk: Walk,
        key: str,
        nodes: list[FieldNode],
        path: ResponsePath,
    ) -> None:
        arguments = walk.arguments(GRAPHQL_NAME[plan.kind], nodes[0])
        entries = {entry.code: entry for entry in self.catalogue.of_kind(plan.kind)}
        wanted = arguments.get("types")
        codes = frozenset(entries if wanted is None else wanted)
        if codes - entries.keys():
            raise BadArgument(
                "RECORD_TYPE_UNKNOWN", "`types` names a type this kind of subject does not have."
            )
        plan.pages.append(PagePlan(key, codes, nodes[0]))
        for entry in (entries[code] for code in sorted(codes)):
            read = plan.of(entry.code)
            for members, inner in self._nodes_of(walk, nodes, (*path, key)):
                self.want(read, entry, walk, members, inner)

    def _nodes_of(
        self, walk: Walk, nodes: list[FieldNode], path: ResponsePath
    ) -> Iterator[tuple[list[FieldNode], ResponsePath]]:
        for edges_key, edges in walk.collect("CreditRecordConnection", nodes).items():
            if edges[0].name.value == "edges":
                for node_key, members in walk.collect("CreditRecordEdge", edges).items():
                    if members[0].name.value == "node":
                        yield members, (*path, edges_key, node_key)

    def _plan_responsible(self, plan: SubjectPlan, path: ResponsePath) -> None:
        plan.responsible = True
        for entry in self.catalogue.of_kind(plan.kind):
            if entry.responsible:
                read = plan.of(entry.code)
                for name in (entry.responsible.name, entry.responsible.role):
                    if name:
                        read.fields.add(name)
                        read.paths.setdefault(name, []).append((*path, "persons"))

    def want(
        self,
        read: TypeRead,
        entry: RecordType,
        walk: Walk,
        nodes: list[FieldNode],
        path: ResponsePath,
    ) -> None:
        """Add what a selection of the type's records wants."""
        for key, found in walk.collect(entry.graphql_type, nodes).items():
            name = found[0].name.value
            if name in entry.field_by_name or name in BASE_FIELDS:
                read.paths.setdefault(name, []).append((*path, key))
            if name in entry.field_by_name:
                read.fields.add(name)
            elif name == "responsiblePersons" and entry.responsible:
                named = (entry.responsible.name, entry.responsible.role)
                read.fields.update(part for part in named if part)
