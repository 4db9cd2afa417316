"""What is kept between requests: no plan serves another document, no decision another grant."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from datetime import date
from functools import cache
from random import Random
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse
from graphql.execution.values import VariableValues

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.grants import Grant, Mandate, Public, SelfAccess, Statutory
from authz.policy import decision_table
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.loader import load_catalogue
from resolvers import planning
from resolvers.compiled.functions import Function, function, text_of
from resolvers.compiled.printer import printer_for
from resolvers.deciding import Decided, decide, decided_by
from resolvers.errors import BadArgument
from resolvers.planning import Planner, Walk
from resolvers.plans import NODES_MAX, OperationPlan, Plans
from resolvers.schema import GraphSchema, build_schema

CATALOGUE = load_catalogue()
PERSON = SubjectKey.person("990101196307080059")
KIND = SubjectKind.NATURAL_PERSON
JUDICIAL = "judicial { judgmentDefaults { records { caseNo court citizenId nature } } }"


@cache
def schema() -> GraphSchema:
    return build_schema(CATALOGUE)


def planned(plans: Plans, text: str, digest: str = "x", **variables: Any) -> tuple[OperationPlan, Walk]:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    coerced = get_variable_values(schema().executable, operation.variable_definitions or (), variables)
    assert isinstance(coerced, VariableValues)
    plan = plans.of(schema().executable, document, digest, operation, coerced)
    return plan, Walk(schema().executable, plan.fragments, coerced)


def of_person(plans: Plans, plan: OperationPlan, walk: Walk) -> Any:
    (nodes,) = plan.persons["me"].values()
    return plan.subject(plans.planner, walk, nodes, ("me", "person"), KIND)


def test_a_plan_is_kept_for_what_shapes_it_and_nothing_else() -> None:
    plans = Plans(Planner(CATALOGUE))
    text = (
        "query Q($on: Boolean!, $first: Int!, $types: [RecordTypeCode!]) "
        "{ me { person { kind @include(if: $on) records(first: $first, types: $types) { state } } } }"
    )
    one, _ = planned(plans, text, on=True, first=1)
    assert planned(plans, text, on=True, first=2)[0] is one
    others = [
        planned(plans, text, on=False, first=1)[0],
        planned(plans, text, on=True, first=1, types=["P-FY-01"])[0],
        planned(plans, text, on=True, first=1, types=None)[0],
        planned(plans, text, digest="y", on=True, first=1)[0],
    ]
    assert len({id(plan) for plan in (one, *others)}) == 5


def test_with_more_than_six_conditions_nothing_is_kept_or_compiled() -> None:
    plans = Plans(Planner(CATALOGUE))
    names = [f"c{number}" for number in range(7)]
    for count, kept in ((6, True), (7, False)):
        head = ", ".join(f"${name}: Boolean!" for name in names[:count])
        body = " ".join(f"{name}: kind @skip(if: ${name})" for name in names[:count])
        text = f"query Q({head}) {{ me {{ person {{ kind {body} }} }} }}"
        given = dict.fromkeys(names[:count], False)
        one, _ = planned(plans, text, str(count), **given)
        assert (planned(plans, text, str(count), **given)[0] is one, one.compiled) == (kept, kept)


PAGES = "query Q($types: [RecordTypeCode!]) { me { person { records(first: 1, types: $types) { state } } } }"


def test_a_list_of_types_is_the_same_in_any_order() -> None:
    plans = Plans(Planner(CATALOGUE))
    one, _ = planned(plans, PAGES, types=["P-FY-01", "P-FG-03"])
    assert planned(plans, PAGES, types=["P-FG-03", "P-FY-01", "P-FY-01"])[0] is one
    assert planned(plans, PAGES, types=["P-FG-03"])[0] is not one


def test_types_that_do_not_exist_make_no_plans_of_their_own() -> None:
    plans = Plans(Planner(CATALOGUE))
    one, walk = planned(plans, PAGES, types=["P-FY-01", "X-1"])
    assert planned(plans, PAGES, types=["X-2", "P-FY-01", "X-3"])[0] is one
    assert planned(plans, PAGES, types=["P-FY-01"])[0] is not one
    for _ in range(2):
        with pytest.raises(BadArgument, match="names a type"):
            of_person(plans, one, walk)


def test_what_is_selected_of_any_record_counts_for_every_type() -> None:
    types = max(len(CATALOGUE.of_kind(kind)) for kind in SubjectKind)
    debtor = CATALOGUE.record_types["P-FY-01"].graphql_type
    for selected, count in (
        ("state", 1),
        ("edges { node { status } }", 1 + 2 * types),
        ("edges { node { ...F } }", 1 + types + 2),
        (f"edges {{ node {{ ... on {debtor} {{ status }} }} }}", 1 + types + 1),
    ):
        text = f"{{ me {{ person {{ records(first: 1) {{ {selected} }} }} }} }}"
        if "F" in selected:
            text += f" fragment F on {debtor} {{ status caseNo }}"
        assert planned(Plans(Planner(CATALOGUE)), text)[0].nodes == 4 + count, selected


def test_what_was_not_asked_for_longest_goes_when_there_is_no_room() -> None:
    codes = [code for code, entry in CATALOGUE.record_types.items() if KIND in entry.subjects]
    plans = Plans(Planner(CATALOGUE), nodes_kept=40)
    first, _ = planned(plans, PAGES, types=codes[:1])
    assert first.nodes == 6, "four fields and two values"
    for count in range(1, 7):
        assert planned(plans, PAGES, types=codes[:1])[0] is first
        planned(plans, PAGES, types=codes[: count + 1])
    for count in range(7):  # forty have room for six of six
        planned(plans, PAGES, types=codes[10 : 11 + count])
    assert planned(plans, PAGES, types=codes[:1])[0] is not first
    again, _ = planned(plans, PAGES, "a", types=codes[:1])
    for number in range(7):
        planned(plans, PAGES, f"another {number}", types=codes[:1])
    assert planned(plans, PAGES, "a", types=codes[:1])[0] is not again


def test_an_operation_counts_its_fragments_wherever_they_are_spread() -> None:
    fragment = f"fragment F on NaturalPerson {{ {JUDICIAL} }}"
    once, _ = planned(Plans(Planner(CATALOGUE)), f"{{ me {{ person {{ ...F }} }} }} {fragment}")
    twice, _ = planned(
        Plans(Planner(CATALOGUE)), f"{{ me {{ person {{ ...F }} other: person {{ ...F }} }} }} {fragment}"
    )
    assert (once.nodes, twice.nodes) == (2 + 7, 3 + 14)


def test_an_operation_that_is_too_large_is_planned_each_time() -> None:
    plans = Plans(Planner(CATALOGUE))
    fragments = "fragment F0 on NaturalPerson { kind }"
    for number in range(1, 16):
        below = f"...F{number - 1}"
        fragments += f" fragment F{number} on NaturalPerson {{ {below} {below} }}"
    text = f"{{ me {{ person {{ ...F15 }} }} }} {fragments}"
    one, _ = planned(plans, text)
    assert one.nodes > NODES_MAX
    assert not one.kept
    assert not one.compiled
    assert planned(plans, text)[0] is not one


def test_what_is_decided_and_printed_is_bounded_for_all_plans_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "DECIDED_KEPT", 6)
    monkeypatch.setattr(planning, "PRINTERS_KEPT", 3)
    plans, grant, text = Plans(Planner(CATALOGUE)), grants()[1], f"{{ me {{ person {{ {JUDICIAL} }} }} }}"
    decided: list[Decided] = []
    printers = []
    for digest in "abcd":  # each takes two of six: a type, and itself
        plan, walk = planned(plans, text, digest)
        subject = of_person(plans, plan, walk)
        decided.append(decide(CATALOGUE, grant, subject, PERSON, personal=True))
        printers.append(printer_for(plan.wanted(("me", "person"), KIND), CATALOGUE, decided[-1]))
        assert decide(CATALOGUE, grant, subject, PERSON, personal=True) is decided[-1]
    for digest, kept in (("b", True), ("a", False)):
        plan, walk = planned(plans, text, digest)
        subject, wanted = of_person(plans, plan, walk), plan.wanted(("me", "person"), KIND)
        at = "abcd".index(digest)
        assert (decide(CATALOGUE, grant, subject, PERSON, personal=True) is decided[at]) is kept
        assert (printer_for(wanted, CATALOGUE, decided[at]) is printers[at]) is kept


MANDATE = Mandate(
    id="m-1",
    authority="11990101MB9A100021",
    scenario="S04",
    record_types={"P-FY-01": None},
    case_pattern=".*",
    legal_basis=("样例法 1",),
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
    approved_by=("op-0012", "op-0034"),
)
OFFICER = Actor(ActorKind.OFFICER, "hr", organization=MANDATE.authority, operator="op-0087")
DAY = date(2026, 6, 1)


def grants() -> list[Grant]:
    """Grants as requests make them: equal ones anew each time, and others that differ in one thing."""
    mandates = [
        MANDATE,
        replace(MANDATE, record_types={"P-FY-01": frozenset({"caseNo"})}),
        replace(MANDATE, record_types={"P-FG-03": None}),
        replace(MANDATE, unmasked={"P-FY-01": frozenset({"citizenId"})}),
        replace(MANDATE, stopped=True),
        replace(MANDATE, valid_until=date(2026, 2, 1)),
    ]
    persons = [Actor(ActorKind.PERSON, "app", subject=PERSON, step_up=strong) for strong in (False, True)]
    return [
        Public(ANONYMOUS),
        *(SelfAccess(actor, PERSON) for actor in persons),
        *(Statutory(OFFICER, mandate, "c-1", "审查", DAY) for mandate in mandates),
    ]


def told(decided: Decided) -> tuple[object, ...]:
    return decided.denied, decided.masked, decided.asked, decided.planned, decided.shape


@pytest.mark.parametrize("seed", range(3))
def test_grants_that_differ_never_share_what_is_decided(seed: int) -> None:
    plans = Plans(Planner(CATALOGUE))
    plan, walk = planned(plans, f"{{ me {{ person {{ {JUDICIAL} }} }} }}")
    subject, wanted = of_person(plans, plan, walk), plan.wanted(("me", "person"), KIND)
    entries = [CATALOGUE.record_types[code] for code in subject.types]
    alone = [
        told(decided_by(CATALOGUE, subject, decision_table(grant, entries, KIND, personal=True), dated=True))
        for grant in grants()
    ]
    dice = Random(seed)
    for _ in range(500):
        number = dice.randrange(len(alone))
        decided = decide(CATALOGUE, grants()[number], subject, PERSON, personal=True)
        assert told(decided) == alone[number]
        text = printer_for(wanted, CATALOGUE, decided).source.text
        assert ("values['court']" in text) is ("court" in decided.asked.get("P-FY-01", ()))


def printing(plans: Plans, text: str, grant: Grant, digest: str = "x") -> Function:
    plan, walk = planned(plans, text, digest)
    subject, wanted = of_person(plans, plan, walk), plan.wanted(("me", "person"), KIND)
    decided = decide(CATALOGUE, grant, subject, PERSON, personal=True)
    return printer_for(wanted, CATALOGUE, decided).source.function


def of_records(printed: Function) -> Function:
    """The innermost function."""
    while inner := [each for each in printed.uses if isinstance(each, Function)]:
        printed = inner[0]
    return printed


def test_documents_share_what_prints_the_same_selection_under_the_same_decisions() -> None:
    plans = Plans(Planner(CATALOGUE))
    one = printing(plans, f"{{ me {{ person {{ {JUDICIAL} }} }} }}", grants()[1])
    two = printing(plans, f"{{ me {{ person {{ kind {JUDICIAL} }} }} }}", grants()[1], "y")
    assert one is not two
    assert of_records(one) is of_records(two)
    assert "'court'" in of_records(one).text
    for other in (grants()[0], *grants()[2:]):
        shown = printing(plans, f"{{ me {{ person {{ {JUDICIAL} }} }} }}", other)
        assert (shown is one) is (shown.text == one.text)


def test_the_text_shows_all_that_is_used_before_what_uses_it() -> None:
    plans = Plans(Planner(CATALOGUE))
    last = printing(plans, f"{{ me {{ person {{ kind {JUDICIAL} }} }} }}", grants()[1])
    text, seen, waiting = text_of(last), 0, [last]
    while waiting:
        one = waiting.pop()
        for each in one.uses:
            seen += 1
            assert each.name in one.text
            if isinstance(each, Function):
                assert 0 <= text.find(each.text) < text.find(one.text)
                waiting.append(each)
    assert seen > 4


def test_an_evicted_plan_goes_without_the_collector() -> None:
    function.cache_clear()  # of what plans of other tests still print by
    plans = Plans(Planner(CATALOGUE))
    printed = printing(plans, f"{{ me {{ person {{ {JUDICIAL} }} }} }}", grants()[1])
    outer, inner = weakref.ref(printed.value), weakref.ref(of_records(printed).value)
    gc.disable()
    try:
        del plans, printed
        assert outer() is not None, "for the next document that prints the same"
        function.cache_clear()
        assert outer() is None
        assert inner() is None
    finally:
        gc.enable()
