"""Until when a case is due: pure functions of the day it was filed, the locality and what happened since.

Working days (民法典 201: the day of filing does not count). Objections go by the law of the record
type, such as a court's list, else by the locality's profile (domain.md §1.5, §4.5), repairs by the national
rule, complaints by 征信业管理条例 26.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from authz.calendar import CALENDAR, add_working_days, deadline
from authz.cases.states import WAITING, Kind, State
from catalogue.model import ObjectionClock

REPAIR_ACCEPTED_WITHIN: Final = 3
REPAIR_DECIDED_WITHIN: Final = 10
"""Working days to accept and to answer an application (国办发〔2025〕22号)."""
COMPLAINT_ANSWERED_WITHIN: Final = timedelta(days=30)
COMPLAINT_REMINDED_AFTER: Final = timedelta(days=23)


Terms: TypeAlias = Callable[[str | None], ObjectionClock]
"""The term of objections to records of a type, by its code."""


class Stage(StrEnum):
    """What the clock asks for."""

    RUNNING = "RUNNING"
    NEARLY_DUE = "NEARLY_DUE"
    OVERDUE = "OVERDUE"


def due_on(kind: Kind, filed_on: date, clock: ObjectionClock, *, extended: bool = False) -> date | None:
    """The last day to decide; None for a statement, which nobody decides."""
    if kind is Kind.OBJECTION:
        days = clock.extend_to if extended else clock.decide_within
        return filed_on + timedelta(days=days) if clock.days == "CALENDAR" else deadline(filed_on, days).on
    if kind is Kind.REPAIR:
        return deadline(filed_on, REPAIR_DECIDED_WITHIN).on
    return filed_on + COMPLAINT_ANSWERED_WITHIN if kind is Kind.COMPLAINT else None


def extendable(kind: Kind, clock: ObjectionClock) -> bool:
    """Whether the law knows a longer term: of objections only."""
    return kind is Kind.OBJECTION and clock.extend_to > clock.decide_within


def stage(
    kind: Kind, state: State, filed_on: date, today: date, clock: ObjectionClock, *, extended: bool = False
) -> Stage:
    """How a case stands to its clock today."""
    due = due_on(kind, filed_on, clock, extended=extended)
    if due is None or state not in WAITING:
        return Stage.RUNNING
    if today > due:
        return Stage.OVERDUE
    return Stage.NEARLY_DUE if today >= _remind_on(kind, state, filed_on, due) else Stage.RUNNING


def _remind_on(kind: Kind, state: State, filed_on: date, due: date) -> date:
    """The working day before it is due; of a repair that nobody took up, the last day to accept it."""
    if kind is Kind.COMPLAINT:
        return filed_on + COMPLAINT_REMINDED_AFTER
    if kind is Kind.REPAIR and state is State.OPEN:
        return add_working_days(filed_on, REPAIR_ACCEPTED_WITHIN)
    day = due - timedelta(days=1)
    while not CALENDAR.is_working_day(day):
        day -= timedelta(days=1)
    return day
