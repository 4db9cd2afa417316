"""Which measures an objection suspends: those that rest on the record, or on the same decision elsewhere."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import insert, select

from authz.outcomes import measures, tables
from authz.outcomes.states import MeasureState
from authz.outcomes.tables import Measure, Step, check_outcome, taken_measure
from catalogue.values import CHINA_TIME
from tests.support.case_parties import hall
from tests.support.databases import Database

NOW, TODAY = datetime(2026, 11, 20, 10, tzinfo=CHINA_TIME), date(2026, 11, 20)
SUBJECT, RECORD, DECISION = "hm_a", "rh_a", "dh_a"
INITIATED, SUSPENDED = MeasureState.INITIATED, MeasureState.SUSPENDED


def measure(**changes: object) -> Measure:
    given = {
        "id": "ms_aaaa",
        "outcome": "oc_a",
        "subject": SUBJECT,
        "organization": "11990100009000082Q",
        "client": "hr",
        "scenario": "S09",
        "case_no": "c",
        "code": "R-01",
        "record_types": (),
        "state": INITIATED,
        "grounds": (RECORD, DECISION),
    }
    return Measure(**given | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("taken", "record_type", "records", "subject", "state"),
    [
        (measure(), "E-SC-04", {RECORD}, SUBJECT, SUSPENDED),
        (measure(), "E-FG-03", {"rh_copy", DECISION}, SUBJECT, SUSPENDED),
        (measure(), "E-SC-04", {"rh_other", "dh_other"}, SUBJECT, INITIATED),
        (measure(record_types=("E-SW-02",)), "E-SW-02", {"rh_other"}, SUBJECT, SUSPENDED),
        (measure(grounds=(), record_types=("E-SC-04",)), "E-SC-04", {"rh_other"}, SUBJECT, SUSPENDED),
        (measure(grounds=()), "P-FY-02", {"rh_other"}, SUBJECT, INITIATED),
        (measure(), "E-SC-04", {RECORD}, "hm_b", INITIATED),
    ],
    ids=["record", "same-decision", "another", "unknown-at-check", "no-ground", "order", "stranger"],
)
async def test_an_objection_suspends_what_rests_on_the_record(
    own_database: Database,
    taken: Measure,
    record_type: str,
    records: set[str],
    subject: str,
    state: MeasureState,
):
    outcome = {
        "id": "oc_a", "organization": taken.organization, "scenario": "S09", "case_no": "c", "client": "hr",
        "operator": "op", "officer": "op", "kind": "DECLINED", "concluded_on": TODAY, "hearing": "HELD",
        "digest": "d", "reported_at": 1,
    }  # fmt: skip
    async with hall(own_database.url) as here, here.store.writing() as connection:
        await connection.execute(insert(check_outcome).values(**outcome))
        await tables.add(connection, taken, Step(INITIATED, "op", "op", TODAY, NOW))
        await measures.suspend(connection, [subject], record_type, records, NOW)
        (found,) = await tables.load(connection, select(taken_measure))
        assert (found.state, found.grounds) == (state, taken.grounds[::-1])
