"""What the audit log says of a department's notice that one of its lists has changed. It is about nobody."""

from __future__ import annotations

from dataclasses import dataclass

from authz.actors import Actor
from authz.audit.events import Query, agent_of


@dataclass(frozen=True, slots=True)
class ListAct:
    """A steward told the users of a list that it has changed."""

    record_type: str
    told: int
    """How many clients."""
    actor: Actor
    query: Query

    def as_json(self) -> dict[str, object]:
        """The event's own members."""
        return {
            "act": "LIST_CHANGED",
            "agent": agent_of(self.actor),
            "query": self.query.as_json(),
            "recordType": self.record_type,
            "told": self.told,
        }
