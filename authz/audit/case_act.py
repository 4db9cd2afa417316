"""What the audit log says of an act on a case: who did what about which record, and never why in words."""

from __future__ import annotations

from dataclasses import dataclass

from authz.actors import Actor
from authz.audit.events import EventKind, Query, agent_of, subject_of
from authz.references import References
from catalogue.identifiers import SubjectKey


@dataclass(frozen=True, slots=True)
class CaseAct:
    """An objection, repair, statement or complaint that was filed, handled, decided or withdrawn."""

    act: str
    state: str
    """After the act."""
    case_id: str
    case_kind: str
    record: str | None
    """Keyed hash of the record, as outcomes name it."""
    actor: Actor
    query: Query
    subject: SubjectKey

    def as_json(self, references: References) -> dict[str, object]:
        """The event's own members."""
        return {
            "act": self.act,
            "agent": agent_of(self.actor),
            "caseId": self.case_id,
            "caseKind": self.case_kind,
            "kind": EventKind.CASE,
            "query": self.query.as_json(),
            "recordHash": self.record,
            "state": self.state,
            "subject": subject_of(self.subject, references),
        }
