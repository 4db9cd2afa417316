"""The register of mandates on a throwaway store: who acts, and how processes know of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from authz.audit import AuditLog
from authz.mandates import MandateRegister
from authz.register.acts import Register
from authz.register.live import LiveRegister
from authz.store import Store
from catalogue.loader import load_catalogue
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import KEYS, ORIGIN
from tests.support.policy_matrix import OFFICER

CATALOGUE = load_catalogue()
WHEN = datetime(2026, 6, 1, 9, 30, tzinfo=CHINA_TIME)
ENTRY: dict[str, Any] = {
    "id": "M-HR-S04",
    "authority": OFFICER.organization,
    "scenario": "S04",
    "recordTypes": {"P-RS-02": None, "P-FY-01": ["caseNo", "court"]},
    "casePattern": "RSKS-20[0-9]{2}-[0-9]{4}",
    "legalBasis": ["公务员法第26条第4项"],
    "validFrom": date(2026, 1, 1),
    "validUntil": date(2027, 12, 31),
}


@dataclass
class Timer:
    """A process's own clock, which only a test moves."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Office:
    """One process of the credit office or of the gateway, on a shared store."""

    store: Store
    audit: AuditLog
    register: Register
    live: LiveRegister
    timer: Timer = field(default_factory=Timer)

    async def leaves(self) -> list[dict[str, Any]]:
        """Every act as the audit log has it."""
        events = [leaf.event async for leaf in self.audit.read()]
        return [event for event in events if event["phase"] == "REGISTER"]


@asynccontextmanager
async def office(url: str, filed: MandateRegister | None = None) -> AsyncIterator[Office]:
    """A process with its own connections."""
    mandates = filed or MandateRegister()
    timer = Timer()
    async with Store(url) as store, AuditLog(store, KEYS, ORIGIN, clock=lambda: WHEN) as audit:
        register = Register(store, audit, CATALOGUE, mandates, clock=lambda: WHEN)
        yield Office(store, audit, register, LiveRegister(store, CATALOGUE, mandates, timer), timer)
