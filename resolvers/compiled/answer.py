"""The answer of one operation, printed by what was compiled for its root fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLError, located_error

from resolvers.compiled.leaves import Unfit
from resolvers.compiled.printer import printer_for
from resolvers.context import RequestContext
from resolvers.planning import ResponsePath
from resolvers.reading import Outcome

_At: TypeAlias = tuple[str | int, ...]


def printed(context: RequestContext) -> tuple[dict[str, Any], list[GraphQLError]] | None:
    """Data and errors; None where graphql-core has to print, over the same data.

    That is where a field is not compiled, where a value does not have the class that its leaf
    prints, and where null stands in a place that has none: whatever is out of the ordinary. The
    context says which; of objects that a mutation makes, `printed_object` does.
    """
    if not context.plan.compiled:
        context.left = "" if context.plan.of_objects else "document"
        return None
    errors: list[GraphQLError] = []
    try:
        return {key: _root(context, key, errors) for key in context.plan.roots}, errors
    except Exception:  # a value brings about any; graphql-core says what is wrong, the metric that it had to
        context.left = "value"
        return None


def _root(context: RequestContext, key: str, errors: list[GraphQLError]) -> object:
    nodes = context.plan.roots[key]
    name = nodes[0].name.value
    if name == "__typename":
        return "Query"
    answer = context.answers[key]
    if name == "_entities":
        return _entities(context, key, nodes, answer, errors)
    if name == "me" and not isinstance(answer, Exception):
        return {
            inner: "Me"
            if inner not in answer
            else _subject(context, (key, inner), answer[inner], members, (key, inner), errors)
            for inner, members in context.plan.persons[key].items()
        }
    return _subject(context, (key,), answer, nodes, (key,), errors)


def _entities(
    context: RequestContext,
    key: str,
    nodes: Sequence[FieldNode],
    answer: Sequence[Outcome | None] | Exception,
    errors: list[GraphQLError],
) -> list[object]:
    if isinstance(answer, Exception):
        raise Unfit  # the list may not be null, so that the error is the whole answer
    return [
        None if outcome is None else _subject(context, (key,), outcome, nodes, (key, place), errors)
        for place, outcome in enumerate(answer)
    ]


def _subject(
    context: RequestContext,
    path: ResponsePath,
    outcome: Outcome,
    nodes: Sequence[FieldNode],
    at: _At,
    errors: list[GraphQLError],
) -> object:
    """One subject, or null and the error in its place."""
    if isinstance(outcome, Exception):
        errors.append(located_error(outcome, nodes, list(at)))
        return None
    wanted = context.plan.wanted(path, outcome.plan.kind)
    printer = printer_for(wanted, outcome.subject.catalogue, outcome.decided)
    return printer.print(outcome, at, errors)
