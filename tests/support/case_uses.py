"""Officers who use a mandate in cases, on a throwaway store and without HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from authz.audit import AuditLog
from authz.case_use import CaseUse
from authz.declarations import Declared, ReasonCode, Repeat, RepeatReason
from authz.grants import Mandate, Statutory
from authz.keys import KeyRing
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey
from tests.support.audit_logs import GRANT, ORIGIN, intent

MANDATE: Mandate = replace(GRANT.mandate, subjects_per_case=5)
AGAIN = Declared(ReasonCode.SUPERVISION, Repeat(RepeatReason.NEW_MATERIAL, "补充材料"))


@dataclass
class Desk:
    """One process in which officers ask."""

    store: Store
    audit: AuditLog
    case_use: CaseUse

    async def ask(
        self,
        subject: SubjectKey,
        *,
        case_no: str = "ZC-2026-0001",
        operator: str = "op-0087",
        declared: Declared | None = GRANT.declared,
        mandate: Mandate = MANDATE,
    ) -> None:
        """The intent of one read; raises as `CaseUse.counting` does."""
        actor = replace(GRANT.actor, operator=operator)
        grant: Statutory = replace(GRANT, actor=actor, case_no=case_no, declared=declared, mandate=mandate)
        await self.audit.intent(intent(grant=grant, subject=subject), self.case_use.counting(grant, subject))

    async def intents(self) -> list[dict[str, object]]:
        return [leaf.event["authorization"] async for leaf in self.audit.read()]


@asynccontextmanager
async def desk(url: str, keys: KeyRing, clock: Callable[[], datetime]) -> AsyncIterator[Desk]:
    async with Store(url) as store, AuditLog(store, keys, ORIGIN, clock=clock) as audit:
        yield Desk(store, audit, CaseUse(References(keys), clock=clock))
