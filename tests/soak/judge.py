"""Whether an answer is a right one, given what was happening to whom.

A section is right when it is the whole truth (equal to what was answered before anything went
wrong) or says that it is not: a state that is not OK, no records, and an entry in `errors`. And it
must be the whole truth where nothing was wrong with its department.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SILENT = frozenset({"UNAVAILABLE", "TIMEOUT", "BUSY"})
"""States in which a section may be while its department is in trouble."""


NEVER = -1e9


@dataclass
class Trouble:
    """When which department had a fault; times of a clock that never runs backwards."""

    grace: float
    """Seconds after a fault in which the breaker may still be open."""
    since: dict[str, float] = field(default_factory=dict)
    until: dict[str, float] = field(default_factory=dict)
    starved: float = NEVER
    """When the gateway last had no processor: deadlines then end questions to healthy departments too."""

    def begin(self, source: str) -> None:
        self.since[source] = time.monotonic()

    def end(self, source: str) -> None:
        del self.since[source]
        self.until[source] = time.monotonic()

    def during(self, source: str, asked_at: float) -> bool:
        """Whether the source may have been in trouble at any time since `asked_at`."""
        return source in self.since or self.settles(source) > asked_at

    def settles(self, source: str) -> float:
        """From when on the source must be answered, if nothing else happens to it."""
        return max(self.until.get(source, NEVER), self.starved) + self.grace


@dataclass
class Verdicts:
    """Counts, and the first violations in words that hold no value."""

    sections: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    unexplained: Counter[str] = field(default_factory=Counter)
    """Why sections were not answered although nothing was wrong with their department."""

    def violated(self, what: str) -> None:
        if len(self.violations) < 20:
            self.violations.append(what)


def judge(
    verdicts: Verdicts,
    truth: Mapping[str, Any],
    told: Mapping[str, Any],
    faulted: frozenset[str],
    troubled: frozenset[str],
) -> None:
    """One answer by record type, beside the types that have an error and those that may be in trouble."""
    for code, section in told.items():
        state = section["state"]
        verdicts.sections[state] += 1
        if section == truth[code]:
            continue
        if state in ("OK", "PARTIAL"):
            verdicts.violated(f"{code}: {state} with other records than the truth")
        elif state not in SILENT:
            verdicts.violated(f"{code}: state {state}")
        elif section["records"] is not None:
            verdicts.violated(f"{code}: {state} with records")
        elif code not in faulted:
            verdicts.violated(f"{code}: {state} without an error")
        elif code not in troubled:
            verdicts.unexplained[f"{code} {state} {section['reason']}"] += 1
