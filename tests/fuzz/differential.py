"""Compiled printing against graphql-core: the same random documents, variables and worlds for both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, Final, cast

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    execute,
    get_argument_values,
    get_named_type,
    get_variable_values,
    validate,
)
from graphql.execution.values import VariableValues

from authz.actors import ANONYMOUS
from authz.audit import Query
from authz.errors import AuthzError
from catalogue.identifiers import SubjectKind
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue
from gateway.coercing import Signature
from gateway.errors import RequestRefused
from gateway.values import coerce_variables
from resolvers.compiled.answer import printed
from resolvers.compiled.objects import Printed, printed_object
from resolvers.context import RequestContext, Services
from resolvers.errors import BadArgument
from resolvers.planning import Planner, Walk, pages_of
from resolvers.plans import Plans
from resolvers.reading import Outcome
from resolvers.schema import GraphSchema, build_schema
from tests.fuzz.documents import KIND_OF_ROOT, Document, Writer
from tests.fuzz.objects import Objects, Thing, records_of
from tests.fuzz.variables import drawn
from tests.fuzz.worlds import World

CHECKS: Final = 0.1
"""Part of the documents that ask for a check."""
WORLDS: Final = 4
"""Worlds for each document: what was compiled for the first serves the others too."""
_FAULTLESS: Final = (0.0, 0.0, 0.02, 0.1)


class Differs(AssertionError):
    """The two do not say the same."""


class _Walk(Walk):
    """Reads arguments as ever; raises Differs where they are not graphql-core's."""

    def arguments(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        ours = super().arguments(type_name, node)
        field = cast(GraphQLObjectType, self.schema.type_map[type_name]).fields[node.name.value]
        try:
            theirs = get_argument_values(field, node, self.variables)
        except GraphQLError as fault:
            raise Differs(f"arguments {ours}") from fault
        if repr(ours) != repr(theirs):
            raise Differs(f"arguments\nours   {ours}\ntheirs {theirs}")
        return ours


@dataclass
class Fuzzer:
    """Counts what it has seen."""

    counts: Counter[str] = field(default_factory=Counter)

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue()

    @cached_property
    def schema(self) -> GraphSchema:
        return build_schema(self.catalogue)

    def try_one(self, dice: Random) -> None:
        """One document in several worlds, in each with other variables; raises Differs."""
        schema, writer = self.schema.executable, Writer(self.schema.executable, dice)
        is_check = dice.random() < CHECKS
        document = writer.check() if is_check else writer.document()
        if validate(schema, document.ast):
            self.counts["invalid documents"] += 1
            return
        self.counts["documents"] += 1
        operation = document.ast.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        (root, *_) = operation.selection_set.selections
        assert isinstance(root, FieldNode)
        plans, signature = Plans(Planner(self.catalogue)), Signature.of(schema, operation)
        for bad in _FAULTLESS:
            world = World(self.catalogue, dice, bad)
            variables = drawn(dice, schema, operation)
            if variables.get("after") and dice.random() < 0.8:
                variables["after"] = world.cursor(root.name.value, variables.get("types"))
            coerced = self._coerced(signature, variables)
            if coerced is None:
                continue
            plan = plans.of(schema, document.ast, "fuzz", operation, coerced)
            context = RequestContext(
                services=cast(Services, None),
                actor=ANONYMOUS,
                query=Query("Q", "", ""),
                walk=_Walk(schema, plan.fragments, coerced, plan.readers),
                plan=plan,
                grant=None,
            )
            if is_check:
                self._try_check(document, world, context, variables)
                continue
            _Scene(world, context, plans.planner, self.counts).fill()
            ours = printed(context)
            result = execute(schema, document.ast, context_value=context, variable_values=variables)
            assert isinstance(result, ExecutionResult)
            self._compare(document, context, ours, result, bad)

    def _coerced(self, signature: Signature, raw: dict[str, Any]) -> VariableValues | None:
        """What the gateway and graphql-core make of variables; None where both refuse the same ones."""
        nodes = signature.operation.variable_definitions or ()
        theirs = get_variable_values(signature.schema, nodes, raw, max_errors=10)
        ours: VariableValues | list[GraphQLError]
        try:
            ours = coerce_variables(signature, raw)
        except RequestRefused as refusal:
            ours = [*refusal.errors]
        if _made(ours) != _made(theirs):
            raise Differs(f"variables of {nodes}: {raw}\nours   {ours}\ntheirs {theirs}")
        self.counts["variables"] += 1
        if isinstance(ours, list):
            self.counts["variables refused"] += 1
            return None
        self.counts["variables left to graphql-core"] += signature.coerced(raw) is None
        return ours

    def _try_check(
        self,
        document: Document,
        world: World,
        context: RequestContext,
        variables: dict[str, Any],
    ) -> None:
        """One check, which both print of the same object."""
        root = self.schema.executable.mutation_type.fields["mustCheck"]  # type: ignore[union-attr]
        concrete, records = records_of(world, context, document.text)
        check = Thing(Objects(world, records), cast(GraphQLObjectType, get_named_type(root.type)))
        ours = printed_object(context, "mustCheck", check, concrete)
        root.resolve = lambda *_, **__: check
        theirs = execute(
            self.schema.executable, document.ast, context_value=context, variable_values=variables
        )
        assert isinstance(theirs, ExecutionResult)
        left = not isinstance(ours, Printed)
        self.counts["checks left to graphql-core"] += left
        self.counts["checks"] += 1
        found = ({"mustCheck": ours.data}, []) if isinstance(ours, Printed) else None
        self._compare(document, context, found, theirs, world.bad)

    def _compare(
        self,
        document: Document,
        context: RequestContext,
        ours: tuple[dict[str, Any], list[GraphQLError]] | None,
        theirs: ExecutionResult,
        bad: float,
    ) -> None:
        self.counts["cases"] += 1
        if ours is None:
            self.counts["cases left to graphql-core"] += 1
            if not bad and context.left != "document" and theirs.data is not None:
                raise Differs(f"not printed, though nothing is wrong: {document.text}")
            return
        data, errors = ours
        self.counts["cases with errors"] += bool(errors)
        if orjson.dumps(data) != orjson.dumps(theirs.data):
            raise Differs(f"data of {document.text}\nours   {data}\ntheirs {theirs.data} {theirs.errors}")
        if _told(errors) != _told(theirs.errors or []):
            raise Differs(f"errors of {document.text}\nours   {errors}\ntheirs {theirs.errors}")


@dataclass
class _Scene:
    """Puts answers into a context, as `resolvers.roots` does with what it reads."""

    world: World
    context: RequestContext
    planner: Planner
    counts: Counter[str]

    def fill(self) -> None:
        dice = self.world.dice
        for key, nodes in self.context.plan.roots.items():
            name = nodes[0].name.value
            if nodes[0].arguments:
                self.context.walk.arguments("Query", nodes[0])
            if name == "me":
                below = self.context.plan.persons[key].items()
                self.context.answers[key] = self._or_error(
                    {
                        inner: self._subject((key, inner), found, SubjectKind.NATURAL_PERSON)
                        for inner, found in below
                        if found[0].name.value == "person"
                    }
                )
            elif name == "_entities":
                count = dice.choice([0, 1, 3])
                kinds = [dice.choice([None, *KIND_OF_ROOT.values()]) for _ in range(count)]
                self.context.answers[key] = self._or_error(
                    [None if kind is None else self._subject((key,), nodes, kind) for kind in kinds]
                )
            elif name in KIND_OF_ROOT:
                self.context.answers[key] = self._subject((key,), nodes, KIND_OF_ROOT[name])
            elif name == "subject":
                self.context.answers[key] = self._subject((key,), nodes, dice.choice(list(SubjectKind)))

    def _or_error(self, answer: object) -> object:
        return RuntimeError("the whole field") if self.world.dice.random() < 0.05 else answer

    def _subject(self, path: tuple[str, ...], nodes: Any, kind: SubjectKind) -> Outcome:
        context = self.context
        try:
            plan = context.plan.subject(self.planner, context.walk, nodes, path, kind)
            pages = pages_of(plan, context.walk)
            outcome = self.world.outcome(context, plan, pages)
            self.counts["subjects after a cursor"] += any(page.after for page in pages)
            return outcome
        except (AuthzError, BadArgument, GraphQLError) as fault:
            return fault


def _made(coerced: VariableValues | list[GraphQLError]) -> object:
    """Of what classes the values are, too: True is not 1. Of refusals, what is refused."""
    if isinstance(coerced, list):
        return [error.nodes for error in coerced]
    return repr(coerced.coerced), [(name, source.value) for name, source in coerced.sources.items()]


def _told(errors: list[GraphQLError]) -> list[tuple[object, ...]]:
    """Everything of errors that reaches a client, in order."""
    return [
        (error.message, error.path, error.locations, repr(error.extensions), type(error.original_error))
        for error in errors
    ]
