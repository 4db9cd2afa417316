"""What a check reads: the record types of its scenario, of them what its predicates need and was selected."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import FieldNode

from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue
from catalogue.scenario import Disclosure, Scenario
from resolvers.context import RequestContext
from resolvers.healing import document_fields
from resolvers.planning import ResponsePath, SubjectPlan

_TOLD = ("severity", "status")
"""Base fields that every result tells something of, so that the person sees them named."""


def check_plan(
    context: RequestContext,
    scenario: Scenario,
    kind: SubjectKind,
    selections: Iterable[tuple[str, list[FieldNode], ResponsePath]],
) -> SubjectPlan:
    """The plan for one kind of subject; empty where the scenario does not concern it.

    Each of `selections` is the type that holds items, the nodes that select it, and its path.
    """
    plan = SubjectPlan(kind)
    for code in types_of(scenario, context.services.catalogue, kind):
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
        plan.types[code].fields |= document_fields(context.services.catalogue.record_types[code])
    if scenario.disclosure is Disclosure.RECORDS:
        for selection in selections:
            _select(context, plan, *selection)
    return plan


def _weighed(scenario: Scenario) -> set[str]:
    """Types that a measure may rest on which an objection suspends."""
    named = (terms.when for terms in scenario.suspendable if terms.when)
    return {code for when in named for code in scenario.predicate_by_code[when].absent}


def types_of(scenario: Scenario, catalogue: Catalogue, kind: SubjectKind) -> list[str]:
    """Codes of the types that bear on the matter and are about this kind of subject, in the entry's order."""
    types = (item.record_type for item in scenario.relevance)
    return [code for code in types if kind in catalogue.record_types[code].subjects]


def _select(
    context: RequestContext, plan: SubjectPlan, type_name: str, nodes: list[FieldNode], path: ResponsePath
) -> None:
    """Add the fields of records that the operation selects."""
    walk, services = context.walk, context.services
    for items_key, items in walk.collect(type_name, nodes).items():
        if items[0].name.value != "items":
            continue
        for key, records in walk.collect("CheckItem", items).items():
            if records[0].name.value == "records":
                for code, read in plan.types.items():
                    entry = services.catalogue.record_types[code]
                    services.plans.planner.want(read, entry, walk, records, (*path, items_key, key))
