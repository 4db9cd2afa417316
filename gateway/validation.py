"""Validation by the rules of graphql-core, without two things that take half its time.

Its own `validate` visits every name, which no rule of the specification looks at, and finds what it
knows of a definition by a hash over all that is in it, several times a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    ParallelVisitor,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    visit,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS
from graphql.pyutils import RefMap
from graphql.validation.validate import ValidationAbortedError
from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage, VariableUsageVisitor


def _visited(*unseen: str) -> dict[str, tuple[str, ...]]:
    return {
        kind: tuple(key for key in keys if key not in unseen) for kind, keys in QUERY_DOCUMENT_KEYS.items()
    }


_NAMES: Final = {True: _visited(), False: _visited("name", "alias")}
"""What is visited below each kind of node, with names and without; a description is a literal like any."""


class _Context(ValidationContext):
    """What rules share, kept by the node itself and not by what it holds."""

    def __init__(self, schema: GraphQLSchema, ast: DocumentNode, info: TypeInfo, most: int) -> None:
        self.found: list[GraphQLError] = []
        self._most = most
        super().__init__(schema, ast, info, self._add)
        # a name that graphql-core gives up fails in mypy: the error that is ignored becomes another
        self._fragment_spreads = RefMap()  # type: ignore[assignment]
        self._variable_usages = RefMap()  # type: ignore[assignment]
        self._recursive_variable_usages = RefMap()  # type: ignore[assignment]

    def _add(self, error: GraphQLError) -> None:
        if len(self.found) == self._most:
            raise ValidationAbortedError("")  # `validate` says it in its own words
        self.found.append(error)

    def get_variable_usages(self, node: NodeWithSelectionSet) -> list[VariableUsage]:
        """Where variables stand within an operation or a fragment."""
        usages = self._variable_usages.get(node)
        if usages is None:
            fragment = node if isinstance(node, FragmentDefinitionNode) else None
            visitor = VariableUsageVisitor(self._type_info, fragment)
            visit(node, TypeInfoVisitor(self._type_info, visitor), _NAMES[False])
            usages = self._variable_usages[node] = visitor.usages
        return usages


def validate(
    schema: GraphQLSchema,
    ast: DocumentNode,
    rules: Sequence[type[ASTValidationRule]],
    *,
    most: int,
    names: bool,
) -> list[GraphQLError]:
    """The errors of a document, `most` and one that says so at most; `names` is whether rules enter names."""
    info = TypeInfo(schema)
    context = _Context(schema, ast, info, most)
    visitor = TypeInfoVisitor(info, ParallelVisitor([rule(context) for rule in rules]))
    try:
        visit(ast, visitor, _NAMES[names])
    except (ValidationAbortedError, RecursionError):
        # of a message of its own: one that was raised keeps every frame of the validation
        context.found.append(ValidationAbortedError("Validation aborted: too many errors, or too deep."))
    return context.found
