"""Cases on a throwaway store, without HTTP: the person's register, the desk, the overlay, and their clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from authz import outbox
from authz.actors import Actor, ActorKind
from authz.audit import AuditLog
from authz.cases.clocks import Terms
from authz.cases.desk import CaseDesk, Verdict
from authz.cases.overlay import Overlay
from authz.cases.register import CaseRegister, Filing, Target
from authz.cases.sealed import Seal
from authz.cases.states import Act, Kind, Reason
from authz.cases.tables import Case
from authz.consent.representation import Caller
from authz.keys import KeyRing
from authz.outbox import Notice, Recipient
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from tests.support.audit_logs import ORIGIN
from tests.support.authz_parties import demo_keys, person
from tests.support.consents import QUERY, Clock, Registered, citizen

STEWARD = Actor(ActorKind.STEWARD, "court-steward", operator="op-0201", department="FY")
OFFICE = Actor(ActorKind.OPERATOR, "credit-office", operator="op-0301")
AUDITOR = Actor(ActorKind.AUDITOR, "audit-office", operator="op-0401")
DEBT = Target("court", "1", "P-FY-01", "FY", ("〔2026〕测01号", "测试区人民法院"), adverse=True)
DEFAULT = load_catalogue().localities["default"]
OBJECTION = Filing(Kind.OBJECTION, Reason.FACT_WRONG, "款项已经付清。")


@dataclass
class Hall:
    """Everything cases need, on one store."""

    store: Store
    audit: AuditLog
    references: References
    register: CaseRegister
    desk: CaseDesk
    overlay: Overlay
    registered: Registered
    clock: Clock = field(default_factory=Clock)

    def caller(self, who: SubjectKey | None = None) -> Caller:
        return Caller(citizen(who or person()), QUERY)

    async def filed(
        self, filing: Filing = OBJECTION, target: Target = DEBT, who: SubjectKey | None = None, **more: Any
    ) -> Case:
        return await self.register.file(self.caller(who), who or person(), replace(filing, **more), target)

    async def decided(self, case: Case, outcome: Act, actor: Actor = STEWARD, **more: Any) -> Case:
        verdict = Verdict(outcome, "经核查，情况属实。", **more)
        return await self.desk.decide(actor, QUERY, case.id, verdict)

    async def told(self, to: Recipient) -> list[Notice]:
        async with self.store.reading() as connection:
            return await outbox.after(connection, 0, [to])


@asynccontextmanager
async def hall(
    url: str,
    keys: KeyRing | None = None,
    clock: Clock | None = None,
    terms: Terms = lambda _: DEFAULT.objection,
) -> AsyncIterator[Hall]:
    keys = keys or demo_keys()
    ticking = clock or Clock()
    references, seal, registered = References(keys), Seal(keys), Registered()
    async with Store(url) as store, AuditLog(store, keys, ORIGIN) as audit:
        register = CaseRegister(store, audit, references, seal, registered, clock=ticking)
        desk = CaseDesk(store, audit, references, seal, terms, clock=ticking)
        yield Hall(
            store, audit, references, register, desk, Overlay(store, references, seal), registered, ticking
        )
