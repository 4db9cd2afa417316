"""The typed model of the catalogue: what exists, who owns it, how long it may be used.

Every entry is YAML that people read and edit; unknown keys are refused. Rules that
span entries (guardrails, references) are in `catalogue.lint`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from catalogue.entries import Entry as Entry
from catalogue.entries import FieldName as FieldName
from catalogue.entries import Label as Label
from catalogue.entries import RecordTypeCode as RecordTypeCode
from catalogue.entries import Severity as Severity
from catalogue.entries import TypeName as TypeName
from catalogue.identifiers import KeyKind, SubjectKind
from catalogue.scenario import ConsentLimits as ConsentLimits
from catalogue.scenario import Measure as Measure
from catalogue.scenario import Obligation as Obligation
from catalogue.scenario import Relevance as Relevance
from catalogue.scenario import Scenario as Scenario
from catalogue.scenario import ScenarioKind as ScenarioKind
from catalogue.values import PeriodField


class DataClass(StrEnum):
    """P public by a named law · A authorized (mandate or consent) · R restricted-sensitive (PIPL 28)."""

    PUBLIC = "P"
    AUTHORIZED = "A"
    RESTRICTED = "R"

    @property
    def strictness(self) -> int:
        """0 for public, 2 for restricted."""
        return "PAR".index(self.value)


class FieldType(StrEnum):
    """What a field holds after decoding."""

    STRING = "string"
    TEXT = "text"
    CODE = "code"
    DATE = "date"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    MONEY = "money"
    BAND = "band"
    CITIZEN_ID = "citizenId"
    USCC = "uscc"
    LIST = "list"


class Nature(StrEnum):
    """What a record says of its subject."""

    BASIC = "BASIC"
    GOOD = "GOOD"
    NEUTRAL = "NEUTRAL"
    ADVERSE = "ADVERSE"


class Role(StrEnum):
    """What a field or control column means to the lifecycle (`visible()` of domain.md §2.7)."""

    KEY = "key"
    NAME = "name"
    STATUS = "status"
    SEVERITY = "severity"
    PROCEDURE = "procedure"
    APPEAL = "appeal"
    OCCURRED_ON = "occurredOn"
    DETERMINED_ON = "determinedOn"
    ENDED_ON = "endedOn"
    PUBLISHED_ON = "publishedOn"
    UNTIL = "until"
    REMOVED_ON = "removedOn"
    VALID_FROM = "validFrom"
    VALID_UNTIL = "validUntil"
    MEASURE_UNTIL = "measureUntil"
    DISPUTED_ON = "disputedOn"
    DISPUTE_CASE_NO = "disputeCaseNo"
    REPAIR_STATE = "repairState"
    REPAIRED_ON = "repairedOn"
    STATEMENT = "statement"
    UPDATED_AT = "updatedAt"


class RecordField(Entry):
    """One field of a record type."""

    name: FieldName
    label: Label
    type: FieldType
    data_class: DataClass = Field(alias="class")
    mask: str | None = None
    role: Role | None = None
    adverse: bool = False
    """Belongs to the adverse part of a mixed record: stripped when that part's clock has run out."""
    standard: str | None = None
    """Code standard the values follow, such as `GB/T 2261.1-2003`."""
    statutory_fact: bool = False
    """A grade or count that a law itself creates (allow-list of GR-01), shown in its scenarios only."""


class NeverMapped(Entry):
    """A column known to exist in the source that must not enter the graph (M_DROP)."""

    name: FieldName
    label: Label


class Publication(Entry):
    """公示: whether the law orders publication, and how long at most."""

    by_law: bool = False
    persons: bool = False
    """Whether that law orders publication of natural persons too (浙江条例 15: not by default)."""
    when: Mapping[FieldName, tuple[str | bool, ...]] = Field(default_factory=dict)
    """Row guard: published only where each named field (or `severity`) has one of the values."""
    term: Literal["NEVER", "WHILE_VALID", "PERMANENT", "LIMITED"] = "NEVER"
    max: Mapping[Severity, PeriodField] = Field(default_factory=dict)
    """Longest publication by severity (国办发〔2025〕22号: MINOR ≤ P3M, GENERAL ≤ P1Y, SERIOUS ≤ P3Y)."""
    within: Annotated[int, Field(ge=1)] | None = None
    """双公示: working days after the decision by which it has to be public."""
    basis: tuple[str, ...] = ()


class Retention(Entry):
    """How long a record may be queried and used."""

    kind: Literal["LIVE", "LOCALITY", "PERIOD", "UNTIL_REMOVED"] = "LOCALITY"
    """LIVE while the source holds it; LOCALITY adverse years of the profile; PERIOD of its own law."""
    period: PeriodField | None = None
    basis: tuple[str, ...] = ()


class ObjectionClock(Entry):
    """How many days an objection may take; without an extension where both are equal."""

    mark_within: int = 0
    decide_within: int = 5
    extend_to: int = 20
    days: Literal["WORKING", "CALENDAR"] = "WORKING"
    basis: tuple[str, ...] = ()


class Clocks(Entry):
    """The three clocks of a record type (domain.md §2.7), and that of an objection to it."""

    publication: Publication = Publication()
    retention: Retention = Retention()
    starts_on: tuple[Role, ...] = (Role.DETERMINED_ON,)
    """Roles that can start the adverse clocks, in order of preference; a record with none is withheld."""
    objection: ObjectionClock | None = None
    """Where the law of the type has a term of its own; else the locality's."""


class Responsible(Entry):
    """Where a decision's own text names a responsible person of an entity."""

    name: FieldName
    role: FieldName | None = None


class RecordType(Entry):
    """One kind of record a department holds."""

    code: RecordTypeCode
    name: Label
    graphql_type: TypeName
    section: FieldName
    domain: str
    department: str
    source_system: Label | None = None
    subjects: tuple[SubjectKind, ...] = Field(min_length=1)
    keys: tuple[KeyKind, ...] = Field(min_length=1)
    data_class: DataClass = Field(alias="class")
    nature: Nature
    severities: tuple[Severity, ...] = ()
    adverse_when: tuple[FieldName, ...] = ()
    """For mixed types: the record has an adverse part when any of these fields is present."""
    adverse_unless: Mapping[FieldName, tuple[str | bool, ...]] = Field(default_factory=dict)
    """Values of an `adverse_when` field that are not adverse, such as a commitment that was kept."""
    clocks: Clocks
    controls: tuple[Role, ...] = ()
    """Roles without an output field that a manifest must (or may) map as control columns."""
    fields: tuple[RecordField, ...]
    never_mapped: tuple[NeverMapped, ...] = ()
    responsible: Responsible | None = None
    national_items: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = Field(min_length=1)
    scenarios: tuple[str, ...] = ()
    occupations: tuple[str, ...] = ()
    tier: Literal["CORE", "EXTENSION", "LOCAL"] = "CORE"
    update_frequency: str = "LIVE"
    pointer: Mapping[FieldName, str | int] | None = None
    """Static content of a pointer type: it has no connector and never asks a source."""

    @cached_property
    def field_by_name(self) -> Mapping[str, RecordField]:
        """Fields by their GraphQL name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def field_by_role(self) -> Mapping[Role, RecordField]:
        """Fields that also serve the lifecycle."""
        return {field.role: field for field in self.fields if field.role}

    @cached_property
    def adverse_part(self) -> bool:
        """Whether some fields, and not the whole record, tell against the subject."""
        return any(field.adverse for field in self.fields)

    @cached_property
    def control_fields(self) -> frozenset[str]:
        """Fields the lifecycle needs whether or not anyone asked: always read, output only if permitted."""
        by_role = (entry.name for entry in self.fields if entry.role)
        guarding = self.clocks.publication.when.keys() & self.field_by_name.keys()
        named = (self.responsible.name,) if self.responsible else ()
        return frozenset((*by_role, *self.adverse_when, *guarding, *named))

    @property
    def can_be_adverse(self) -> bool:
        """Whether records of the type can hold an adverse part, so that adverse clocks apply."""
        return self.nature is Nature.ADVERSE or bool(self.adverse_when)

    @property
    def about_persons(self) -> bool:
        """Whether any record of the type can be about a natural person."""
        return SubjectKind.NATURAL_PERSON in self.subjects


class Department(Entry):
    """A department that owns records."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,3}$")]
    name: Label
    uscc: str | None = None
    contact: str | None = None


class Domain(Entry):
    """A field of the graph that groups record sections."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z_]+$")]
    field: FieldName
    name: Label


class Behaviour(Entry):
    """One row of the 信用行为清单."""

    code: Annotated[str, StringConstraints(pattern=r"^B-[A-Z]{2,4}-\d{2,3}$")]
    name: Label
    area: str
    kind: Literal["GOOD", "ADVERSE"]
    severity: Severity | None = None
    record_types: tuple[RecordTypeCode, ...] = Field(min_length=1)
    legal_basis: tuple[str, ...] = Field(min_length=1)


class Locality(Entry):
    """A locality profile: what local law changes. The default is the strictest known."""

    code: str
    name: Label
    law: tuple[str, ...] = ()
    adverse_retention: PeriodField
    clock_start: Literal["DETERMINED", "ENDED", "EARLIEST"]
    persons_public: Literal["NEVER", "BY_LAW"]
    use_ends_with_publication: bool = True
    objection: ObjectionClock = ObjectionClock()
    query_log_years: Annotated[int, Field(ge=5)] = 10
    clocks: Mapping[RecordTypeCode, Clocks] = Field(default_factory=dict)
    """Types whose clocks local law changes."""
    assumed: bool = False
    """True while the local rule has not been confirmed in its text."""


class Catalogue(Entry):
    """Everything that exists, by code."""

    version: str
    departments: Mapping[str, Department]
    domains: Mapping[str, Domain]
    record_types: Mapping[str, RecordType]
    confirmations: Mapping[str, RecordType] = Field(default_factory=dict)
    """What is asked only to confirm who may act for somebody: in no graph, answered by yes or no."""
    behaviours: Mapping[str, Behaviour]
    scenarios: Mapping[str, Scenario]
    measures: Mapping[str, Measure]
    localities: Mapping[str, Locality]

    def objection_clock(self, code: str | None, locality: Locality) -> ObjectionClock:
        """How long an objection may take: by local law of the type, by its own law, by the locality."""
        entry = self.record_types.get(code or "")
        local = locality.clocks.get(code or "")
        own = entry.clocks.objection if entry else None
        return (local.objection if local else None) or own or locality.objection

    def read(self, code: str) -> RecordType | None:
        """What a source can be asked for under a code, in the graph or not."""
        return self.record_types.get(code) or self.confirmations.get(code)

    def of_kind(self, kind: SubjectKind) -> list[RecordType]:
        """Record types that a subject of this kind can have, by code."""
        return [entry for entry in self.record_types.values() if kind in entry.subjects]
