"""Runs what was compiled over what was read. What it cannot print, graphql-core prints over the same data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError, located_error

from authz.masks import mask
from catalogue.model import Catalogue
from resolvers.compiled.leaves import HELPERS, Uncompiled, Unfit
from resolvers.compiled.source import Place, Source, written
from resolvers.deciding import Decided
from resolvers.nodes import pointer_node, responsible_node
from resolvers.plans import Wanted
from resolvers.reading import SubjectRead

_GLOBALS: Final[dict[str, Any]] = {
    **HELPERS,
    "mask": mask,
    "pointer_node": pointer_node,
    "responsible_node": responsible_node,
}


@dataclass(slots=True)
class Out:
    """Errors of one operation, and where the subject stands that is printed."""

    errors: list[GraphQLError]
    path: tuple[str | int, ...]
    places: tuple[Place, ...]

    def fail(self, error: GraphQLError | None, place: int) -> None:
        """An error, if there is one, in place of a list."""
        if error is not None:
            at = self.places[place]
            self.errors.append(located_error(error, at.nodes, [*self.path, *at.path]))


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints subjects of one selection under one shape of decisions."""

    source: Source
    function: Callable[[SubjectRead, Out], dict[str, Any]]

    @classmethod
    def of(cls, source: Source) -> Printer:
        """Compile it. The functions refer to each other as closures, so that they go when the plan goes."""
        made: dict[str, Any] = {}
        exec(compile(source.text, "<plan>", "exec"), _GLOBALS, made)  # noqa: S102 - written by us from the schema
        return cls(source, made["made"](*(source.tables[name] for name in sorted(source.tables))))

    def print(
        self, read: SubjectRead, path: tuple[str | int, ...], errors: list[GraphQLError]
    ) -> dict[str, Any]:
        """The subject as JSON has it; errors are added. Raises Unfit or whatever a value brings about."""
        return self.function(read, Out(errors, path, self.source.places))


def printer_for(wanted: Wanted, catalogue: Catalogue, decided: Decided) -> Printer:
    """The printer of a selection under these decisions, made when first needed; raises Unfit for none."""
    if decided.shape not in wanted.printers:
        wanted.printers[decided.shape] = _made(catalogue, decided, wanted)
    printer = wanted.printers[decided.shape]
    if printer is None:
        raise Unfit
    assert isinstance(printer, Printer)  # noqa: S101 - nothing else is kept there
    return printer


def _made(catalogue: Catalogue, decided: Decided, wanted: Wanted) -> Printer | None:
    try:
        return Printer.of(written(catalogue, decided, wanted.selection))
    except Uncompiled:
        return None
