"""How a subject is read: plan, decide, record, confirm, fetch, heal, mask, record, answer.

`read_subjects` is that list. Nothing is fetched before the intent is durable, and nothing is
returned before the outcome is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from authz.audit import Entry, EventKind, PlannedRead, Result
from authz.audit import Outcome as AuditOutcome
from authz.cases.overlay import Marks
from authz.decisions import Effect
from authz.errors import AccessDenied, SubjectNotConfirmed
from authz.grants import Consent, Grant, Public, SelfAccess, Statutory
from authz.lifecycle import ScenarioClock
from authz.masks import mask
from authz.policy import decide as decide_field
from catalogue.identifiers import SubjectKey
from catalogue.model import RecordType
from connectors.errors import SectionState
from connectors.protocol import Ask
from resolvers.building import Record, Section, Subject
from resolvers.cases import case_of
from resolvers.context import RequestContext
from resolvers.deciding import Decided, decide
from resolvers.fetching import Fault, Fetched, fetch_all
from resolvers.healing import Healing, Lens, heal
from resolvers.identity import Confirmation, Confirmed, Doubt, Lookup, Match, Moved, confirm, told, verify
from resolvers.marking import marks_on, recognizing
from resolvers.paging import Page, Start, start_of
from resolvers.planning import PageRead, SubjectPlan
from resolvers.quality import LINK_CAP, drifted, left_out, strays
from resolvers.recording import Recorder, RefusalsRecorded, outcome_of
from resolvers.turns import breathing


@dataclass(frozen=True, slots=True)
class Manner:
    """How subjects are read: plainly, or as a check, which has clocks of its own and is told as one."""

    kind: EventKind = EventKind.READ
    clock: ScenarioClock = "PUBLICATION"
    minor: bool = True
    """Whether minor adverse records leave."""
    until: float | None = None
    """When sources have to have answered, in the loop's time; None leaves them their own deadlines."""
    keeping: Callable[[SubjectRead], Awaitable[Sequence[Entry]]] | None = None
    """What of a subject that was read is kept in one transaction with its outcome."""
    recorder: Callable[..., Recorder] = Recorder
    """Writes its leaves."""


class Reading(NamedTuple):
    """One plan, asked under one grant."""

    context: RequestContext
    grant: Grant
    plan: SubjectPlan
    decided: Decided
    manner: Manner


class SubjectRead(NamedTuple):
    """What was read of one confirmed subject, healed, and may leave; ready to be printed."""

    reading: Reading
    subject: Subject
    sections: Mapping[str, Section]
    """By record type, in the order of the plan."""
    starts: Mapping[str, tuple[PageRead, Start]]
    """Where each page begins, by its response key."""
    position: int | None
    """Index of the intent in the audit log; None for a public read."""

    @property
    def plan(self) -> SubjectPlan:
        """What is wanted of it."""
        return self.reading.plan

    @property
    def decided(self) -> Decided:
        """What the grant makes of the plan."""
        return self.reading.decided

    @property
    def display_name(self) -> str | None:
        """The name as the grant may see it."""
        return shown_name(self.reading.grant, self.subject.key, self.subject.name)

    def records(self, section: Section) -> list[Record]:
        """The records of one section, newest first."""
        subject, view = self.subject, self.reading.decided.views[section.entry.code]
        return [Record(subject, view, section, healed) for healed in section.healed]

    def page(self, key: str) -> Page:
        """One page of the records of all its types, merged."""
        wanted, start = self.starts[key]
        mine = [section for code, section in self.sections.items() if code in wanted.types]
        shown = (
            record
            for section in mine
            if self.decided.decisions[section.entry.code].existence.effect is Effect.PERMIT
            for record in self.records(section)
        )
        return Page.of(wanted, start, mine, shown)

    @property
    def responsible(self) -> list[Section]:
        """Sections of the types whose decisions name responsible persons."""
        return [section for section in self.sections.values() if section.entry.responsible]


Outcome: TypeAlias = SubjectRead | Exception


async def read_subjects(
    context: RequestContext,
    grant: Grant,
    plan: SubjectPlan,
    lookups: Sequence[Lookup],
    manner: Manner = Manner(),
    pages: Sequence[PageRead] = (),
    asked_by: SubjectKey | None = None,
) -> list[Outcome]:
    """What was read of subjects of one kind, in order; an unconfirmed one is an error in its place.

    `asked_by` is the number that the client knows the subject by, where it has been corrected since.
    """
    await require_subject(context, grant, lookups)
    reading = _decided(context, grant, plan, lookups, manner)
    async with RefusalsRecorded(context):
        _require_publicity(reading, lookups)
        starts = {lookup.key: _starts(reading, pages, asked_by or lookup.key) for lookup in lookups}
    async with manner.recorder(context, grant, reading.decided.planned, lookups, manner.kind) as recorder:
        standing = await recorder.standing()
        admitted = [lookup for lookup in lookups if lookup.key not in recorder.refusals]
        found = await confirm(context, admitted, until=manner.until) if admitted else {}
        confirmed = {key: _followed(grant, one) for key, one in found.items()}
        marks = marks_on(standing, confirmed)
        fetched = await _fetched(reading, _asks(reading, admitted, confirmed, marks))
        outcomes: list[Outcome] = []
        async for lookup in breathing(lookups):
            if refusal := recorder.refusals.get(lookup.key):
                outcomes.append(refusal)
                continue
            confirmation = confirmed[lookup.key]
            if isinstance(confirmation, Moved):
                # decided, read and recorded as if asked by the number of today, so that its holder sees it
                recorder.note(lookup.key, AuditOutcome(Result.PERMIT, codes=("NUMBER_CORRECTED",)))
                today = replace(lookup, key=confirmation.key)
                again = asked_by or lookup.key
                outcomes += await read_subjects(context, grant, plan, [today], manner, pages, again)
                continue
            sections = _sections(reading, lookup.key, confirmation, fetched, marks.get(lookup.key))
            outcome = outcome_of(confirmation, sections)
            recorder.note(lookup.key, outcome)
            if isinstance(confirmation, Doubt):
                outcomes.append(SubjectNotConfirmed())
                continue
            subject, position = _subject(reading, lookup.key, confirmation), recorder.position(lookup.key)
            read = SubjectRead(reading, subject, sections, starts[lookup.key], position)
            if manner.keeping:
                recorder.note(lookup.key, outcome, *await manner.keeping(read))
            outcomes.append(read)
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
        async with RefusalsRecorded(context):
            raise AccessDenied("TYPE_NOT_MANDATED", existence.reason)
    planned = (PlannedRead(entry.code, entry.department, frozenset()),)
    recorder = Recorder(context, grant, planned, [lookup], EventKind.IDENTITY_VERIFY)
    async with recorder:
        match = await verify(context, lookup)
        recorder.note(lookup.key, AuditOutcome(Result.PERMIT, codes=(match.value,)))
    return match


def _decided(
    context: RequestContext, grant: Grant, plan: SubjectPlan, lookups: Sequence[Lookup], manner: Manner
) -> Reading:
    """Apply the policy to the plan, and report which selected paths it denies or masks."""
    personal = any(lookup.key.personal for lookup in lookups)
    subject = lookups[0].key if len({lookup.key for lookup in lookups}) == 1 else None
    decided = decide(context.services.catalogue, grant, plan, subject, personal=personal)
    context.report.withhold(decided.denied, decided.masked)
    return Reading(context, grant, plan, decided, manner)


def _starts(
    reading: Reading, pages: Sequence[PageRead], key: SubjectKey
) -> dict[str, tuple[PageRead, Start]]:
    references = reading.context.services.references
    return {page.key: (page, start_of(page, reading.grant, key, references)) for page in pages}


def _subject(reading: Reading, key: SubjectKey, confirmation: Confirmation) -> Subject:
    services = reading.context.services
    name = confirmation.name if isinstance(confirmation, Confirmed) else None
    return Subject(services.catalogue, services.references, reading.grant.actor.client_id, key, name)


def _require_publicity(reading: Reading, lookups: Sequence[Lookup]) -> None:
    """Nobody learns that an individual business exists where no law publishes what is asked (ruling 24)."""
    if not isinstance(reading.grant, Public) or reading.decided.asked:
        return
    if any(lookup.key.personal for lookup in lookups):
        raise AccessDenied(
            "PERSONAL_NOT_PUBLIC",
            "Individual businesses get the rules of persons. Ask with a mandate, in a case.",
        )


async def require_subject(context: RequestContext, grant: Grant, lookups: Sequence[Lookup]) -> None:
    """A consent is about one person, and nobody uses a mandate on themself; a refusal is recorded.

    Both before anybody is even looked up.
    """
    keys = {lookup.key for lookup in lookups}
    if isinstance(grant, Consent) and keys - {grant.subject}:
        async with RefusalsRecorded(context):
            raise AccessDenied("CONSENT_SUBJECT", "The consent is about another subject than this one.")
    if isinstance(grant, Statutory) and grant.actor.own_subject in keys:
        async with RefusalsRecorded(context):
            raise AccessDenied("CONFLICT_OF_INTEREST", "This is your own record. A colleague takes the case.")


def _followed(grant: Grant, confirmation: Confirmation) -> Confirmation:
    """A grant about one person is about the number it names: where that was corrected, it is given anew."""
    bound = isinstance(confirmation, Moved) and isinstance(grant, Consent | SelfAccess)
    return Doubt(Match.NO_MATCH) if bound else confirmation


def _asks(
    reading: Reading,
    lookups: Sequence[Lookup],
    confirmed: Mapping[SubjectKey, Confirmation],
    marks: Mapping[SubjectKey, Marks],
) -> dict[str, Ask]:
    """One question per type for all confirmed subjects."""
    found = {lookup.key: one for lookup in lookups if isinstance(one := confirmed[lookup.key], Confirmed)}
    if not found:
        return {}
    decided, trace, case = reading.decided, reading.context.request_id, case_of(reading.grant, confirmed)
    links = {key: one.links for key, one in found.items() if one.links}
    keys, asker = tuple(found), reading.grant.actor.client_id
    return {
        code: Ask(
            code,
            fields | recognizing(decided.entries[code], marks) if marks else fields,
            keys,
            trace,
            case,
            links,
            permitted=decided.permitted[code],
            asker=asker,
        )
        for code, fields in decided.read.items()
    }


async def _fetched(reading: Reading, asks: Mapping[str, Ask]) -> dict[str, Fetched]:
    """What the sources said; rows that stray among them go to the department's tickets."""
    services, report = reading.context.services, reading.context.report
    fetched = await fetch_all(asks, services.sources, report, until=reading.manner.until)
    for code, said in fetched.items():
        for source, answer in said.answers:
            if answer.strays:
                services.tickets.note(strays(code, source, answer))
    return fetched


def _sections(
    reading: Reading,
    key: SubjectKey,
    confirmation: Confirmation,
    fetched: Mapping[str, Fetched],
    marks: Marks | None,
) -> dict[str, Section]:
    """The section of every planned type, for one subject."""
    if isinstance(confirmation, (Doubt, Moved)):
        return {}
    sections: dict[str, Section] = {}
    lens = None if isinstance(confirmation, Fault) else _lens(reading, key, confirmation.name, marks)
    for code, entry in reading.decided.entries.items():
        if entry.pointer is not None:
            sections[code] = Section(entry, SectionState.OK, fetched_at=reading.context.started)
        elif code not in reading.decided.asked:
            sections[code] = Section(entry, SectionState.DENIED, "NO_BASIS")
        elif isinstance(confirmation, Fault):
            fault = told(confirmation)
            sections[code] = Section(entry, SectionState.UNAVAILABLE, fault.reason, fault=fault)
        else:
            assert lens  # noqa: S101 - whoever is confirmed is looked at
            sections[code] = _section(reading, entry, lens, confirmation, fetched[code])
    return sections


def _lens(reading: Reading, key: SubjectKey, name: str | None, marks: Marks | None) -> Lens:
    services, manner = reading.context.services, reading.manner
    channel, today, locality = reading.grant.channel, services.today(), services.locality
    return Lens(key, name, channel, today, locality, marks, manner.clock, minor=manner.minor)


def _section(
    reading: Reading, entry: RecordType, lens: Lens, confirmed: Confirmed, fetched: Fetched
) -> Section:
    if fetched.faults or not fetched.answers:
        return _unanswered(reading, entry, fetched)
    key, rows, asked = lens.key, [], []
    rejected = capped = False
    for source, answer in fetched.answers:
        asked.append(source.name)
        rows += [(source, row) for row in answer.rows[key]]
        if answer.rejects.get(key):
            rejected = True
        if key in answer.truncated:
            capped = True
    healing = heal(entry, reading.decided.decisions[entry.code].existence.guard, rows, lens)
    if rejected or healing.faulty:
        reading.context.services.tickets.note(left_out(entry.code, key, healing, fetched))
    reason = _left_out(healing, confirmed, rejected=rejected, capped=capped)
    return Section(
        entry,
        SectionState.PARTIAL if reason else SectionState.OK,
        reason,
        fetched.fetched_at,
        tuple(healing.kept),
        suppressed=healing.suppressed,
        asked=tuple(asked),
    )


def _unanswered(reading: Reading, entry: RecordType, fetched: Fetched) -> Section:
    """The section of a type of which some source said nothing."""
    reading.context.services.tickets.note(drifted(entry.code, fetched))
    fault = fetched.faults[0] if fetched.faults else _not_connected(entry)
    return Section(entry, fetched.state, fault.reason, fault=fault)


def _left_out(healing: Healing, confirmed: Confirmed, *, rejected: bool, capped: bool) -> str | None:
    """Why a section is PARTIAL, the gravest reason first."""
    if healing.faulty:
        return healing.reason
    if rejected:
        return "ROWS_REJECTED"
    if confirmed.links and confirmed.links.cut:
        return LINK_CAP
    return "ROW_CAP" if capped else None


def _not_connected(entry: RecordType) -> Fault:
    return Fault(
        "SOURCE_NOT_CONNECTED", entry.department, SectionState.NOT_CONNECTED, "NO_SOURCE", retryable=False
    )


def shown_name(grant: Grant, key: SubjectKey, name: str | None) -> str | None:
    """A person's name is masked to everyone but themself after a strong login."""
    if name is None or not key.personal:
        return name
    clear = isinstance(grant, SelfAccess) and grant.actor.step_up
    return name if clear else str(mask("M_NAME", name))
