"""How a subject is read: plan, decide, record, confirm, fetch, heal, mask, record, answer.

`read_subjects` is that list. Nothing is fetched before the intent is durable, and nothing is
returned before the outcome is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from authz.audit import EventKind, PlannedRead, Result
from authz.audit import Outcome as AuditOutcome
from authz.decisions import Effect, TypeDecisions
from authz.errors import AccessDenied, SubjectNotConfirmed
from authz.grants import Consent, Grant, Public, SelfAccess, Statutory
from authz.masks import MaskContext, mask
from authz.policy import decide as decide_field
from authz.policy import decision_table
from catalogue.identifiers import SubjectKey
from catalogue.model import RecordType
from connectors.errors import SectionState
from connectors.protocol import Ask
from resolvers.building import DATES, Maker, Node, Section
from resolvers.cases import case_of
from resolvers.context import RequestContext
from resolvers.fetching import Fault, Fetched, fetch_all
from resolvers.healing import Healing, Lens, heal
from resolvers.identity import Confirmation, Confirmed, Doubt, Lookup, Match, Moved, confirm, verify
from resolvers.paging import Start, fault_of, overall, page_node, start_of
from resolvers.planning import SubjectPlan
from resolvers.quality import drifted, left_out
from resolvers.recording import Recorder, outcome_of, planned_read, refusals_recorded
from resolvers.records import carrier_of
from resolvers.subjects import GRAPHQL_NAME, domain_type

Outcome = Node | Exception


@dataclass(frozen=True, slots=True)
class Reading:
    """One plan under one grant: what was decided for each of its record types."""

    context: RequestContext
    grant: Grant
    plan: SubjectPlan
    entries: Mapping[str, RecordType]
    decisions: Mapping[str, TypeDecisions]


async def read_subjects(
    context: RequestContext,
    grant: Grant,
    plan: SubjectPlan,
    lookups: Sequence[Lookup],
    asked_by: SubjectKey | None = None,
) -> list[Outcome]:
    """Nodes of subjects of one kind, in order; an unconfirmed one is an error in its place.

    `asked_by` is the number that the client knows the subject by, where it has been corrected since.
    """
    services = context.services
    await require_subject(context, grant, lookups)
    reading = decide(context, grant, plan, lookups)
    async with refusals_recorded(context):
        _require_publicity(reading, lookups)
        starts = {
            (lookup.key, page.key): start_of(page, grant, asked_by or lookup.key, services.references)
            for lookup in lookups
            for page in plan.pages
        }
    asked = asked_fields(reading)
    planned = tuple(
        planned_read(reading.entries[code], reading.decisions[code], fields, _leaving(reading, code))
        for code, fields in asked.items()
    )
    async with Recorder(context, grant, planned, lookups) as recorder:
        confirmed = {key: _followed(grant, one) for key, one in (await confirm(context, lookups)).items()}
        known = [lookup for lookup in lookups if isinstance(confirmed[lookup.key], Confirmed)]
        fetched = await fetch_all(_asks(reading, asked, known, confirmed), services.sources, context.report)
        outcomes: list[Outcome] = []
        for lookup in lookups:
            confirmation = confirmed[lookup.key]
            if isinstance(confirmation, Moved):
                # decided, read and recorded as if asked by the number of today, so that its holder sees it
                recorder.note(lookup.key, AuditOutcome(Result.PERMIT, codes=("NUMBER_CORRECTED",)))
                today = replace(lookup, key=confirmation.key)
                outcomes += await read_subjects(context, grant, plan, [today], asked_by or lookup.key)
                continue
            sections = _sections(reading, lookup.key, confirmation, fetched)
            recorder.note(lookup.key, outcome_of(confirmation, sections))
            outcomes.append(_outcome(reading, lookup.key, confirmation, sections, starts))
    return outcomes


async def verify_identity(context: RequestContext, grant: Grant, lookup: Lookup) -> Match:
    """Whether a number and a name belong together, under a grant that names the identity record."""
    services = context.services
    await require_subject(context, grant, [lookup])
    kind = lookup.key.subject_kind
    authority = services.identity.get(kind)
    if authority is None:
        return Match.UNSURE
    entry = services.catalogue.record_types[authority.record_type]
    existence = decide_field(grant, entry, None, kind, personal=True, subject=lookup.key)
    if existence.effect is Effect.DENY:
        async with refusals_recorded(context):
            raise AccessDenied("TYPE_NOT_MANDATED", existence.reason)
    planned = (PlannedRead(entry.code, entry.department, frozenset()),)
    recorder = Recorder(context, grant, planned, [lookup], EventKind.IDENTITY_VERIFY)
    async with recorder:
        match = await verify(context, lookup)
        recorder.note(lookup.key, AuditOutcome(Result.PERMIT, codes=(match.value,)))
    return match


def decide(context: RequestContext, grant: Grant, plan: SubjectPlan, lookups: Sequence[Lookup]) -> Reading:
    """Apply the policy to the plan, and note which selected paths it denies or masks."""
    entries = {code: context.services.catalogue.record_types[code] for code in plan.types}
    personal = any(lookup.key.personal for lookup in lookups)
    keys = {lookup.key for lookup in lookups}
    subject = next(iter(keys)) if len(keys) == 1 else None
    decisions = decision_table(grant, entries.values(), plan.kind, personal=personal, subject=subject)
    for code, read in plan.types.items():
        verdicts = decisions[code]
        if entries[code].pointer is not None:
            continue
        if verdicts.existence.effect is Effect.DENY:
            context.report.denied.update(read.sections)
            continue
        if verdicts.existence.effect is Effect.MASK:
            context.report.masked.update(read.sections)
        for name, paths in read.paths.items():
            effect = _effect(grant, entries[code], verdicts, name)
            if effect is Effect.DENY:
                context.report.denied.update(paths)
            elif effect is Effect.MASK:
                context.report.masked.update(paths)
    return Reading(context, grant, plan, entries, decisions)


def _require_publicity(reading: Reading, lookups: Sequence[Lookup]) -> None:
    """Nobody learns that an individual business exists where no law publishes what is asked (ruling 24)."""
    personal = any(lookup.key.personal for lookup in lookups)
    if isinstance(reading.grant, Public) and personal and not asked_fields(reading):
        raise AccessDenied(
            "PERSONAL_NOT_PUBLIC",
            "Individual businesses get the rules of persons. Ask with a mandate, in a case.",
        )


def _effect(grant: Grant, entry: RecordType, verdicts: TypeDecisions, name: str) -> Effect:
    """What becomes of a field of the type, or of one that every record has."""
    carrier = carrier_of(entry, name)
    if carrier:
        return verdicts.fields[carrier].effect
    withheld = isinstance(grant, Consent) and name in DATES
    return Effect.DENY if withheld or verdicts.existence.effect is Effect.MASK else Effect.PERMIT


def _leaving(reading: Reading, code: str) -> list[str]:
    """Names in the query that may leave of one type, base fields among them."""
    entry, verdicts = reading.entries[code], reading.decisions[code]
    return [
        name
        for name in reading.plan.types[code].paths
        if _effect(reading.grant, entry, verdicts, name) is not Effect.DENY
    ]


async def require_subject(context: RequestContext, grant: Grant, lookups: Sequence[Lookup]) -> None:
    """A consent is about one person, and nobody uses a mandate on themself; a refusal is recorded.

    Both before anybody is even looked up.
    """
    keys = {lookup.key for lookup in lookups}
    if isinstance(grant, Consent) and keys - {grant.subject}:
        async with refusals_recorded(context):
            raise AccessDenied("CONSENT_SUBJECT", "The consent is about another subject than this one.")
    if isinstance(grant, Statutory) and grant.actor.own_subject in keys:
        async with refusals_recorded(context):
            raise AccessDenied("CONFLICT_OF_INTEREST", "This is your own record. A colleague takes the case.")


def _followed(grant: Grant, confirmation: Confirmation) -> Confirmation:
    """A grant about one person is about the number it names: where that was corrected, it is given anew."""
    bound = isinstance(grant, Consent | SelfAccess)
    return Doubt(Match.NO_MATCH) if bound and isinstance(confirmation, Moved) else confirmation


def asked_fields(reading: Reading) -> dict[str, frozenset[str]]:
    """Selected fields that the grant permits, by type: what may leave, and nothing else."""
    return {
        code: frozenset(reading.plan.types[code].fields & reading.decisions[code].readable)
        for code, entry in reading.entries.items()
        if _asked(reading, entry)
    }


def _asks(
    reading: Reading,
    asked: Mapping[str, frozenset[str]],
    known: Sequence[Lookup],
    confirmed: Mapping[SubjectKey, Confirmation],
) -> dict[str, Ask]:
    """One question per type for all confirmed subjects; control fields are read but never leave."""
    keys = tuple(dict.fromkeys(lookup.key for lookup in known))
    if not keys:
        return {}
    trace, case = reading.context.request_id, case_of(reading.grant, confirmed)
    found = ((key, confirmed[key]) for key in keys)
    links = {key: one.links for key, one in found if isinstance(one, Confirmed) and one.links}
    return {
        code: Ask(code, fields | reading.entries[code].control_fields, keys, trace, case, links)
        for code, fields in asked.items()
    }


def _asked(reading: Reading, entry: RecordType) -> bool:
    return reading.decisions[entry.code].existence.effect is not Effect.DENY


def _sections(
    reading: Reading, key: SubjectKey, confirmation: Confirmation, fetched: Mapping[str, Fetched]
) -> dict[str, Section]:
    """The section of every planned type, for one subject."""
    if isinstance(confirmation, Doubt | Moved):
        return {}
    sections: dict[str, Section] = {}
    for code, entry in reading.entries.items():
        if entry.pointer is not None:
            sections[code] = Section(entry, SectionState.OK, fetched_at=reading.context.started)
        elif not _asked(reading, entry):
            sections[code] = Section(entry, SectionState.DENIED, "NO_BASIS")
        elif isinstance(confirmation, Fault):
            fault = replace(confirmation, code="IDENTITY_UNAVAILABLE", reason="IDENTITY")
            sections[code] = Section(entry, SectionState.UNAVAILABLE, "IDENTITY", fault=fault)
        else:
            sections[code] = _section(reading, entry, key, confirmation, fetched[code])
    return sections


def _section(
    reading: Reading, entry: RecordType, key: SubjectKey, confirmed: Confirmed, fetched: Fetched
) -> Section:
    state = fetched.state
    services = reading.context.services
    if not state.answered:
        services.tickets.note(drifted(entry.code, fetched))
        fault = fetched.faults[0] if fetched.faults else _not_connected(entry)
        return Section(entry, state, fault.reason, fault=fault)
    lens = Lens(key, confirmed.name, reading.grant.channel, services.today(), services.locality)
    guard = reading.decisions[entry.code].existence.guard
    rows = [(source, row) for source, answer in fetched.answers for row in answer.rows[key]]
    healing = heal(entry, guard, rows, lens)
    services.tickets.note(left_out(entry.code, key, healing, fetched))
    reason = _left_out(healing, key, fetched)
    return Section(
        entry,
        SectionState.PARTIAL if reason else SectionState.OK,
        reason,
        fetched.fetched_at,
        tuple(healing.kept),
        suppressed=healing.suppressed,
        asked=tuple(source.name for source, _ in fetched.answers),
    )


def _left_out(healing: Healing, key: SubjectKey, fetched: Fetched) -> str | None:
    """Why a section is PARTIAL, the gravest reason first."""
    if healing.conflicts:
        return "IDENTITY_CONFLICT"
    if healing.withheld:
        return "CLOCK_MISSING"
    if any(answer.rejects.get(key) for _, answer in fetched.answers):
        return "ROWS_REJECTED"
    if any(key in answer.truncated for _, answer in fetched.answers):
        return "ROW_CAP"
    return None


def _not_connected(entry: RecordType) -> Fault:
    return Fault(
        "SOURCE_NOT_CONNECTED", entry.department, SectionState.NOT_CONNECTED, "NO_SOURCE", retryable=False
    )


def _outcome(
    reading: Reading,
    key: SubjectKey,
    confirmation: Confirmation,
    sections: Mapping[str, Section],
    starts: Mapping[tuple[SubjectKey, str], Start],
) -> Outcome:
    """The node of one subject, or why there is none."""
    if isinstance(confirmation, Doubt):
        return SubjectNotConfirmed()
    context, plan, decisions = reading.context, reading.plan, reading.decisions
    services = context.services
    name = confirmation.name if isinstance(confirmation, Confirmed) else None
    client = reading.grant.actor.client_id
    subject_ref = services.references.subject_ref(key, client)
    dated = not isinstance(reading.grant, Consent)
    maker = Maker(services.catalogue, services.references, client, subject_ref, name, dated=dated)
    groups: dict[str, Node] = {group: {"__typename": domain_type(plan.kind, group)} for group in plan.groups}
    for code, section in sections.items():
        if plan.types[code].sections:
            group = groups[services.catalogue.domains[section.entry.domain].field]
            group[section.entry.section] = maker.section(section, decisions[code])
    node: Node = {
        "__typename": GRAPHQL_NAME[plan.kind],
        "kind": plan.kind,
        "subjectRef": subject_ref,
        "displayName": shown_name(reading.grant, key, name),
        "uscc": key.value,
        "records": {
            page.key: page_node(page, starts[key, page.key], sections, decisions, maker)
            for page in plan.pages
        },
        **groups,
    }
    if plan.responsible:
        node["responsiblePersons"] = _responsible(maker, sections, decisions)
    return node


def _responsible(
    maker: Maker, sections: Mapping[str, Section], decisions: Mapping[str, TypeDecisions]
) -> Node:
    """The responsible persons of an entity, over every decision type that names some."""
    mine = [section for section in sections.values() if section.entry.responsible]
    state = overall(mine)
    persons = [
        person
        for section in mine
        for healed in section.healed
        for person in maker.responsible(section, healed, decisions[section.entry.code])
    ]
    return {
        "__typename": "ResponsiblePersonSection",
        "state": state,
        "reason": next((section.reason for section in mine if section.reason), None),
        "fetchedAt": min((section.fetched_at for section in mine if section.fetched_at), default=None),
        "persons": persons if state.answered else fault_of(mine),
    }


def shown_name(grant: Grant, key: SubjectKey, name: str | None) -> str | None:
    """A person's name is masked to everyone but themself after a strong login."""
    if name is None or not key.personal:
        return name
    clear = isinstance(grant, SelfAccess) and grant.actor.step_up
    return name if clear else str(mask("M_NAME", name, MaskContext()))
