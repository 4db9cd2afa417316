"""The acts of the person: to object, to apply for repair, to state, to complain, and to take it back.

Each act is a leaf of the audit log, made in the leaf's own transaction together with what it does
to the record and whom it tells. Which record it is about was read live by whoever calls here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from authz import outbox
from authz.actors import ActorKind
from authz.audit import AuditLog, CaseAct
from authz.cases import tables
from authz.cases.refusals import Code, refused
from authz.cases.sealed import Content, Seal, opened
from authz.cases.states import REASONS, WAITING, Act, Effect, Kind, Party, Reason, State, effect_of_filing
from authz.cases.tables import Case, Event
from authz.consent.representation import Caller, Representatives, capacity_of
from authz.consent.tables import reading
from authz.errors import AccessDenied
from authz.grants import SelfAccess
from authz.ids import new_id
from authz.moments import now_in_china
from authz.outbox import AUDITORS, OFFICE, Notice, NoticeKind, Recipient, RecipientKind
from authz.outcomes import measures
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME

LONGEST_TEXT: Final = 500
MOST_EVIDENCE: Final = 10
LONGEST_EVIDENCE: Final = 200
A_DAY: Final = timedelta(days=1)
MOST_IN_A_DAY: Final = 20
"""Cases one person may file in a day."""
_ON_RECORDS: Final = frozenset({Kind.OBJECTION, Kind.REPAIR, Kind.STATEMENT})


@dataclass(frozen=True, slots=True)
class Target:
    """One row of a department that the person has in view."""

    source: str
    identity: str
    record_type: str
    department: str
    document: tuple[str, str] | None
    """Document number and authority, where the row has both."""
    adverse: bool


@dataclass(frozen=True, slots=True)
class Filing:
    """What a person writes."""

    kind: Kind
    reason: Reason
    text: str = ""
    evidence: Sequence[str] = ()


class CaseRegister:
    """Cases as the person has them. Raises CaseRefused, AccessDenied, AuditUnavailable."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        references: References,
        seal: Seal,
        representatives: Representatives,
        *,
        clock: Callable[[], datetime] = now_in_china,
    ) -> None:
        self._store = store
        self._audit = audit
        self._references = references
        self._seal = seal
        self._representatives = representatives
        self._clock = clock

    async def right_of(self, caller: Caller, subject: SubjectKey) -> SelfAccess:
        """The person's right over the subject: themself, their ward or their enterprise, confirmed now.

        A stranger gets the answer of a record that does not exist.
        """
        if subject == person_of(caller):
            return SelfAccess(caller.actor, subject)
        today = self._clock().astimezone(CHINA_TIME).date()
        capacity = await capacity_of(self._representatives, caller, subject, today)
        if capacity is None:
            raise refused(Code.RECORD_UNKNOWN)
        return SelfAccess(caller.actor, subject, capacity)

    async def file(self, caller: Caller, subject: SubjectKey, filing: Filing, target: Target) -> Case:
        """File a case on a record in view; `right_of` was asked before the record was read."""
        if filing.kind is Kind.REPAIR and not target.adverse:
            raise refused(Code.NOT_ADVERSE)
        record = self._references.record_hash(target.source, target.record_type, target.identity)
        documents = self._references.document_hashes(*target.document, subject) if target.document else ()
        content = Content(
            subject, filing.text.strip(), tuple(filing.evidence), target.source, target.identity
        )
        case = self._new(caller, filing, content, record, documents[-1] if documents else None, target)
        hashes = self._references.record_hashes(target.source, target.record_type, target.identity)
        return await self._file(caller, case, content, (*hashes, *documents))

    async def complain(self, caller: Caller, filing: Filing, read: int) -> Case:
        """Complain about a read, by the index of its intent, which the person sees in their log."""
        content = Content(person_of(caller), filing.text.strip(), tuple(filing.evidence), read=read)
        return await self._file(caller, self._new(caller, filing, content, None, None, None), content, ())

    def _new(
        self,
        caller: Caller,
        filing: Filing,
        content: Content,
        record: str | None,
        document: str | None,
        target: Target | None,
    ) -> Case:
        _check(filing)
        person, case_id = person_of(caller), new_id("rc")
        represented = content.subject != person
        return Case(
            id=case_id,
            kind=filing.kind,
            state=State.STANDING if filing.kind is Kind.STATEMENT else State.OPEN,
            subject=self._references.audit_ref(content.subject),
            representative=self._references.audit_ref(person) if represented else None,
            record=record,
            document=document,
            record_type=target.record_type if target else None,
            department=target.department if target else None,
            reason=filing.reason,
            suspends=filing.kind is Kind.OBJECTION,
            content=content.sealed(self._seal, case_id),
            filed_at=self._clock(),
        )

    async def _file(self, caller: Caller, case: Case, content: Content, hashes: Sequence[str]) -> Case:
        """The case, its leaf, its mark and its notices, unless there is one already."""
        refs, mine = (
            self._references.audit_refs(content.subject),
            self._references.audit_refs(person_of(caller)),
        )
        filed = case

        async def add(connection: AsyncConnection) -> None:
            nonlocal filed
            if await tables.filed_since(connection, mine, case.filed_at - A_DAY) >= MOST_IN_A_DAY:
                raise refused(Code.QUOTA)
            if case.kind in _ON_RECORDS:
                before = await tables.load_alike(connection, case.kind, refs, hashes)
                if any(one.state in {*WAITING, State.STANDING} for one in before):
                    raise refused(Code.ALREADY_OPEN)
                filed = replace(case, suspends=case.suspends and not self._repeated(case, content, before))
            await tables.add(connection, filed, Party.SUBJECT)
            effect = effect_of_filing(case.kind, suspends=filed.suspends)
            if effect is not None:
                words = self._seal.seal(content.text, case.id) if effect is Effect.STATED else None
                await tables.mark(connection, filed, effect, case.filed_at, words)
            if effect is Effect.DISPUTED:
                await measures.suspend(connection, refs, case.record_type, hashes, case.filed_at)
            await outbox.within(connection, *_told(filed, NoticeKind.CASE_FILED, case.filed_at))

        await self._audit.case(self._act(Act.FILED, caller, case, content.subject), add)
        return await self._known(case.id)

    def _repeated(self, case: Case, content: Content, before: Sequence[Case]) -> bool:
        """Whether the same was objected before, with nothing new to show for it (ruling 29)."""
        shown = {
            piece
            for one in before
            if one.reason is case.reason
            for piece in opened(self._seal, one.content, one.id).evidence
        }
        alike = any(one.reason is case.reason for one in before)
        return alike and shown.issuperset(content.evidence)

    async def withdraw(self, caller: Caller, case_id: str) -> Case:
        """Take a case back: whoever filed it, or whose right it is."""
        case = await self.find(caller, case_id)
        if case is None:
            raise refused(Code.CASE_UNKNOWN)
        now, content = self._clock(), self.content(case)
        statement = case.kind is Kind.STATEMENT
        # words that are withdrawn are kept nowhere
        columns = (
            {"content": replace(content, text="", evidence=()).sealed(self._seal, case.id)}
            if statement
            else {}
        )
        sources = {State.STANDING} if statement else WAITING
        event = Event(Act.WITHDRAWN, State.WITHDRAWN, Party.SUBJECT, "", now)

        async def move(connection: AsyncConnection) -> None:
            if not await tables.move(connection, case.id, sources, event, **columns):
                raise refused(Code.STATE)
            if case.record is not None:
                await tables.mark(connection, case, Effect.ENDED, now)
            if case.kind is Kind.OBJECTION:
                await measures.revive(connection, case, now)
            await outbox.within(connection, *_told(case, NoticeKind.CASE_MOVED, now))

        await self._audit.case(self._act(Act.WITHDRAWN, caller, case, content.subject, State.WITHDRAWN), move)
        return await self._known(case.id)

    async def find(self, caller: Caller, case_id: str) -> Case | None:
        """A case of the person, or filed by them for another; None for anybody else's."""
        refs = self._references.audit_refs(person_of(caller))
        async with reading(self._store) as connection:
            case = await tables.load(connection, case_id)
        return case if case and not {case.subject, case.representative}.isdisjoint(refs) else None

    async def of_person(
        self, person: SubjectKey, first: int, before: tuple[int, str] | None = None
    ) -> list[Case]:
        """A person's cases and those they filed for another, newest first."""
        async with reading(self._store) as connection:
            return await tables.load_of(connection, self._references.audit_refs(person), first, before)

    def content(self, case: Case) -> Content:
        """What was filed."""
        return opened(self._seal, case.content, case.id)

    def why(self, case: Case, event: Event) -> str | None:
        """The words of an act, where it has any."""
        return None if event.note is None else self._seal.open(event.note, f"{case.id} {event.act}")

    def _act(
        self, act: Act, caller: Caller, case: Case, subject: SubjectKey, state: State | None = None
    ) -> CaseAct:
        return CaseAct(
            act, state or case.state, case.id, case.kind, case.record, caller.actor, caller.query, subject
        )

    async def _known(self, case_id: str) -> Case:
        async with reading(self._store) as connection:
            case = await tables.load(connection, case_id)
        if case is None:
            raise LookupError("a case that was just written is gone")
        return case


def person_of(caller: Caller) -> SubjectKey:
    """Who has logged in; raises AccessDenied NOT_A_PERSON."""
    actor = caller.actor
    if actor.kind is not ActorKind.PERSON or actor.subject is None:
        raise AccessDenied(
            "NOT_A_PERSON", "This is for a person's own login. Send the person's access token."
        )
    return actor.subject


def _check(filing: Filing) -> None:
    if filing.reason not in REASONS[filing.kind]:
        raise refused(Code.REASON)
    text, pieces = filing.text.strip(), filing.evidence
    missing = not text and filing.kind in (Kind.STATEMENT, Kind.COMPLAINT)
    fits = len(text) <= LONGEST_TEXT and text.replace("\n", "").replace("\r", "").isprintable()
    shown = all(0 < len(one.strip()) <= LONGEST_EVIDENCE and one.isprintable() for one in pieces)
    if missing or not fits or not shown or len(pieces) > MOST_EVIDENCE:
        raise refused(Code.WORDS)
    if filing.kind is Kind.REPAIR and not pieces:
        raise refused(Code.WORDS)


def handlers_of(case: Case) -> list[Recipient]:
    """The department whose record it is; of a repair the credit office too; of a complaint the auditors."""
    department = Recipient(RecipientKind.DEPARTMENT, case.department or "")
    to: dict[Kind, list[Recipient]] = {
        Kind.OBJECTION: [department],
        Kind.REPAIR: [department, OFFICE],
        Kind.STATEMENT: [],
        Kind.COMPLAINT: [AUDITORS, OFFICE],
    }
    return to[case.kind]


def _told(case: Case, kind: NoticeKind, now: datetime) -> list[Notice]:
    return [Notice(one, kind, case.id, now) for one in handlers_of(case)]
