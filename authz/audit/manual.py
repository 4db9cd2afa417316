"""The event of a check by hand, where a department could not be asked."""

from __future__ import annotations

from dataclasses import dataclass

from authz.audit.events import EventKind, Query, agent_of, authorization_of
from authz.grants import Statutory


@dataclass(frozen=True, slots=True)
class ManualCheck:
    """Who looked by hand, at which record type, how and when; never what they found."""

    grant: Statutory
    query: Query
    subject: str
    """The subject's audit reference."""
    check_id: str
    record_type: str
    method: str
    checked_on: str

    def as_json(self) -> dict[str, object]:
        """The event's own members."""
        return {
            "agent": agent_of(self.grant.actor),
            "authorization": authorization_of(self.grant),
            "checkId": self.check_id,
            "checkedOn": self.checked_on,
            "kind": EventKind.CHECK,
            "method": self.method,
            "query": self.query.as_json(),
            "recordType": self.record_type,
            "subject": {"auditRef": self.subject},
        }
