"""What the audit log says of an operation (domain.md §4.8 as corrected by ruling 20).

An intent says who asks for what on which basis, before a source is asked; its outcome says
what came back, before it is answered. Subjects and records come in as they are and are
written only as keyed hashes; there is no place for a record's value or a person's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, NamedTuple

from authz.actors import Actor, ActorKind
from authz.declarations import Declared
from authz.grants import Consent, Grant, SelfAccess, Statutory
from authz.references import References
from catalogue.identifiers import SubjectKey
from catalogue.personal_text import MASKED_NUMBER, holds_many_digits, scrub


class EventKind(StrEnum):
    """What was done."""

    READ = "READ"
    CHECK = "CHECK"
    IDENTITY_VERIFY = "IDENTITY_VERIFY"
    CONSENT = "CONSENT"
    REGISTER = "REGISTER"
    REVIEW = "REVIEW"
    CASE = "CASE"
    TOKEN = "TOKEN"  # noqa: S105 - a kind of event


class Result(StrEnum):
    """How an operation ended."""

    PERMIT = "PERMIT"
    PARTIAL = "PARTIAL"
    DENY = "DENY"
    ERROR = "ERROR"


class SourceStatus(StrEnum):
    """What became of asking a source: the states of ruling 1."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    BUSY = "BUSY"
    NOT_CONNECTED = "NOT_CONNECTED"
    DENIED = "DENIED"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which gateway writes, and under which versions of its rules."""

    gateway_id: str
    node: str
    policy_version: str
    catalogue_version: str

    def as_json(self) -> dict[str, object]:
        """The event's `source`."""
        return {
            "catalogueVersion": self.catalogue_version,
            "gatewayId": self.gateway_id,
            "node": self.node,
            "policyVersion": self.policy_version,
        }


@dataclass(frozen=True, slots=True)
class Query:
    """The operation, by its name and the hash of its literal-stripped document (ruling 5)."""

    operation_name: str
    operation_hash: str
    request_id: str = ""
    chunk: str = ""  # of a bulk check: job and number, by which it finds what is recorded of it

    def as_json(self) -> dict[str, str]:
        """The event's `query`; a client chooses the name, and may have put a number in it."""
        numbered = holds_many_digits(self.operation_name)
        return {
            "operationHash": self.operation_hash,
            "operationName": MASKED_NUMBER if numbered else scrub(self.operation_name),
            "requestId": self.request_id,
        } | ({"chunk": self.chunk} if self.chunk else {})


@dataclass(frozen=True, slots=True)
class Visibility:
    """When the subject sees the event: at once, or later on a named legal basis. Never never."""

    delay_until: datetime | None = None
    delay_basis: str | None = None

    def __post_init__(self) -> None:
        if (self.delay_until is None) != (not self.delay_basis):
            raise ValueError("a delay needs both its end and its legal basis")
        if self.delay_until is not None and self.delay_until.tzinfo is None:
            raise ValueError("the end of a delay is an instant, with its zone")

    def as_json(self) -> dict[str, object]:
        """The event's `visibility`."""
        if self.delay_until is None:
            return {"toSubject": "IMMEDIATE"}
        return {
            "delayBasisId": self.delay_basis,
            "delayUntil": self.delay_until.isoformat(),
            "toSubject": "DELAYED",
        }


IMMEDIATE: Final = Visibility()


def visibility_of(grant: Grant, now: datetime) -> Visibility:
    """At once, unless the mandate delays notice on a basis of its own."""
    delay = grant.mandate.notice_delay if isinstance(grant, Statutory) else None
    return Visibility(now + timedelta(days=delay.days), delay.basis) if delay else IMMEDIATE


def due_of(event: Mapping[str, Any]) -> datetime | None:
    """When the delay ends after which the subject of a recorded event may see it; None without a delay."""
    until = event.get("visibility", {}).get("delayUntil")
    return datetime.fromisoformat(until) if until else None


def visible_at(event: Mapping[str, Any], now: datetime) -> bool:
    """Whether the subject of a recorded event may see it by now."""
    return (due := due_of(event)) is None or due <= now


@dataclass(frozen=True)
class PlannedRead:
    """One record type that will be asked for: the permitted fields, and which of them leave masked."""

    record_type: str
    department: str
    fields: frozenset[str]
    masked_fields: frozenset[str] = frozenset()

    @cached_property
    def entity(self) -> Mapping[str, object]:
        """One entry of the intent's `entity`: the same for everybody whose plan and decisions are alike."""
        return {
            "department": self.department,
            "fields": sorted(self.fields),
            "maskedFields": sorted(self.masked_fields),
            "recordType": self.record_type,
        }


class ReadResult(NamedTuple):
    """What one source gave for one record type, after healing: identities of the rows that leave."""

    record_type: str
    department: str
    source: str
    status: SourceStatus
    identities: tuple[str, ...] = ()

    def as_json(self, references: References) -> dict[str, object]:
        """One entry of the outcome's `entity`."""
        hashes = [references.record_hash(self.source, self.record_type, row) for row in self.identities]
        return {
            "department": self.department,
            "recordHashes": sorted(hashes),
            "recordType": self.record_type,
            "returned": len(hashes),
            "source": self.source,
            "sourceStatus": self.status,
        }


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be read."""

    kind: EventKind
    grant: Grant
    query: Query
    reads: tuple[PlannedRead, ...]
    subject: SubjectKey | None = None
    visibility: Visibility = IMMEDIATE

    def as_json(self, references: References) -> dict[str, object]:
        """The event's own members."""
        return {
            "agent": agent_of(self.grant.actor),
            "authorization": authorization_of(self.grant),
            "entity": [read.entity for read in self.reads],
            "kind": self.kind,
            "query": self.query.as_json(),
            "subject": subject_of(self.subject, references),
            "visibility": self.visibility.as_json(),
        }


class Outcome(NamedTuple):
    """What is about to be answered."""

    result: Result
    reads: tuple[ReadResult, ...] = ()
    suppressed: int = 0
    """Rows left out by clocks, repairs and guards, in one total (no per-kind oracle, ruling 20)."""
    codes: tuple[str, ...] = ()
    """Stable error codes, when something was refused or failed."""
    batches: tuple[str, ...] = ()
    """Ids under which sources were asked where questions of several requests went as one (ruling 13)."""

    def as_json(self, references: References) -> dict[str, object]:
        """The event's own members."""
        return {
            "batches": list(self.batches),
            "codes": list(self.codes),
            "entity": [read.as_json(references) for read in self.reads],
            "result": self.result,
            "suppressed": self.suppressed,
        }


@dataclass(frozen=True, slots=True)
class Denial:
    """An operation refused before any source was asked."""

    kind: EventKind
    actor: Actor
    query: Query
    codes: tuple[str, ...]
    subject: SubjectKey | None = None

    @property
    def anonymous(self) -> bool:
        """Whether nobody known was refused; such denials are only counted."""
        return self.actor.kind is ActorKind.ANONYMOUS

    def as_json(self, references: References) -> dict[str, object]:
        """The event's own members."""
        return {
            "agent": agent_of(self.actor),
            "codes": list(self.codes),
            "kind": self.kind,
            "query": self.query.as_json(),
            "subject": subject_of(self.subject, references),
        }


@dataclass(frozen=True, slots=True)
class ConsentAct:
    """A consent asked for, given, refused, paused, resumed or taken back."""

    act: str
    state: str
    """After the act."""
    consent_id: str
    digest: str
    """SHA-256 of the artefact, or of the request while nothing was agreed."""
    actor: Actor
    query: Query
    subject: SubjectKey

    def as_json(self, references: References) -> dict[str, object]:
        """The event's own members."""
        return {
            "act": self.act,
            "agent": agent_of(self.actor),
            "consentDigest": self.digest,
            "consentId": self.consent_id,
            "kind": EventKind.CONSENT,
            "query": self.query.as_json(),
            "state": self.state,
            "subject": subject_of(self.subject, references),
        }


@dataclass(frozen=True, slots=True)
class RegisterAct:
    """A mandate proposed, approved or withdrawn; a mandate or a scenario stopped or resumed."""

    act: str
    target: str
    """MANDATE or SCENARIO."""
    name: str
    party: str
    """Staff reference of who acted."""
    reason: str
    digest: str | None
    """SHA-256 of the mandate that was proposed."""

    def as_json(self) -> dict[str, object]:
        """The event's own members."""
        return {
            "act": self.act,
            "agent": {"operatorRef": self.party},
            "entryDigest": self.digest,
            "kind": EventKind.REGISTER,
            "name": self.name,
            "reason": self.reason,
            "target": self.target,
        }


@dataclass(frozen=True, slots=True)
class ReviewAct:
    """An alarm, a draw, a result, the end of a lock or of a ticket: what the review of use did, and who."""

    act: str
    reviewer: str
    """Staff reference; empty for the gateway itself."""
    client: str
    about: Mapping[str, object]
    """Codes, numbers and references to items; nothing of a subject."""

    def as_json(self) -> dict[str, object]:
        """The event's own members."""
        return {
            "about": dict(self.about),
            "act": self.act,
            "kind": EventKind.REVIEW,
            "reviewer": {"clientId": self.client, "operatorRef": self.reviewer},
        }


@dataclass(frozen=True, slots=True)
class TokenIssued:
    """An access token issued, and never the token."""

    actor: Actor
    grant_type: str
    key_thumbprint: str
    """RFC 7638, a hash of the key that it is bound to; empty for a bearer token."""
    scopes: tuple[str, ...]
    consent_id: str | None

    def as_json(self) -> dict[str, object]:
        """The event's own members."""
        return {
            "agent": agent_of(self.actor),
            "consentId": self.consent_id,
            "grantType": self.grant_type,
            "keyThumbprint": self.key_thumbprint,
            "kind": EventKind.TOKEN,
            "scopes": list(self.scopes),
        }


def agent_of(actor: Actor) -> dict[str, object]:
    """An event's `agent`."""
    return {
        "clientId": actor.client_id,
        "operatorRef": actor.operator,
        "operatorRole": actor.kind,
        "orgName": actor.organization_name,
        "orgUscc": actor.organization,
    }


def authorization_of(grant: Grant) -> dict[str, object]:
    """An event's `authorization`."""
    named: dict[str, object] = {}
    if isinstance(grant, SelfAccess) and grant.capacity:
        named = {"capacity": grant.capacity}
    if isinstance(grant, Consent):
        named = {
            "caseNo": grant.case_no,
            "consentId": grant.artefact.consent_id,
            "reasonCode": grant.artefact.purpose.reason_code,
            "scenarioCode": grant.artefact.purpose.scenario_code,
        }
    if isinstance(grant, Statutory):
        named = {
            "caseNo": grant.case_no,
            "legalBasisId": grant.mandate.id,
            "scenarioCode": grant.mandate.scenario,
        } | _declared(grant.declared)
    return {"basis": grant.basis, "purposeText": grant.purpose} | named


def _declared(told: Declared | None) -> dict[str, object]:
    if told is None:
        return {}
    repeated = {"repeatNote": told.repeat.note, "repeatReason": told.repeat.reason} if told.repeat else {}
    return {"noConflictOfInterest": True, "reasonCode": told.reason} | repeated


def subject_of(key: SubjectKey | None, references: References) -> dict[str, object]:
    """An event's `subject`."""
    if key is None:
        return {"auditRef": None, "kind": "NONE"}
    return {"auditRef": references.audit_ref(key), "kind": key.subject_kind}
