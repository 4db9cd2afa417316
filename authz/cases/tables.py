"""The rows of cases, and every change of them as one conditional statement; made by authz/migrations.

Moments are milliseconds since the epoch. Subjects and records are keyed hashes; what a person or a
steward wrote is sealed (`authz.cases.sealed`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.cases.states import WAITING, Act, Effect, Kind, Party, Reason, State
from authz.moments import millis, moment
from authz.store import metadata
from catalogue.values import CHINA_TIME

rights_case: Final = Table(
    "rights_case",
    metadata,
    Column("id", String(35), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("subject", String(64), nullable=False, index=True),
    Column("representative", String(64), index=True),
    Column("record", String(64), index=True),
    Column("document", String(64), index=True),
    Column("record_type", String(16)),
    Column("department", String(16), index=True),
    Column("reason", String(32), nullable=False),
    Column("suspends", Boolean, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("taken_by", String(64)),
    Column("filed_at", BigInteger, nullable=False),
)
rights_case_event: Final = Table(
    "rights_case_event",
    metadata,
    Column("case_id", String(35), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("act", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("note", LargeBinary),
    Column("at", BigInteger, nullable=False),
)
record_mark: Final = Table(
    "record_mark",
    metadata,
    # numbers rise with commits, because writers take turns: what is new is what is higher
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("case_id", String(35), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("record", String(64), nullable=False),
    Column("document", String(64)),
    Column("effect", String(16), nullable=False),
    Column("since", Date, nullable=False),
    Column("words", LargeBinary),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One act in the life of a case."""

    act: Act
    state: State
    """After the act."""
    party: Party
    operator: str
    """Staff reference of who acted; empty for the person and the clock."""
    at: datetime
    note: bytes | None = None
    """Why, sealed."""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is stored."""

    id: str
    kind: Kind
    state: State
    subject: str
    """Audit reference of whose right it is."""
    representative: str | None
    """Audit reference of who filed it for them."""
    record: str | None
    """Keyed hash of the record; None for a complaint."""
    document: str | None
    """Keyed hash of the decision the record tells of, where its number and authority are known."""
    record_type: str | None
    department: str | None
    reason: Reason
    suspends: bool
    content: bytes = field(repr=False)
    filed_at: datetime
    taken_by: str | None = None
    events: tuple[Event, ...] = ()

    @property
    def extended(self) -> bool:
        """Whether a longer term was approved."""
        return any(event.act is Act.EXTENDED for event in self.events)

    @property
    def waiting(self) -> bool:
        """Whether somebody has yet to decide."""
        return self.state in WAITING


async def load(connection: AsyncConnection, case_id: str) -> Case | None:
    """One case by its id."""
    found = await _load(connection, select(rights_case).where(rights_case.c.id == case_id))
    return found[0] if found else None


async def load_of(
    connection: AsyncConnection, refs: Collection[str], first: int, before: tuple[int, str] | None
) -> list[Case]:
    """Cases of a person or filed by them for another, newest first; `before` is a `position`."""
    column = rights_case.c
    query = select(rights_case).where(column.subject.in_(refs) | column.representative.in_(refs))
    return await _load(connection, _page(query, first, before))


async def load_for(
    connection: AsyncConnection,
    kinds: Collection[Kind],
    department: str | None,
    first: int,
    before: tuple[int, str] | None,
    *,
    waiting: bool,
) -> list[Case]:
    """Cases of some kinds, of a department or of all, newest first."""
    query = select(rights_case).where(rights_case.c.kind.in_(kinds))
    if department is not None:
        query = query.where(rights_case.c.department == department)
    if waiting:
        query = query.where(rights_case.c.state.in_(WAITING))
    return await _load(connection, _page(query, first, before))


async def load_waiting(connection: AsyncConnection) -> list[Case]:
    """Every case that somebody has yet to decide."""
    return await _load(connection, select(rights_case).where(rights_case.c.state.in_(WAITING)))


async def load_decided(connection: AsyncConnection, acts: Collection[Act], since: datetime) -> list[Case]:
    """Cases that were decided like that since a moment."""
    event = rights_case_event.c
    lately = select(event.case_id).where(event.act.in_(acts), event.at > millis(since))
    return await _load(connection, select(rights_case).where(rights_case.c.id.in_(lately)))


async def load_alike(
    connection: AsyncConnection, kind: Kind, subjects: Collection[str], records: Collection[str]
) -> list[Case]:
    """Cases of a kind that a subject ever had on a record, by any hash of it or of its decision."""
    column = rights_case.c
    about = or_(column.record.in_(records), column.document.in_(records))
    query = select(rights_case).where(column.kind == kind, column.subject.in_(subjects), about)
    return await _load(connection, query.order_by(column.filed_at))


async def filed_since(connection: AsyncConnection, refs: Collection[str], since: datetime) -> int:
    """How many cases a person has filed since a moment."""
    column = rights_case.c
    theirs = column.subject.in_(refs) | column.representative.in_(refs)
    query = select(func.count()).where(theirs, column.filed_at > millis(since))
    return int((await connection.execute(query)).scalar_one())


def position(case: Case) -> tuple[int, str]:
    """Where a case stands in a list."""
    return millis(case.filed_at), case.id


async def add(connection: AsyncConnection, case: Case, party: Party) -> None:
    """A new case, with its first event."""
    row = {column.name: getattr(case, column.name) for column in rights_case.c}
    row["filed_at"] = millis(case.filed_at)
    await connection.execute(insert(rights_case).values(row))
    await note(connection, case.id, Event(Act.FILED, case.state, party, "", case.filed_at))


async def move(
    connection: AsyncConnection,
    case_id: str,
    sources: Collection[State],
    event: Event,
    **columns: str | bytes,
) -> bool:
    """Make an act's transition if the state allows it; whether it did."""
    column = rights_case.c
    moved = await connection.execute(
        update(rights_case)
        .where(column.id == case_id, column.state.in_(sources))
        .values(state=event.state, **columns)
    )
    if moved.rowcount != 1:
        return False
    await note(connection, case_id, event)
    return True


async def note(connection: AsyncConnection, case_id: str, event: Event) -> None:
    """Append an event."""
    events = rights_case_event.c
    number = select(func.count()).where(events.case_id == case_id).scalar_subquery()
    await connection.execute(
        insert(rights_case_event).values(
            case_id=case_id,
            number=number,
            act=event.act,
            state=event.state,
            party=event.party,
            operator=event.operator,
            note=event.note,
            at=millis(event.at),
        )
    )


async def mark(
    connection: AsyncConnection, case: Case, effect: Effect, at: datetime, words: bytes | None = None
) -> None:
    """What the case makes of its record from now on; words that are shown no more are erased."""
    if effect is Effect.ENDED:
        erased = update(record_mark).where(record_mark.c.case_id == case.id).values(words=None)
        await connection.execute(erased)
    await connection.execute(
        insert(record_mark).values(
            case_id=case.id,
            subject=case.subject,
            record=case.record,
            document=case.document,
            effect=effect,
            since=at.astimezone(CHINA_TIME).date(),
            words=words,
        )
    )


def _page(query: Select[Any], first: int, before: tuple[int, str] | None) -> Select[Any]:
    column = rights_case.c
    if before is not None:
        at, last = before
        query = query.where((column.filed_at < at) | ((column.filed_at == at) & (column.id < last)))
    return query.order_by(column.filed_at.desc(), column.id.desc()).limit(first)


async def _load(connection: AsyncConnection, query: Select[Any]) -> list[Case]:
    rows: Sequence[Any] = (await connection.execute(query)).all()
    wanted = [row.id for row in rows]
    events: dict[str, list[Event]] = {}
    column = rights_case_event.c
    of_wanted = select(rights_case_event).where(column.case_id.in_(wanted)).order_by(column.number)
    for row in await connection.execute(of_wanted) if wanted else ():
        events.setdefault(row.case_id, []).append(_event(row))
    return [
        Case(
            id=row.id,
            kind=Kind(row.kind),
            state=State(row.state),
            subject=row.subject,
            representative=row.representative,
            record=row.record,
            document=row.document,
            record_type=row.record_type,
            department=row.department,
            reason=Reason(row.reason),
            suspends=row.suspends,
            content=row.content,
            filed_at=moment(row.filed_at),
            taken_by=row.taken_by,
            events=tuple(events[row.id]),
        )
        for row in rows
    ]


def _event(row: Any) -> Event:  # noqa: ANN401 - a row of rights_case_event
    return Event(
        Act(row.act),
        State(row.state),
        Party(row.party),
        row.operator,
        moment(row.at),
        row.note,
        row.number,
    )
