"""The rows of outcomes and measures; made by authz/migrations. Moments are milliseconds since the epoch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
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

from authz.moments import millis, moment
from authz.outcomes.states import MeasureState
from authz.store import metadata

check_outcome: Final = Table(
    "check_outcome",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("jti", String(40), ForeignKey("check_receipt.jti")),
    Column("organization", String(18), nullable=False),
    Column("scenario", String(8), nullable=False),
    Column("case_no", String(64), nullable=False),
    Column("client", String(64), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("officer", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("concluded_on", Date, nullable=False),
    Column("noticed_on", Date),
    Column("hearing", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("reported_at", BigInteger, nullable=False),
    Index("ix_check_outcome_who", "organization", "scenario", "reported_at"),
)
taken_measure: Final = Table(
    "taken_measure",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("outcome", String(40), ForeignKey("check_outcome.id"), nullable=False, index=True),
    Column("subject", String(64), nullable=False, index=True),
    Column("organization", String(18), nullable=False),
    Column("client", String(64), nullable=False),
    Column("scenario", String(8), nullable=False),
    Column("case_no", String(64), nullable=False),
    Column("code", String(8), nullable=False),
    Column("record_types", String(1024), nullable=False),
    Column("state", String(16), nullable=False),
    Column("resumes", String(16)),
)
measure_step: Final = Table(
    "measure_step",
    metadata,
    Column("measure", String(40), ForeignKey("taken_measure.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("officer", String(64), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("on_day", Date, nullable=False),
    Column("done", Boolean),
    Column("at", BigInteger, nullable=False),
)
measure_person: Final = Table(
    "measure_person",
    metadata,
    Column("measure", String(40), ForeignKey("taken_measure.id"), primary_key=True),
    Column("subject", String(64), primary_key=True, index=True),
)
measure_ground: Final = Table(
    "measure_ground",
    metadata,
    Column("measure", String(40), ForeignKey("taken_measure.id"), primary_key=True),
    Column("record", String(64), primary_key=True),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a measure; officer and operator are empty where an objection made it."""

    state: MeasureState
    officer: str
    operator: str
    on_day: date
    at: datetime
    done: bool | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure that somebody took after a check."""

    id: str
    outcome: str
    subject: str
    """The subject's audit reference."""
    organization: str
    client: str
    scenario: str
    case_no: str
    code: str
    record_types: tuple[str, ...]
    """Types whose records the check did not know, or all where it found none that it rests on.

    An objection to such records suspends it; none suspends an order of a court or a ban of a statute.
    """
    state: MeasureState
    grounds: tuple[str, ...] = ()
    """Keyed hashes of the records that it rests on, and of their decisions: so does one to these."""
    related: tuple[str, ...] = ()
    """Audit references of the persons who were checked with the subject: it may rest on their records."""
    resumes: MeasureState | None = None
    """Where it stood before it was suspended."""
    steps: tuple[Step, ...] = ()
    """In their order."""

    def rests_on(self, record_type: str | None, records: Collection[str | None]) -> bool:
        """Whether an objection to a record suspends it, by its type and the hashes of it and its decision."""
        return record_type in self.record_types or not set(self.grounds).isdisjoint(records)

    @property
    def parties(self) -> tuple[str, ...]:
        """Audit references of everybody whom it concerns."""
        return (self.subject, *self.related)


def concerning(subjects: Collection[str]) -> Select[Any]:
    """Measures that concern somebody, by their audit references."""
    column, person = taken_measure.c, measure_person.c
    beside = select(person.measure).where(person.subject.in_(subjects))
    return select(taken_measure).where(or_(column.subject.in_(subjects), column.id.in_(beside)))


async def add(connection: AsyncConnection, measure: Measure, step: Step) -> None:
    """A new measure, with its first step."""
    row = {column.name: getattr(measure, column.name) for column in taken_measure.c}
    row["record_types"] = " ".join(measure.record_types)
    await connection.execute(insert(taken_measure).values(row))
    beside = [{"measure": measure.id, "subject": subject} for subject in measure.related]
    if beside:
        await connection.execute(insert(measure_person), beside)
    rests = [{"measure": measure.id, "record": record} for record in measure.grounds]
    if rests:
        await connection.execute(insert(measure_ground), rests)
    await _note(connection, measure.id, step)


async def move(
    connection: AsyncConnection, measure: Measure, step: Step, resumes: MeasureState | None = None
) -> bool:
    """Make a step if the measure still stands where it was seen; whether it did."""
    column = taken_measure.c
    moved = await connection.execute(
        update(taken_measure)
        .where(column.id == measure.id, column.state == measure.state)
        .values(state=step.state, resumes=resumes)
    )
    if moved.rowcount != 1:
        return False
    await _note(connection, measure.id, step)
    return True


async def load(connection: AsyncConnection, query: Select[Any]) -> list[Measure]:
    """Measures of a query over `taken_measure`, each with its persons, its grounds and its steps."""
    found = [_measure(row) for row in await connection.execute(query.order_by(taken_measure.c.code))]
    if not found:
        return []
    ids, step = [one.id for one in found], measure_step.c
    steps: dict[str, list[Step]] = {}
    query = select(measure_step).where(step.measure.in_(ids)).order_by(step.number)
    for row in await connection.execute(query):
        state, at = MeasureState(row.state), moment(row.at)
        taken = Step(state, row.officer, row.operator, row.on_day, at, row.done)
        steps.setdefault(row.measure, []).append(taken)
    persons = await _beside(connection, measure_person.c.measure, measure_person.c.subject, ids)
    grounds = await _beside(connection, measure_ground.c.measure, measure_ground.c.record, ids)
    return [
        replace(
            one, related=persons.get(one.id, ()), grounds=grounds.get(one.id, ()), steps=tuple(steps[one.id])
        )
        for one in found
    ]


async def _beside(
    connection: AsyncConnection, measure: Column[str], value: Column[str], ids: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """What stands beside measures in another table, by measure."""
    found: dict[str, tuple[str, ...]] = {}
    for row in await connection.execute(select(measure, value).where(measure.in_(ids)).order_by(value)):
        found[row[0]] = (*found.get(row[0], ()), row[1])
    return found


async def of_outcome(connection: AsyncConnection, outcome: str) -> Sequence[Measure]:
    """The measures of one outcome, by code."""
    return await load(connection, select(taken_measure).where(taken_measure.c.outcome == outcome))


async def _note(connection: AsyncConnection, measure: str, step: Step) -> None:
    steps = measure_step.c
    number = select(func.count()).where(steps.measure == measure).scalar_subquery()
    await connection.execute(
        insert(measure_step).values(
            measure=measure,
            number=number,
            state=step.state,
            officer=step.officer,
            operator=step.operator,
            on_day=step.on_day,
            done=step.done,
            at=millis(step.at),
        )
    )


def _measure(row: Any) -> Measure:  # noqa: ANN401 - a row of taken_measure
    members = dict(row._mapping)  # noqa: SLF001 - the row as a mapping
    return Measure(
        **{
            **members,
            "record_types": tuple(row.record_types.split()),
            "state": MeasureState(row.state),
            "resumes": MeasureState(row.resumes) if row.resumes else None,
        }
    )
