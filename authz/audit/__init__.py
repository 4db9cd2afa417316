"""The proof of every read: a durable, append-only Merkle log, written before anything is answered."""

from authz.audit.appender import Act
from authz.audit.case_act import CaseAct
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
from authz.audit.human_act import HumanAct
from authz.audit.leaves import Leaf
from authz.audit.ledgers import Entry, Ledger, settle
from authz.audit.list_act import ListAct
from authz.audit.log import AuditLog, IntentRef
from authz.audit.manual import ManualCheck
from authz.audit.operations import UNANSWERED, Operation, Wanted, operation_at, operations
from authz.audit.proofs import ConsistencyProof, InclusionProof, ProofRefused
from authz.audit.verification import Fault, FaultKind, Verification

__all__ = [
    "IMMEDIATE",
    "UNANSWERED",
    "Act",
    "AuditLog",
    "CaseAct",
    "Checkpoint",
    "CheckpointInvalid",
    "ConsentAct",
    "ConsistencyProof",
    "Count",
    "Denial",
    "Entry",
    "EventKind",
    "Fault",
    "FaultKind",
    "HumanAct",
    "InclusionProof",
    "Intent",
    "IntentRef",
    "Leaf",
    "Ledger",
    "ListAct",
    "ManualCheck",
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
    "operation_at",
    "operations",
    "settle",
    "visibility_of",
]
