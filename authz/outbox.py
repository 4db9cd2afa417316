"""What somebody is to be told: a notice, written in the transaction of the change it tells of.

A notice points and never tells: its pointer is a reference by which its recipient, and nobody
else, may ask. Numbers rise with commits, because the store's writers take turns: whoever has seen
a number has missed nothing below it, so every process can go on from a cursor of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.moments import millis, moment
from authz.store import metadata

outbox: Final = Table(
    "outbox",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("recipient_kind", String(16), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("pointer", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("outbox_recipient", "recipient_kind", "recipient", "number"),
    # a number is never given twice, even after old notices were deleted
    sqlite_autoincrement=True,
)
_POINTER: Final = re.compile(r"[a-z]{2,4}_[A-Za-z0-9_-]{4,59}")
"""A prefixed id or reference, as everything outward has it; no bare number or name has the form."""


class RecipientKind(StrEnum):
    """Who is told; beside it what they are known by."""

    PERSON = "PERSON"
    """By the audit reference of the person (`hm_…`): ask with every reference of theirs."""
    DEPARTMENT = "DEPARTMENT"
    """By the code of the department."""
    CLIENT = "CLIENT"
    """By the client id."""
    OFFICE = "OFFICE"
    """The credit office, by `OFFICE`."""
    AUDITOR = "AUDITOR"
    """The auditors, by `AUDITOR`."""


class NoticeKind(StrEnum):
    """What happened."""

    RECORDS_READ = "RECORDS_READ"
    """To the person: taken from the audit log, and never written here (`authz.notices`)."""
    CASE_FILED = "CASE_FILED"
    CASE_MOVED = "CASE_MOVED"
    CASE_DUE = "CASE_DUE"
    CASE_OVERDUE = "CASE_OVERDUE"
    MEASURE_MOVED = "MEASURE_MOVED"
    """To the person, and to who took it when an objection suspends it."""
    RECORD_CORRECTED = "RECORD_CORRECTED"
    """To whoever read it: what was read no longer stands."""
    RECORD_REPAIRED = "RECORD_REPAIRED"
    """To whoever read it: its publication, sharing and use have ended (信用修复管理办法 3)."""
    LIST_CHANGED = "LIST_CHANGED"
    """To authorities that use a list, by the record type (`rt_…`): its department says so; about nobody."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One party."""

    kind: RecipientKind
    ref: str


OFFICE: Final = Recipient(RecipientKind.OFFICE, "OFFICE")
AUDITORS: Final = Recipient(RecipientKind.AUDITOR, "AUDITOR")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one party; raises ValueError for a pointer that could be more than that."""

    to: Recipient
    kind: NoticeKind
    pointer: str
    """A case (`rc_…`), a measure (`ms_…`), a list (`rt_…`), or their own name of a record (`rr_…`)."""
    at: datetime
    number: int = 0
    """Where it stands among all; 0 until it is written."""

    def __post_init__(self) -> None:
        if not _POINTER.fullmatch(self.pointer):
            raise ValueError("a notice points to something, and says nothing of it")


async def within(connection: AsyncConnection, *notices: Notice) -> None:
    """Write notices in a transaction under way: what they tell of and they are durable, or neither."""
    rows = [
        {
            "recipient_kind": notice.to.kind,
            "recipient": notice.to.ref,
            "kind": notice.kind,
            "pointer": notice.pointer,
            "created_at": millis(notice.at),
        }
        for notice in notices
    ]
    if rows:
        await connection.execute(insert(outbox), rows)


async def after(
    connection: AsyncConnection, number: int, to: Collection[Recipient], first: int = 100
) -> list[Notice]:
    """The first notices to any of these parties after the one of that number, in order; 0 for all."""
    column = outbox.c
    theirs = or_(*(and_(column.recipient_kind == one.kind, column.recipient == one.ref) for one in to))
    query = select(outbox).where(column.number > number, theirs).order_by(column.number).limit(first)
    return [
        Notice(
            Recipient(RecipientKind(row.recipient_kind), row.recipient),
            NoticeKind(row.kind),
            row.pointer,
            moment(row.created_at),
            row.number,
        )
        for row in await connection.execute(query)
    ]
