"""Ids asked for in sequence (GR-02), found without keeping an id.

A citizen id without its check digit is a place: division, birth date, sequence number. Of each
place that a client asks about only a keyed hash is kept, for a day. A new place looks for the
hashes of its neighbours, and joins the runs it touches; so a run is found in whatever order it
was asked for, over however many processes, and skipping every other number (one sex) is no way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Insert, bindparam, delete, func, select, tuple_, update
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
    """The runs that some places touch, read once and followed from there; new places are written together."""

    def __init__(self, connection: Connection, asked: Iterable[Traces], now: datetime) -> None:
        self._connection = connection
        self._at = millis(now)
        wanted = {(one.client_id, trace) for one in asked for trace in (one.own, *one.near)}
        found = _RUNS.all(connection, traces=wanted) if wanted else ()
        self._runs: dict[str, str] = {row.trace: row.run for row in found}
        self._seen: dict[str, dict[str, object]] = {}

    def length(self, traces: Traces) -> int:
        """How many neighbouring ids the client has asked for within a day, this one among them."""
        touched = {self._runs[trace] for trace in (traces.own, *traces.near) if trace in self._runs}
        if not touched or self._runs.get(traces.own) == traces.own:
            self._see(traces, traces.own)
            return 1
        first, *others = sorted(touched)
        self._see(traces, first)
        self.write()
        self._join(traces.client_id, first, others)
        since = self._at - int(KEPT.total_seconds() * 1000)
        (counted,) = _LENGTH.all(self._connection, client=traces.client_id, joined=first, since=since)
        return int(counted.places)

    def write(self) -> None:
        """Keep the places that were seen."""
        if self._seen:
            _ENTER[self._connection.dialect.name].run(self._connection, list(self._seen.values()))
            self._seen = {}

    def _see(self, traces: Traces, run: str) -> None:
        own = traces.own
        self._runs[own] = run
        self._seen[own] = {"client_id": traces.client_id, "trace": own, "run": run, "seen_at": self._at}

    def _join(self, client_id: str, first: str, others: Sequence[str]) -> None:
        """Make one run of several."""
        if others:
            _JOIN.run(
                self._connection, [{"client": client_id, "old": run, "joined": first} for run in others]
            )
        self._runs.update({trace: first for trace, run in self._runs.items() if run in others})


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
_JOIN: Final = Prepared(
    update(id_trace)
    .where(id_trace.c.client_id == bindparam("client"), id_trace.c.run == bindparam("old"))
    .values(run=bindparam("joined"))
)
_LENGTH: Final = Prepared(
    select(func.count().label("places")).where(
        id_trace.c.client_id == bindparam("client"),
        id_trace.c.run == bindparam("joined"),
        id_trace.c.seen_at > bindparam("since"),
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
