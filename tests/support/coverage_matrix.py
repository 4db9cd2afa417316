"""Which grants × classes × masks the policy tells apart, and which of them a scenario has shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from graphql import OperationDefinitionNode, get_variable_values, parse
from graphql.execution.values import VariableValues

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.decisions import Effect
from authz.grants import Grant, Public, SelfAccess, Statutory
from authz.policy import decision_table
from catalogue.identifiers import SubjectKey, SubjectKind
from resolvers.access import ENTITY_ROOT_OF
from resolvers.planning import TypeRead, Walk
from tests.support.county import TODAY, cast
from tests.support.deployment import PERSON_CLIENT, TestDeployment
from tests.support.scenario_run import Answer
from tests.support.scenarios import Consented, Scenario

Cell: TypeAlias = tuple[str, str, str | None, str]
"""Kind of grant, class of the field, its mask, and what becomes of it: PERMIT, MASK or DENY."""

KIND_OF_ROOT = {root: kind for kind, root in ENTITY_ROOT_OF.items()}


def possible(deployment: TestDeployment) -> set[Cell]:
    """Every cell that some grant of the deployment leads to, for some subject it can reach."""
    found: set[Cell] = set()
    entries = deployment.catalogue.record_types
    for name, grant, key in _questions(deployment):
        kind = key.subject_kind
        own = [entry for entry in entries.values() if kind in entry.subjects and entry.pointer is None]
        for code, decisions in decision_table(grant, own, kind, personal=key.personal).items():
            for field in entries[code].fields:
                denied = decisions.existence.effect is Effect.DENY
                effect = Effect.DENY if denied else decisions.fields[field.name].effect
                found.add((name, field.data_class.value, field.mask, effect.value))
    return found


def _questions(deployment: TestDeployment) -> Iterator[tuple[str, Grant, SubjectKey]]:
    person = cast()["测试甲"]
    entities = [cast()[name] for name in ("测试有限公司", "测试个体店", "测试协会", "测试中心")]
    for key in entities:  # nobody can ask for a person in public
        yield "PUBLIC", Public(ANONYMOUS), key
    for step_up in (False, True):
        actor = Actor(ActorKind.PERSON, PERSON_CLIENT, subject=person, step_up=step_up)
        yield ("SELF after a strong login" if step_up else "SELF"), SelfAccess(actor, person), person
    for mandate in deployment.mandates.mandates:
        actor = Actor(ActorKind.OFFICER, "any-client", organization=mandate.authority, operator="op-0087")
        for key in (person, *entities):
            yield "STATUTORY", Statutory(actor, mandate, "X", "X", granted_on=TODAY), key


def shown(deployment: TestDeployment, scenario: Scenario, answer: Answer) -> set[Cell]:
    """Cells that the scenario's answer shows: a value where it is permitted, none where it is denied."""
    content = answer.content
    told = content.get("extensions", {}).get("authorization")
    if told is None or "errors" in content:
        return set()
    grant = _grant_name(scenario)
    entries = deployment.catalogue.record_types
    found: set[Cell] = set()
    for code, read in _reads(deployment, scenario, answer.variables):
        for name, paths in read.paths.items():
            field = entries[code].field_by_name.get(name)
            for path in paths if field else ():
                effect = _effect(".".join(path), told, read)
                valued = any(value is not None for value in _values(content["data"], path))
                if field and valued is not (effect == "DENY"):
                    found.add((grant, field.data_class.value, field.mask, effect))
    return found


def _grant_name(scenario: Scenario) -> str:
    if scenario.grant == "self":
        return "SELF after a strong login" if scenario.actor.step_up else "SELF"
    if isinstance(scenario.grant, Consented):
        return "CONSENT"
    return "PUBLIC" if scenario.grant == "public" else "STATUTORY"


def _effect(path: str, told: Mapping[str, list[str]], read: TypeRead) -> str:
    whole = {".".join(section) for section in read.sections}
    if path in told["denied"] or any(path.startswith(f"{start}.") for start in whole & set(told["denied"])):
        return "DENY"
    return "MASK" if path in told["masked"] else "PERMIT"


def _reads(
    deployment: TestDeployment, scenario: Scenario, variables: Mapping[str, Any]
) -> Iterator[tuple[str, TypeRead]]:
    """Record types that the document reads, with the place of each field in the answer."""
    schema = deployment.schema.executable
    document = parse(scenario.query)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    coerced = get_variable_values(schema, operation.variable_definitions or [], dict(variables))
    if not isinstance(coerced, VariableValues):
        return
    fragments = {node.name.value: node for node in document.definitions if node is not operation}  # type: ignore[attr-defined]
    walk = Walk(schema, fragments, coerced)
    for key, nodes in walk.roots("Query", operation).items():
        root = nodes[0].name.value
        if root == "me":
            for inner, below in walk.collect("Me", nodes).items():
                yield from _plan(deployment, walk, below, (key, inner), SubjectKind.NATURAL_PERSON)
        elif root in {"subject", *KIND_OF_ROOT}:
            kind = KIND_OF_ROOT.get(root, SubjectKind.NATURAL_PERSON)
            yield from _plan(deployment, walk, nodes, (key,), kind)


def _plan(
    deployment: TestDeployment, walk: Walk, nodes: Any, path: tuple[str, ...], kind: SubjectKind
) -> Iterable[tuple[str, TypeRead]]:
    return deployment.services.plans.planner.plan(walk, nodes, path, kind).types.items()


def _values(node: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Values at a path, in every item of the lists on the way."""
    if isinstance(node, list):
        for item in node:
            yield from _values(item, path)
    elif not path:
        yield node
    elif isinstance(node, dict):
        yield from _values(node.get(path[0]), path[1:])
