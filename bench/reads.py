"""Reads as the audit log records them: two events about one person, and what is counted with each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from authz.audit import (
    AuditLog,
    Entry,
    EventKind,
    Intent,
    Outcome,
    PlannedRead,
    Query,
    ReadResult,
    Result,
    SourceStatus,
)
from authz.case_use import CaseUse
from authz.consent.use import ConsentUse
from authz.grants import Consent, Statutory
from authz.policy import decision_table
from authz.store import Store
from bench.consents import consented
from bench.persons import person
from catalogue.identifiers import SubjectKey, SubjectKind
from gateway.deployment import Deployment

_QUERY: Final = Query("Bench", "sha256:" + "0" * 64, "0" * 32)


@dataclass(frozen=True, slots=True)
class Read:
    """One read before it happens."""

    event: Intent
    intended: Sequence[Entry] = ()
    """Counted with the intent."""
    concluded: Sequence[Entry] = ()
    """Looked at with the outcome."""


Reads: TypeAlias = Callable[[int], Read]
"""The read of a number: no two are about the same person."""


def subject_of(number: int) -> SubjectKey:
    """Far apart, or the guard would see numbers in sequence."""
    return SubjectKey.person(person(number * 997).number)


def of_officer(gateway: Deployment, grant: Statutory, *, counted: bool) -> Reads:
    """The bench's question in a case; counted are subjects of the client and of the case, and repeats."""
    reads = _planned(gateway, grant, grant.mandate.record_types)
    cases = CaseUse(gateway.references)

    def read(number: int) -> Read:
        subject = subject_of(number)
        case = replace(grant, case_no=f"BENCH-2026-{number:04d}")
        event = Intent(EventKind.CHECK, case, _QUERY, reads, subject)
        if not counted:
            return Read(event)
        return Read(event, (gateway.guard.entering(case, subject), cases.counting(case, subject)))

    return read


async def of_bank(gateway: Deployment, store: Store, now: datetime, many: int) -> Reads:
    """Loans, on a consent of each person: counted are subjects of the client, and the consent's only use."""
    use = ConsentUse(store, gateway.references, gateway.signer, gateway.catalogue)
    grants = await consented(gateway, store, use, [subject_of(number) for number in range(many)], now)
    reads = _planned(gateway, grants[0], grants[0].items)

    def read(number: int) -> Read:
        grant = grants[number]
        event = Intent(EventKind.READ, grant, _QUERY, reads, grant.subject)
        intended = (gateway.guard.entering(grant, grant.subject), use.counting(grant))
        return Read(event, intended, (use.holding(grant),))

    return read


def recorder(log: AuditLog, reads: Reads) -> Callable[[int], Awaitable[None]]:
    """Records a read, and an answer of a record of each type."""

    async def record(number: int) -> None:
        read = reads(number)
        ref = await log.intent(read.event, *read.intended)
        results = [
            ReadResult(
                each.record_type, each.department, each.department, SourceStatus.OK, (f"row-{number}",)
            )
            for each in read.event.reads
        ]
        await log.outcome(ref, Outcome(Result.PERMIT, tuple(results)), *read.concluded)

    return record


def _planned(
    gateway: Deployment, grant: Statutory | Consent, codes: Iterable[str]
) -> tuple[PlannedRead, ...]:
    types = [gateway.catalogue.record_types[code] for code in codes]
    about = grant.subject if isinstance(grant, Consent) else None
    table = decision_table(grant, types, SubjectKind.NATURAL_PERSON, personal=True, subject=about)
    return tuple(PlannedRead(each.code, each.department, table[each.code].readable) for each in types)
