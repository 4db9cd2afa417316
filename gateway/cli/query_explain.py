"""What an operation would do, from the very plan that runs it: what is read, decided, asked and printed.

No department is asked and no value appears.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

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
from rich.markup import escape
from rich.tree import Tree

from authz.clients import load_clients
from authz.decisions import Decision, Effect
from authz.grants import Grant, SelfAccess
from authz.mandates import load_mandates
from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME
from connectors.protocol import Source
from connectors.registry import load_sources
from gateway.cli.common import CommandError, console, print_json
from gateway.cli.policy import SUBJECTS, Registers
from gateway.coercing import Signature
from gateway.deployment import catalogue_of, source_environment
from gateway.documents import DocumentCache
from gateway.errors import RequestRefused
from gateway.settings import Settings
from gateway.values import coerce_variables
from resolvers.access import ENTITY_ROOT_OF
from resolvers.compiled.source import written
from resolvers.deciding import Decided, decide
from resolvers.errors import BadArgument
from resolvers.planning import Planner, ResponsePath, SubjectPlan, TypeRead, Walk
from resolvers.plans import READING, OperationPlan, Plans
from resolvers.schema import build_schema

_KIND_OF = {root: kind for kind, root in ENTITY_ROOT_OF.items()}


@dataclass(frozen=True, slots=True)
class Asker:
    """On which basis, and about whom."""

    client: str | None
    scenario: str | None
    mandate: str | None
    own: bool
    subject: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One field that reads a subject."""

    path: ResponsePath
    plan: SubjectPlan
    decided: Decided
    source: str
    """The Python text that prints it."""


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
    def sources(self) -> Mapping[str, Source]:
        """Its sources, of which none is asked."""
        environment = source_environment(self.settings, os.environ)
        return load_sources(self.settings.sources, self.catalogue, environment)

    @cached_property
    def grant(self) -> Grant:
        """The basis, as `policy explain` has it."""
        clients, mandates = (
            load_clients(self.settings.clients),
            load_mandates(self.settings.mandates, self.catalogue),
        )
        registers, asker = Registers(clients, mandates, datetime.now(CHINA_TIME).date()), self.asker
        if asker.own:
            return registers.own(asker.client, step_up=False)
        return registers.grant(asker.client, asker.scenario, asker.mandate)

    def explain(self, text: str, variables: Mapping[str, Any] | None) -> list[Explained]:
        """Every field of the operation that reads; raises CommandError."""
        schema = build_schema(self.catalogue).executable
        plans = Plans(Planner(self.catalogue))
        try:
            document = DocumentCache(schema, self.settings.limits).get(text, "command")
            operation = document.operation(None)
            given = _given(schema, operation, variables)
            plan = plans.of(schema, document.ast, document.digest, operation, given)
            walk = Walk(schema, plan.fragments, given)
            return [
                self._field(plans.planner, plan, walk, *found) for found in _reading(plan, self.asker.subject)
            ]
        except RequestRefused as refused:
            raise CommandError(refused.code.code, refused.errors[0].message) from None
        except BadArgument as wrong:
            raise CommandError(wrong.code, wrong.message) from None
        except GraphQLError:
            message = "The plan depends on variables without a default. Give them with --variables."
            raise CommandError("VARIABLES_MISSING", message) from None

    def _field(
        self,
        planner: Planner,
        plan: OperationPlan,
        walk: Walk,
        path: ResponsePath,
        nodes: list[FieldNode],
        kind: SubjectKind,
    ) -> Explained:
        subject = plan.subject(planner, walk, nodes, path, kind)
        whom = self.grant.subject if isinstance(self.grant, SelfAccess) else None
        personal = SUBJECTS[self.asker.subject][1] or kind is SubjectKind.NATURAL_PERSON
        decided = decide(self.catalogue, self.grant, subject, whom, personal=personal)
        source = written(self.catalogue, decided, plan.wanted(path, kind).selection)
        return Explained(path, subject, decided, source.text)

    def as_json(self, found: Explained) -> dict[str, object]:
        """One field as programs read it."""
        return {
            "path": ".".join(found.path),
            "kind": found.plan.kind.value,
            "types": [
                self._type(found.decided, code, found.plan.types[code]) for code in found.decided.entries
            ],
            "denied": sorted(".".join(path) for path in found.decided.denied),
            "masked": sorted(".".join(path) for path in found.decided.masked),
        }

    def _type(self, decided: Decided, code: str, read: TypeRead) -> dict[str, Any]:
        verdicts = decided.decisions[code]
        asked = decided.read.get(code)
        serving = [
            source for source in self.sources.values() if asked is not None and code in source.record_types
        ]
        return {
            "recordType": code,
            "sections": [".".join(path) for path in read.sections],
            "existence": _told(verdicts.existence),
            "fields": {name: _told(verdicts.fields[name]) for name in sorted(read.fields)},
            "questions": {each.name: each.explain(code, asked) for each in serving if asked is not None},
        }


def show(explaining: Explaining, found: list[Explained], *, as_json: bool, dump_source: bool) -> None:
    """Print the plans, or the Python text that prints the answer."""
    if dump_source:
        _print_raw("\n".join(f"# {'.'.join(one.path)}: {one.plan.kind.value}\n{one.source}" for one in found))
    elif as_json:
        print_json({"basis": explaining.grant.basis, "reads": [explaining.as_json(one) for one in found]})
    else:
        for one in found:
            console.print(_tree(explaining.as_json(one)))


def _print_raw(text: str) -> None:
    """Text as it is: brackets in it are no markup, and long lines stay whole."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _tree(told: dict[str, Any]) -> Tree:
    tree = Tree(f"[bold]{escape(told['path'])}[/] {told['kind']}")
    for read in told["types"]:
        branch = tree.add(
            f"[bold]{read['recordType']}[/] {read['existence']}  {escape(', '.join(read['sections']))}"
        )
        for name, decision in read["fields"].items():
            branch.add(f"{name}  {decision}")
        for source, question in read["questions"].items():
            branch.add(f"[cyan]{escape(source)}[/]").add(escape(question))
    return tree


def _told(decision: Decision) -> str:
    shown = decision.mask if decision.effect is Effect.MASK else decision.effect.value
    return f"{shown} ({decision.rule})"


def _reading(
    plan: OperationPlan, subject: str
) -> Iterator[tuple[ResponsePath, list[FieldNode], SubjectKind]]:
    """Fields that read, with the kind of subject: of `subject` and `_entities` the one that was named."""
    for key, nodes in plan.roots.items():
        name = nodes[0].name.value
        if name == "me":
            for inner, below in plan.persons[key].items():
                if below[0].name.value == "person":
                    yield (key, inner), below, SubjectKind.NATURAL_PERSON
        elif name in READING:
            yield (key,), nodes, _KIND_OF.get(name, SUBJECTS[subject][0])


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
