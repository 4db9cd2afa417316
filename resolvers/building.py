"""What was read, as it may be shown: sections, and records behind the decisions on their type.

Printing comes after (`resolvers.nodes`, `resolvers.compiled`) and takes every value from here:
denied ones are None, masked ones masked. Values are worked out when asked for, so that
what an answer does not select costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, TypeAlias

from graphql import GraphQLError

from authz.calendar import add_working_days
from authz.decisions import Decision, Effect, TypeDecisions
from authz.lifecycle import Adversity, Clocks, Status
from authz.masks import MaskContext, mask
from authz.references import References
from catalogue.identifiers import SubjectKey
from catalogue.model import Catalogue, Nature, RecordType, Role
from catalogue.values import PartialDate, Value
from connectors.errors import SectionState
from connectors.protocol import Source
from resolvers.fetching import Fault
from resolvers.healing import Healed
from resolvers.records import BASE_FIELDS, Freshness, RecordStatus, carrier_of

Node: TypeAlias = dict[str, object]
DATES = frozenset(
    {"occurredOn", "determinedOn", "publishFrom", "publishBy", "publishUntil", "retentionUntil"}
    | {"measureUntil", "repair"}
)
"""Base fields that say when something was; a consent shows a date only as a field it names."""
PROPERTY_OF: Final = {name: re.sub("(?=[A-Z])", "_", name).lower() for name in sorted(BASE_FIELDS)}
"""The property of `Record` behind each base field."""


class Section(NamedTuple):
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


@dataclass(slots=True)
class Subject:
    """Whom the records are about, as one client may name them."""

    catalogue: Catalogue
    references: References
    client_id: str
    key: SubjectKey
    name: str | None
    """As the identity authority knows it; None when nobody was confirmed."""
    _ref: str | None = None

    @property
    def ref(self) -> str:
        """The subject's reference for this client."""
        if self._ref is None:
            self._ref = self.references.subject_ref(self.key, self.client_id)
        return self._ref


@dataclass(frozen=True, slots=True, eq=False)
class TypeView:
    """How records of one type look under its decisions: worked out once a grant, not once a row.

    Like itself alone, so that what it stands for is looked up without a look at its parts.
    """

    entry: RecordType
    decisions: TypeDecisions
    dated: bool
    """Whether base dates leave that no field of the type carries."""
    undated: bool
    """Whether the clocks do not leave: they would tell a date that is denied itself."""
    conceals_part: bool
    """Whether of a mixed record the adverse part may not be seen at all."""
    mixed: bool
    """Whether records of the type may tell against their subject in a part of them."""
    carried: Mapping[str, Decision | None]
    """Decisions on the fields that carry base fields; None where a base field stands for itself."""
    _origins: dict[Source, Node] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: RecordType, decisions: TypeDecisions, *, dated: bool) -> TypeView:
        """The view of one type; `dated` is false under a consent, which shows the dates it names."""
        carriers = {name: carrier_of(entry, name) for name in _CARRIED}
        adverse = [field.name for field in entry.fields if field.adverse]
        starts = (entry.field_by_role.get(role) for role in entry.clocks.starts_on)
        return cls(
            entry,
            decisions,
            dated,
            not dated or any(decisions.fields[field.name].effect is Effect.DENY for field in starts if field),
            all(decisions.fields[name].effect is Effect.DENY for name in adverse),
            bool(adverse) and bool(entry.adverse_when),
            {name: decisions.fields[carrier] if carrier else None for name, carrier in carriers.items()},
        )

    def origin(self, source: Source, catalogue: Catalogue) -> Node:
        """What the provenance of all records of this type from one source says."""
        found = self._origins.get(source)
        if found is None:
            department = catalogue.departments[source.department]
            found = self._origins[source] = {
                "department": department.code,
                "departmentName": department.name.zh,
                "system": source.system.zh,
                "contact": source.contact,
                "legalBasis": list(self.entry.legal_basis),
                "freshness": Freshness.LIVE if self.entry.update_frequency == "LIVE" else Freshness.PERIODIC,
            }
        return found


class Record:
    """One healed record as it may be shown. Base fields of domain.md §2.1 are its properties."""

    __slots__ = ("_record_id", "concealed", "healed", "section", "stripped", "subject", "values", "view")

    def __init__(self, subject: Subject, view: TypeView, section: Section, healed: Healed) -> None:
        self.subject = subject
        self.view = view
        self.section = section
        self.healed = healed
        self.values = healed.row.values
        self._record_id: str | None = None
        self.stripped = stripped = healed.stripped
        """Whether the adverse part has run out."""
        self.concealed = stripped or (view.conceals_part and healed.facts.adversity is Adversity.PART)
        """Whether nothing may tell of the adverse part."""

    @property
    def clocks(self) -> Clocks:
        """The clocks that may leave."""
        return _NO_CLOCKS if self.concealed or self.view.undated else self.healed.verdict.clocks

    def shown(self, name: str) -> Value:
        """A field of the type itself, under its decision."""
        if name not in self.values or (self.stripped and self.view.entry.field_by_name[name].adverse):
            return None
        return apply(self.view.decisions.fields[name], self.values[name], self.context)

    def value(self, name: str) -> object:
        """A field by its GraphQL name; None for one that was denied or not read."""
        if name in self.values:
            return self.shown(name)
        return getattr(self, PROPERTY_OF[name]) if name in PROPERTY_OF else None

    @property
    def context(self) -> MaskContext:
        """What masks may know of the row: the names in it."""
        entry = self.view.entry
        named: list[object] = [self.subject.name, self.healed.row.controls.get(Role.NAME)]
        if entry.responsible:
            named.append(self.values.get(entry.responsible.name))
        return MaskContext(names=tuple(dict.fromkeys(name for name in named if isinstance(name, str))))

    def _carried(self, name: str, value: Value) -> Value:
        """A base field, under the decision of the field that carries its role, if one does."""
        if self.concealed:
            return None
        decision = self.view.carried[name]
        if decision is None:
            return value if self.view.dated or name not in DATES else None
        return apply(decision, value, self.context)

    @property
    def record_id(self) -> str:
        """The record's reference for this client."""
        if self._record_id is None:
            subject, healed = self.subject, self.healed
            self._record_id = subject.references.record_ref(
                healed.source.name, self.view.entry.code, healed.row.identity, subject.client_id
            )
        return self._record_id

    @property
    def record_type(self) -> str:
        """Code of the type."""
        return self.view.entry.code

    @property
    def record_type_name(self) -> str:
        """Chinese name of the type."""
        return self.view.entry.name.zh

    @property
    def catalogue_version(self) -> str:
        """Version of the catalogue."""
        return self.subject.catalogue.version

    @property
    def subject_ref(self) -> str:
        """The subject's reference for this client."""
        return self.subject.ref

    @property
    def provenance(self) -> Node:
        """Where the record comes from and on what basis it is held."""
        return {
            **self.view.origin(self.healed.source, self.subject.catalogue),
            "sourceUpdatedAt": self.healed.row.controls.get(Role.UPDATED_AT),
            "fetchedAt": self.section.fetched_at,
        }

    @property
    def nature(self) -> Nature:
        """The record's nature; of one whose adverse part is concealed, the type's."""
        return self.view.entry.nature if self.concealed else self.healed.facts.nature

    @property
    def severity(self) -> Value:
        """From the source's own finding or its list's law."""
        return self._carried("severity", self.healed.facts.severity)

    @property
    def status(self) -> RecordStatus:
        """ACTIVE or DISPUTED: no other record leaves."""
        return _STATUS[self.healed.facts.status]

    @property
    def occurred_on(self) -> Value:
        """Date of the act."""
        return self._carried("occurredOn", self.healed.row.controls.get(Role.OCCURRED_ON))

    @property
    def determined_on(self) -> Value:
        """Date of the finding."""
        return self._carried("determinedOn", self.healed.row.controls.get(Role.DETERMINED_ON))

    @property
    def publish_from(self) -> PartialDate | None:
        """When publication began."""
        return _day(self.clocks.publish_from)

    @property
    def publish_by(self) -> PartialDate | None:
        """双公示: the last day of the term in which a published decision has to become public."""
        within, determined = self.view.entry.clocks.publication.within, self.determined_on
        if within is None or self.clocks.publish_from is None or not isinstance(determined, PartialDate):
            return None
        return None if determined.open_ended else _day(add_working_days(determined.earliest, within))

    @property
    def publish_until(self) -> PartialDate | None:
        """When publication ends."""
        return _day(self.clocks.publish_until)

    @property
    def retention_until(self) -> PartialDate | None:
        """Until when the record may be queried."""
        return _day(self.clocks.retention_until)

    @property
    def measure_until(self) -> Value:
        """When the measure ends."""
        return self._carried("measureUntil", self.healed.row.controls.get(Role.MEASURE_UNTIL))

    @property
    def dispute(self) -> Node | None:
        """The mark of an objection."""
        if self.healed.facts.status is not Status.DISPUTED:
            return None
        controls = self.healed.row.controls
        return {"since": controls.get(Role.DISPUTED_ON), "caseNo": controls.get(Role.DISPUTE_CASE_NO)}

    @property
    def repair(self) -> Node | None:
        """A repair under way."""
        controls = self.healed.row.controls
        state = controls.get(Role.REPAIR_STATE)
        if state is None or self.concealed or not self.view.dated:
            return None
        return {"state": state, "on": controls.get(Role.REPAIRED_ON)}

    @property
    def subject_statement(self) -> Value:
        """The subject's words, of the adverse part; free text that may name others (ruling 25)."""
        statement = self.healed.row.controls.get(Role.STATEMENT)
        return None if self.concealed else mask("M_TEXT", statement, self.context)

    @property
    def responsible_persons(self) -> list[Node] | None:
        """Whom the decision itself names as responsible; None when it names nobody or may not say."""
        entry = self.view.entry
        if entry.responsible is None:
            return None
        if self.stripped and entry.field_by_name[entry.responsible.name].adverse:
            return None
        context, decisions = MaskContext(), self.view.decisions.fields
        name, role = (
            apply(decisions[part], self.values.get(part), context) if part else None
            for part in (entry.responsible.name, entry.responsible.role)
        )
        if name is None:
            return None
        return [{"name": name, "role": role, "recordType": entry.code, "recordId": self.record_id}]


_CARRIED: Final = ("severity", "occurredOn", "determinedOn", "measureUntil")
_NO_CLOCKS: Final = Clocks()
_STATUS: Final = {Status.ACTIVE: RecordStatus.ACTIVE, Status.DISPUTED: RecordStatus.DISPUTED}


def apply(decision: Decision, value: Value, context: MaskContext) -> Value:
    """The value as the decision lets it out."""
    if decision.effect is Effect.PERMIT:
        return value
    if decision.effect is Effect.MASK and decision.mask:
        return mask(decision.mask, value, context)
    return None


def _day(day: date | None) -> PartialDate | None:
    return PartialDate(day) if day else None
