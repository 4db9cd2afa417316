"""What was found of each record type in a check: one of five results, never NONE in doubt (ruling 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authz.decisions import Effect, TypeDecisions
from authz.lifecycle import Adversity, Status
from catalogue.model import RecordType, Role, Severity
from connectors.errors import SectionState
from resolvers.building import Section
from resolvers.healing import Healed

COUNT_CAP: Final = 20
"""More records of one type are not counted: how many there are is no fact that a check turns on."""
_GRAVITY: Final = (Severity.MINOR, Severity.GENERAL, Severity.SERIOUS)


class Found(StrEnum):
    """The result for one record type."""

    NONE = "NONE"
    PRESENT = "PRESENT"
    DISPUTED = "DISPUTED"
    UNKNOWN = "UNKNOWN"
    NOT_PERMITTED = "NOT_PERMITTED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One record type of one subject, under the decisions on it."""

    section: Section
    decisions: TypeDecisions

    @property
    def entry(self) -> RecordType:
        """The record type."""
        return self.section.entry

    @property
    def result(self) -> Found:
        """NONE only if every source bound to the type answered in full."""
        section = self.section
        if section.state is SectionState.DENIED or section.entry.pointer is not None:
            return Found.NOT_PERMITTED
        if any(map(counts, section.healed)):
            return Found.PRESENT
        if section.state is not SectionState.OK:
            return Found.UNKNOWN
        return Found.DISPUTED if section.healed else Found.NONE

    @property
    def reason(self) -> str | None:
        """Why it is not known or not permitted: a code of a closed list."""
        return "POINTER" if self.entry.pointer is not None else self.section.reason

    @property
    def retryable(self) -> bool:
        """Whether asking again can help."""
        return self.section.fault is not None and self.section.fault.retryable

    @property
    def shows_records(self) -> bool:
        """Whether more than the presence of a record may leave."""
        return self.decisions.existence.effect is Effect.PERMIT

    @property
    def severity_max(self) -> Severity | None:
        """The gravest of the adverse records that count, where the grant shows severities."""
        graded = self.entry.field_by_role.get(Role.SEVERITY)
        if not self.shows_records or (graded and self.denies(graded.name)) or self.conceals_adverse:
            return None
        counted = (
            healed.facts.severity for healed in self.section.healed if counts(healed) and adverse(healed)
        )
        return max((each for each in counted if each), key=_GRAVITY.index, default=None)

    @property
    def conceals_adverse(self) -> bool:
        """Whether of a mixed record nothing may tell of the adverse part."""
        parts = [field.name for field in self.entry.fields if field.adverse]
        mixed = bool(parts) and bool(self.entry.adverse_when)
        return mixed and all(map(self.denies, parts))

    def denies(self, name: str) -> bool:
        """Whether the grant denies a field."""
        return self.decisions.fields[name].effect is Effect.DENY


def counts(healed: Healed) -> bool:
    """A record under objection never counts."""
    return healed.facts.status is not Status.DISPUTED


def adverse(healed: Healed) -> bool:
    """Whether the record, as it leaves, tells against its subject."""
    return healed.facts.adversity is not Adversity.NONE and not healed.stripped


Findings = Mapping[str, Finding]
"""By record type."""
