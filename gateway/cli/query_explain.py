"""What an operation would do, from the very plan that runs it: what is read, decided, asked and printed.

No department is asked and no value appears.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    is_input_type,
    type_from_ast,
    value_from_ast,
)
from graphql.execution.values import VariableValues

from authz.clients import load_clients
from authz.decisions import Effect
from authz.grants import Grant, SelfAccess
from authz.mandates import load_mandates
from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME
from connectors.protocol import Source
from connectors.registry import load_sources
from gateway.cli.common import SUBJECTS, CommandError
from gateway.cli.policy import Registers
from gateway.cli.query_asker import Asker
from gateway.coercing import Signature
from gateway.documents import DocumentCache
from gateway.errors import RequestRefused, code_of
from gateway.parts import catalogue_of, source_environment
from gateway.settings import Settings
from gateway.values import coerce_variables
from resolvers.access import CHECK, CHECK_CHUNK, ENTITY_ROOT_OF
from resolvers.checks.must_check import record_types, require_kind, scenario_of_grant
from resolvers.checks.plan import check_plan, of_check, of_chunk, of_related
from resolvers.compiled.leaves import Uncompiled
from resolvers.compiled.objects import written_object, written_record
from resolvers.compiled.source import written
from resolvers.deciding import Decided, decide
from resolvers.errors import BadArgument
from resolvers.planning import Planner, ResponsePath, SubjectPlan, Walk
from resolvers.plans import READING, OperationPlan, Plans
from resolvers.schema import build_schema

_KIND_OF: Final = {root: kind for kind, root in ENTITY_ROOT_OF.items()}

_BESIDE: Final = "# graphql-core prints the whole operation, for not all of it is compiled; alone it were:\n"


@dataclass(frozen=True, slots=True)
class Explained:
    """One field that reads subjects of one kind."""

    path: ResponsePath
    plan: SubjectPlan
    decided: Decided
    source: str
    """The Python text that prints it."""


@dataclass(frozen=True, slots=True)
class Unexplained:
    """One field that has no plan of its own."""

    path: ResponsePath
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One operation."""

    whom: str
    """For whom is decided, in words."""
    basis: str | None
    """None where nothing in it needs one."""
    reads: list[Explained]
    others: list[Unexplained]


@dataclass(frozen=True)
class Explaining:
    """Explains operations against one deployment."""

    settings: Settings
    asker: Asker

    @cached_property
    def catalogue(self) -> Catalogue:
        """The deployment's catalogue."""
        return catalogue_of(self.settings)

    @cached_property
    def schema(self) -> GraphQLSchema:
        """The graph."""
        return build_schema(self.catalogue).executable

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Its sources, of which none is asked."""
        environment = source_environment(self.settings, os.environ)
        return load_sources(self.settings.sources, self.catalogue, environment)

    @cached_property
    def registers(self) -> Registers:
        """Who may ask today, as `policy explain` has it."""
        clients = load_clients(self.settings.clients)
        mandates = load_mandates(self.settings.mandates, self.catalogue)
        return Registers(clients, mandates, datetime.now(CHINA_TIME).date())

    def explain(
        self, text: str, variables: Mapping[str, Any] | None, operation: str | None = None
    ) -> Explanation:
        """Every field of the operation; raises CommandError, Unauthenticated."""
        schema = self.schema
        plans = Plans(Planner(self.catalogue))
        try:
            document = DocumentCache(schema, self.settings.limits).get(text, "command")
            chosen = document.operation(operation)
            given = _given(schema, chosen, variables)
            plan = plans.of(schema, document.ast, document.digest, chosen, given)
            walk = Walk(schema, plan.fragments, given)
            grant = self.asker.grant(self.registers, walk, plan.roots)
            found = list(_Fields(self, plans.planner, plan, walk, grant).all())
        except RequestRefused as refused:
            raise _all_of(refused) from None
        except BadArgument as wrong:
            raise CommandError(wrong.code, wrong.message) from None
        except GraphQLError:
            message = "The plan depends on variables without a default. Give them with --variables."
            raise CommandError("VARIABLES_MISSING", message) from None
        return Explanation(
            self.asker.told(self.asker.actor(self.registers), grant),
            grant.basis if grant else None,
            [one for one in found if isinstance(one, Explained)],
            [one for one in found if isinstance(one, Unexplained)],
        )


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of one operation under its grant."""

    explaining: Explaining
    planner: Planner
    plan: OperationPlan
    walk: Walk
    grant: Grant | None

    def all(self) -> Iterator[Explained | Unexplained]:
        """Root fields in order; of `me` those below."""
        named = SUBJECTS[self.explaining.asker.subject][0]
        for key, nodes in self.plan.roots.items():
            name = nodes[0].name.value
            if name == "me":
                for inner, below in self.plan.persons[key].items():
                    path = (key, inner)
                    if below[0].name.value == "person":
                        yield self._subject(path, below, SubjectKind.NATURAL_PERSON)
                    else:
                        yield _unexplained(path, below[0].name.value)
            elif name in READING:
                yield self._subject((key,), nodes, _KIND_OF.get(name, named))
            elif name in (CHECK, CHECK_CHUNK):
                yield from self._check(name, key, nodes, named)
            else:
                yield _unexplained((key,), name)

    def _subject(self, path: ResponsePath, nodes: list[FieldNode], kind: SubjectKind) -> Explained:
        subject = self.plan.subject(self.planner, self.walk, nodes, path, kind)
        decided = self._decided(subject)
        try:
            source = written(self.planner.catalogue, decided, self.plan.wanted(path, kind).selection).text
            source = source if self.plan.compiled else _BESIDE + source
        except Uncompiled as field:
            source = _left(field)
        return Explained(path, subject, decided, source)

    def _check(self, name: str, key: str, nodes: list[FieldNode], kind: SubjectKind) -> Iterator[Explained]:
        """What a check reads of its subject, and of persons named with it; raises AccessDenied."""
        catalogue, walk, path = self.planner.catalogue, self.walk, (key,)
        assert self.grant is not None  # noqa: S101 - a check stands on a grant
        scenario = scenario_of_grant(catalogue, self.grant, self.explaining.registers.day)
        require_kind(catalogue, scenario, kind)
        chunk, concrete = name == CHECK_CHUNK, record_types(catalogue, scenario)
        groups = [(kind, of_chunk(walk, nodes, path) if chunk else of_check(nodes, path))]
        related = [] if chunk else list(of_related(walk, nodes, path))
        if related and kind is not SubjectKind.NATURAL_PERSON:
            groups.append((SubjectKind.NATURAL_PERSON, related))
        for of_kind, selections in groups:
            read = check_plan(self.planner, walk, scenario, of_kind, selections)
            decided = self._decided(read)
            try:
                source = self._object(nodes, concrete, decided)
            except Uncompiled as field:
                source = _left(field)
            yield Explained(path, read, decided, source)

    def _object(self, nodes: list[FieldNode], concrete: frozenset[str], decided: Decided) -> str:
        """The text that prints an object, and what it prints records with in each place."""
        source, places = written_object(self.walk, nodes, concrete)
        texts = [source.text]
        for number, place in enumerate(places):
            for view in decided.views.values():
                selection = place.get(view.entry.graphql_type)
                if selection and view.decisions.existence.effect is Effect.PERMIT:
                    texts.append(f"# record(each, {number})\n{written_record(view, selection).text}")
        return "\n".join(texts)

    def _decided(self, subject: SubjectPlan) -> Decided:
        assert self.grant is not None  # noqa: S101 - whatever reads stands on a grant
        whom = self.grant.subject if isinstance(self.grant, SelfAccess) else None
        named = SUBJECTS[self.explaining.asker.subject]
        personal = subject.kind is SubjectKind.NATURAL_PERSON or named == (subject.kind, True)
        return decide(self.planner.catalogue, self.grant, subject, whom, personal=personal)


def _unexplained(path: ResponsePath, name: str) -> Unexplained:
    asked = "asks no department" if name.startswith("__") else "graphql-core runs it, without a plan"
    return Unexplained(path, asked)


def _left(field: Uncompiled) -> str:
    return f"# left to graphql-core: {field} is not compiled\n"


def _all_of(refused: RequestRefused) -> CommandError:
    """Every error, each with its place."""
    lines = []
    for error in refused.errors:
        place = f"{error.locations[0].line}:{error.locations[0].column} " if error.locations else ""
        lines.append((code_of(error).code, place + error.message))
    (code, first), *others = lines
    return CommandError(code, "\n".join([first, *(" ".join(each) for each in others)]))


def _given(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
) -> VariableValues:
    """The variables, or their defaults: a plan depends on few of them, and never on who is asked about."""
    if variables is not None:
        return coerce_variables(Signature.of(schema, operation), variables)
    defaults = {}
    for node in operation.variable_definitions or ():
        kind = type_from_ast(schema, node.type)
        if node.default_value and is_input_type(kind):
            defaults[node.variable.name.value] = value_from_ast(node.default_value, kind)
    return VariableValues({}, defaults)
