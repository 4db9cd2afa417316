"""Mask what was healed and build the nodes that execution prints.

A node is a plain dict with `"__typename"`: denied fields are null, masked ones already
masked, and a section that was not answered holds the error in place of its records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from graphql import GraphQLError

from authz.decisions import Decision, Effect, TypeDecisions
from authz.lifecycle import Adversity, Clocks, Status
from authz.masks import MaskContext, mask
from authz.references import References
from catalogue.model import Catalogue, RecordType, Role
from catalogue.values import PartialDate, Value
from connectors.errors import SectionState
from resolvers.fetching import Fault
from resolvers.healing import Healed
from resolvers.records import BASE_FIELDS, Freshness, RecordStatus, carrier_of

Node: TypeAlias = dict[str, object]
DATES = frozenset(
    {"occurredOn", "determinedOn", "publishFrom", "publishUntil", "retentionUntil", "measureUntil", "repair"}
)
"""Base fields that say when something was; a consent shows a date only as a field it names."""


@dataclass(frozen=True, slots=True)
class Section:
    """The outcome of one record type for one subject."""

    entry: RecordType
    state: SectionState
    reason: str | None = None
    fetched_at: datetime | None = None
    healed: tuple[Healed, ...] = ()
    fault: Fault | None = None
    suppressed: int = 0
    asked: tuple[str, ...] = ()
    """Names of the sources that were asked."""

    @property
    def present(self) -> bool | None:
        """Whether there is a record; None when that is not known, for down is not clean."""
        if self.healed:
            return True
        return False if self.state is SectionState.OK and self.entry.pointer is None else None

    @property
    def error(self) -> GraphQLError | None:
        """The error that stands in place of the records after a fault; a denial has none (ruling 2)."""
        if self.fault is None:
            return None
        return GraphQLError(
            f"{self.fault.source} could not be asked, which does not mean that there is no record.",
            extensions={
                "code": self.fault.code,
                "source": self.fault.source,
                "reason": self.fault.reason,
                "retryable": self.fault.retryable,
            },
        )


@dataclass(frozen=True, slots=True)
class Maker:
    """Builds nodes for one subject under one grant."""

    catalogue: Catalogue
    references: References
    client_id: str
    subject_ref: str
    name: str | None
    dated: bool = True
    """Whether base dates leave that no field of the type carries."""

    def section(self, section: Section, decisions: TypeDecisions) -> Node:
        """The node of a section."""
        records: object = section.error
        if decisions.existence.effect is Effect.MASK and section.state.answered:
            records = None
        elif section.entry.pointer is not None:
            records = [self.pointer(section)]
        elif section.state.answered:
            records = [self.record(section, healed, decisions) for healed in section.healed]
        return {
            "__typename": f"{section.entry.graphql_type}Section",
            "state": section.state,
            "reason": section.reason,
            "fetchedAt": section.fetched_at,
            "present": section.present,
            "records": records,
        }

    def record(self, section: Section, healed: Healed, decisions: TypeDecisions) -> Node:
        """The node of one record: its base fields, then the fields of its type that were read."""
        entry, row = section.entry, healed.row
        context = MaskContext(names=self._names(entry, healed))
        node = dict.fromkeys(entry.field_by_name) | self._base(section, healed, decisions, context)
        for name, value in row.values.items():
            hidden = healed.stripped and entry.field_by_name[name].adverse
            node[name] = None if hidden else apply(decisions.fields[name], value, context)
        return node

    def _base(self, section: Section, healed: Healed, decisions: TypeDecisions, context: MaskContext) -> Node:
        entry, row = section.entry, healed.row
        concealed = healed.stripped or _adverse_part_denied(entry, healed, decisions)
        undated = concealed or not self.dated or _start_denied(entry, decisions)
        clocks = Clocks() if undated else healed.verdict.clocks
        statement = row.controls.get(Role.STATEMENT)

        def role(name: str, value: Value) -> Value:
            """A base field, under the decision of the field that carries its role, if one does."""
            carrier = carrier_of(entry, name)
            if concealed:
                return None
            if carrier is None:
                return value if self.dated or name not in DATES else None
            return apply(decisions.fields[carrier], value, context)

        return {
            "__typename": entry.graphql_type,
            "recordId": self.record_ref(entry, healed),
            "recordType": entry.code,
            "recordTypeName": entry.name.zh,
            "catalogueVersion": self.catalogue.version,
            "subjectRef": self.subject_ref,
            "provenance": self._provenance(section, healed),
            "nature": entry.nature if concealed else healed.facts.nature,
            "severity": role("severity", healed.facts.severity),
            "status": RecordStatus(healed.facts.status.value),
            "occurredOn": role("occurredOn", row.controls.get(Role.OCCURRED_ON)),
            "determinedOn": role("determinedOn", row.controls.get(Role.DETERMINED_ON)),
            "publishFrom": _day(clocks.publish_from),
            "publishUntil": _day(clocks.publish_until),
            "retentionUntil": _day(clocks.retention_until),
            "measureUntil": role("measureUntil", row.controls.get(Role.MEASURE_UNTIL)),
            "dispute": _dispute(healed),
            "repair": _repair(row.controls) if self.dated and not concealed else None,
            # of the adverse part, and free text: it may name others (ruling 25)
            "subjectStatement": None if concealed else mask("M_TEXT", statement, context),
            "responsiblePersons": self.responsible(section, healed, decisions) or None,
        }

    def pointer(self, section: Section) -> Node:
        """The one static record of a type that says where to ask instead; no source is behind it."""
        entry = section.entry
        department = self.catalogue.departments[entry.department]
        return {
            **dict.fromkeys((*BASE_FIELDS, *entry.field_by_name)),
            **(entry.pointer or {}),
            "__typename": entry.graphql_type,
            "recordId": entry.code,
            "recordType": entry.code,
            "recordTypeName": entry.name.zh,
            "catalogueVersion": self.catalogue.version,
            "subjectRef": self.subject_ref,
            "nature": entry.nature,
            "status": RecordStatus.ACTIVE,
            "provenance": {
                "department": department.code,
                "departmentName": department.name.zh,
                "system": department.name.zh,
                "contact": department.contact or "",
                "legalBasis": list(entry.legal_basis),
                "sourceUpdatedAt": None,
                "fetchedAt": section.fetched_at,
                "freshness": Freshness.PERIODIC,
            },
        }

    def record_ref(self, entry: RecordType, healed: Healed) -> str:
        """The record's reference for this client."""
        return self.references.record_ref(healed.source.name, entry.code, healed.row.identity, self.client_id)

    def _provenance(self, section: Section, healed: Healed) -> Node:
        entry = section.entry
        department = self.catalogue.departments[healed.source.department]
        return {
            "department": department.code,
            "departmentName": department.name.zh,
            "system": healed.source.system.zh,
            "contact": healed.source.contact,
            "legalBasis": list(entry.legal_basis),
            "sourceUpdatedAt": healed.row.controls.get(Role.UPDATED_AT),
            "fetchedAt": section.fetched_at,
            "freshness": Freshness.LIVE if entry.update_frequency == "LIVE" else Freshness.PERIODIC,
        }

    def _names(self, entry: RecordType, healed: Healed) -> tuple[str, ...]:
        named = [self.name, healed.row.controls.get(Role.NAME)]
        if entry.responsible:
            named.append(healed.row.values.get(entry.responsible.name))
        return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))

    def responsible(self, section: Section, healed: Healed, decisions: TypeDecisions) -> list[Node]:
        """Whom the decision itself names as responsible; empty when it names nobody or may not say."""
        entry, values = section.entry, healed.row.values
        if entry.responsible is None:
            return []
        if healed.stripped and entry.field_by_name[entry.responsible.name].adverse:
            return []
        context = MaskContext()
        name, role = (
            apply(decisions.fields[part], values.get(part), context) if part else None
            for part in (entry.responsible.name, entry.responsible.role)
        )
        if name is None:
            return []
        return [
            {
                "__typename": "ResponsiblePerson",
                "name": name,
                "role": role,
                "recordType": entry.code,
                "recordId": self.record_ref(entry, healed),
            }
        ]


def _adverse_part_denied(entry: RecordType, healed: Healed, decisions: TypeDecisions) -> bool:
    """Whether a mixed record's adverse part may not be seen at all, so that nothing may tell of it."""
    if healed.facts.adversity is not Adversity.PART:
        return False
    adverse = (field.name for field in entry.fields if field.adverse)
    return all(decisions.fields[name].effect is Effect.DENY for name in adverse)


def _start_denied(entry: RecordType, decisions: TypeDecisions) -> bool:
    """Whether a clock would tell a date that is denied itself."""
    carriers = (entry.field_by_role.get(role) for role in entry.clocks.starts_on)
    return any(decisions.fields[field.name].effect is Effect.DENY for field in carriers if field)


def apply(decision: Decision, value: Value, context: MaskContext) -> Value:
    """The value as the decision lets it out."""
    if decision.effect is Effect.PERMIT:
        return value
    if decision.effect is Effect.MASK and decision.mask:
        return mask(decision.mask, value, context)
    return None


def _day(day: date | None) -> PartialDate | None:
    return PartialDate(day) if day else None


def _dispute(healed: Healed) -> Node | None:
    if healed.facts.status is not Status.DISPUTED:
        return None
    controls = healed.row.controls
    return {
        "__typename": "Dispute",
        "since": controls.get(Role.DISPUTED_ON),
        "caseNo": controls.get(Role.DISPUTE_CASE_NO),
    }


def _repair(controls: Mapping[Role, Value]) -> Node | None:
    state = controls.get(Role.REPAIR_STATE)
    if state is None:
        return None
    return {"__typename": "Repair", "state": state, "on": controls.get(Role.REPAIRED_ON)}
