"""On which basis an operation reads. One operation has exactly one grant.

A mandate never serves a bank and a consent never widens a missing mandate: the kinds
are separate classes and nothing converts one into another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from authz.actors import Actor
from authz.consent.artefact import Capacity, Confirmation, ConsentArtefact, Item
from authz.declarations import Declared
from catalogue.identifiers import SubjectKey


class Channel(StrEnum):
    """Through which door records leave; the lifecycle clocks differ by channel."""

    PUBLIC = "PUBLIC"
    CHECK = "CHECK"
    REPORT = "REPORT"
    SELF = "SELF"


@dataclass(frozen=True, slots=True)
class NoticeDelay:
    """The person is told of a read so many days later, because the law of `basis` says so. Never never."""

    days: int
    basis: str


@dataclass(frozen=True, slots=True)
class Mandate:
    """A registered statutory basis: authority × scenario × record types × period."""

    id: str
    authority: str
    """USCC of the authority that may use it."""
    scenario: str
    record_types: Mapping[str, frozenset[str] | None]
    """Record types by code; the value narrows to named fields, None is every field the policy permits."""
    case_pattern: str
    """Regular expression a case number must match wholly."""
    legal_basis: tuple[str, ...]
    valid_from: date
    valid_until: date
    approved_by: tuple[str, str]
    unmasked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Restricted or free-text fields the legal basis itself names, by record type."""
    stopped: bool = False
    """The kill switch of the scenario (GR-11)."""
    notice_delay: NoticeDelay | None = None
    operator_assertion: bool = True
    """Whether an issuer registered for the client must sign who asks."""
    subjects_per_case: int = 20
    """How many different subjects one case may have."""

    def __hash__(self) -> int:
        return hash((self.id, self.authority, self.scenario, self.valid_until, self.stopped))


@dataclass(frozen=True, slots=True)
class Statutory:
    """An authority in one case, under a mandate."""

    actor: Actor
    mandate: Mandate
    case_no: str
    purpose: str
    granted_on: date = field(default_factory=date.today)
    """The day of the operation: a mandate past its end permits nothing."""
    declared: Declared | None = None
    """None opens no read; it is for explaining alone."""

    channel = Channel.CHECK
    basis = "STATUTORY"

    @property
    def version(self) -> tuple[object, ...]:
        """What decisions depend on: equal versions give equal tables."""
        return ("STATUTORY", self.mandate, self.granted_on)


_PURPOSES: Final = {
    None: "本人查询",
    Capacity.GUARDIAN: "监护人代为查询",
    Capacity.LEGAL_REPRESENTATIVE: "法定代表人代为查询",
}


@dataclass(frozen=True, slots=True)
class SelfAccess:
    """A person reading what is held on themself, or on whom they were confirmed to represent."""

    actor: Actor
    subject: SubjectKey
    capacity: Capacity | None = None
    """As what they read for another; None for themself."""

    channel = Channel.SELF
    basis = "SELF"

    @property
    def purpose(self) -> str:
        """In words, which the subject reads."""
        return _PURPOSES[self.capacity]

    @property
    def version(self) -> tuple[object, ...]:
        """What decisions depend on: equal versions give equal tables."""
        return ("SELF", self.actor.step_up, self.subject.subject_kind)


@dataclass(frozen=True, slots=True)
class Public:
    """Anyone, for what a law orders to be published."""

    actor: Actor

    channel = Channel.PUBLIC
    basis = "PUBLIC"
    purpose = "依法公示信息查询"

    @property
    def version(self) -> tuple[object, ...]:
        """What decisions depend on: equal versions give equal tables."""
        return ("PUBLIC",)


@dataclass(frozen=True, slots=True)
class Consent:
    """An organization reading what a person allowed it, under a signed artefact in force."""

    actor: Actor
    artefact: ConsentArtefact
    items: Mapping[str, Item]
    """What may be read, by record type: of the artefact, as far as its scenario still holds it relevant."""
    subject: SubjectKey
    """Whom the artefact is about."""
    granted_at: datetime
    """The moment of the operation: an artefact past its end permits nothing."""
    use_key: str
    """What makes operations one use: the caller's idempotency key, or one of its own (ruling 6)."""

    basis = "CONSENT"

    @property
    def channel(self) -> Channel:
        """The artefact's mode."""
        return Channel(self.artefact.mode.value)

    @property
    def purpose(self) -> str:
        """As the person agreed to it, whatever the caller writes."""
        return self.artefact.purpose.text

    @property
    def case_no(self) -> str:
        """The grantee's own case."""
        return self.artefact.purpose.case_no

    @property
    def sensitive(self) -> bool:
        """Whether the person confirmed restricted data on its own (PIPL 29)."""
        return Confirmation.SENSITIVE in self.artefact.notice.items_confirmed

    @property
    def in_force(self) -> bool:
        """Whether time still runs."""
        return self.artefact.holds_at(self.granted_at)

    @property
    def version(self) -> tuple[object, ...]:
        """What decisions depend on: equal versions give equal tables."""
        artefact = self.artefact
        return (
            "CONSENT",
            self.actor.client_id,
            artefact.grantee.client_id,
            artefact.purpose.scenario_code,
            self.subject,
            frozenset(self.items.items()),
            self.sensitive,
            self.in_force,
        )


Grant: TypeAlias = Statutory | SelfAccess | Public | Consent
