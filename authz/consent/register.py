"""The acts on consents: a partner asks, a person agrees, refuses, pauses, resumes and takes back.

Each act is a leaf of the audit log, and is made in the leaf's own transaction: what is not
in the log did not happen. Nothing here reads a record; `authz.consent.use` opens reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, ConsentAct
from authz.clients import ClientRegister
from authz.consent import tables
from authz.consent.artefact import Capacity, ConsentRequest
from authz.consent.drafting import Choice, draft_artefact, draft_request, draft_subject
from authz.consent.notice import Notice, language_of, notice_of
from authz.consent.notice_words import Language
from authz.consent.representation import Caller, Representatives, capacity_needed
from authz.consent.rules import Code, ConsentRefused, check_choice, check_terms
from authz.consent.signing import Signer, canonical_bytes, digest_of
from authz.consent.states import TRANSITIONS, Act, Party, State
from authz.consent.tables import Record
from authz.errors import AccessDenied
from authz.moments import now_in_china
from authz.references import References
from authz.revocations import LONGEST_TOKEN_SECONDS, revoke_within
from authz.store import Store
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME

LATELY: Final = timedelta(days=30)
"""Over which requests to one subject are counted, answered or not."""
A_DAY: Final = timedelta(days=1)
"""Over which they are counted, and put to the person once more, where the person came for them."""
_OPENING: Final = frozenset({Act.GIVEN, Act.RESUMED})
"""Acts that need a fresh strong login (ruling 26); refusing and taking back never do (PIPL 15)."""


_NOBODY: Final = "sr_none"
"""In place of a reference, while only the terms are looked at."""


class ConsentRegister:
    """Consents in the store."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        references: References,
        signer: Signer,
        catalogue: Catalogue,
        clients: ClientRegister,
        locality: str,
        representatives: Representatives,
        *,
        clock: Callable[[], datetime] = now_in_china,
    ) -> None:
        self._store = store
        self._audit = audit
        self._references = references
        self._signer = signer
        self._catalogue = catalogue
        self._clients = clients
        self._locality = locality
        self._representatives = representatives
        self._clock = clock

    @property
    def now(self) -> datetime:
        """The moment by this register's clock."""
        return self._clock()

    def notice(self, record: Record, language: Language = Language.CHINESE) -> Notice:
        """What the person is shown about a request."""
        return notice_of(record.request, self._catalogue, language)

    async def find(self, actor: Actor, consent_id: str) -> Record | None:
        """A consent of the partner or the person who asks; None for anybody else's and for none."""
        record = await self._load(consent_id)
        return record if record is not None and self._concerns(actor, record) else None

    async def see(self, caller: Caller, consent_id: str) -> Record | None:
        """As `find`, and for whoever is confirmed to act for its subject at this moment.

        Raises AccessDenied REPRESENTATION_UNKNOWN where that cannot be asked, AuditUnavailable.
        """
        record = await self._load(consent_id)
        if record is None or self._concerns(caller.actor, record):
            return record
        return record if await self._represented(caller, record) else None

    async def _load(self, consent_id: str) -> Record | None:
        async with tables.reading(self._store) as connection:
            return await tables.load(connection, consent_id)

    def _concerns(self, actor: Actor, record: Record) -> bool:
        if actor.kind is ActorKind.PARTNER:
            return record.request.grantee.client_id == actor.client_id
        return actor.subject is not None and (
            self._is_of(record, actor.subject)
            or record.representative in self._references.audit_refs(actor.subject)
        )

    def _is_of(self, record: Record, subject: SubjectKey) -> bool:
        """Whether it is that subject's, under whichever key it was written."""
        return record.subject in self._references.audit_refs(subject)

    def _subject(self, record: Record) -> SubjectKey:
        """Whom a consent is about."""
        return self._references.resolve(record.request.subject_ref, record.request.grantee.client_id)

    async def _represented(self, caller: Caller, record: Record) -> str | None:
        """The department that confirms the caller as who may agree for the subject; None when none does."""
        return await self._confirmed(caller, record.request.capacity, self._subject(record))

    async def _confirmed(self, caller: Caller, capacity: Capacity | None, subject: SubjectKey) -> str | None:
        if capacity is None or caller.actor.kind is not ActorKind.PERSON:
            return None
        return await self._representatives.confirm(capacity, subject, caller)

    async def of_person(
        self, subject: SubjectKey, first: int, before: tuple[int, str] | None = None
    ) -> list[Record]:
        """A person's consents, newest first; `before` is a `tables.position`."""
        async with tables.reading(self._store) as connection:
            return await tables.load_of(connection, self._references.audit_refs(subject), first, before)

    async def request(
        self,
        caller: Caller,
        terms: Mapping[str, object],
        valid_days: int,
        subject: SubjectKey,
        *,
        brought_by: Actor | None = None,
    ) -> Record:
        """Ask a person for consent; nothing can be read on it yet.

        Whether the person exists is not said: the request waits for whoever it concerns. Whoever
        brought it with a login of their own has to be who decides, finds the request of the last day
        that asks the same, and is not kept out by what else waits.
        Raises AccessDenied for other actors than partners, ConsentRefused, AuditUnavailable.
        """
        now = self._clock()
        request = self._drafted(caller.actor, terms, valid_days, subject, now)
        await self._check_parent(caller.actor, request.parent_consent_id, subject)
        if brought_by is not None:
            await self._check_bringer(Caller(brought_by, caller.query), request.capacity, subject)
            if (alike := await self._alike(request, subject, now)) is not None:
                return alike
        await self._add(caller, request, subject, now, brought=brought_by is not None)
        return await self._known(caller.actor, request.consent_id)

    async def _check_bringer(self, person: Caller, capacity: Capacity | None, subject: SubjectKey) -> None:
        if subject != person_of(person.actor) and not await self._confirmed(person, capacity, subject):
            raise ConsentRefused(Code.UNKNOWN, "You have no such consent.")

    async def _alike(self, request: ConsentRequest, subject: SubjectKey, now: datetime) -> Record | None:
        """A request of the last day that waits and differs in nothing but its id and its moments."""
        refs = self._references.audit_refs(subject)
        async with tables.reading(self._store) as connection:
            waiting = await tables.load_waiting(connection, request.grantee.client_id, refs, now - A_DAY)
        own = {name: getattr(request, name) for name in ("consent_id", "requested_at", "answer_by")}
        return next((one for one in waiting if one.request.model_copy(update=own) == request), None)

    async def _add(
        self, caller: Caller, request: ConsentRequest, subject: SubjectKey, now: datetime, *, brought: bool
    ) -> None:
        """The request and its leaf, unless the partner has asked too often."""
        payload = canonical_bytes(request)
        client = self._clients.active(caller.actor.client_id, now.astimezone(CHINA_TIME).date())
        asking, within = client.use.asking, A_DAY if brought else LATELY

        async def add(connection: AsyncConnection) -> None:
            refs = self._references.audit_refs(subject)
            waiting, recent = await tables.pressure(connection, client.client_id, refs, now, within)
            if recent >= asking.in_30_days or (waiting >= asking.waiting and not brought):
                raise AccessDenied("QUOTA_EXCEEDED", "This subject has been asked too often.")
            await connection.run_sync(tables.add, request, payload, self._references.audit_ref(subject), now)

        act = _Done(Act.REQUESTED, State.REQUESTED, request.consent_id, digest_of(payload), subject)
        try:
            await self._audit.consent(act.by(caller), add)
        except AccessDenied:
            raise ConsentRefused(
                Code.QUOTA,
                f"One subject: at most {asking.waiting} requests unanswered, {asking.in_30_days} in 30 days.",
            ) from None

    def check(
        self, actor: Actor, terms: Mapping[str, object], valid_days: int, subject: SubjectKey | None
    ) -> None:
        """Raise what `request` would raise for these terms; without a subject, for any grown-up person."""
        self._drafted(actor, terms, valid_days, subject, self._clock())

    def _drafted(
        self,
        actor: Actor,
        terms: Mapping[str, object],
        valid_days: int,
        subject: SubjectKey | None,
        now: datetime,
    ) -> ConsentRequest:
        require_partner(actor)
        kind = subject.subject_kind if subject else SubjectKind.NATURAL_PERSON
        if kind not in (SubjectKind.NATURAL_PERSON, SubjectKind.ENTERPRISE):
            raise ConsentRefused(
                Code.SUBJECT_KIND, "Ask a person or an enterprise: for others nobody can be confirmed."
            )
        today = now.astimezone(CHINA_TIME).date()
        client = self._clients.active(actor.client_id, today)
        reference = self._references.subject_ref(subject, actor.client_id) if subject else _NOBODY
        capacity = capacity_needed(subject, today) if subject else None
        request = draft_request(terms, valid_days, client, reference, capacity, now)
        check_terms(request, valid_days, self._catalogue, kind)
        return request

    async def _check_parent(self, actor: Actor, parent_id: str | None, subject: SubjectKey) -> None:
        if parent_id is None:
            return
        parent = await self.find(actor, parent_id)
        if parent is None or not self._is_of(parent, subject):
            raise ConsentRefused(Code.PARENT, "Name a consent of your own with the same person.")

    async def give(self, caller: Caller, consent_id: str, choice: Choice) -> Record:
        """Agree to a request, or to less than it asks for; raises as `request` does."""
        now = self._clock()
        record, by = await self._ready(caller, consent_id, Act.GIVEN, now)
        request, subject = record.request, self._subject(record)
        language = language_of(request, self._catalogue, choice.notice_sha256)
        if language is None:
            raise ConsentRefused(Code.NOTICE, "The notice is another one by now. Show it and ask again.")
        if request.capacity != capacity_needed(subject, now.astimezone(CHINA_TIME).date()):
            raise ConsentRefused(Code.STATE, "Who has to agree has changed meanwhile. Ask anew.")
        items = request.authorization_details if choice.items is None else choice.items
        check_choice(items, request, choice.confirmed, self._catalogue)
        agreed = draft_subject(request, subject, caller.actor, by, self._references, now)
        shown = self.notice(record, language)
        artefact = draft_artefact(request, items, choice, shown, agreed, self._catalogue, self._locality)
        payload = canonical_bytes(artefact)
        columns = {
            "artefact": payload,
            "signature": self._signer.sign(payload),
            "receipt": self._signer.receipt(artefact, payload, now),
            "representative": self._references.audit_ref(person_of(caller.actor)) if by else None,
        }
        act = _Done(Act.GIVEN, State.ACTIVE, record.id, digest_of(payload), subject)
        return await self._make(caller, act, now, columns)

    async def change(self, caller: Caller, consent_id: str, act: Act) -> Record:
        """Reject, pause, resume or revoke; raises as `request` does."""
        now = self._clock()
        record, _ = await self._ready(caller, consent_id, act, now)
        done = _Done(act, TRANSITIONS[act].target, record.id, record.digest, self._subject(record))
        return await self._make(caller, done, now, {})

    async def _ready(
        self, caller: Caller, consent_id: str, act: Act, now: datetime
    ) -> tuple[Record, str | None]:
        """A consent in a state from which the act leads on, and who confirmed the caller to act for another.

        Whoever gave it may stop it unconfirmed; opening it again is confirmed anew.
        """
        subject = _person(caller.actor, act)
        record = await self._load(consent_id)
        own = record is not None and self._is_of(record, subject)
        by = None
        if record is not None and not own and (act in _OPENING or not self._concerns(caller.actor, record)):
            by = await self._represented(caller, record)
            record = record if by else None
        if record is None:
            raise ConsentRefused(Code.UNKNOWN, "You have no such consent.")
        if record.state(now) not in TRANSITIONS[act].sources:
            raise ConsentRefused(Code.STATE, f"It is {record.state(now)}; nothing was changed.")
        if act in _OPENING and record.request.capacity is not None and by is None:
            raise ConsentRefused(Code.GUARDIAN, "Under 14 a guardian agrees (PIPL 31).")
        return record, by

    async def _make(
        self, caller: Caller, done: _Done, now: datetime, columns: Mapping[str, object]
    ) -> Record:
        """The act and its leaf, unless another act came first."""

        async def move(connection: AsyncConnection) -> None:
            acted = done.consent_id, done.act, Party.SUBJECT, now, columns
            if not await connection.run_sync(tables.move, *acted):
                raise AccessDenied("CONSENT_NOT_ACTIVE", "Another act came first.")
            if done.act is Act.REVOKED:  # its tokens end with it
                await revoke_within(connection, done.consent_id, now.timestamp() + LONGEST_TOKEN_SECONDS)

        try:
            await self._audit.consent(done.by(caller), move)
        except AccessDenied:
            raise ConsentRefused(Code.STATE, "Another act came first. Read the consent again.") from None
        return await self._known(caller.actor, done.consent_id)

    async def _known(self, actor: Actor, consent_id: str) -> Record:
        record = await self.find(actor, consent_id)
        if record is None:
            raise LookupError("a consent that was just written is gone")
        return record


@dataclass(frozen=True, slots=True)
class _Done:
    """An act about to be recorded and made."""

    act: Act
    state: State
    consent_id: str
    digest: str
    subject: SubjectKey

    def by(self, caller: Caller) -> ConsentAct:
        """The leaf's event."""
        return ConsentAct(
            self.act, self.state, self.consent_id, self.digest, caller.actor, caller.query, self.subject
        )


def require_partner(actor: Actor) -> None:
    """Consent serves banks and employers only; raises AccessDenied ACTOR_NOT_ALLOWED."""
    if actor.kind is not ActorKind.PARTNER:
        raise AccessDenied("ACTOR_NOT_ALLOWED", "Consent is asked for, and used, by partners such as banks.")


def person_of(actor: Actor) -> SubjectKey:
    """Who has logged in; raises AccessDenied NOT_A_PERSON."""
    if actor.kind is not ActorKind.PERSON or actor.subject is None:
        raise AccessDenied("NOT_A_PERSON", "Only the person themself decides on a consent.")
    return actor.subject


def _person(actor: Actor, act: Act) -> SubjectKey:
    subject = person_of(actor)
    if act in _OPENING and not actor.step_up:
        raise AccessDenied("STEP_UP_REQUIRED", "Log in strongly once more, then agree.")
    return subject
