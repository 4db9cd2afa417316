"""What a check reads: the record types of its scenario, of them what its predicates need and was selected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from graphql import FieldNode

from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue
from catalogue.scenario import Disclosure, Scenario
from resolvers.context import RequestContext
from resolvers.healing import document_fields
from resolvers.planning import Kept, Planner, ResponsePath, SubjectPlan, Walk

Selections: TypeAlias = Iterable[tuple[str, list[FieldNode], ResponsePath]]
"""The types that hold items, the nodes that select them, and their paths."""
_TOLD = ("severity", "status")
"""Base fields that every result tells something of, so that the person sees them named."""


def plan_of_check(
    context: RequestContext,
    scenario: Scenario,
    kind: SubjectKind,
    path: ResponsePath,
    selections: Callable[[], Selections],
) -> SubjectPlan:
    """What `check_plan` makes, kept with the operation's plan; `path` is of the subject it is about."""
    kept, key = context.plan.checks, (path, scenario.code, kind)
    of, plan = kept.get(key, (None, None))
    if plan is None or of is not scenario:
        plan = check_plan(context.services.plans.planner, context.walk, scenario, kind, selections())
        if not context.plan.kept:
            plan.kept = Kept()
        kept[key] = scenario, plan
    return plan


def check_plan(
    planner: Planner, walk: Walk, scenario: Scenario, kind: SubjectKind, selections: Selections
) -> SubjectPlan:
    """The plan for one kind of subject; empty where the scenario does not concern it."""
    plan = SubjectPlan(kind, kept=planner.kept)
    for code in types_of(scenario, planner.catalogue, kind):
        read = plan.of(code)
        for name in _TOLD:
            read.paths.setdefault(name, [])
    for predicate in scenario.predicates:
        for code in predicate.record_types:
            if predicate.value and code in plan.types:
                plan.types[code].fields.add(predicate.value.field)
                plan.types[code].paths.setdefault(predicate.value.field, [])
    for code in _weighed(scenario) & plan.types.keys():
        # so that an objection to the same decision in another source is known to be one (ruling 31)
        plan.types[code].fields |= document_fields(planner.catalogue.record_types[code])
    if scenario.disclosure is Disclosure.RECORDS:
        for selection in selections:
            _select(planner, walk, plan, *selection)
    return plan


def of_check(nodes: list[FieldNode], path: ResponsePath) -> Selections:
    """What `mustCheck` selects of its subject."""
    return [("CheckResult", nodes, path)]


def of_related(walk: Walk, nodes: list[FieldNode], path: ResponsePath) -> Selections:
    """What it selects of the persons who were named with the subject."""
    return [
        ("RelatedCheck", below, (*path, name))
        for name, below in walk.collect("CheckResult", nodes).items()
        if below[0].name.value == "related"
    ]


def of_chunk(walk: Walk, nodes: list[FieldNode], path: ResponsePath) -> Selections:
    """What `mustCheckChunk` selects of each of its subjects."""
    return [
        ("CheckResult", checks, (*path, rows_key, key))
        for rows_key, below in walk.collect("CheckChunk", nodes).items()
        if below[0].name.value == "rows"
        for key, checks in walk.collect("CheckRow", below).items()
        if checks[0].name.value == "check"
    ]


def _weighed(scenario: Scenario) -> set[str]:
    """Types that a measure may rest on which an objection suspends."""
    named = (terms.when for terms in scenario.suspendable if terms.when)
    return {code for when in named for code in scenario.predicate_by_code[when].absent}


def types_of(scenario: Scenario, catalogue: Catalogue, kind: SubjectKind) -> list[str]:
    """Codes of the types that bear on the matter and are about this kind of subject, in the entry's order."""
    types = (item.record_type for item in scenario.relevance)
    return [code for code in types if kind in catalogue.record_types[code].subjects]


def _select(
    planner: Planner,
    walk: Walk,
    plan: SubjectPlan,
    type_name: str,
    nodes: list[FieldNode],
    path: ResponsePath,
) -> None:
    """Add the fields of records that the operation selects."""
    for items_key, items in walk.collect(type_name, nodes).items():
        if items[0].name.value != "items":
            continue
        for key, records in walk.collect("CheckItem", items).items():
            if records[0].name.value == "records":
                for code, read in plan.types.items():
                    entry = planner.catalogue.record_types[code]
                    planner.want(read, entry, walk, records, (*path, items_key, key))
