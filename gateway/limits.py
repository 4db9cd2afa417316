"""What one document may ask for: depth, aliases, directives, cost, length of lists.

Fragments are followed, each measured once, so neither a cycle nor a fragment that doubles
itself thirty times costs more than reading the document. Structure is measured before
validation, because validation is the expensive step; cost needs types, so it comes after.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from gateway.errors import RequestRefused, coded
from gateway.settings import Limits

SLICES: Final = frozenset({"first", "last"})
"""Arguments that say how many items of a list are wanted (Relay connections)."""
INTROSPECTION_COST: Final = 1_500
"""`__schema` reads every type, which takes long; a document has room for one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a selection asks for, fragments expanded."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    alias_length: int = 0
    directives: int = 0

    def beside(self, other: Shape) -> Shape:
        """Both selections, next to each other."""
        return Shape(
            max(self.depth, other.depth),
            max(self.introspection_depth, other.introspection_depth),
            self.aliases + other.aliases,
            max(self.alias_length, other.alias_length),
            self.directives + other.directives,
        )


_LIMITED: Final = {
    "depth": ("DEPTH_LIMIT", "depth"),
    "introspection_depth": ("DEPTH_LIMIT", "introspection_depth"),
    "aliases": ("ALIAS_LIMIT", "aliases"),
    "alias_length": ("ALIAS_LENGTH_LIMIT", "alias_length"),
    "directives": ("DIRECTIVE_LIMIT", "directives"),
}


def structure_errors(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """Limits that need no schema, one error each: DEPTH_LIMIT, ALIAS_LIMIT, and so on."""
    measure = _Measure(_fragments(document))
    shape = Shape()
    try:
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                shape = shape.beside(measure.operation(definition))
    except RecursionError:
        return [coded("DEPTH_LIMIT")]
    return [
        _over(code, getattr(limits, limit), getattr(shape, attribute))
        for attribute, (code, limit) in _LIMITED.items()
        if getattr(shape, attribute) > getattr(limits, limit)
    ]


def _over(code: str, limit: int, asked: int) -> GraphQLError:
    return coded(code, limit=limit, asked=min(asked, 2**31 - 1))


def _fragments(document: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


class _Measure:
    """The shape of selections; every fragment is measured once and a cycle counts nothing."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Shape] = {}

    def operation(self, node: OperationDefinitionNode) -> Shape:
        directives = len(node.directives or ())
        directives += sum(len(variable.directives or ()) for variable in node.variable_definitions or ())
        return self._selections(node.selection_set).beside(Shape(directives=directives))

    def _selections(self, selections: SelectionSetNode | None) -> Shape:
        shape = Shape()
        for selection in selections.selections if selections else ():
            shape = shape.beside(self._selection(selection))
        return shape

    def _selection(self, selection: SelectionNode) -> Shape:
        own = Shape(directives=len(selection.directives or ()))
        match selection:
            case FieldNode():
                return own.beside(self._field(selection))
            case InlineFragmentNode():
                return own.beside(self._selections(selection.selection_set))
            case FragmentSpreadNode():
                return own.beside(self._spread(selection.name.value))
        raise TypeError(selection.kind)

    def _field(self, node: FieldNode) -> Shape:
        below = self._selections(node.selection_set)
        aliases, length = below.aliases, below.alias_length
        if node.alias:
            aliases, length = aliases + 1, max(length, len(node.alias.value))
        if node.name.value.startswith("__"):
            deepest = max(below.depth, below.introspection_depth) + 1
            return Shape(1, deepest, aliases, length, below.directives)
        return Shape(below.depth + 1, below.introspection_depth, aliases, length, below.directives)

    def _spread(self, name: str) -> Shape:
        if name not in self._known:
            self._known[name] = Shape()
            fragment = self._fragments.get(name)
            self._known[name] = self._selections(fragment.selection_set if fragment else None)
        return self._known[name]


@dataclass(frozen=True, slots=True)
class Weight:
    """What a valid document costs."""

    costs: Mapping[str, int]
    """Objects that each operation can return, by operation name ("" for an anonymous one)."""
    slices: frozenset[str]
    """Variables that say how many items are wanted; their values are capped by `check_variables`."""


def weigh(
    schema: GraphQLSchema, document: DocumentNode, limits: Limits, weights: Mapping[str, int]
) -> Weight:
    """The cost of each operation of a valid document.

    An object counts 1 or the weight of its coordinate (`Type.field`), a list as many times as
    was asked for, `limits.list_assumed` where nothing was.

    Raises:
        RequestRefused: COST_LIMIT, or LIST_LIMIT for a literal that is too large.
    """
    scale = _Scale(schema, _fragments(document), limits, weights)
    costs = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            root = schema.get_root_type(definition.operation)
            if root is None:
                raise TypeError("the document was not validated")
            name = definition.name.value if definition.name else ""
            costs[name] = scale.selections(definition.selection_set, root)
    errors = [
        *(coded("LIST_LIMIT", nodes=[node], limit=limits.list_max) for node in scale.too_long),
        *(_over("COST_LIMIT", limits.cost, cost) for cost in costs.values() if cost > limits.cost),
    ]
    if errors:
        raise RequestRefused(*errors)
    return Weight(costs, frozenset(scale.slices))


class _Scale:
    """Costs of selections; every fragment is weighed once for each size of its parent list."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        limits: Limits,
        weights: Mapping[str, int],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._limits = limits
        self._weights = weights
        self._known: dict[tuple[str, int | None], int] = {}
        self.slices: set[str] = set()
        self.too_long: list[ValueNode] = []

    def selections(
        self, node: SelectionSetNode, parent: GraphQLCompositeType, size: int | None = None
    ) -> int:
        """Cost of a selection; `size` is how many items a connection above was asked for."""
        return sum(self._selection(selection, parent, size) for selection in node.selections)

    def _selection(self, node: SelectionNode, parent: GraphQLCompositeType, size: int | None) -> int:
        match node:
            case FieldNode():
                return self._field(node, parent, size)
            case InlineFragmentNode():
                named = node.type_condition.name.value if node.type_condition else parent.name
                return self.selections(node.selection_set, self._composite(named), size)
            case FragmentSpreadNode():
                return self._spread(node.name.value, size)
        raise TypeError(node.kind)

    def _spread(self, name: str, size: int | None) -> int:
        if (name, size) not in self._known:
            fragment = self._fragments[name]
            parent = self._composite(fragment.type_condition.name.value)
            self._known[name, size] = self.selections(fragment.selection_set, parent, size)
        return self._known[name, size]

    def _field(self, node: FieldNode, parent: GraphQLCompositeType, size: int | None) -> int:
        name = node.name.value
        for argument in node.arguments or ():
            self._check_length(argument.value)
        if name in ("__schema", "__type"):
            return INTROSPECTION_COST
        field = self._schema.get_field(parent, name)
        if field is None or node.selection_set is None:
            return 0
        below = get_named_type(field.type)
        if not is_composite_type(below):
            return 0
        weight = self._weights.get(f"{parent.name}.{name}", 1)
        asked = self._asked(node)
        if not is_list_type(get_nullable_type(field.type)):
            return weight + self.selections(node.selection_set, below, asked)
        count = asked if asked is not None else size if size is not None else self._limits.list_assumed
        return count * (weight + self.selections(node.selection_set, below))

    def _asked(self, node: FieldNode) -> int | None:
        for argument in node.arguments or ():
            if argument.name.value not in SLICES:
                continue
            match argument.value:
                case IntValueNode() as literal:
                    if int(literal.value) > self._limits.list_max:
                        self.too_long.append(literal)
                    return max(int(literal.value), 0)
                case VariableNode() as variable:
                    self.slices.add(variable.name.value)
                    return self._limits.list_max
        return None

    def _check_length(self, value: ValueNode) -> None:
        if isinstance(value, ListValueNode):
            if len(value.values) > self._limits.list_max:
                self.too_long.append(value)
            for item in value.values:
                self._check_length(item)
        elif isinstance(value, ObjectValueNode):
            for member in value.fields:
                self._check_length(member.value)

    def _composite(self, name: str) -> GraphQLCompositeType:
        found = self._schema.get_type(name)
        if not is_composite_type(found):
            raise TypeError("the document was not validated")
        return found


def check_variables(
    raw: Mapping[str, object], coerced: Mapping[str, object], slices: Iterable[str], limits: Limits
) -> None:
    """Cap what variables can ask for.

    Raises:
        RequestRefused: LIST_LIMIT or VARIABLES_LIMIT.
    """
    for name in slices:
        asked = coerced.get(name)
        if isinstance(asked, int) and asked > limits.list_max:
            raise RequestRefused(coded("LIST_LIMIT", limit=limits.list_max))
    values: list[object] = [raw]
    for value in values:  # and those that are found in them
        if isinstance(value, list):
            if len(value) > limits.list_max:
                raise RequestRefused(coded("LIST_LIMIT", limit=limits.list_max))
            values.extend(value)
        elif isinstance(value, dict):
            values.extend(value.values())
    if len(values) > limits.variable_values:
        raise RequestRefused(coded("VARIABLES_LIMIT", limit=limits.variable_values))
