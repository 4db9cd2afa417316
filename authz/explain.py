"""Why the policy says what it says: the decisions of a read, told one by one.

Nothing here decides. What is told are the very objects of the table that a read works from
(`authz.policy.decision_table`), so an explanation cannot differ from what happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from authz.decisions import Decision
from authz.grants import Consent, Grant
from authz.policy import decision_table
from catalogue.identifiers import SubjectKind
from catalogue.model import RecordType

EXISTS: Final = "exists"
"""The action of learning whether a subject has records of a type at all; every type has it."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One decision and what it is about."""

    record_type: str
    action: str
    """`exists`, or the name of a field."""
    decision: Decision

    def as_json(self) -> dict[str, object]:
        """The decision as programs read it."""
        return {
            "recordType": self.record_type,
            "action": self.action,
            "effect": self.decision.effect.value,
            "rule": self.decision.rule,
            "reason": self.decision.reason,
            "mask": self.decision.mask,
            "guard": self.decision.guard.as_json() if self.decision.guard else None,
        }


def explain(
    grant: Grant,
    entries: Iterable[RecordType],
    kind: SubjectKind,
    *,
    personal: bool,
    fields: Collection[str] = (),
) -> Iterator[Explained]:
    """What a read under this grant would meet: existence of each type, then its fields (all, or these)."""
    types = tuple(entries)
    whom = grant.subject if isinstance(grant, Consent) else None
    table = decision_table(grant, types, kind, personal=personal, subject=whom)
    for entry in types:
        verdicts = table[entry.code]
        yield Explained(entry.code, EXISTS, verdicts.existence)
        for name, decision in verdicts.fields.items():
            if not fields or name in fields:
                yield Explained(entry.code, name, decision)
