"""What a request carries: the services it may use and the report that leaves beside its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from authz.actors import Actor
from authz.audit import AuditLog, EventKind, Query
from authz.case_use import CaseUse
from authz.cases.desk import CaseDesk
from authz.cases.overlay import Overlay
from authz.cases.register import CaseRegister
from authz.consent.register import ConsentRegister
from authz.consent.signing import Signer
from authz.consent.use import ConsentUse
from authz.grants import Grant
from authz.lists import Lists
from authz.notices import Notices
from authz.once import OnceOnly, Ticket
from authz.operators import Operators
from authz.outcomes.book import OutcomeBook
from authz.outcomes.measures import MeasureBook
from authz.publicity import PublicityBook
from authz.receipts import ChunkBook, ReceiptBook
from authz.references import References
from authz.register.live import LiveRegister
from authz.review.desk import Desk
from authz.review.guard import UseGuard
from authz.review.public import PublicQuota
from authz.statistics.book import StatisticsBook
from authz.tickets import Tickets
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import Catalogue, Locality
from catalogue.values import CHINA_TIME
from connectors.protocol import Source
from resolvers.planning import ResponsePath, Walk
from resolvers.plans import OperationPlan, Plans
from resolvers.turns import Turns


@dataclass(frozen=True)
class IdentityAuthority:
    """The source that confirms a kind of subject, and the record type it confirms by."""

    source: Source
    record_type: str


@dataclass(frozen=True)
class Services:
    """Everything a request may use; built in one place, `gateway.deployment`."""

    catalogue: Catalogue
    locality: Locality
    sources: Mapping[str, tuple[Source, ...]]
    """Sources by record type."""
    identity: Mapping[SubjectKind, IdentityAuthority]
    register: LiveRegister
    references: References
    audit: AuditLog
    consents: ConsentRegister
    consent_use: ConsentUse
    case_use: CaseUse
    overlay: Overlay
    cases: CaseRegister
    case_desk: CaseDesk
    guard: UseGuard
    desk: Desk
    public_quota: PublicQuota
    signer: Signer
    once: OnceOnly
    tickets: Tickets
    operators: Operators
    lists: Lists
    notices: Notices
    plans: Plans
    receipts: ReceiptBook
    chunks: ChunkBook
    outcomes: OutcomeBook
    measures: MeasureBook
    statistics: StatisticsBook
    publicity: PublicityBook
    turns: Turns
    """Of bulk checks."""
    today: Callable[[], date] = date.today


@dataclass(slots=True)
class SourceReport:
    """One entry of `extensions.sources`."""

    source: str
    department: str
    record_type: str
    state: str
    reason: str | None
    latency_ms: int
    rejected: int = 0
    """Rows that could not be read."""

    def as_json(self) -> dict[str, object]:
        """The entry as clients see it."""
        return {
            "source": self.source,
            "department": self.department,
            "recordType": self.record_type,
            "state": self.state,
            "reason": self.reason,
            "latencyMs": self.latency_ms,
            "rejected": self.rejected,
        }


@dataclass(slots=True)
class Report:
    """What leaves in `extensions`: the state of each source, and denied and masked paths."""

    sources: list[SourceReport] = field(default_factory=list)
    batches: list[tuple[str, tuple[SubjectKey, ...]]] = field(default_factory=list)
    """Ids under which several requests asked as one, and about whom this one did."""
    denied: frozenset[ResponsePath] = frozenset()
    masked: frozenset[ResponsePath] = frozenset()

    def batches_of(self, key: SubjectKey) -> tuple[str, ...]:
        """Ids of batches in which this subject was asked about; told to the audit alone."""
        return tuple(sorted({batch for batch, keys in self.batches if key in keys}))

    def withhold(self, denied: frozenset[ResponsePath], masked: frozenset[ResponsePath]) -> None:
        """These paths too; the first are taken as they are, and so keep their hash."""
        self.denied = self.denied | denied if self.denied else denied
        self.masked = self.masked | masked if self.masked else masked

    def as_extensions(self) -> dict[str, object]:
        """`extensions.sources` and `extensions.authorization`; paths are dotted response keys."""
        return {
            "sources": [entry.as_json() for entry in self.sources],
            "authorization": {
                "denied": _dotted(self.denied),
                "masked": _dotted(self.masked),
            },
        }


@lru_cache(256)
def _dotted(paths: frozenset[ResponsePath]) -> tuple[str, ...]:
    return tuple(sorted(".".join(path) for path in paths))


@dataclass(slots=True)
class RequestContext:
    """One operation: who asks, under which one grant, and what came of it."""

    services: Services
    actor: Actor
    query: Query
    """The operation as the audit names it."""
    walk: Walk
    """The document, its fragments and variables."""
    plan: OperationPlan
    grant: Grant | None
    """The operation's one grant; None when it selects nothing that needs one."""
    payer: str = ""
    """Whose quota of the public channel is used: a client's or an address's."""
    ticket: Ticket | None = None
    """The DPoP proof that the first intent uses up."""
    assertion: Ticket | None = None
    """The operator assertion of a statutory grant, likewise; a refusal before the intent uses it up too."""
    kind: EventKind = EventKind.READ
    """As what a refusal of the operation is recorded."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What was read for each root field, by response key (`resolvers.roots`)."""
    left: str = ""
    """Why graphql-core prints something of it: for its document or for a value."""
    report: Report = field(default_factory=Report)
    started: datetime = field(default_factory=lambda: datetime.now(CHINA_TIME))

    @property
    def request_id(self) -> str:
        """Travels to the departments, so that they can tell who asked."""
        return self.query.request_id
