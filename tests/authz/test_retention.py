"""What is kept long enough is erased, by clock travel, and what still works for somebody is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError

from authz import outbox
from authz.cases.overlay import Overlay
from authz.cases.sealed import Seal
from authz.cases.states import Act, Effect, Kind, Reason
from authz.cases.tables import record_mark, rights_case, rights_case_event
from authz.moments import millis
from authz.outcomes.tables import check_outcome, measure_step, taken_measure
from authz.receipts.book import check_receipt, manual_check
from authz.retention import retain
from catalogue.values import CHINA_TIME
from tests.support.authz_parties import demo_keys, person
from tests.support.case_parties import DEBT, Hall, hall
from tests.support.consents import Clock
from tests.support.databases import Database

THEN = datetime(2020, 3, 2, 9, tzinfo=CHINA_TIME)
"""So long ago that the database, whose clock does not travel, lets a case go."""
SUBJECT = "hm_a"


def later(**passed: float) -> datetime:
    return THEN + timedelta(**passed)


async def count(here: Hall, table: Any) -> int:
    async with here.store.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def test_a_closed_case_goes_and_what_it_did_to_the_record_stays(own_database: Database):
    keys = demo_keys()
    async with hall(own_database.url, keys, Clock(THEN)) as here:
        wrong = await here.filed()
        await here.decided(wrong, Act.CORRECTED)
        right = await here.filed(target=replace(DEBT, identity="2", document=None))
        await here.decided(right, Act.UPHELD)
        waits = await here.filed(target=replace(DEBT, identity="3", document=None))
        stands = await here.filed(kind=Kind.STATEMENT, reason=Reason.OWN_WORDS, text="已履行。", evidence=())
        early = await retain(here.store, later(days=3 * 365 - 1), 10, apply=True)
        assert (early["rights_case"], await count(here, rights_case)) == (0, 4)
        at = later(days=3 * 366)
        assert (await retain(here.store, at, 10, apply=False))["rights_case"] == 2
        assert await count(here, rights_case) == 4, "counted, and nothing done"
        done = await retain(here.store, at, 10, apply=True)
        assert (done["rights_case"], done["record_mark"]) == (2, 2)
        assert {one.id for one in await here.register.of_person(person(), 9)} == {waits.id, stands.id}
        assert await count(here, rights_case_event) == 2
        assert all(number == 0 for number in (await retain(here.store, at, 10, apply=True)).values())
        found = (await Overlay(here.store, here.references, Seal(keys)).current()).of(person())
        assert found is not None
        effects = {mark.case_id: mark.effect for mark in found.marks}
        assert effects == {
            wrong.id: Effect.STOPPED,
            waits.id: Effect.DISPUTED,
            stands.id: Effect.STATED,
        }, "what was found wrong does not come back"
        leaves = [leaf.event async for leaf in here.audit.read() if leaf.event["phase"] == "CASE"]
        assert wrong.id in {leaf["caseId"] for leaf in leaves}, "the proof is the log's"
        assert await count(here, record_mark) == 4, "two of it: marked, then stopped"


def checked(jti: str, **changes: Any) -> dict[str, Any]:
    at = millis(THEN)
    return {
        "jti": jti, "scenario": "S04", "case_no": "c", "subject": SUBJECT,
        "organization": "o", "client": "hr", "basis": "m", "position": 1, "completeness": "COMPLETE",
        "unknown": "", "related": 0,
        "checked_at": at, "valid_until": at,
    } | changes  # fmt: skip


def concluded(outcome: str, jti: str | None) -> dict[str, Any]:
    day = date(2020, 3, 2)
    return {
        "id": outcome, "jti": jti, "organization": "o", "scenario": "S04", "case_no": "c", "client": "hr",
        "operator": "op", "officer": "op", "kind": "DECLINED", "concluded_on": day, "noticed_on": day,
        "hearing": "HELD", "digest": "d", "reported_at": millis(THEN),
    }  # fmt: skip


def taken(measure: str, outcome: str, state: str) -> dict[str, Any]:
    return {
        "id": measure, "outcome": outcome, "subject": SUBJECT, "organization": "o", "client": "hr",
        "scenario": "S04", "case_no": "c", "code": "R-02", "record_types": "P-FY-01", "state": state,
    }  # fmt: skip


async def test_checks_go_with_all_that_hangs_on_them_but_not_while_a_measure_runs(own_database: Database):
    async with hall(own_database.url) as here:
        async with here.store.writing() as connection:
            receipts = [checked("ck_over"), checked("ck_runs"), checked("ck_plain")]
            await connection.execute(insert(check_receipt), receipts)
            by_hand = {"jti": "ck_over", "record_type": "P-FY-01", "operator": "op", "method": "LETTER"}
            await connection.execute(insert(manual_check).values(**by_hand, checked_on=date(2020, 3, 2)))
            outcomes = [
                concluded("ck_over", "ck_over"),
                concluded("ck_runs", "ck_runs"),
                concluded("oc_a", None),
            ]
            await connection.execute(insert(check_outcome), outcomes)
            measures = [taken("ms_over", "ck_over", "CLOSED"), taken("ms_runs", "ck_runs", "EXECUTED")]
            await connection.execute(insert(taken_measure), measures)
            step = {"number": 0, "state": "INITIATED", "officer": "op", "operator": "op", "at": millis(THEN)}
            for measure in ("ms_over", "ms_runs"):
                row = {"measure": measure, "on_day": date(2020, 3, 2), **step}
                await connection.execute(insert(measure_step).values(row))
            to = outbox.OFFICE
            await outbox.within(connection, outbox.Notice(to, outbox.NoticeKind.CASE_FILED, "rc_aaaa", THEN))
        assert sum((await retain(here.store, later(days=300), 10, apply=True)).values()) == 0
        assert (await retain(here.store, later(days=366), 10, apply=True))["outbox"] == 1
        done = await retain(here.store, later(days=10 * 366), 10, apply=True)
        assert (done["check_receipt"], done["check_outcome"]) == (2, 1)
        for table, left in ((check_receipt, 1), (check_outcome, 1), (taken_measure, 1), (measure_step, 1)):
            assert await count(here, table) == left
        assert await count(here, manual_check) == 0


async def test_a_case_that_is_not_old_enough_is_kept_by_the_database_itself(own_database: Database):
    async with hall(own_database.url, clock=Clock(datetime.now(CHINA_TIME))) as here:
        await here.decided(await here.filed(), Act.UPHELD)
        with pytest.raises(DBAPIError, match="append-only"):
            await retain(here.store, datetime.now(CHINA_TIME) + timedelta(days=4 * 366), 10, apply=True)
        assert await count(here, rights_case) == 1
