"""What a grant makes of a plan: worked out once for each table of decisions, not once a request.

Permitted fields, what the audit says will be read, and which paths are denied or masked depend
on the plan and on the decision table alone, which the policy keeps for each version of a grant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from authz.audit import PlannedRead
from authz.decisions import Effect, TypeDecisions
from authz.grants import Consent, Grant
from authz.policy import decision_table
from catalogue.identifiers import SubjectKey
from catalogue.model import Catalogue, RecordType
from resolvers.building import DATES, TypeView
from resolvers.planning import ResponsePath, SubjectPlan
from resolvers.recording import planned_read
from resolvers.records import carrier_of


@dataclass(frozen=True, slots=True)
class Decided:
    """One plan under one table of decisions. It does not hold the plan, which may go before it."""

    entries: Mapping[str, RecordType]
    decisions: Mapping[str, TypeDecisions]
    views: Mapping[str, TypeView]
    asked: Mapping[str, frozenset[str]]
    """Selected fields that the grant permits, by type: what may leave, and nothing else."""
    read: Mapping[str, frozenset[str]]
    """The same with the control fields, which are read but never leave."""
    permitted: Mapping[str, frozenset[str]]
    """Everything of these types that the grant permits, selected or not."""
    planned: tuple[PlannedRead, ...]
    """What the intent says will be read."""
    denied: frozenset[ResponsePath]
    masked: frozenset[ResponsePath]
    shape: str
    """What compiled printing depends on: equal shapes of one plan print alike."""


def decide(
    catalogue: Catalogue, grant: Grant, plan: SubjectPlan, subject: SubjectKey | None, *, personal: bool
) -> Decided:
    """Apply the policy to the plan; `subject` is whom it is about, where that is one. Raises PolicyError."""
    about = subject if isinstance(grant, Consent) else None  # others decide alike for every subject
    entries = [catalogue.record_types[code] for code in plan.types]
    decisions = decision_table(grant, entries, plan.kind, personal=personal, subject=about)
    dated = not isinstance(grant, Consent)
    # what is kept holds its table, so that no other can have this identity
    key = (plan.number, id(decisions), dated)
    found: Decided | None = plan.kept.decided.get(key)
    if found is None:
        found = plan.kept.decided[key] = decided_by(catalogue, plan, decisions, dated=dated)
    return found


def decided_by(
    catalogue: Catalogue, plan: SubjectPlan, decisions: Mapping[str, TypeDecisions], *, dated: bool
) -> Decided:
    """What decisions make of a plan; `dated` is false where dates leave only as fields of their type."""
    return _Deciding(catalogue, plan, decisions, dated).decided()


@dataclass(slots=True)
class _Deciding:
    catalogue: Catalogue
    plan: SubjectPlan
    decisions: Mapping[str, TypeDecisions]
    dated: bool
    denied: set[ResponsePath] = field(default_factory=set)
    masked: set[ResponsePath] = field(default_factory=set)

    def decided(self) -> Decided:
        plan, decisions = self.plan, self.decisions
        entries = {code: self.catalogue.record_types[code] for code in plan.types}
        for code, entry in entries.items():
            self._note(entry, decisions[code])
        asked = {
            code: frozenset(plan.types[code].fields & decisions[code].readable)
            for code in entries
            if decisions[code].existence.effect is not Effect.DENY
        }
        return Decided(
            entries,
            decisions,
            {code: TypeView.of(entry, decisions[code], dated=self.dated) for code, entry in entries.items()},
            asked,
            {code: fields | entries[code].control_fields for code, fields in asked.items()},
            {code: decisions[code].readable for code in asked},
            tuple(self._planned(entries[code], decisions[code], fields) for code, fields in asked.items()),
            frozenset(self.denied),
            frozenset(self.masked),
            " ".join(self._shape(entry, decisions[code]) for code, entry in entries.items()),
        )

    def _shape(self, entry: RecordType, verdicts: TypeDecisions) -> str:
        """The effects and masks of one type's selected fields, in the order of the plan."""
        selected = (name for name in self.plan.types[entry.code].paths if name in entry.field_by_name)
        fields = (verdicts.fields[name] for name in selected)
        parts = (f"{one.effect}/{one.mask or ''}" for one in fields)
        return f"{entry.code}:{verdicts.existence.effect}[{','.join(parts)}]"

    def _note(self, entry: RecordType, verdicts: TypeDecisions) -> None:
        """Which selected paths of one type are denied or masked."""
        read = self.plan.types[entry.code]
        if entry.pointer is not None:
            return
        if verdicts.existence.effect is Effect.DENY:
            self.denied.update(read.sections)
            return
        if verdicts.existence.effect is Effect.MASK:
            self.masked.update(read.sections)
        for name, paths in read.paths.items():
            effect = self._effect(entry, verdicts, name)
            if effect is Effect.DENY:
                self.denied.update(paths)
            elif effect is Effect.MASK:
                self.masked.update(paths)

    def _planned(self, entry: RecordType, verdicts: TypeDecisions, fields: frozenset[str]) -> PlannedRead:
        """What may leave of one type, base fields among it."""
        paths = self.plan.types[entry.code].paths
        leaving = [name for name in paths if self._effect(entry, verdicts, name) is not Effect.DENY]
        return planned_read(entry, verdicts, fields, leaving)

    def _effect(self, entry: RecordType, verdicts: TypeDecisions, name: str) -> Effect:
        """What becomes of a field of the type, or of one that every record has."""
        carrier = carrier_of(entry, name)
        if carrier:
            return verdicts.fields[carrier].effect
        withheld = not self.dated and name in DATES
        return Effect.DENY if withheld or verdicts.existence.effect is Effect.MASK else Effect.PERMIT
