"""Who may act for whom, asked of the department that registers it: one number is compared, nothing leaves.

The question is audited like any read, and the represented subject sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from authz.audit import AuditLog, EventKind, Intent, Outcome, PlannedRead, Result
from authz.consent.artefact import Capacity
from authz.consent.register import person_of
from authz.consent.representation import CONFIRMED_BY, Caller
from authz.errors import AccessDenied
from authz.grants import SelfAccess
from authz.tickets import Tickets
from catalogue.identifiers import SubjectKey
from catalogue.model import Catalogue
from connectors.errors import SourceError
from connectors.protocol import Ask, Source
from resolvers.quality import unconfirmed

MATCH, NO_MATCH = "MATCH", "NO_MATCH"


@dataclass(frozen=True, slots=True)
class RegisteredRepresentatives:
    """Implements `authz.consent.representation.Representatives` with the sources of a deployment."""

    catalogue: Catalogue
    sources: Mapping[str, Source]
    """The source of each confirmation, by its code."""
    audit: AuditLog
    tickets: Tickets

    async def confirm(self, capacity: Capacity, represented: SubjectKey, caller: Caller) -> str | None:
        """Code of the department that confirms it; None when it does not, or none is connected here."""
        code, person = CONFIRMED_BY[capacity], person_of(caller.actor)
        source = self.sources.get(code)
        if source is None:
            return None
        (field,) = self.catalogue.confirmations[code].field_by_name
        read = PlannedRead(code, source.department, frozenset({field}))
        grant = SelfAccess(caller.actor, person)
        ref = await self.audit.intent(
            Intent(EventKind.IDENTITY_VERIFY, grant, caller.query, (read,), represented)
        )
        ask = Ask(code, frozenset({field}), (represented,), caller.query.request_id)
        try:
            answer = await source.fetch(ask)
        except SourceError as error:
            await self.audit.outcome(ref, Outcome(Result.ERROR, codes=(error.code,)))
            raise AccessDenied(
                "REPRESENTATION_UNKNOWN", "Who may agree here cannot be confirmed now. Try again later."
            ) from error
        self.tickets.note(unconfirmed(code, source, answer))
        found = any(row.values[field] == person.value for row in answer.rows[represented])
        await self.audit.outcome(ref, Outcome(Result.PERMIT, codes=(MATCH if found else NO_MATCH,)))
        return source.department if found else None


def confirmers(sources: Mapping[str, Source]) -> dict[str, Source]:
    """The source of each confirmation."""
    return {code: source for source in sources.values() for code in source.manifest.confirms}
