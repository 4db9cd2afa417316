"""Consents on a throwaway store, without HTTP: a register, its clock, and who acts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, EventKind, Intent, PlannedRead, Query
from authz.clients import ClientRegister
from authz.consent.artefact import Capacity, Confirmation
from authz.consent.drafting import Choice
from authz.consent.register import ConsentRegister
from authz.consent.representation import Caller
from authz.consent.signing import Signer
from authz.consent.tables import Record
from authz.consent.token_scope import TYPE, of_token
from authz.consent.use import Claim, ConsentUse
from authz.grants import Consent
from authz.keys import KeyRing
from authz.references import References
from authz.review.terms import AskingTerms, UseTerms
from authz.store import Store
from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue, ConsentLimits
from catalogue.values import Period
from tests.support.audit_logs import ORIGIN
from tests.support.authz_parties import NOW, client, demo_keys, entity, person

BANK = Actor(ActorKind.PARTNER, "sample-bank", organization=entity().value)
QUERY = Query("Loan", "sha256:abcd", "req-1")
READ = PlannedRead("P-FY-01", "FY", frozenset({"court"}))
CONFIRMED = frozenset({Confirmation.GENERAL, Confirmation.THIRD_PARTY_PROVISION})


@cache
def generous() -> Catalogue:
    """The shipped catalogue, but S17 allows a year of twelve uses."""
    shipped = load_catalogue()
    limits = ConsentLimits(validity=Period(years=1), data_life=Period(days=90), max_uses=12)
    wide = shipped.scenarios["S17"].model_copy(update={"consent": limits})
    return shipped.model_copy(update={"scenarios": {**shipped.scenarios, "S17": wide}})


@dataclass
class Clock:
    """Time as a test wants it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **by: int) -> None:
        self.now += timedelta(**by)


def citizen(who: SubjectKey, *, step_up: bool = True) -> Actor:
    return Actor(ActorKind.PERSON, "citizen-app", subject=who, step_up=step_up)


def terms(**changes: Any) -> dict[str, Any]:
    return {
        "purpose": {
            "scenario_code": "S17",
            "reason_code": "LOAN_APPROVAL",
            "text": "用于审查本人提交的经营贷款申请",
            "case_no": "LN-1",
        },
        "authorization_details": [
            {"record_type": "P-FY-01", "named": ["caseNo", "court"], "level": "MASKED"},
        ],
        "data_life": {"unit": "DAY", "value": 30},
        **changes,
    }


TWELVE: dict[str, Any] = {
    "fetch_type": "PERIODIC",
    "frequency": {"unit": "DAY", "value": 12},
    "max_uses": 12,
}


class Registered:
    """Who may act for whom, as a department would know it."""

    def __init__(self) -> None:
        self.known: set[tuple[Capacity, SubjectKey, SubjectKey]] = set()

    async def confirm(self, capacity: Capacity, represented: SubjectKey, caller: Caller) -> str | None:
        assert caller.actor.subject is not None
        return "MZ" if (capacity, represented, caller.actor.subject) in self.known else None


@dataclass
class Bench:
    """Everything consents need, on one store."""

    store: Store
    audit: AuditLog
    register: ConsentRegister
    use: ConsentUse
    clients: ClientRegister
    references: References
    registered: Registered
    clock: Clock = field(default_factory=Clock)

    async def asked(self, who: SubjectKey | None = None, *, days: int = 7, **changes: Any) -> Record:
        return await self.register.request(Caller(BANK, QUERY), terms(**changes), days, who or person())

    def choice(
        self, record: Record, confirmed: frozenset[Confirmation] = CONFIRMED, **changes: Any
    ) -> Choice:
        given = {
            "items": None,
            "confirmed": confirmed,
            "notice_sha256": self.register.notice(record).sha256,
        }
        return Choice(**(given | changes))

    async def given(self, who: SubjectKey | None = None, *, days: int = 7, **changes: Any) -> Record:
        record = await self.asked(who, days=days, **changes)
        caller = Caller(citizen(who or person()), QUERY)
        return await self.register.give(caller, record.id, self.choice(record))

    async def grant(self, record: Record, key: str | None = None) -> Consent:
        bound = replace(BANK, consent=of_token([{"type": TYPE, "consentId": record.id}]))
        return await self.use.grant(bound, Claim(record.id, "S17", "LN-1", "贷款审查", key))

    async def use_once(self, record: Record, key: str | None = None) -> Consent:
        """As a read does: the intent and the use in one transaction."""
        grant = await self.grant(record, key)
        intent = Intent(EventKind.READ, grant, QUERY, (READ,), grant.subject)
        await self.audit.intent(intent, self.use.counting(grant))
        return grant

    async def uses(self, record: Record) -> int:
        found = await self.register.find(BANK, record.id)
        assert found is not None
        return found.uses


@asynccontextmanager
async def bench(
    url: str,
    keys: KeyRing | None = None,
    clock: Callable[[], datetime] | None = None,
    asking: AskingTerms | None = None,
) -> AsyncIterator[Bench]:
    keys = keys or demo_keys()
    ticking = clock or Clock()
    references, signer, catalogue = References(keys), Signer(keys), generous()
    registered = Registered()
    use = UseTerms(asking=asking or AskingTerms(waiting=1_000, in_30_days=1_000))
    bank = client("sample-bank", ActorKind.PARTNER, organization=entity().value, use=use)
    clients = ClientRegister([bank, client()])
    async with Store(url) as store, AuditLog(store, keys, ORIGIN) as audit:
        register = ConsentRegister(
            store, audit, references, signer, catalogue, clients, "default", registered, clock=ticking
        )
        use = ConsentUse(store, references, signer, catalogue, clock=ticking)
        yield Bench(store, audit, register, use, clients, references, registered, ticking)  # type: ignore[arg-type]
