"""The proof of every read: a durable, append-only, hash-chained log, written before anything is answered."""

from authz.audit.appender import Within
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
    Result,
    SourceStatus,
    Visibility,
)
from authz.audit.leaves import Leaf
from authz.audit.log import AuditLog, IntentRef
from authz.audit.verification import Fault, FaultKind, Verification

__all__ = [
    "IMMEDIATE",
    "AuditLog",
    "ConsentAct",
    "Count",
    "Denial",
    "EventKind",
    "Fault",
    "FaultKind",
    "Intent",
    "IntentRef",
    "Leaf",
    "Origin",
    "Outcome",
    "PlannedRead",
    "Query",
    "ReadResult",
    "Result",
    "SourceStatus",
    "Verification",
    "Visibility",
    "Within",
]
