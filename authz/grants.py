"""On which basis an operation reads. One operation has exactly one grant.

A mandate never serves a bank and a consent never widens a missing mandate: the kinds
are separate classes and nothing converts one into another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from authz.actors import Actor
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

    channel = Channel.CHECK
    basis = "STATUTORY"

    @property
    def version(self) -> tuple[object, ...]:
        """What decisions depend on: equal versions give equal tables."""
        return ("STATUTORY", self.mandate, self.granted_on)


@dataclass(frozen=True, slots=True)
class SelfAccess:
    """A person reading what is held on themself."""

    actor: Actor
    subject: SubjectKey

    channel = Channel.SELF
    basis = "SELF"
    purpose = "本人查询"

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


Grant: TypeAlias = Statutory | SelfAccess | Public
