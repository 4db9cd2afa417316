"""What the gateway keeps of each check, so that an outcome can be reported on it: never what was found.

A row is the fact of checking: who, for what, in which case, where in the log, and which record types
could not be answered. Of those a person may say that they looked by hand, with a leaf in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Insert,
    Integer,
    String,
    Table,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import audit
from authz.audit import AuditLog, Ledger, ManualCheck, Query
from authz.errors import AccessDenied, AuditUnavailable
from authz.grants import Statutory
from authz.keys import KeyRing
from authz.moments import millis, moment, now_in_china
from authz.receipts import summary as summaries
from authz.receipts.receipt import Receipt, opened, signed
from authz.receipts.summary import Summary
from authz.store import Store, metadata

check_receipt: Final = Table(
    "check_receipt",
    metadata,
    Column("jti", String(40), primary_key=True),
    Column("scenario", String(8), nullable=False),
    Column("case_no", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("organization", String(18), nullable=False),
    Column("client", String(64), nullable=False),
    Column("basis", String(64), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("completeness", String(16), nullable=False),
    Column("unknown", String(1024), nullable=False),
    Column("related", Integer, nullable=False),
    Column("checked_at", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Index("ix_check_receipt_who", "organization", "scenario", "checked_at"),
    Index("ix_check_receipt_subject", "subject"),
)
manual_check: Final = Table(
    "manual_check",
    metadata,
    Column("jti", String(40), ForeignKey("check_receipt.jti"), primary_key=True),
    Column("record_type", String(16), primary_key=True),
    Column("operator", String(64), nullable=False),
    Column("method", String(16), nullable=False),
    Column("checked_on", Date, nullable=False),
)
check_ground: Final = Table(
    "check_ground",
    metadata,
    Column("jti", String(40), ForeignKey("check_receipt.jti"), primary_key=True),
    Column("predicate", String(64), primary_key=True),
    # a keyed hash, as the audit has it
    Column("record", String(64), primary_key=True),
)


class ManualMethod(StrEnum):
    """How somebody looked by hand."""

    TELEPHONE = "TELEPHONE"
    LETTER = "LETTER"
    COUNTER = "COUNTER"
    DEPARTMENT_SYSTEM = "DEPARTMENT_SYSTEM"


@dataclass(frozen=True, slots=True)
class Entry:
    """One check as it is kept."""

    jti: str
    scenario: str
    case_no: str
    subject: str
    """The subject's audit reference, the same for every client."""
    organization: str
    client: str
    basis: str
    """Id of the mandate or of the consent."""
    position: int
    """Index of the read's intent in the audit log."""
    completeness: str
    unknown: tuple[str, ...]
    """Record types that were not answered."""
    related: int
    """How many related persons were checked with it."""
    checked_at: datetime
    valid_until: datetime
    by_hand: tuple[str, ...] = ()
    """Those of the unknown types that somebody looked up by hand."""

    @property
    def open_types(self) -> tuple[str, ...]:
        """Record types nobody has an answer on; a mandatory check is whole when there are none."""
        return tuple(code for code in self.unknown if code not in self.by_hand)


class _Checks(Ledger["Kept"]):
    """The checks of a batch of outcomes."""

    def __init__(self, connection: Connection, entries: Sequence[Kept]) -> None:
        self._connection = connection
        self._rows: list[Mapping[str, object]] = []
        self._grounds: list[dict[str, object]] = []

    def check(self, entry: Kept) -> None:
        """Refuses none."""

    def enter(self, entry: Kept) -> None:
        self._rows.append(entry.row)
        jti = entry.row["jti"]
        self._grounds += [{"jti": jti, "predicate": one, "record": record} for one, record in entry.grounds]

    def close(self) -> None:
        if self._rows:
            self._connection.execute(insert(check_receipt), self._rows)
        if self._grounds:
            self._connection.execute(insert(check_ground), self._grounds)


@dataclass(frozen=True, slots=True)
class Kept(audit.Entry):
    """A check that is kept with the outcome of its read."""

    row: Mapping[str, object]
    grounds: Collection[tuple[str, str]] = ()
    """Predicates, and hashes of the records that count against them."""

    ledger = _Checks


def _upsert(insert_: Any) -> Insert:  # noqa: ANN401 - each dialect has its own class of insert
    kept = insert_(check_receipt)
    changing = ("position", "completeness", "unknown", "checked_at", "valid_until")
    made: Insert = kept.on_conflict_do_update(
        index_elements=["jti"], set_={name: kept.excluded[name] for name in changing}
    )
    return made


_UPSERT: Final = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}


class ReceiptBook:
    """Issues receipts and finds the checks they prove."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        keys: KeyRing,
        issuer: str,
        *,
        clock: Callable[[], datetime] = now_in_china,
    ) -> None:
        self.issuer = issuer
        self._store = store
        self._audit = audit
        self._keys = keys
        self._clock = clock

    @property
    def now(self) -> datetime:
        """The moment in China."""
        return self._clock()

    def keeping(
        self,
        receipt: Receipt,
        subject: str,
        unknown: Sequence[str],
        grounds: Collection[tuple[str, str]] = (),
    ) -> Kept:
        """With the outcome of the read, in its transaction: so there are both, or neither."""
        row = {
            "jti": receipt.jti,
            "scenario": receipt.scenario,
            "case_no": receipt.case_no,
            "subject": subject,
            "organization": receipt.organization,
            "client": receipt.client_id,
            "basis": receipt.basis,
            "position": receipt.audit_index,
            "completeness": receipt.completeness,
            "unknown": " ".join(unknown),
            "related": len(receipt.related),
            "checked_at": millis(receipt.checked_at),
            "valid_until": millis(receipt.valid_until),
        }
        return Kept(row, grounds)

    async def keep(self, *checks: Kept) -> None:
        """Keep checks of a chunk, those kept already as they stand now; raises AuditUnavailable."""
        rows = [check.row for check in checks]
        try:
            await self._store.write(
                lambda connection: connection.execute(_UPSERT[connection.dialect.name], rows)
            )
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error

    async def times(self, jtis: Sequence[str]) -> dict[str, datetime]:
        """When those of these checks that are kept were made; raises AuditUnavailable."""
        query = select(check_receipt.c.jti, check_receipt.c.checked_at).where(check_receipt.c.jti.in_(jtis))
        try:
            rows = await self._store.read(lambda connection: connection.execute(query).all())
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error
        return {row.jti: moment(row.checked_at) for row in rows}

    def summarized(self, summary: Summary) -> str:
        """A summary of a bulk check, signed as receipts are."""
        return summaries.signed(summary, self._keys.receipt_key)

    def summaries(self, given: Sequence[str]) -> list[Summary]:
        """Summaries of this gateway; raises SummaryInvalid."""
        return [summaries.opened(each, self._keys.receipt_keys()) for each in given]

    def signed(self, receipt: Receipt) -> str:
        """The compact JWS; handed out when the check is kept, and never before."""
        return signed(receipt, self._keys.receipt_key)

    def opened(self, jws: str) -> Receipt:
        """A receipt of this gateway; raises ReceiptInvalid."""
        return opened(jws, self._keys.receipt_keys())

    async def grounds(self, jti: str, predicates: Collection[str]) -> tuple[str, ...]:
        """Hashes of the records that counted against these predicates of a check; raises AuditUnavailable."""
        column = check_ground.c
        query = select(column.record).where(column.jti == jti, column.predicate.in_(predicates)).distinct()
        try:
            async with self._store.reading() as connection:
                return tuple(sorted((await connection.execute(query)).scalars()))
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error

    async def find(self, jti: str) -> Entry | None:
        """The check of a receipt; raises AuditUnavailable."""
        try:
            async with self._store.reading() as connection:
                return await _load(connection, jti)
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error

    async def of_case(self, jws: str, grant: Statutory) -> Entry:
        """The check of a receipt that its own organization shows in its own case, while it is valid.

        Raises AccessDenied: RECEIPT_INVALID, RECEIPT_CASE or RECEIPT_EXPIRED; AuditUnavailable.
        """
        found = await self.shown(jws, grant)
        self.require_valid(found)
        return found

    def require_valid(self, found: Entry) -> None:
        """That a check is not out of date; raises AccessDenied RECEIPT_EXPIRED."""
        if self.now > found.valid_until:
            raise AccessDenied("RECEIPT_EXPIRED", "The check is out of date. Make it again.")

    async def shown(self, jws: str, grant: Statutory) -> Entry:
        """As `of_case`, however old."""
        receipt = self.opened(jws)
        found = await self.find(receipt.jti)
        ours = (grant.actor.organization, grant.mandate.scenario, grant.case_no)
        if found is None or (found.organization, found.scenario, found.case_no) != ours:
            raise AccessDenied(
                "RECEIPT_CASE", "The receipt is of another case, scenario or organization. Send its own."
            )
        return found

    async def record_manual(
        self, found: Entry, grant: Statutory, query: Query, looked: tuple[str, ManualMethod, date]
    ) -> Entry:
        """That somebody looked up by hand what was unknown, with a leaf; returns the check after it.

        Raises AccessDenied MANUAL_CHECK_NOT_NEEDED or MANUAL_CHECK_DONE, and AuditUnavailable.
        """
        record_type, method, day = looked
        if record_type not in found.unknown:
            raise AccessDenied(
                "MANUAL_CHECK_NOT_NEEDED", "The check has an answer on this record type. Name an unknown one."
            )

        async def keep(connection: AsyncConnection) -> None:
            kept = {"operator": grant.actor.operator, "method": method, "checked_on": day}
            try:
                await connection.execute(
                    insert(manual_check).values(jti=found.jti, record_type=record_type, **kept)
                )
            except IntegrityError:
                raise AccessDenied(
                    "MANUAL_CHECK_DONE", "Somebody has recorded this already. Look at the check again."
                ) from None

        leaf = ManualCheck(grant, query, found.subject, found.jti, record_type, method, day.isoformat())
        await self._audit.manual_check(leaf, keep)
        return await self.find(found.jti) or found


async def _load(connection: AsyncConnection, jti: str) -> Entry | None:
    row = (await connection.execute(select(check_receipt).where(check_receipt.c.jti == jti))).first()
    if row is None:
        return None
    types = select(manual_check.c.record_type).where(manual_check.c.jti == jti)
    by_hand = (await connection.execute(types.order_by(manual_check.c.record_type))).scalars()
    members = dict(row._mapping)  # noqa: SLF001 - the row as a mapping
    return Entry(
        **{
            **members,
            "unknown": tuple(row.unknown.split()),
            "checked_at": moment(row.checked_at),
            "valid_until": moment(row.valid_until),
            "by_hand": tuple(by_hand),
        }
    )
