"""How a mandate is used in a case: subjects are counted, and who asks again says why (domain.md §4.6).

Both are settled in the transaction of the intent, so they hold under concurrency and across
processes: what is refused is not in the log as a read, and no source is asked. Subjects are
the audit's keyed hashes; no id is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    Index,
    Integer,
    String,
    Table,
    case,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import Within
from authz.errors import AccessDenied
from authz.grants import Statutory
from authz.references import References
from authz.store import metadata
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME

REPEAT_WITHIN: Final = timedelta(days=30)
"""A second query in this time needs a reason."""
SAME_USE: Final = timedelta(minutes=10)
"""Operations of one case within this time, such as pages, are one query (as with consents, ruling 6)."""

case_subject: Final = Table(
    "case_subject",
    metadata,
    Column("mandate", String(64), primary_key=True),
    Column("case_no", String(64), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("until", Date, nullable=False, index=True),
)
officer_query: Final = Table(
    "officer_query",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("organization", String(18), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("mandate", String(64), nullable=False),
    Column("case_no", String(64), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Index("ix_officer_query_who", "subject", "organization", "operator"),
)


def _now() -> datetime:
    return datetime.now(CHINA_TIME)


class CaseUse:
    """Counts the subjects of a case, and remembers for thirty days which officer asked about whom."""

    def __init__(self, references: References, *, clock: Callable[[], datetime] = _now) -> None:
        self._references = references
        self._clock = clock

    def counting(self, grant: Statutory, subject: SubjectKey) -> Within:
        """For the intent's transaction: AccessDenied for one subject too many, or an unexplained repeat."""

        async def count(connection: AsyncConnection) -> None:
            if grant.declared is None:
                raise AccessDenied(
                    "REASON_CODE_REQUIRED", "Give `access.reasonCode`: why the read is needed."
                )
            now = self._clock()
            known = self._references.audit_refs(subject)
            await _remember(connection, grant, known, self._references.audit_ref(subject), now)
            await _count(connection, grant, known, self._references.audit_ref(subject), now)

        return count


async def _remember(
    connection: AsyncConnection, grant: Statutory, known: tuple[str, ...], subject: str, now: datetime
) -> None:
    """Note a query of this officer, unless it belongs to the last; AccessDenied where it needs a reason."""
    this_case = (officer_query.c.mandate == grant.mandate.id) & (officer_query.c.case_no == grant.case_no)
    recent = (
        officer_query.c.subject.in_(known),
        officer_query.c.organization == grant.actor.organization,
        officer_query.c.operator == grant.actor.staff,
        officer_query.c.at > _millis(now - REPEAT_WITHIN),
    )
    found = select(
        func.max(officer_query.c.at).label("last"),
        func.max(case((this_case, officer_query.c.at))).label("here"),
    ).where(*recent)
    row = (await connection.execute(found)).one()
    if row.here is not None and row.here > _millis(now - SAME_USE):
        return
    if row.last is not None and (grant.declared is None or grant.declared.repeat is None):
        raise AccessDenied(
            "REPEAT_REASON_REQUIRED",
            "You asked about this subject within 30 days. Give `access.repeatReason` and `repeatNote`.",
        )
    over = officer_query.c.at <= _millis(now - REPEAT_WITHIN)
    await connection.execute(delete(officer_query).where(over))
    await connection.execute(
        insert(officer_query).values(
            organization=grant.actor.organization,
            operator=grant.actor.staff,
            subject=subject,
            mandate=grant.mandate.id,
            case_no=grant.case_no,
            at=_millis(now),
        )
    )


async def _count(
    connection: AsyncConnection, grant: Statutory, known: tuple[str, ...], subject: str, now: datetime
) -> None:
    """Count a subject that is new to the case; AccessDenied where the case has as many as it may."""
    this_case = (case_subject.c.mandate == grant.mandate.id, case_subject.c.case_no == grant.case_no)
    here: ColumnElement[int] = case((case_subject.c.subject.in_(known), 1))
    row = (
        await connection.execute(
            select(func.count().label("subjects"), func.count(here).label("this")).where(*this_case)
        )
    ).one()
    if row.this:
        return
    if row.subjects >= grant.mandate.subjects_per_case:
        raise AccessDenied(
            "CASE_SUBJECTS_EXCEEDED",
            "The case has as many subjects as its mandate allows. Open a case for the others.",
        )
    await connection.execute(delete(case_subject).where(case_subject.c.until < now.date()))
    await connection.execute(
        insert(case_subject).values(
            mandate=grant.mandate.id,
            case_no=grant.case_no,
            subject=subject,
            until=grant.mandate.valid_until,
        )
    )


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)
