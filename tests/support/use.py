"""The review of use on a throwaway store: a guard, a watch and a desk with a clock of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from stdnum.iso7064 import mod_11_2

from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, Denial, EventKind, IntentRef, Outcome, Result
from authz.clients import ClientRegister
from authz.errors import AccessDenied
from authz.keys import KeyRing
from authz.references import References
from authz.review.desk import Desk, Reviewer
from authz.review.guard import UseGuard
from authz.review.watch import Watch
from authz.store import Store
from catalogue.identifiers import SubjectKey
from tests.support.audit_logs import GRANT, KEYS, OFFICER, ORIGIN, QUERY, intent
from tests.support.authz_parties import NOW, client, person

BOUNDLESS: dict[str, Any] = {
    "subjects": {"perMinute": 10**9, "perHour": 10**9, "perDay": 10**9},
    "denials": {"perMinute": 10**9, "perHour": 10**9, "perDay": 10**9},
    "asking": {"waiting": 10**9, "in30Days": 10**9},
    "lockout": {"operatorFailures": 10**9, "clientFailures": 10**9},
    "alarms": {"denialsPerHour": 10**9, "readsOutOfHours": 10**9},
}
"""A suite asks more than a client in its right mind."""
REVIEWER, SECOND = Reviewer("rv-0001", "audit-office"), Reviewer("rv-0002", "audit-office")


def quota(number: int, **spans: int) -> dict[str, int]:
    """So many in each span, some of them otherwise."""
    return {"perMinute": number, "perHour": number, "perDay": number} | spans


def number(index: int, division: str = "990101", born: str = "19900307") -> SubjectKey:
    """The person with this sequence number on one day of one division."""
    body = f"{division}{born}{index:03d}"
    return SubjectKey.person(body + mod_11_2.calc_check_digit(body))


@dataclass
class Clock:
    now: datetime = NOW

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Office:
    """Clients that use the gateway, and whoever watches them."""

    store: Store
    audit: AuditLog
    guard: UseGuard
    watch: Watch
    desk: Desk
    clock: Clock
    told: list[str] = field(default_factory=list)

    async def read(self, key: SubjectKey | None = None, actor: Actor = OFFICER) -> IntentRef:
        """One intent, as a read makes it; raises what the guard raises."""
        key = key or person()
        grant = replace(GRANT, actor=actor)
        return await self.audit.intent(intent(grant=grant, subject=key), self.guard.entering(grant, key))

    async def reads(self, keys: Iterable[SubjectKey], actor: Actor = OFFICER) -> list[str]:
        """How a row of reads ended: `read`, or the code of the refusal, which is recorded too."""
        return [await self._read(key, actor) for key in keys]

    async def _read(self, key: SubjectKey, actor: Actor) -> str:
        try:
            await self.read(key, actor)
        except AccessDenied as refusal:
            await self.deny(refusal.code, actor, key)
            return refusal.code
        return "read"

    async def mistake(self, actor: Actor = OFFICER) -> IntentRef:
        """A read of somebody who cannot be confirmed."""
        ref = await self.read(actor=actor)
        failed = Outcome(Result.DENY, codes=("SUBJECT_NOT_CONFIRMED",))
        await self.audit.outcome(ref, failed, self.guard.unconfirmed(actor, ref.index))
        return ref

    async def deny(
        self, code: str = "CASE_NUMBER_INVALID", actor: Actor = OFFICER, key: SubjectKey | None = None
    ) -> None:
        event = Denial(EventKind.READ, actor, QUERY, (code,))
        await self.audit.denial(event, self.guard.refused(actor, key, code))

    async def events(self, phase: str) -> list[dict[str, Any]]:
        leaves = [leaf.event async for leaf in self.audit.read()]
        return [event for event in leaves if event["phase"] == phase]


@asynccontextmanager
async def office(
    url: str, clock: Clock | None = None, keys: KeyRing = KEYS, **use: Any
) -> AsyncIterator[Office]:
    """An office over a store, where the officer's client (and a bank) has these terms of use."""
    clock = clock or Clock()
    bank = client("sample-bank", ActorKind.PARTNER, use=use)
    clients = ClientRegister([client(use=use), client("other-approval", use=use), bank])
    async with (
        Store(url, patience=30.0) as store,
        AuditLog(store, keys, ORIGIN, clock=clock, patience=30.0) as audit,
    ):
        watch = Watch(store, audit, clients, clock=clock)
        guard = UseGuard(clients, References(keys), clock)
        made = Office(store, audit, guard, watch, Desk(store, audit, clock=clock), clock)
        watch.observers.append(made.told.append)
        await watch.look()
        yield made
