"""The steps of a measure, by people; and what an objection suspends, in the objection's own transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import outbox
from authz.audit import AuditLog, HumanAct, Query
from authz.cases.states import WAITING, Kind
from authz.cases.tables import Case, rights_case
from authz.consent.tables import reading
from authz.errors import AccessDenied
from authz.grants import Statutory
from authz.outbox import Notice, NoticeKind, Recipient, RecipientKind
from authz.outcomes import tables
from authz.outcomes.states import SUSPENDABLE, MeasureState, may_move
from authz.outcomes.tables import Measure, Step, taken_measure
from authz.references import References
from authz.store import Store
from authz.tokens import is_operator
from catalogue.values import CHINA_TIME


class MeasureBook:
    """The measures that authorities took after a check."""

    def __init__(self, store: Store, audit: AuditLog, references: References) -> None:
        self._store = store
        self._audit = audit
        self._references = references

    async def advance(self, measure_id: str, step: Step, grant: Statutory, query: Query) -> Measure:
        """Make one step in the measure's own case; returns the measure after it.

        Raises AccessDenied: MEASURE_UNKNOWN, MEASURE_STEP, MEASURE_FEEDBACK, OUTCOME_OFFICER,
        OUTCOME_OWN_CASE or MEASURE_DISPUTED, and AuditUnavailable.
        """
        require_officer(step.officer)
        async with reading(self._store) as connection:
            found = await tables.load(
                connection, select(taken_measure).where(taken_measure.c.id == measure_id)
            )
        ours = (grant.actor.organization, grant.mandate.scenario, grant.case_no)
        if not found or (found[0].organization, found[0].scenario, found[0].case_no) != ours:
            raise AccessDenied("MEASURE_UNKNOWN", "There is no such measure in this case.")
        (measure,) = found
        require_others(self._references, grant, *measure.parties)
        _require_step(measure, step)

        async def make(connection: AsyncConnection) -> None:
            resuming = measure.state is MeasureState.SUSPENDED and step.state is measure.resumes
            if resuming and await _objected(connection, measure):
                raise AccessDenied("MEASURE_DISPUTED", "An objection is under way. Wait until it is settled.")
            suspended = step.state is MeasureState.SUSPENDED
            if not await tables.move(connection, measure, step, measure.state if suspended else None):
                raise _no_step()
            await outbox.within(connection, *_to_persons(measure, step.at))

        subject, outcome = measure.subject, measure.outcome
        act = HumanAct(grant, query, subject, step.state, outcome, step.officer, measure=measure.id)
        await self._audit.human_act(act, make)
        resumes = measure.state if step.state is MeasureState.SUSPENDED else None
        return replace(measure, state=step.state, resumes=resumes, steps=(*measure.steps, step))

    async def of_subject(self, subjects: Collection[str]) -> list[Measure]:
        """Measures that concern somebody, by audit references, newest first; raises AuditUnavailable."""
        async with reading(self._store) as connection:
            found = await tables.load(connection, tables.concerning(subjects))
        return sorted(found, key=lambda measure: measure.steps[0].at, reverse=True)


def require_officer(text: str) -> None:
    """That somebody is named by a staff reference; raises AccessDenied OUTCOME_OFFICER."""
    if not is_operator(text):
        raise AccessDenied(
            "OUTCOME_OFFICER", "Name who answers for it by their staff reference, never by a name or number."
        )


def require_others(references: References, grant: Statutory, *subjects: str) -> None:
    """That nobody acts on their own case, by its subjects' audit references; raises OUTCOME_OWN_CASE."""
    own = grant.actor.own_subject
    if own is not None and not set(subjects).isdisjoint(references.audit_refs(own)):
        raise AccessDenied("OUTCOME_OWN_CASE", "It is your own case. A colleague acts on it and reports it.")


async def initiate(connection: AsyncConnection, measure: Measure, step: Step) -> None:
    """A new measure; one that an objection is under way against begins suspended, and the person is told."""
    await tables.add(connection, measure, step)
    if await _objected(connection, measure):
        await _suspend(connection, measure, step.at)
    await outbox.within(connection, *_to_persons(measure, step.at))


async def suspend(
    connection: AsyncConnection,
    subjects: Collection[str],
    record_type: str | None,
    records: Collection[str],
    at: datetime,
) -> None:
    """Suspend what somebody decided by discretion on a record of a subject (ruling 29).

    By any hash of the record or of its decision: what rests on another record stays, and so do orders of
    a court and bans of a statute. The persons and who took the measure are told.
    """
    query = tables.concerning(subjects).where(taken_measure.c.state.in_(SUSPENDABLE))
    for measure in await tables.load(connection, query):
        if measure.rests_on(record_type, records):
            await _suspend(connection, measure, at)
            await _tell(connection, measure, at)


async def revive(connection: AsyncConnection, case: Case, at: datetime) -> None:
    """Let go on what an objection suspended that came to nothing, unless another one waits.

    What a person suspended, a person lets go on.
    """
    query = tables.concerning([case.subject]).where(taken_measure.c.state == MeasureState.SUSPENDED)
    for measure in await tables.load(connection, query):
        by_objection = not measure.steps[-1].officer and measure.rests_on(
            case.record_type, {case.record, case.document}
        )
        if by_objection and measure.resumes and not await _objected(connection, measure):
            await tables.move(connection, measure, _by_itself(measure.resumes, at))
            await _tell(connection, measure, at)


async def _suspend(connection: AsyncConnection, measure: Measure, at: datetime) -> None:
    await tables.move(connection, measure, _by_itself(MeasureState.SUSPENDED, at), measure.state)


def _by_itself(state: MeasureState, at: datetime) -> Step:
    """A step that an objection makes, and no officer."""
    return Step(state, "", "", at.astimezone(CHINA_TIME).date(), at)


async def _tell(connection: AsyncConnection, measure: Measure, at: datetime) -> None:
    taker = Notice(Recipient(RecipientKind.CLIENT, measure.client), NoticeKind.MEASURE_MOVED, measure.id, at)
    await outbox.within(connection, *_to_persons(measure, at), taker)


async def _objected(connection: AsyncConnection, measure: Measure) -> bool:
    """Whether an objection that suspends waits on a record that it rests on."""
    column = rights_case.c
    query = select(column.record_type, column.record, column.document).where(
        column.subject.in_(measure.parties),
        column.kind == Kind.OBJECTION,
        column.suspends.is_(True),
        column.state.in_(WAITING),
    )
    waiting = (await connection.execute(query)).all()
    return any(measure.rests_on(row.record_type, {row.record, row.document}) for row in waiting)


def _require_step(measure: Measure, step: Step) -> None:
    if not may_move(measure.state, step.state, measure.resumes):
        raise _no_step()
    if (step.done is None) is (step.state is MeasureState.FED_BACK):
        raise AccessDenied("MEASURE_FEEDBACK", "Say with FED_BACK, and only then, whether it was done.")
    if step.on_day < measure.steps[-1].on_day:
        raise AccessDenied("MEASURE_STEP", "A step is never before the one that it follows.")


def _no_step() -> AccessDenied:
    return AccessDenied("MEASURE_STEP", "The measure does not stand where this step begins. Read it again.")


def _to_persons(measure: Measure, at: datetime) -> list[Notice]:
    return [
        Notice(Recipient(RecipientKind.PERSON, party), NoticeKind.MEASURE_MOVED, measure.id, at)
        for party in measure.parties
    ]
