"""The rows of consents, and every change of one as a single conditional statement; made by authz/migrations.

Whatever decides about a read (how often, until when, by whom) is taken from the signed
artefact and not from a column beside it. Moments are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.consent.artefact import ANSWER_WITHIN, ConsentArtefact, ConsentRequest
from authz.consent.signing import digest_of
from authz.consent.states import TRANSITIONS, Act, Party, State, state_at
from authz.errors import AuditUnavailable
from authz.moments import millis, moment
from authz.prepared import Prepared
from authz.store import Store, metadata

consent: Final = Table(
    "consent",
    metadata,
    Column("id", String(35), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("representative", String(64), index=True),
    Column("request", LargeBinary, nullable=False),
    Column("artefact", LargeBinary),
    Column("signature", Text),
    Column("receipt", Text),
    Column("uses", Integer, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
)
consent_use: Final = Table(
    "consent_use",
    metadata,
    Column("consent_id", String(35), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("use_key", String(64), nullable=False),
    Column("used_at", BigInteger, nullable=False),
)
consent_event: Final = Table(
    "consent_event",
    metadata,
    Column("consent_id", String(35), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("act", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
)
_NOTE: Final = Prepared(
    insert(consent_event).values(
        consent_id=bindparam("of"),
        number=select(func.count()).where(consent_event.c.consent_id == bindparam("of")).scalar_subquery(),
        act=bindparam("done"),
        state=bindparam("became"),
        party=bindparam("by"),
        at=bindparam("on"),
    )
)


@dataclass(frozen=True, slots=True)
class Event:
    """One act in the life of a consent."""

    act: Act
    state: State
    party: Party
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """A consent as it is stored."""

    stored_state: State
    subject: str
    """The audit reference of whom it is about."""
    representative: str | None
    """The audit reference of who agreed for them."""
    request: ConsentRequest
    requested: bytes
    """The request's canonical bytes."""
    uses: int
    last_used_at: datetime | None
    events: tuple[Event, ...]
    payload: bytes | None = None
    """The artefact's canonical bytes, once it was given."""
    signature: str | None = None
    receipt: str | None = None

    @property
    def id(self) -> str:
        """The consent's id."""
        return self.request.consent_id

    @property
    def artefact(self) -> ConsentArtefact | None:
        """What was agreed; its signature is not checked here. Raises ValueError for one that was altered."""
        return None if self.payload is None else ConsentArtefact.model_validate_json(self.payload)

    @property
    def ends(self) -> datetime:
        """When it runs out: an agreement at its end, a request when nobody answered it."""
        artefact = self.artefact
        return artefact.validity.until if artefact else self.request.answer_by

    def state(self, now: datetime) -> State:
        """The state at that moment."""
        return state_at(self.stored_state, self.ends, now)

    def history(self, now: datetime) -> tuple[Event, ...]:
        """Its events so far; the clock's own among them."""
        if self.state(now) is not State.EXPIRED:
            return self.events
        return (*self.events, Event(Act.EXPIRED, State.EXPIRED, Party.GATEWAY, self.ends))

    @property
    def digest(self) -> str:
        """SHA-256 of the artefact, or of the request while nothing was agreed."""
        return digest_of(self.payload or self.requested)


@asynccontextmanager
async def reading(store: Store) -> AsyncIterator[AsyncConnection]:
    """A connection of the store; raises AuditUnavailable where it cannot be reached: no proof, no answer."""
    try:
        async with store.reading() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as error:
        raise AuditUnavailable from error


async def load(connection: AsyncConnection, consent_id: str) -> Record | None:
    """One consent by its id."""
    found = await _load(connection, select(consent.c.id).where(consent.c.id == consent_id))
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Agreed:
    """Of one consent, what a read on it is decided by."""

    stored_state: State
    client_id: str
    payload: bytes | None
    signature: str | None


_AGREED: Final = select(consent.c.state, consent.c.client_id, consent.c.artefact, consent.c.signature).where(
    consent.c.id == bindparam("id")
)


async def agreed(store: Store, consent_id: str) -> Agreed | None:
    """One consent by its id, in one hop; raises AuditUnavailable."""
    try:
        row = await store.read(lambda connection: connection.execute(_AGREED, {"id": consent_id}).first())
    except (SQLAlchemyError, OSError) as error:
        raise AuditUnavailable from error
    return Agreed(State(row.state), row.client_id, row.artefact, row.signature) if row else None


async def load_of(
    connection: AsyncConnection, subjects: Collection[str], first: int, before: tuple[int, str] | None
) -> list[Record]:
    """Consents of one person or given by them for another, by every reference of theirs, newest first.

    `before` is where the last page ended (`position`).
    """
    query = (
        select(consent.c.id)
        .where(consent.c.subject.in_(subjects) | consent.c.representative.in_(subjects))
        .order_by(consent.c.requested_at.desc(), consent.c.id.desc())
        .limit(first)
    )
    if before is not None:
        at, last = before
        earlier = consent.c.requested_at < at
        query = query.where(earlier | ((consent.c.requested_at == at) & (consent.c.id < last)))
    return await _load(connection, query)


async def load_some(
    connection: AsyncConnection, first: int, client_id: str | None, subjects: Collection[str] | None
) -> list[Record]:
    """Consents of a client, of a person or given by them, or of all, newest first."""
    query = select(consent.c.id).order_by(consent.c.requested_at.desc(), consent.c.id.desc()).limit(first)
    if client_id is not None:
        query = query.where(consent.c.client_id == client_id)
    if subjects is not None:
        query = query.where(consent.c.subject.in_(subjects) | consent.c.representative.in_(subjects))
    return await _load(connection, query)


async def load_waiting(
    connection: AsyncConnection, client_id: str, subjects: Collection[str], since: datetime
) -> list[Record]:
    """Requests of a client that a subject has not answered, made after a moment, newest first."""
    of_both = (consent.c.client_id == client_id, consent.c.subject.in_(subjects))
    recent = (consent.c.state == State.REQUESTED) & (consent.c.requested_at > millis(since))
    query = select(consent.c.id).where(*of_both, recent)
    return await _load(connection, query.order_by(consent.c.requested_at.desc(), consent.c.id.desc()))


def position(record: Record) -> tuple[int, str]:
    """Where a consent stands in its person's list."""
    return millis(record.request.requested_at), record.id


async def _load(connection: AsyncConnection, ids: object) -> list[Record]:
    wanted = [row.id for row in await connection.execute(ids)]  # type: ignore[call-overload]
    rows = {row.id: row for row in await connection.execute(select(consent).where(consent.c.id.in_(wanted)))}
    events: dict[str, list[Event]] = {}
    of_wanted = select(consent_event).where(consent_event.c.consent_id.in_(wanted))
    for row in await connection.execute(of_wanted.order_by(consent_event.c.number)):
        event = Event(Act(row.act), State(row.state), Party(row.party), moment(row.at))
        events.setdefault(row.consent_id, []).append(event)
    last = select(consent_use.c.consent_id, func.max(consent_use.c.used_at).label("at"))
    last = last.where(consent_use.c.consent_id.in_(wanted)).group_by(consent_use.c.consent_id)
    used = {row.consent_id: moment(row.at) for row in await connection.execute(last)}
    return [
        Record(
            stored_state=State(row.state),
            subject=row.subject,
            representative=row.representative,
            request=ConsentRequest.model_validate_json(row.request),
            requested=row.request,
            uses=row.uses,
            last_used_at=used.get(row.id),
            events=tuple(events[row.id]),
            payload=row.artefact,
            signature=row.signature,
            receipt=row.receipt,
        )
        for row in map(rows.__getitem__, wanted)
    ]


async def pressure(
    connection: AsyncConnection, client_id: str, subjects: Collection[str], now: datetime, within: timedelta
) -> tuple[int, int]:
    """How many requests of a client wait for a subject's answer, and how many it made lately."""
    of_both = (consent.c.client_id == client_id, consent.c.subject.in_(subjects))
    recent = consent.c.requested_at > millis(now - within)
    waiting = (consent.c.state == State.REQUESTED) & (consent.c.requested_at > millis(now - ANSWER_WITHIN))
    counted = select(func.count(case((waiting, 1))), func.count(case((recent, 1)))).where(*of_both)
    row = (await connection.execute(counted)).one()
    return int(row[0]), int(row[1])


def add(connection: Connection, request: ConsentRequest, payload: bytes, subject: str, now: datetime) -> None:
    """A new request."""
    connection.execute(
        insert(consent).values(
            id=request.consent_id,
            state=State.REQUESTED,
            client_id=request.grantee.client_id,
            subject=subject,
            request=payload,
            uses=0,
            requested_at=millis(now),
        )
    )
    note(connection, (request.consent_id, Event(Act.REQUESTED, State.REQUESTED, Party.GRANTEE, now)))


def move(
    connection: Connection,
    consent_id: str,
    act: Act,
    party: Party,
    now: datetime,
    columns: Mapping[str, object] = MappingProxyType({}),
) -> bool:
    """Make an act's transition, and set columns with it, if the state allows it; whether it did."""
    transition = TRANSITIONS[act]
    moved = connection.execute(
        update(consent)
        .where(consent.c.id == consent_id, consent.c.state.in_(transition.sources))
        .values(state=transition.target, **columns)
    )
    if moved.rowcount != 1:
        return False
    note(connection, (consent_id, Event(act, transition.target, party, now)))
    return True


def note(connection: Connection, *events: tuple[str, Event]) -> None:
    """Append events, each to its consent."""
    rows = [
        {"of": of, "done": event.act, "became": event.state, "by": event.party, "on": millis(event.at)}
        for of, event in events
    ]
    _NOTE.run(connection, rows)
