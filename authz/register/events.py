"""The rows of the register: one for each act, never changed, never taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.moments import millis, moment
from authz.prepared import Prepared
from authz.store import metadata

register_event: Final = Table(
    "register_event",
    metadata,
    # numbers rise with commits, because writers take turns: what is new is what is higher
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(64), nullable=False, index=True),
    Column("act", String(16), nullable=False),
    Column("party", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("entry", LargeBinary),
    Column("at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
_SINCE: Final = Prepared(
    select(register_event)
    .where(register_event.c.number > bindparam("known"))
    .order_by(register_event.c.number)
)


class Kind(StrEnum):
    """What an act is on."""

    MANDATE = "MANDATE"
    SCENARIO = "SCENARIO"


class Act(StrEnum):
    """What a person did. What opens takes two of them, what closes takes one."""

    PROPOSED = "PROPOSED"
    WITHDRAWN = "WITHDRAWN"
    APPROVED = "APPROVED"
    STOPPED = "STOPPED"
    RESUME_ASKED = "RESUME_ASKED"
    RESUMED = "RESUMED"


@dataclass(frozen=True, slots=True)
class Item:
    """One mandate or one scenario."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One act on one item."""

    item: Item
    act: Act
    party: str
    """Staff reference of who acted."""
    reason: str
    at: datetime
    entry: bytes | None = None
    """The mandate that is proposed, as canonical JSON."""
    number: int = 0
    """Where it stands among all; 0 until it is written."""


async def append(connection: AsyncConnection, event: Event) -> None:
    """Write one act."""
    await connection.execute(
        insert(register_event).values(
            kind=event.item.kind,
            name=event.item.name,
            act=event.act,
            party=event.party,
            reason=event.reason,
            entry=event.entry,
            at=millis(event.at),
        )
    )


def since(connection: Connection, number: int) -> list[Event]:
    """Every act after the one of that number, in order; 0 for all."""
    return [_event(row) for row in _SINCE.all(connection, known=number)]


async def of(connection: AsyncConnection, item: Item) -> list[Event]:
    """The acts on one item, in order."""
    chosen = (register_event.c.kind == item.kind, register_event.c.name == item.name)
    query = select(register_event).where(*chosen).order_by(register_event.c.number)
    return [_event(row) for row in await connection.execute(query)]


def _event(row: Row[Any]) -> Event:
    at = moment(row.at)
    item = Item(Kind(row.kind), row.name)
    return Event(item, Act(row.act), row.party, row.reason, at, row.entry, row.number)
