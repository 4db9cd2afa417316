"""What was found of each record type in a check: one of five results, never NONE in doubt (ruling 4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from authz.decisions import Effect
from authz.lifecycle import Adversity, Status
from catalogue.model import RecordType, Role, Severity
from connectors.errors import SectionState
from resolvers.building import Section, TypeView
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


class Finding(NamedTuple):
    """One record type of one subject, under the decisions on it."""

    section: Section
    view: TypeView
    result: Found
    """NONE only if every source bound to the type answered in full."""
    shows_records: bool
    """Whether more than the presence of a record may leave."""

    @classmethod
    def of(cls, section: Section, view: TypeView) -> Finding:
        """What was found; told once, for predicates, items and tasks all ask."""
        return cls(section, view, _result(section), view.decisions.existence.effect is Effect.PERMIT)

    @property
    def entry(self) -> RecordType:
        """The record type."""
        return self.section.entry

    @property
    def reason(self) -> str | None:
        """Why it is not known or not permitted: a code of a closed list."""
        return "POINTER" if self.entry.pointer is not None else self.section.reason

    @property
    def retryable(self) -> bool:
        """Whether asking again can help."""
        return self.section.fault is not None and self.section.fault.retryable

    @property
    def severity_max(self) -> Severity | None:
        """The gravest of the adverse records that count, where the grant shows severities."""
        graded = self.entry.field_by_role.get(Role.SEVERITY)
        if not self.shows_records or (graded and self.denies(graded.name)) or self.conceals_adverse:
            return None
        counted = [
            healed.facts.severity for healed in self.section.healed if counts(healed) and adverse(healed)
        ]
        return max(filter(None, counted), key=_GRAVITY.index, default=None) if counted else None

    @property
    def conceals_adverse(self) -> bool:
        """Whether of a mixed record nothing may tell of the adverse part."""
        return self.view.mixed and self.view.conceals_part

    def denies(self, name: str) -> bool:
        """Whether the grant denies a field."""
        return self.view.decisions.fields[name].effect is Effect.DENY


def _result(section: Section) -> Found:
    if section.state is SectionState.DENIED or section.entry.pointer is not None:
        return Found.NOT_PERMITTED
    if any(map(counts, section.healed)):
        return Found.PRESENT
    if section.state is not SectionState.OK:
        return Found.UNKNOWN
    return Found.DISPUTED if section.healed else Found.NONE


def counts(healed: Healed) -> bool:
    """A record under objection never counts."""
    return healed.facts.status is not Status.DISPUTED


def adverse(healed: Healed) -> bool:
    """Whether the record, as it leaves, tells against its subject."""
    return healed.facts.adversity is not Adversity.NONE and not healed.stripped


Findings = Mapping[str, Finding]
"""By record type."""
