"""Find the one record that a person has in view, by the reference they were given; nothing of it leaves.

It is read live like any other read: recorded, confirmed, healed. So what they cannot see cannot be
named either, and the person finds the look in their own log.
"""

from __future__ import annotations

from authz.audit import PlannedRead
from authz.cases.refusals import Code, refused
from authz.cases.register import Target
from authz.decisions import Effect
from authz.grants import SelfAccess
from authz.lifecycle import Adversity
from authz.policy import decision_table
from catalogue.identifiers import SubjectKey
from catalogue.model import RecordType
from connectors.errors import SectionState
from connectors.protocol import Ask
from resolvers.building import Section
from resolvers.context import RequestContext
from resolvers.fetching import Fetched, fetch_all
from resolvers.healing import Healed, Lens, document_fields, document_of, heal
from resolvers.identity import Confirmed, Lookup, confirm
from resolvers.marking import marks_on
from resolvers.recording import Recorder, outcome_of


async def locate(context: RequestContext, grant: SelfAccess, code: str, record_id: str) -> Target:
    """The row behind a `recordId` of this client; raises CaseRefused RECORD_UNKNOWN or SOURCE_SILENT."""
    services, subject = context.services, grant.subject
    entry = services.catalogue.record_types.get(code)
    if entry is None or entry.pointer is not None or not _readable(grant, entry):
        raise refused(Code.RECORD_UNKNOWN)
    lookup, planned = Lookup(subject), (PlannedRead(code, entry.department, frozenset()),)
    async with Recorder(context, grant, planned, [lookup]) as recorder:
        confirmed = await confirm(context, [lookup])
        one = confirmed[subject]
        if not isinstance(one, Confirmed):
            raise refused(Code.SOURCE_SILENT)
        marks = marks_on(await recorder.standing(), confirmed).get(subject)
        columns = entry.control_fields | document_fields(entry)
        links = {subject: one.links} if one.links else {}
        ask = Ask(code, columns, (subject,), context.request_id, links=links)
        fetched = (await fetch_all({code: ask}, services.sources, context.report))[code]
        lens = Lens(subject, one.name, grant.channel, services.today(), services.locality, marks)
        kept = _healed(entry, subject, fetched, lens)
        found = [each for each in kept if _reference(context, entry, each) == record_id]
        asked = tuple(source.name for source, _ in fetched.answers)
        section = Section(entry, fetched.state, None, fetched.fetched_at, tuple(found), asked=asked)
        recorder.note(subject, outcome_of(one, {code: section}))
    if not found:
        silent = fetched.state is not SectionState.OK
        raise refused(Code.SOURCE_SILENT if silent else Code.RECORD_UNKNOWN)
    return _target(entry, found[0])


def _readable(grant: SelfAccess, entry: RecordType) -> bool:
    subject = grant.subject
    decided = decision_table(grant, [entry], subject.subject_kind, personal=subject.personal, subject=subject)
    return decided[entry.code].existence.effect is not Effect.DENY


def _healed(entry: RecordType, subject: SubjectKey, fetched: Fetched, lens: Lens) -> list[Healed]:
    rows = [(source, row) for source, answer in fetched.answers for row in answer.rows[subject]]
    return heal(entry, None, rows, lens).kept


def _reference(context: RequestContext, entry: RecordType, healed: Healed) -> str:
    references, client = context.services.references, context.actor.client_id
    return references.record_ref(healed.source.name, entry.code, healed.row.identity, client)


def _target(entry: RecordType, healed: Healed) -> Target:
    return Target(
        source=healed.source.name,
        identity=healed.row.identity,
        record_type=entry.code,
        department=healed.source.department,
        document=document_of(entry, healed.row),
        adverse=healed.facts.adversity is not Adversity.NONE and not healed.stripped,
    )
