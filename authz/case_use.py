"""How a mandate is used in a case: subjects are counted, and who asks again says why (domain.md §4.6).

Both are settled in the transaction of the intent, so they hold under concurrency and across
processes: what is refused is not in the log as a read, and no source is asked. Subjects are
the audit's keyed hashes; no id is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
)

from authz.audit import Entry, Ledger
from authz.errors import AccessDenied
from authz.given import given
from authz.grants import Statutory
from authz.moments import millis, now_in_china
from authz.prepared import Prepared
from authz.references import References
from authz.store import metadata
from catalogue.identifiers import SubjectKey

REPEAT_WITHIN: Final = timedelta(days=30)
"""A second query in this time needs a reason."""
SAME_USE: Final = timedelta(minutes=10)
"""Operations of one case within this time, such as pages, are one query (as with consents, ruling 6)."""

_Case: TypeAlias = tuple[str, str]
"""Mandate and case number."""
_Who: TypeAlias = tuple[str, str, str]
"""Subject, organization and operator."""

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


_THIS: Final = (officer_query.c.subject, officer_query.c.organization, officer_query.c.operator)
_ASKED: Final = Prepared(
    select(*_THIS, officer_query.c.mandate, officer_query.c.case_no, func.max(officer_query.c.at).label("at"))
    .where(tuple_(*_THIS).in_(given("asked", 3)), officer_query.c.at > bindparam("since"))
    .group_by(*_THIS, officer_query.c.mandate, officer_query.c.case_no)
)
_CASE: Final = (case_subject.c.mandate, case_subject.c.case_no)
_SIZES: Final = Prepared(
    select(*_CASE, func.count().label("subjects"))
    .where(tuple_(*_CASE).in_(given("cases", 2)))
    .group_by(*_CASE)
)
_HELD: Final = Prepared(
    select(*_CASE, case_subject.c.subject).where(tuple_(*_CASE, case_subject.c.subject).in_(given("held", 3)))
)
_FORGET: Final = Prepared(delete(officer_query).where(officer_query.c.at <= bindparam("over")))
_NOTE: Final = Prepared(insert(officer_query))
_CLOSE: Final = Prepared(delete(case_subject).where(case_subject.c.until < bindparam("today")))
_ADD: Final = Prepared(insert(case_subject))


class CaseUse:
    """Counts the subjects of a case, and remembers for thirty days which officer asked about whom."""

    def __init__(self, references: References, *, clock: Callable[[], datetime] = now_in_china) -> None:
        self._references = references
        self._clock = clock

    def counting(self, grant: Statutory, subject: SubjectKey) -> Entry:
        """With an intent: refused for one subject too many, or an unexplained repeat."""
        case, officer = (grant.mandate.id, grant.case_no), (grant.actor.organization, grant.actor.staff)
        known = self._references.audit_refs(subject)
        return _Query(
            grant,
            case,
            asked=tuple((ref, *officer) for ref in known),
            places=tuple((*case, ref) for ref in known),
            at=self._clock(),
        )


class _Cases(Ledger["_Query"]):
    """What is known of the cases of a batch, and of who asked about its subjects."""

    def __init__(self, connection: Connection, entries: Sequence[_Query]) -> None:
        self._connection = connection
        self._now = now = max(entry.at for entry in entries)
        self._at, self._same_since = millis(now), millis(now - SAME_USE)
        self._asked: dict[_Who, dict[_Case, int]] = {}
        self._new: list[dict[str, object]] = []
        asked = {who for entry in entries for who in entry.asked}
        for row in _ASKED.all(connection, asked=asked, since=millis(now - REPEAT_WITHIN)):
            self._note((row.subject, row.organization, row.operator), (row.mandate, row.case_no), row.at)
        sizes = _SIZES.all(connection, cases={entry.case for entry in entries})
        held = {place for entry in entries for place in entry.places}
        self._sizes = Counter({(row.mandate, row.case_no): row.subjects for row in sizes})
        self._held = {tuple(row) for row in _HELD.all(connection, held=held)}
        self._added: list[dict[str, object]] = []

    def _note(self, who: _Who, case: _Case, at: int) -> None:
        self._asked.setdefault(who, {})[case] = at

    def check(self, entry: _Query) -> None:
        told = entry.grant.declared
        if told is None:
            raise AccessDenied("REASON_CODE_REQUIRED", "Give `access.reasonCode`: why the read is needed.")
        if told.repeat is None and self._repeats(entry) and not self._is_same_use(entry):
            raise AccessDenied(
                "REPEAT_REASON_REQUIRED",
                "You asked about this subject within 30 days. Give `access.repeatReason` and `repeatNote`.",
            )
        if not self._is_held(entry) and self._sizes[entry.case] >= entry.grant.mandate.subjects_per_case:
            raise AccessDenied(
                "CASE_SUBJECTS_EXCEEDED",
                "The case has as many subjects as its mandate allows. Open a case for the others.",
            )

    def enter(self, entry: _Query) -> None:
        (mandate, case_no), (subject, organization, operator) = entry.case, entry.asked[-1]
        this = {"mandate": mandate, "case_no": case_no, "subject": subject}
        if not self._is_same_use(entry):
            self._note(entry.asked[-1], entry.case, self._at)
            self._new.append(this | {"organization": organization, "operator": operator, "at": self._at})
        if not self._is_held(entry):
            self._sizes[entry.case] += 1
            self._held.add(entry.places[-1])
            self._added.append(this | {"until": entry.grant.mandate.valid_until})

    def close(self) -> None:
        if self._new:
            _FORGET.run(self._connection, [{"over": millis(self._now - REPEAT_WITHIN)}])
            _NOTE.run(self._connection, self._new)
        if self._added:
            _CLOSE.run(self._connection, [{"today": self._now.date()}])
            _ADD.run(self._connection, self._added)

    def _repeats(self, entry: _Query) -> bool:
        return not self._asked.keys().isdisjoint(entry.asked)

    def _is_same_use(self, entry: _Query) -> bool:
        asked = [self._asked[who].get(entry.case, 0) for who in entry.asked if who in self._asked]
        return max(asked, default=0) > self._same_since

    def _is_held(self, entry: _Query) -> bool:
        return not self._held.isdisjoint(entry.places)


@dataclass(frozen=True, slots=True)
class _Query(Entry):
    """An officer asks about a subject in a case."""

    grant: Statutory
    case: _Case
    asked: tuple[_Who, ...]
    """The officer and the subject, by each reference the subject may be known by, the newest last."""
    places: tuple[tuple[str, str, str], ...]
    """The subject in the case, likewise."""
    at: datetime

    ledger = _Cases
