"""The consent artefact as an immutable typed model (`artefact.schema.json` is made from it).

A request is what a grantee asks for; the artefact is what the person agreed to, and is signed.
Neither holds a number or a name of the person: the subject is the grantee's own reference.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from catalogue.identifiers import SubjectKind
from catalogue.model import FieldName, RecordTypeCode
from catalogue.values import Period

VERSION: Final = "1.1"
"""Of the artefact's format; 1.0 is the draft that design.md §9 corrected."""

ANSWER_WITHIN: Final = timedelta(days=7)
"""A request that nobody answers ends by itself."""

ConsentId = Annotated[str, StringConstraints(pattern=r"^ca_[a-p]{32}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Part(BaseModel):
    """Base of all parts: immutable, camelCase in JSON, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Level(StrEnum):
    """How much of a record type: whether there is one, its fields masked, or the fields in full."""

    BOOLEAN = "BOOLEAN"
    MASKED = "MASKED"
    FULL = "FULL"


class RowNature(StrEnum):
    """Natures a consent may be limited to; an adverse record goes by its severity."""

    BASIC = "BASIC"
    GOOD = "GOOD"
    NEUTRAL = "NEUTRAL"
    MINOR = "MINOR"
    GENERAL = "GENERAL"
    SERIOUS = "SERIOUS"


class Mode(StrEnum):
    """What the grantee does with the answer. To store it is not among the choices."""

    CHECK = "CHECK"
    REPORT = "REPORT"


class FetchType(StrEnum):
    """Once, or again and again within a frequency."""

    ONETIME = "ONETIME"
    PERIODIC = "PERIODIC"


class Confirmation(StrEnum):
    """What a person confirms one by one, never ticked beforehand (PIPL 14, 23, 29, 31)."""

    GENERAL = "GENERAL"
    THIRD_PARTY_PROVISION = "THIRD_PARTY_PROVISION"
    SENSITIVE = "SENSITIVE"
    GUARDIAN = "GUARDIAN"
    LEGAL_REPRESENTATIVE = "LEGAL_REPRESENTATIVE"


class Capacity(StrEnum):
    """As what somebody agrees for another: for a child under 14 (PIPL 31), or for an enterprise."""

    GUARDIAN = "GUARDIAN"
    LEGAL_REPRESENTATIVE = "LEGAL_REPRESENTATIVE"

    @property
    def confirmation(self) -> Confirmation:
        """What they confirm beside everything else."""
        return Confirmation(self.value)


class Reason(StrEnum):
    """Why a grantee asks: a closed list (ruling 5)."""

    LOAN_APPROVAL = "LOAN_APPROVAL"
    CREDIT_CARD_APPROVAL = "CREDIT_CARD_APPROVAL"
    GUARANTEE_REVIEW = "GUARANTEE_REVIEW"
    POST_LOAN = "POST_LOAN"
    FINANCING_APPROVAL = "FINANCING_APPROVAL"
    EMPLOYMENT = "EMPLOYMENT"
    FIT_AND_PROPER = "FIT_AND_PROPER"
    HONOUR = "HONOUR"


class AgeBand(StrEnum):
    """Age of the person on the day of consent (PIPL 31)."""

    UNDER_14 = "UNDER_14"
    FROM_14_TO_17 = "14_17"
    ADULT = "18_PLUS"


class Item(Part):
    """One record type and what of it: an RFC 9396 authorization detail."""

    type: Literal["credit_record_read"] = "credit_record_read"
    record_type: RecordTypeCode
    named: tuple[FieldName, ...] = Field(alias="fields")
    """Fields one by one; a name cannot be a wildcard. Empty only for BOOLEAN, which shows none."""
    level: Level
    since: date | None = Field(default=None, alias="from")
    until: date | None = Field(default=None, alias="to")
    natures: Annotated[tuple[RowNature, ...], Field(min_length=1)] | None = None

    @property
    def within(self) -> tuple[date, date]:
        """The data window; all time where none is given."""
        return self.since or date.min, self.until or date.max


class Purpose(Part):
    """Why, in a code and in words the person reads."""

    scenario_code: Annotated[str, StringConstraints(pattern=r"^S\d{2,3}$")]
    reason_code: Reason
    text: Annotated[str, StringConstraints(min_length=10, max_length=300, strip_whitespace=True)]
    case_no: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]


class Frequency(Part):
    """At most `value` uses within any `unit`."""

    unit: Literal["DAY", "MONTH", "YEAR"]
    value: Annotated[int, Field(ge=1, le=12)]


class DataLife(Part):
    """How long the grantee may keep what it read, before it must delete it."""

    unit: Literal["HOUR", "DAY", "MONTH"]
    value: Annotated[int, Field(ge=0, le=1000)]

    def until(self, since: datetime) -> datetime:
        """When what was read then has to be deleted."""
        if self.unit == "MONTH":
            return datetime.combine(Period(months=self.value).after(since.date()), since.timetz())
        return since + self.value * (timedelta(days=1) if self.unit == "DAY" else timedelta(hours=1))


class Validity(Part):
    """From when until when it may be used."""

    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime


class Grantee(Part):
    """Who may read, from the client register."""

    client_id: str
    name: Words
    uscc: str
    contact: Words
    category: Literal["PARTNER"] = "PARTNER"


class Verification(Part):
    """How the gateway knew who agreed: a fresh strong login at a registered client."""

    method: Literal["STRONG_LOGIN"] = "STRONG_LOGIN"
    client_id: str
    at: AwareDatetime


class Representative(Part):
    """Who agreed for the subject, as the department that registers it confirmed at that moment."""

    capacity: Capacity
    subject_ref: Annotated[str, StringConstraints(pattern=r"^sr_[a-z2-7]+$")]
    """The grantee's own reference of the person who agreed."""
    confirmed_by: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,3}$")]
    """Code of the department."""


class Subject(Part):
    """About whom; the reference is the grantee's own."""

    kind: Literal[SubjectKind.NATURAL_PERSON, SubjectKind.ENTERPRISE] = SubjectKind.NATURAL_PERSON
    subject_ref: Annotated[str, StringConstraints(pattern=r"^sr_[a-z2-7]+$")]
    verified_by: Verification
    age_band: AgeBand | None = None
    """Of a natural person."""
    representative: Representative | None = None

    @property
    def capacity(self) -> Capacity | None:
        """As what somebody else has to agree; None for a person who agrees themself."""
        if self.kind is SubjectKind.ENTERPRISE:
            return Capacity.LEGAL_REPRESENTATIVE
        return Capacity.GUARDIAN if self.age_band is AgeBand.UNDER_14 else None

    @model_validator(mode="after")
    def _represented(self) -> Self:
        if (self.kind is SubjectKind.NATURAL_PERSON) != (self.age_band is not None):
            raise ValueError("a natural person has an age band, an enterprise has none")
        if self.capacity != (self.representative.capacity if self.representative else None):
            raise ValueError("a guardian agrees under 14 (PIPL 31), a legal representative for an enterprise")
        return self


class Provider(Part):
    """A department whose records are read."""

    dept_code: str
    dept_name: str


class ShownNotice(Part):
    """What the person was shown, by its hash, and what they confirmed (PIPL 17, 23, 30)."""

    notice_id: str
    version: str
    sha256: Sha256
    lang: Literal["zh-CN", "en"] = "zh-CN"
    confirmed_at: AwareDatetime
    items_confirmed: Annotated[tuple[Confirmation, ...], Field(min_length=1)]


class Legal(Part):
    """On which law the consent stands."""

    basis: Literal["CONSENT"] = "CONSENT"
    articles: tuple[str, ...] = Field(min_length=1)
    jurisdiction: Literal["CN"] = "CN"
    locality_profile: str


class AutomatedDecision(Part):
    """A person decides, always (PIPL 24)."""

    used: Literal[False] = False
    human_review: Literal[True] = True


class Withdrawal(Part):
    """How to take it back, what that does, and what refusing means (PIPL 15, 16)."""

    channels: tuple[Literal["APP", "COUNTER"], ...] = ("APP", "COUNTER")
    effect: Literal["STOPS_FUTURE_READS_IMMEDIATELY"] = "STOPS_FUTURE_READS_IMMEDIATELY"
    refusal_consequence: Words = "不同意不影响其他事项办理，可改为自行提交证明材料"


class Terms(Part):
    """What request and artefact have in common."""

    parent_consent_id: ConsentId | None = None
    """The consent this one widens: what was agreed is never changed (PIPL 14)."""
    purpose: Purpose
    authorization_details: tuple[Item, ...] = Field(min_length=1, max_length=60)
    mode: Mode = Mode.CHECK
    fetch_type: FetchType = FetchType.ONETIME
    frequency: Frequency | None = None
    max_uses: Annotated[int, Field(ge=1, le=12)] = 1
    data_life: DataLife
    onward_transfer: Literal["FORBIDDEN"] = "FORBIDDEN"

    @model_validator(mode="after")
    def _fetches_fit(self) -> Self:
        periodic = self.fetch_type is FetchType.PERIODIC
        if periodic != (self.frequency is not None) or (not periodic and self.max_uses != 1):
            raise ValueError("PERIODIC needs a frequency; ONETIME is one use without one")
        if len({item.record_type for item in self.authorization_details}) < len(self.authorization_details):
            raise ValueError("name each record type once")
        return self


class ConsentRequest(Terms):
    """What a grantee asks for; nothing can be read on it."""

    consent_id: ConsentId
    subject_ref: Annotated[str, StringConstraints(pattern=r"^sr_[a-z2-7]+$")]
    capacity: Capacity | None = None
    """As what somebody else has to agree for the subject; None when the subject agrees in person."""
    grantee: Grantee
    valid_days: Annotated[int, Field(ge=1)]
    """Days the consent holds from the moment it is given."""
    requested_at: AwareDatetime
    answer_by: AwareDatetime


def _say_what_the_model_checks(schema: dict[str, Any]) -> None:
    """The rules that span members, in JSON Schema."""

    def confirms(item: Confirmation) -> dict[str, Any]:
        return {"properties": {"notice": {"properties": {"itemsConfirmed": {"contains": {"const": item}}}}}}

    def represented(capacity: Capacity, **subject: StrEnum) -> dict[str, Any]:
        by = {"properties": {"capacity": {"const": capacity}}}
        named = {"required": ["representative"], "properties": {"representative": by}}
        values = {name: {"const": value} for name, value in subject.items()}
        is_so = {"required": list(subject), "properties": values}
        return {
            "if": {"properties": {"subject": is_so}},
            "then": {"allOf": [{"properties": {"subject": named}}, confirms(capacity.confirmation)]},
        }

    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = f"urn:credit-subject-gateway:consent-artefact:{VERSION}"
    schema["allOf"] = [
        confirms(Confirmation.GENERAL),
        confirms(Confirmation.THIRD_PARTY_PROVISION),
        represented(Capacity.GUARDIAN, ageBand=AgeBand.UNDER_14),
        represented(Capacity.LEGAL_REPRESENTATIVE, kind=SubjectKind.ENTERPRISE),
        {
            "if": {"properties": {"fetchType": {"const": FetchType.PERIODIC}}, "required": ["fetchType"]},
            "then": {"required": ["frequency"]},
            "else": {"properties": {"maxUses": {"const": 1}}},
        },
    ]


class ConsentArtefact(Terms):
    """What the person agreed to. Everything here is signed; state, uses and events stand beside it."""

    model_config = ConfigDict(json_schema_extra=_say_what_the_model_checks)

    ver: Literal["1.1"] = VERSION
    consent_id: ConsentId
    created_at: AwareDatetime
    subject: Subject
    grantee: Grantee
    providers: tuple[Provider, ...] = Field(min_length=1)
    notice: ShownNotice
    legal: Legal
    validity: Validity
    conditions: tuple[
        Literal["NO_ONWARD", "NO_SCORING", "NO_MARKETING", "NO_MODEL_TRAINING", "DELETE_AT_END"], ...
    ] = ("NO_ONWARD", "NO_SCORING", "NO_MARKETING", "NO_MODEL_TRAINING", "DELETE_AT_END")
    automated_decision: AutomatedDecision = AutomatedDecision()
    withdrawal: Withdrawal = Withdrawal()
    rights: tuple[Literal["ACCESS", "COPY", "CORRECT", "DELETE", "EXPLAIN", "COMPLAIN"], ...] = (
        "ACCESS",
        "COPY",
        "CORRECT",
        "DELETE",
        "EXPLAIN",
        "COMPLAIN",
    )

    @model_validator(mode="after")
    def _confirmed_apart(self) -> Self:
        confirmed = set(self.notice.items_confirmed)
        if not {Confirmation.GENERAL, Confirmation.THIRD_PARTY_PROVISION} <= confirmed:
            raise ValueError("providing to a third party is confirmed on its own (PIPL 23)")
        capacity = self.subject.capacity
        if capacity is not None and capacity.confirmation not in confirmed:
            raise ValueError("who agrees for another confirms that on its own")
        if self.validity.since >= self.validity.until:
            raise ValueError("validity ends after it begins")
        return self

    def holds_at(self, now: datetime) -> bool:
        """Whether it may be used at that moment, as far as time is concerned."""
        return self.validity.since <= now < self.validity.until
