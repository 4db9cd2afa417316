"""Ids asked for in sequence (GR-02), found without keeping an id.

A citizen id without its check digit is a place: division, birth date, sequence number. Of each
place that a client asks about only a keyed hash is kept, for a day. A new place looks for the
hashes of its neighbours, and joins the runs it touches; so a run is found in whatever order it
was asked for, over however many processes, and skipping every other number (one sex) is no way round.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.references import References
from authz.review.tables import id_trace, millis
from catalogue.identifiers import KeyKind, SubjectKey

KEPT: Final = timedelta(days=1)
_REACH: Final = 2
"""Sequence numbers this near are neighbours: odd ones are men's, even ones women's."""
_DIVISION: Final = 6
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

Place = tuple[str, str, str]
"""Division, birth date and sequence number."""


def place_of(key: SubjectKey) -> Place | None:
    """Where a citizen id stands; None for other keys, whose sequences lead to no person."""
    if key.kind is not KeyKind.CITIZEN_ID:
        return None
    return key.value[:_DIVISION], key.value[_DIVISION:14], key.value[14:17]


def neighbours(place: Place) -> Iterator[Place]:
    """The next ones: by sequence number on the same day, and the same number on the next days."""
    division, born, number = place
    for step in range(1, _REACH + 1):
        for other in (int(number) - step, int(number) + step):
            if 0 <= other <= 999:
                yield division, born, f"{other:03d}"
    day = date(int(born[:4]), int(born[4:6]), int(born[6:]))
    for other_day in (day - timedelta(days=1), day + timedelta(days=1)):
        yield division, f"{other_day:%Y%m%d}", number


async def run_length(
    connection: AsyncConnection, references: References, client_id: str, key: SubjectKey, now: datetime
) -> int:
    """How many neighbouring ids the client has asked for within a day, this one among them."""
    place = place_of(key)
    if place is None:
        return 0
    own = references.trace(client_id, *place)
    near = [references.trace(client_id, *each) for each in neighbours(place)]
    run = await _enter(connection, client_id, own, near, millis(now))
    return 1 if run == own else await _join(connection, client_id, [own, *near], millis(now))


async def forget(connection: AsyncConnection, client_id: str) -> None:
    """Begin anew with a client."""
    await connection.execute(delete(id_trace).where(id_trace.c.client_id == client_id))


async def expire(connection: AsyncConnection, now: datetime) -> None:
    """Remove what is older than a day."""
    await connection.execute(delete(id_trace).where(id_trace.c.seen_at <= millis(now - KEPT)))


async def _enter(connection: AsyncConnection, client_id: str, own: str, near: list[str], now: int) -> str:
    """Put a place into a neighbour's run, or into its own; returns the run."""
    of_neighbour = (
        select(id_trace.c.run).where(id_trace.c.client_id == client_id, id_trace.c.trace.in_(near)).limit(1)
    )
    entered = _INSERT[connection.dialect.name](id_trace).values(
        client_id=client_id,
        trace=own,
        run=func.coalesce(of_neighbour.scalar_subquery(), own),
        seen_at=now,
    )
    kept = entered.on_conflict_do_update(
        index_elements=[id_trace.c.client_id, id_trace.c.trace], set_={"seen_at": now}
    )
    return str((await connection.execute(kept.returning(id_trace.c.run))).scalar_one())


async def _join(connection: AsyncConnection, client_id: str, traces: list[str], now: int) -> int:
    """Make one run of all that these places are in; returns how many of it were seen within a day."""
    mine = id_trace.c.client_id == client_id
    touched = select(id_trace.c.run).where(mine, id_trace.c.trace.in_(traces)).distinct()
    first, *others = sorted((await connection.execute(touched)).scalars())
    if others:
        await connection.execute(update(id_trace).where(mine, id_trace.c.run.in_(others)).values(run=first))
    since = now - int(KEPT.total_seconds() * 1000)
    counted = select(func.count()).where(mine, id_trace.c.run == first, id_trace.c.seen_at > since)
    return int((await connection.execute(counted)).scalar_one())
