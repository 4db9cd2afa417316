"""The typed model of a must-check scenario (应查必查): what bears on a matter, what follows from it by law.

A scenario names record types and why they are relevant, predicates over them, and the measures
that a law attaches to a predicate. Rules that span entries are in `catalogue.scenario_lint`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from catalogue.entries import Entry, FieldName, Label, RecordTypeCode, Severity
from catalogue.values import Period, PeriodField

MeasureCode = Annotated[str, StringConstraints(pattern=r"^[IR]-\d{2}$")]
PredicateCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,63}$")]


class ScenarioKind(StrEnum):
    """The closed list of what a check may be for; prohibited kinds (domain.md §3.4) cannot be written."""

    HOUSEHOLD_REGISTRATION = "HOUSEHOLD_REGISTRATION"
    PROFESSIONAL_TITLE = "PROFESSIONAL_TITLE"
    COMMENDATION = "COMMENDATION"
    PUBLIC_RECRUITMENT = "PUBLIC_RECRUITMENT"
    CADRE_SELECTION = "CADRE_SELECTION"
    SPECIAL_OCCUPATION = "SPECIAL_OCCUPATION"
    COMPANY_OFFICER = "COMPANY_OFFICER"
    FINANCIAL_FIT_AND_PROPER = "FINANCIAL_FIT_AND_PROPER"
    GOVERNMENT_PROCUREMENT = "GOVERNMENT_PROCUREMENT"
    PUBLIC_BIDDING = "PUBLIC_BIDDING"
    LICENSING = "LICENSING"
    FISCAL_FUNDS = "FISCAL_FUNDS"
    LAND_AND_CONCESSION = "LAND_AND_CONCESSION"
    SOCIAL_AID_REVIEW = "SOCIAL_AID_REVIEW"
    INSPECTION_FREQUENCY = "INSPECTION_FREQUENCY"
    GREEN_CHANNEL = "GREEN_CHANNEL"
    BANK_LOAN = "BANK_LOAN"
    PRIVATE_RECRUITMENT = "PRIVATE_RECRUITMENT"
    STUDENT_HONOURS = "STUDENT_HONOURS"
    COURT_ENFORCEMENT = "COURT_ENFORCEMENT"


class Obligation(StrEnum):
    """Whether the law compels a check or a measure."""

    MANDATORY = "MANDATORY"
    RECOMMENDED = "RECOMMENDED"
    OPTIONAL = "OPTIONAL"


class Relevance(Entry):
    """One record type a scenario may look at, and why it bears on the matter."""

    record_type: RecordTypeCode
    fields: tuple[FieldName, ...] = ()
    """Fields that bear on the matter; empty means every field of the type that the grant permits."""
    reason: Label


class ConsentLimits(Entry):
    """The most that a consent may grant in a scenario; the strictest where a scenario says nothing."""

    validity: PeriodField = Period(days=30)
    data_life: PeriodField = Period(days=90)
    max_uses: Annotated[int, Field(ge=1, le=12)] = 1


class StatusTest(Entry):
    """A coded field of which some values count. A value in neither list leaves the predicate unknown."""

    field: FieldName
    counts: tuple[str | bool, ...] = Field(min_length=1)
    others: tuple[str | bool, ...] = ()


class Predicate(Entry):
    """A named fact over record types, true, false or unknown: nothing adverse is there, or something is.

    Records under objection never count against anybody, nor do repaired and MINOR ones.
    """

    code: PredicateCode
    name: Label
    absent: tuple[RecordTypeCode, ...] = ()
    """True when none of these types holds an adverse record that counts."""
    present: tuple[RecordTypeCode, ...] = ()
    """True when one of these types holds a record that is in force."""
    severities: tuple[Severity, ...] = ()
    """Only adverse records so grave count; of any gravity if empty."""
    within: PeriodField | None = None
    """Only records of so long before today count."""
    value: StatusTest | None = None
    """Only records with this status count."""

    @model_validator(mode="after")
    def _one_way(self) -> Predicate:
        if bool(self.absent) == bool(self.present):
            raise ValueError("give either `absent` or `present`")
        return self

    @property
    def record_types(self) -> tuple[str, ...]:
        """The types it looks at."""
        return self.absent or self.present


class AttachedMeasure(Entry):
    """A measure of the imported list, as far as a law attaches it in the scenario.

    An incentive follows where its predicate holds, a restriction where it does not. Without a
    predicate it rests on facts of the case itself: a person may take it, the gateway never tells it.
    """

    code: MeasureCode
    when: PredicateCode | None = None
    obligation: Obligation | None = None
    """Weaker than the list says, where the law of the scenario is."""
    basis: tuple[str, ...] = Field(min_length=1)
    disputed: Literal["SUSPENDED", "HUMAN_VERIFICATION"] = "SUSPENDED"
    """What an objection does; orders of a court and bans of a statute stay, for a person to verify."""


class Disclosure(StrEnum):
    """How much of a finding leaves: the permitted fields, or only whether there is a record."""

    RECORDS = "RECORDS"
    PRESENCE = "PRESENCE"


class RelatedRole(StrEnum):
    """In which role a person belongs to the entity that is checked. Relatives of persons never do."""

    LEGAL_REPRESENTATIVE = "LEGAL_REPRESENTATIVE"
    PROJECT_MANAGER = "PROJECT_MANAGER"
    PROFESSIONAL = "PROFESSIONAL"


FACTS_OF_THE_CASE: Final = ""
"""In place of a predicate: a measure without one rests on whatever the check found."""


class Scenario(Entry):
    """A must-check scenario (应查必查)."""

    code: Annotated[str, StringConstraints(pattern=r"^S\d{2,3}$")]
    kind: ScenarioKind
    name: Label
    caller: Label
    basis: tuple[Literal["STATUTORY", "CONSENT"], ...] = Field(min_length=1)
    obligation: Obligation
    relevance: tuple[Relevance, ...] = Field(min_length=1)
    predicates: tuple[Predicate, ...] = ()
    measures: tuple[AttachedMeasure, ...] = ()
    disclosure: Disclosure = Disclosure.RECORDS
    related_persons: tuple[RelatedRole, ...] = ()
    """Roles of persons whom the caller may name with an entity; each is confirmed and told."""
    adults_only: bool = False
    """Nobody under 18 is checked."""
    clock: Literal["PUBLICATION", "RETENTION"] = "PUBLICATION"
    consent: ConsentLimits = ConsentLimits()
    guard: Label
    deadline_ms: Annotated[int, Field(gt=0, le=60_000)] = 5_000
    legal_basis: tuple[str, ...] = Field(min_length=1)
    valid_from: date
    valid_until: date
    """The last day: a scenario ends by itself, and with it every mandate and consent for it (GR-12)."""
    approved_by: tuple[str, str]
    """Two people: nobody adds or changes a scenario alone (GR-07)."""
    notice_delay_days: Annotated[int, Field(ge=0, le=180)] = 0
    """How long a mandate may delay telling the person, on a recorded basis; 0 is at once."""

    def runs_on(self, day: date) -> bool:
        """Whether it may be used on a day."""
        return self.valid_from <= day <= self.valid_until

    @cached_property
    def record_types(self) -> frozenset[str]:
        """Codes of the types that bear on the matter."""
        return frozenset(item.record_type for item in self.relevance)

    @cached_property
    def predicate_by_code(self) -> Mapping[str, Predicate]:
        """Predicates by their code."""
        return {predicate.code: predicate for predicate in self.predicates}

    @cached_property
    def suspendable(self) -> tuple[AttachedMeasure, ...]:
        """Restrictions that an objection suspends: no order of a court, no ban of a statute (ruling 29)."""
        return tuple(
            one for one in self.measures if one.disputed == "SUSPENDED" and not one.code.startswith("I")
        )

    @cached_property
    def measure_codes(self) -> tuple[str, ...]:
        """Each measure once, in the order of the entry."""
        return tuple(dict.fromkeys(attached.code for attached in self.measures))


class Measure(Entry):
    """An incentive (I) or restriction (R) of the national or local list."""

    code: MeasureCode
    name: Label
    legal_class: Literal[1, 2, 3]
    obligation: Obligation
    basis: tuple[str, ...] = Field(min_length=1)
    condition: Label | None = None
