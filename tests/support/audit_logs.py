"""An audit log on a throwaway database, and events to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, EventKind, Intent, Origin, Outcome, PlannedRead, Query, ReadResult, Result
from authz.audit.events import SourceStatus
from authz.declarations import Declared, ReasonCode
from authz.grants import Mandate, Statutory
from authz.keys import KeyRing
from authz.references import References
from authz.store import Store
from tests.support.authz_parties import demo_keys, entity, person

KEYS = demo_keys()
REFERENCES = References(KEYS)
ORIGIN = Origin("gw-990100", "n1", "p-1", "c-1")
QUERY = Query("TitleReview", "sha256:abcd", "req-1")
OFFICER = Actor(
    ActorKind.OFFICER,
    "hr-approval",
    organization=entity("11").value,
    organization_name="示例县人力资源和社会保障局",
    operator="op-0087",
)
GRANT = Statutory(
    OFFICER,
    Mandate(
        id="M-HR-01",
        authority=OFFICER.organization,
        scenario="S02",
        record_types={"P-FY-01": None},
        case_pattern=r"ZC-\d{4}-\d{4}",
        legal_basis=("示例职称评审办法 第十条",),
        valid_from=date(2026, 1, 1),
        valid_until=date(2027, 12, 31),
        approved_by=("op-1", "op-2"),
    ),
    case_no="ZC-2026-0001",
    purpose="职称评审",
    declared=Declared(ReasonCode.QUALIFICATION_REVIEW),
)
READ = PlannedRead("P-FY-01", "FY", frozenset({"court", "caseNo"}), frozenset({"caseNo"}))


def intent(serial: int = 1, **changes: Any) -> Intent:
    fields: dict[str, Any] = {
        "kind": EventKind.CHECK,
        "grant": GRANT,
        "query": QUERY,
        "reads": (READ,),
        "subject": person(serial),
    }
    return Intent(**(fields | changes))


def outcome(**changes: Any) -> Outcome:
    found = ReadResult("P-FY-01", "FY", "court", SourceStatus.OK, ("row-17", "row-18"))
    return Outcome(**({"result": Result.PERMIT, "reads": (found,), "suppressed": 3} | changes))


@asynccontextmanager
async def audit_log(
    url: str,
    *,
    keys: KeyRing = KEYS,
    store_patience: float = 30.0,
    patience: float = 30.0,
    **options: Any,
) -> AsyncIterator[AuditLog]:
    async with (
        Store(url, patience=store_patience) as store,
        AuditLog(store, keys, ORIGIN, patience=patience, **options) as log,
    ):
        yield log
