"""Audit events as the review of use reads them: who and when. Never a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from catalogue.values import CHINA_TIME

_OWN = frozenset({"SELF", "PUBLIC"})


@dataclass(frozen=True, slots=True)
class Use:
    """One intent or refusal of a known client."""

    phase: str
    at: datetime
    client_id: str
    organization: str
    operator: str
    reviewed: bool
    """Whether it is the read of another's record, on a mandate or a consent."""

    @property
    def denied(self) -> bool:
        """Whether it was refused before anybody was asked."""
        return self.phase == "DENIAL"


def use_of(payload: bytes | None) -> Use | None:
    """The use in a leaf; None for outcomes, counts, acts, and what was erased."""
    event: Any = orjson.loads(payload) if payload else {}
    if event.get("phase") not in ("INTENT", "DENIAL"):
        return None
    agent = event["agent"]
    basis = event.get("authorization", {}).get("basis")
    return Use(
        phase=event["phase"],
        at=datetime.fromisoformat(event["recordedAt"]).astimezone(CHINA_TIME),
        client_id=agent["clientId"],
        organization=agent["orgUscc"],
        operator=agent["operatorRef"],
        reviewed=basis is not None and basis not in _OWN,
    )
