"""The proof of every read: a durable, append-only Merkle log, written before anything is answered."""

from authz.audit.appender import Within, together
from authz.audit.checkpoints import Checkpoint, CheckpointInvalid
from authz.audit.counters import Count
from authz.audit.events import (
    IMMEDIATE,
    ConsentAct,
    Denial,
    EventKind,
    Intent,
    Origin,
    Outcome,
    PlannedRead,
    Query,
    ReadResult,
    RegisterAct,
    Result,
    ReviewAct,
    SourceStatus,
    TokenIssued,
    Visibility,
    visibility_of,
)
from authz.audit.leaves import Leaf
from authz.audit.log import AuditLog, IntentRef
from authz.audit.operations import UNANSWERED, Operation, Wanted, operation_at, operations
from authz.audit.proofs import ConsistencyProof, InclusionProof, ProofRefused
from authz.audit.verification import Fault, FaultKind, Verification

__all__ = [
    "IMMEDIATE",
    "UNANSWERED",
    "AuditLog",
    "Checkpoint",
    "CheckpointInvalid",
    "ConsentAct",
    "ConsistencyProof",
    "Count",
    "Denial",
    "EventKind",
    "Fault",
    "FaultKind",
    "InclusionProof",
    "Intent",
    "IntentRef",
    "Leaf",
    "Operation",
    "Origin",
    "Outcome",
    "PlannedRead",
    "ProofRefused",
    "Query",
    "ReadResult",
    "RegisterAct",
    "Result",
    "ReviewAct",
    "SourceStatus",
    "TokenIssued",
    "Verification",
    "Visibility",
    "Wanted",
    "Within",
    "operation_at",
    "operations",
    "together",
    "visibility_of",
]
