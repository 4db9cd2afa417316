"""The event of what a person concluded after a check, or did about a measure."""

from __future__ import annotations

from dataclasses import dataclass

from authz.audit.events import EventKind, Query, agent_of, authorization_of
from authz.grants import Statutory


@dataclass(frozen=True, slots=True)
class HumanAct:
    """Who did what on which outcome; reasons only as the digest of what was reported."""

    grant: Statutory
    query: Query
    subject: str | None
    """The subject's audit reference; None where nobody was checked."""
    act: str
    """REPORTED, or the state a measure was brought to."""
    outcome: str
    officer: str
    """Staff reference of the named person."""
    digest: str = ""
    measure: str | None = None

    def as_json(self) -> dict[str, object]:
        """The event's own members."""
        return {
            "act": self.act,
            "agent": agent_of(self.grant.actor),
            "authorization": authorization_of(self.grant),
            "kind": EventKind.CHECK,
            "measureId": self.measure,
            "officer": self.officer,
            "outcomeId": self.outcome,
            "query": self.query.as_json(),
            "reportSha256": self.digest,
            "subject": {"auditRef": self.subject},
        }
