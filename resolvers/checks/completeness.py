"""Whether a check is whole, and what makes it so. Where it is mandatory, nobody goes on without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from resolvers.checks.findings import Finding, Findings, Found


class Step(StrEnum):
    """What to do about a record type that is not known."""

    ASK_AGAIN = "ASK_AGAIN"
    CHECK_BY_HAND = "CHECK_BY_HAND"


@dataclass(frozen=True, slots=True)
class Task:
    """One record type without an answer."""

    finding: Finding
    step: Step


def tasks(findings: Findings) -> Iterator[Task]:
    """What is left to do about one subject; a source that may come back is asked again first."""
    for finding in findings.values():
        if finding.result is Found.UNKNOWN:
            yield Task(finding, Step.ASK_AGAIN if finding.retryable else Step.CHECK_BY_HAND)
