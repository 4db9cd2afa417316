"""Ids asked for in sequence (GR-02), found without keeping an id.

A citizen id without its check digit is a place: division, birth date, sequence number. Of each
place that a client asks about only a keyed hash is kept, for a day. A new place looks for the
hashes of its neighbours, and joins the runs it touches; so a run is found in whatever order it
was asked for, over however many processes, and skipping every other number (one sex) is no way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Insert, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.given import given
from authz.moments import millis
from authz.prepared import Prepared
from authz.references import References
from authz.review.tables import id_trace
from catalogue.identifiers import KeyKind, SubjectKey

KEPT: Final = timedelta(days=1)
_REACH: Final = 2
"""Sequence numbers this near are neighbours: odd ones are men's, even ones women's."""
_DIVISION: Final = 6

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
        yield division, other_day.isoformat().replace("-", ""), number


@dataclass(frozen=True, slots=True)
class Traces:
    """The keyed hash of a place that a client asked about, and those of its neighbours."""

    client_id: str
    own: str
    near: tuple[str, ...]


def traces_of(references: References, client_id: str, key: SubjectKey | None) -> Traces | None:
    """What is kept and looked for when a client asks about somebody; None for other keys, or none."""
    place = place_of(key) if key else None
    if place is None:
        return None
    near = tuple(references.trace(client_id, *each) for each in neighbours(place))
    return Traces(client_id, references.trace(client_id, *place), near)


class Runs:
    """The runs that some places touch, read once; a place that touches none is written with the others."""

    def __init__(self, connection: Connection, asked: Iterable[Traces], now: datetime) -> None:
        self._connection = connection
        self._at = millis(now)
        self._wanted = {(one.client_id, trace) for one in asked for trace in (one.own, *one.near)}
        self._runs = self._read()
        self._alone: dict[str, dict[str, object]] = {}

    def length(self, traces: Traces) -> int:
        """How many neighbouring ids the client has asked for within a day, this one among them."""
        own, at = traces.own, self._at
        new = own not in self._runs and self._runs.keys().isdisjoint(traces.near)
        if new or self._runs.get(own) == own:
            self._runs[own] = own
            self._alone[own] = {"client_id": traces.client_id, "trace": own, "run": own, "seen_at": at}
            return 1
        self.write()
        length = _joined(self._connection, traces, at)
        self._runs = self._read()
        return length

    def write(self) -> None:
        """Keep the places that touch no other."""
        if self._alone:
            _ENTER[self._connection.dialect.name].run(self._connection, list(self._alone.values()))
            self._alone = {}

    def _read(self) -> dict[str, str]:
        found = _RUNS.all(self._connection, traces=self._wanted) if self._wanted else ()
        return {row.trace: row.run for row in found}


def _joined(connection: Connection, traces: Traces, now: int) -> int:
    """Enter a place beside others, and make one run of theirs; returns how many of it were seen in a day."""
    mine = id_trace.c.client_id == traces.client_id
    around = [traces.own, *traces.near]
    touched = select(id_trace.c.run).where(mine, id_trace.c.trace.in_(around)).distinct()
    first, *others = sorted(connection.execute(touched).scalars())
    row = {"client_id": traces.client_id, "trace": traces.own, "run": first, "seen_at": now}
    _ENTER[connection.dialect.name].run(connection, [row])
    if others:
        connection.execute(update(id_trace).where(mine, id_trace.c.run.in_(others)).values(run=first))
    since = now - int(KEPT.total_seconds() * 1000)
    counted = select(func.count()).where(mine, id_trace.c.run == first, id_trace.c.seen_at > since)
    return int(connection.execute(counted).scalar_one())


def _enter(insert: Any) -> Prepared:  # noqa: ANN401 - each dialect has its own class of insert
    """Put a place into a run; one that is in a run stays there, and was seen again."""
    again = {"seen_at": insert.excluded.seen_at}
    done: Insert = insert.on_conflict_do_update(index_elements=["client_id", "trace"], set_=again)
    return Prepared(done)


_RUNS: Final = Prepared(
    select(id_trace.c.trace, id_trace.c.run).where(
        tuple_(id_trace.c.client_id, id_trace.c.trace).in_(given("traces", 2))
    )
)
_ENTER: Final = {
    "sqlite": _enter(sqlite.insert(id_trace)),
    "postgresql": _enter(postgresql.insert(id_trace)),
}


async def forget(connection: AsyncConnection, client_id: str) -> None:
    """Begin anew with a client."""
    await connection.execute(delete(id_trace).where(id_trace.c.client_id == client_id))


async def expire(connection: AsyncConnection, now: datetime) -> None:
    """Remove what is older than a day."""
    await connection.execute(delete(id_trace).where(id_trace.c.seen_at <= millis(now - KEPT)))
