"""Runs what was compiled over what was read. What it cannot print, graphql-core prints over the same data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, located_error

from catalogue.model import Catalogue
from resolvers.compiled.leaves import Uncompiled, Unfit
from resolvers.compiled.source import Place, Source, written
from resolvers.deciding import Decided
from resolvers.plans import Wanted
from resolvers.reading import SubjectRead


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

    def print(
        self, read: SubjectRead, path: tuple[str | int, ...], errors: list[GraphQLError]
    ) -> dict[str, Any]:
        """The subject as JSON has it; errors are added. Raises Unfit or whatever a value brings about."""
        printed: dict[str, Any] = self.source.function.value(read, Out(errors, path, self.source.places))
        return printed


def printer_for(wanted: Wanted, catalogue: Catalogue, decided: Decided) -> Printer:
    """The printer of a selection under these decisions, made when first needed; raises Unfit for none."""
    printers, key = wanted.plan.kept.printers, (wanted.plan.number, decided.shape)
    printer = printers.get(key)
    if printer is None:
        printer = printers[key] = _made(catalogue, decided, wanted)
    if not isinstance(printer, Printer):
        raise Unfit
    return printer


def _made(catalogue: Catalogue, decided: Decided, wanted: Wanted) -> Printer | Uncompiled:
    try:
        return Printer(written(catalogue, decided, wanted.selection))
    except Uncompiled as why:
        return Uncompiled(*why.args)  # without the frames that it came through
