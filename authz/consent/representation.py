"""Who agrees for somebody else: a guardian for a child under 14, the legal representative for an enterprise.

Whether they may is asked of the department that registers it, live and each time; nobody's
word is taken for it, and nothing of the answer but yes or no is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from authz.actors import Actor
from authz.audit import Query
from authz.consent.artefact import Capacity
from authz.consent.rules import under_14
from catalogue.identifiers import SubjectKey, SubjectKind

CONFIRMED_BY: Final = {
    Capacity.GUARDIAN: "P-MZ-99",
    Capacity.LEGAL_REPRESENTATIVE: "E-SC-99",
}
"""The catalogue's confirmations (`catalogue/confirmations`), by what they confirm."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, in which operation."""

    actor: Actor
    query: Query


class Representatives(Protocol):
    """Asks the department that registers who may act for whom."""

    async def confirm(self, capacity: Capacity, represented: SubjectKey, caller: Caller) -> str | None:
        """Code of the department that confirms it of the person who calls; None when it does not.

        Raises AccessDenied REPRESENTATION_UNKNOWN when it cannot be asked, AuditUnavailable.
        """
        ...


async def capacity_of(
    representatives: Representatives, caller: Caller, subject: SubjectKey, today: date
) -> Capacity | None:
    """As what the person who calls may act for a subject, confirmed now; None for a stranger.

    Raises as `Representatives.confirm` does.
    """
    capacity = capacity_needed(subject, today)
    if capacity is None or not await representatives.confirm(capacity, subject, caller):
        return None
    return capacity


def capacity_needed(subject: SubjectKey, today: date) -> Capacity | None:
    """As what somebody else has to agree; None when the subject agrees in person."""
    if subject.subject_kind is not SubjectKind.NATURAL_PERSON:
        return Capacity.LEGAL_REPRESENTATIVE
    return Capacity.GUARDIAN if under_14(subject, today) else None
