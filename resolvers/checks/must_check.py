"""`mustCheck`: one check of one subject, and of the persons who belong to it, with its receipt.

It reads as every read does (`resolvers.reading`): decided, recorded before a department is asked,
confirmed, fetched, healed, recorded again. What a check adds is the scenario's clock and deadline,
predicates, measures and the receipt. A mutation, for it leaves a receipt and cannot be repeated
without a trace: no client may send it again by itself, or answer it from a cache.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Annotated, Any, Final

import strawberry
from graphql import FieldNode
from strawberry.types.info import Info

from authz.audit import Entry, EventKind
from authz.errors import AccessDenied
from authz.grants import Consent, Grant, Statutory
from authz.lifecycle import ADULT
from catalogue.identifiers import KeyKind, SubjectKind, birth_date
from catalogue.model import Catalogue, Label, Obligation
from catalogue.scenario import Scenario
from resolvers.access import AccessContext
from resolvers.catalogue_graph import localized
from resolvers.checks.answer import SubjectCheck
from resolvers.checks.plan import of_check, of_related, plan_of_check
from resolvers.checks.proof import Proof, prove
from resolvers.checks.types import CheckReceipt, CheckResult, RelatedCheck, RelatedPersonInput
from resolvers.compiled.objects import printed_object
from resolvers.context import RequestContext
from resolvers.fields import bilingual
from resolvers.identity import Lookup
from resolvers.lookups import SubjectLookup, person, resolve_lookup
from resolvers.planning import ResponsePath
from resolvers.reading import Manner, Outcome, SubjectRead, read_subjects
from resolvers.recording import RefusalsRecorded
from resolvers.roots import grant_of_operation, refuse_named
from resolvers.scalars import Instant, ScenarioCode

RELATED_MAX: Final = 5
_FOR_SOURCES: Final = 0.9
"""Departments have this part of the deadline; the rest is for recording and answering."""
DISCLAIMERS: Final = (
    Label(
        zh="本结果仅列明事实和法律所附措施，不构成任何结论；是否采取措施由具名人员在告知、听取陈述后作出。",
        en="Facts and what a law attaches to them. Whether anything follows, a named person says, after "
        "notice and a hearing.",
    ),
    Label(
        zh="“未知”不代表无记录；异议处理中、已修复和轻微的记录不计入。",
        en="Unknown is not none. Records under objection, repaired ones and minor ones do not count.",
    ),
)


@dataclass(frozen=True, slots=True)
class _Person:
    asked: RelatedPersonInput
    lookup: Lookup


async def must_check(
    info: Info,
    lookup: Annotated[
        SubjectLookup,
        strawberry.argument(description=bilingual("查找方式", "Whom: exactly one way of naming")),
    ],
    access: Annotated[
        AccessContext, strawberry.argument(description=bilingual("查询依据", "Basis of the operation"))
    ],
    related_persons: Annotated[
        list[RelatedPersonInput] | None,
        strawberry.argument(
            name="relatedPersons",
            description=bilingual("与单位有关的人员，至多 5 人", "Persons of the entity, at most five"),
        ),
    ] = None,
) -> Any:
    """The check, or the errors of any read."""
    context: RequestContext = info.context
    key = str(info.path.key)
    async with RefusalsRecorded(context):
        scenario = scenario_of(context)
        found = resolve_lookup(lookup, context.services.references, context.actor.client_id)
        persons = [_Person(asked, person(asked.person)) for asked in related_persons or ()]
        for one in (found, *(each.lookup for each in persons)):
            refuse_named(context, one)
        require_fit(context, scenario, found)
        _require_persons(context, scenario, found, persons)
    checks, proof = await _read(context, scenario, found, persons, context.plan.roots[key], (key,))
    result = result_of(context, scenario, checks, proof, persons)
    concrete = record_types(context.services.catalogue, scenario)
    return printed_object(context, key, result, concrete)


def record_types(catalogue: Catalogue, scenario: Scenario) -> frozenset[str]:
    """The GraphQL types of the records that a check may hold."""
    types = catalogue.record_types
    return frozenset(types[code].graphql_type for code in scenario.record_types)


def scenario_of(context: RequestContext) -> Scenario:
    """The scenario that the operation's grant is for; raises AccessDenied."""
    services = context.services
    return scenario_of_grant(services.catalogue, grant_of_operation(context), services.today())


def scenario_of_grant(catalogue: Catalogue, grant: Grant, today: date) -> Scenario:
    """The scenario that a grant is for; raises AccessDenied after its last day (GR-12)."""
    assert isinstance(grant, Statutory | Consent)  # noqa: S101 - `access` is required, so no other is made
    code = grant.mandate.scenario if isinstance(grant, Statutory) else grant.artefact.purpose.scenario_code
    scenario = catalogue.scenarios[code]
    if not scenario.runs_on(today):
        raise AccessDenied("SCENARIO_ENDED", "The scenario has ended. Ask the credit office to renew it.")
    return scenario


def require_fit(context: RequestContext, scenario: Scenario, found: Lookup) -> None:
    """Whether the scenario concerns such a subject; raises AccessDenied."""
    require_kind(context.services.catalogue, scenario, found.key.subject_kind)
    born = birth_date(found.key.value) if found.key.kind is KeyKind.CITIZEN_ID else None
    if scenario.adults_only and born and context.services.today() <= ADULT.after(born):
        raise AccessDenied("SCENARIO_ADULTS", "The scenario concerns adults only.")


def require_kind(catalogue: Catalogue, scenario: Scenario, kind: SubjectKind) -> None:
    """Whether the scenario concerns such subjects at all; raises AccessDenied."""
    if not any(kind in catalogue.record_types[code].subjects for code in scenario.record_types):
        raise AccessDenied("SCENARIO_SUBJECT", "The scenario does not concern this kind of subject.")


def _require_persons(
    context: RequestContext, scenario: Scenario, found: Lookup, persons: Sequence[_Person]
) -> None:
    """Whether such persons may be named with the subject; raises AccessDenied."""
    if not persons:
        return
    kind = found.key.subject_kind
    roles = {each.asked.role for each in persons}
    keys = {each.lookup.key for each in persons}
    fits = (
        kind is not SubjectKind.NATURAL_PERSON
        and isinstance(context.grant, Statutory)
        and roles <= set(scenario.related_persons)
        and len(keys) == len(persons) <= RELATED_MAX
    )
    if not fits:
        raise AccessDenied(
            "RELATED_PERSONS",
            "Name at most five different persons of an entity, in roles of the scenario, under a mandate. "
            "On consent, each person is asked about in an operation of their own.",
        )


async def _read(
    context: RequestContext,
    scenario: Scenario,
    found: Lookup,
    persons: Sequence[_Person],
    nodes: list[FieldNode],
    path: ResponsePath,
) -> tuple[list[SubjectCheck], Proof]:
    """The subject and its persons, at the same time, and the proof; raises what either reading raises."""
    until = asyncio.get_running_loop().time() + scenario.deadline_ms / 1000 * _FOR_SOURCES
    manner = Manner(EventKind.CHECK, scenario.clock, minor=False, until=until)
    plan = plan_of_check(context, scenario, found.key.subject_kind, path, partial(of_check, nodes, path))
    beside = asyncio.ensure_future(_read_persons(context, scenario, persons, nodes, path, manner))
    made: list[tuple[list[SubjectCheck], Proof]] = []

    async def keeping(read: SubjectRead) -> Sequence[Entry]:
        """The check with the subject's outcome, once the persons were read too; none where one was not."""
        await asyncio.wait([beside])
        related = [] if beside.cancelled() or beside.exception() else beside.result()
        reads = [one for one in (read, *related) if isinstance(one, SubjectRead)]
        if len(reads) <= len(persons):
            return ()
        checks = [SubjectCheck(scenario, one) for one in reads]
        made.append((checks, prove(context, scenario, checks)))
        return (made[0][1].kept,)

    keeps = replace(manner, keeping=keeping)
    main = read_subjects(context, grant_of_operation(context), plan, [found], keeps)
    # each reading records its own end, so neither is left before the other is over
    groups = await asyncio.gather(main, beside, return_exceptions=True)
    outcomes = [one for group in groups for one in ([group] if isinstance(group, BaseException) else group)]
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return made[0]


async def _read_persons(
    context: RequestContext,
    scenario: Scenario,
    persons: Sequence[_Person],
    nodes: list[FieldNode],
    path: ResponsePath,
    manner: Manner,
) -> list[Outcome]:
    if not persons:
        return []
    selections = partial(of_related, context.walk, nodes, path)
    plan = plan_of_check(context, scenario, SubjectKind.NATURAL_PERSON, (*path, "related"), selections)
    lookups = [each.lookup for each in persons]
    return await read_subjects(context, grant_of_operation(context), plan, lookups, manner)


def result_of(
    context: RequestContext,
    scenario: Scenario,
    checks: list[SubjectCheck],
    proof: Proof,
    persons: Sequence[_Person] = (),
) -> CheckResult:
    """What leaves of a check that is kept."""
    main, *related = checks
    pending = [task for check in checks for task in check.shown_tasks()]
    jws = context.services.receipts.signed(proof.receipt)
    return CheckResult(
        checkId=strawberry.ID(proof.receipt.jti),
        scenario=ScenarioCode(scenario.code),
        scenarioName=localized(scenario.name),
        obligation=scenario.obligation,
        guard=localized(scenario.guard),
        caseNo=proof.receipt.case_no,
        subjectRef=strawberry.ID(main.read.subject.ref),
        displayName=main.read.display_name,
        items=main.shown.items,
        predicates=main.shown.predicates,
        measures=main.shown.measures,
        related=[_related(one, check) for one, check in zip(persons, related, strict=True)],
        completeness=proof.receipt.completeness,
        tasks=pending,
        manualCheckRequired=bool(pending) and scenario.obligation is Obligation.MANDATORY,
        checkedAt=Instant(proof.receipt.checked_at),
        validUntil=Instant(proof.receipt.valid_until),
        catalogueVersion=proof.receipt.catalogue_version,
        disclaimers=[localized(one) for one in DISCLAIMERS],
        receipt=CheckReceipt(jws=jws, nonce=proof.nonce, statement=proof.statement),
    )


def _related(one: _Person, check: SubjectCheck) -> RelatedCheck:
    return RelatedCheck(
        role=one.asked.role,
        subjectRef=strawberry.ID(check.read.subject.ref),
        displayName=check.read.display_name,
        items=check.shown.items,
        predicates=check.shown.predicates,
        measures=check.shown.measures,
    )
