"""Consents as the credit office handles them: how each stands, and taking one back at the counter.

The office sees what was agreed and never a record. It can withdraw a consent for a person or a
representative who stands at the counter and names themself (PIPL 15: as easy as giving it); it
can neither give nor resume one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, ConsentAct, Query
from authz.consent import tables
from authz.consent.rules import Code, ConsentRefused
from authz.consent.signing import Signer
from authz.consent.states import TRANSITIONS, Act, Party, State
from authz.consent.tables import Record
from authz.errors import AccessDenied
from authz.moments import now_in_china
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey


class ConsentOffice:
    """Raises ConsentRefused, AuditUnavailable."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        references: References,
        signer: Signer,
        *,
        clock: Callable[[], datetime] = now_in_china,
    ) -> None:
        self._store = store
        self._audit = audit
        self._references = references
        self._signer = signer
        self._clock = clock

    @property
    def now(self) -> datetime:
        """The moment by this office's clock."""
        return self._clock()

    async def list(
        self, first: int, *, client_id: str | None = None, person: SubjectKey | None = None
    ) -> list[Record]:
        """Consents, newest first: of a partner, of or given by whoever is at the counter, or of all."""
        subjects = None if person is None else self._references.audit_refs(person)
        async with tables.reading(self._store) as connection:
            return await tables.load_some(connection, first, client_id, subjects)

    async def show(self, consent_id: str) -> Record:
        """One consent."""
        async with tables.reading(self._store) as connection:
            record = await tables.load(connection, consent_id)
        if record is None:
            raise ConsentRefused(Code.UNKNOWN, "There is no such consent.")
        return record

    def holds(self, record: Record) -> bool:
        """Whether what is stored is what was signed, of this very consent."""
        if record.payload is None or record.signature is None:
            return False
        if not self._signer.holds(record.payload, record.signature):
            return False
        artefact = record.artefact
        return artefact is not None and artefact.consent_id == record.id

    async def withdraw(self, operator: str, consent_id: str, person: SubjectKey) -> Record:
        """Take a consent back for whom it is about, or who gave it, by the number they show."""
        record, now = await self.show(consent_id), self._clock()
        refs = self._references.audit_refs(person)
        if record.subject not in refs and record.representative not in refs:
            raise ConsentRefused(Code.UNKNOWN, "It is not a consent of this person.")
        if record.state(now) not in TRANSITIONS[Act.REVOKED].sources:
            raise ConsentRefused(Code.STATE, f"It is {record.state(now)}; nothing was changed.")
        subject = self._references.resolve(record.request.subject_ref, record.request.grantee.client_id)
        actor = Actor(ActorKind.OPERATOR, "cli", operator=operator)
        event = ConsentAct(
            Act.REVOKED, State.REVOKED, record.id, record.digest, actor, Query("consent revoke", ""), subject
        )

        async def move(connection: AsyncConnection) -> None:
            if not await connection.run_sync(tables.move, record.id, Act.REVOKED, Party.OFFICE, now):
                raise AccessDenied("CONSENT_NOT_ACTIVE", "Another act came first.")

        try:
            await self._audit.consent(event, move)
        except AccessDenied:
            raise ConsentRefused(Code.STATE, "Another act came first. Show it again.") from None
        return await self.show(consent_id)
