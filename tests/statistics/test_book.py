"""A closed month: what it counts, that it is told once and never changes, and that none is told early."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from authz.actors import Actor, ActorKind
from authz.audit import Denial, EventKind, ReadResult, SourceStatus
from authz.cases import tables
from authz.cases.states import Act, Kind, Party, Reason, State
from authz.cases.tables import Case, Event
from authz.grants import SelfAccess
from authz.outcomes.states import Hearing, OutcomeKind
from authz.outcomes.tables import check_outcome
from authz.review.refusals import ReviewRefused
from authz.statistics.book import StatisticsBook
from authz.statistics.figures import ANONYMOUS, PERCENT, RECORDS, Figure, Told
from authz.statistics.suppression import TOTAL
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import OFFICER, QUERY, intent, outcome
from tests.support.authz_parties import entity, person
from tests.support.databases import Database
from tests.support.use import BOUNDLESS, Clock, Office, office

LAST_MINUTE = datetime(2026, 10, 31, 23, 59, tzinfo=CHINA_TIME)
NEXT_MONTH = datetime(2026, 11, 1, 0, 0, tzinfo=CHINA_TIME)
SETTLED = NEXT_MONTH.replace(hour=1)
OTHER = replace(OFFICER, client_id="other-approval", organization=entity("11", 2).value)


async def october(found: Office) -> StatisticsBook:
    """Of one authority 12 reads, of another 3; refusals, public reads, and a court that was down 5 times."""
    down = ReadResult("P-FY-01", "FY", "court", SourceStatus.TIMEOUT)
    for serial in range(15):
        ref = await found.read(person(serial * 9 % 900), OFFICER if serial < 12 else OTHER)
        await found.audit.outcome(ref, outcome(reads=(down,)) if serial < 5 else outcome())
    own = SelfAccess(Actor(ActorKind.PERSON, "sample-bank", OFFICER.organization, subject=person()), person())
    await found.audit.intent(intent(grant=own))
    for _ in range(4):
        await found.deny()
    for _ in range(20):
        await found.audit.denial(Denial(EventKind.READ, Actor(ActorKind.ANONYMOUS, ""), QUERY, ("LIMIT",)))
        found.audit.public_read(["E-FG-03"])
    await found.audit.flush()
    found.clock.now = NEXT_MONTH
    await found.read(person(7))
    return StatisticsBook(found.store, found.audit, found.clock)


def of(cells: list[Told], figure: Figure) -> dict[tuple[str, str], int | None]:
    return {(each.row, each.column): each.value for each in cells if each.figure is figure}


async def test_a_month_counts_what_happened_in_it_and_withholds_what_is_small(own_database: Database) -> None:
    async with office(own_database.url, Clock(LAST_MINUTE), **BOUNDLESS) as found:
        book = await october(found)
        found.clock.now = SETTLED
        closed = await book.close("2026-10")
        # twelve and three are fifteen: twelve and its total go too, or the sum would tell the three
        reads = of(list(closed.cells), Figure.READS)
        assert set(reads) == {
            (row, column)
            for row in (OFFICER.organization, OTHER.organization, TOTAL)
            for column in ("S02", TOTAL)
        }
        assert reads[OTHER.organization, "S02"] is None
        assert reads[OFFICER.organization, "S02"] is None
        assert reads[TOTAL, TOTAL] == 15
        assert of(list(closed.cells), Figure.PUBLIC_READS)["E-FG-03", RECORDS] == 20
        denials = of(list(closed.cells), Figure.DENIALS)
        assert denials[OFFICER.organization, "CASE_NUMBER_INVALID"] is None
        assert (ANONYMOUS, "LIMIT") in denials
        assert of(list(closed.cells), Figure.AVAILABILITY) == {("court", PERCENT): 66}
        (event,) = [each for each in await found.events("REVIEW") if each["act"] == "STATISTICS"]
        assert event["about"] == {"cells": len(closed.cells), "digest": closed.digest, "month": "2026-10"}


async def test_a_closed_month_is_counted_once_by_whichever_process_and_never_changes(
    own_database: Database,
) -> None:
    async with office(own_database.url, Clock(LAST_MINUTE), **BOUNDLESS) as found:
        book = await october(found)
        found.clock.now = SETTLED
        first, second = await asyncio.gather(book.close("2026-10"), book.close("2026-10"))
        assert first == second
        found.clock.now = LAST_MINUTE  # a node whose clock was late
        await found.read(person(8))
        found.clock.now = SETTLED
        assert await book.close("2026-10") == first
        assert await book.told(["2026-10", "2026-09"]) == [first]
        assert await book.months() == ["2026-10"]
        assert len([each for each in await found.events("REVIEW") if each["act"] == "STATISTICS"]) == 1


@pytest.mark.parametrize(
    ("month", "now", "code"),
    [
        ("2026-10", LAST_MINUTE, "MONTH_NOT_OVER"),
        ("2026-10", NEXT_MONTH, "MONTH_NOT_OVER"),
        ("2026-13", SETTLED, "MONTH_INVALID"),
        ("2026-09", SETTLED, "MONTH_EMPTY"),
    ],
)
async def test_no_other_month_is_told(own_database: Database, month: str, now: datetime, code: str) -> None:
    async with office(own_database.url, Clock(LAST_MINUTE), **BOUNDLESS) as found:
        book = await october(found)
        found.clock.now = now
        with pytest.raises(ReviewRefused) as refused:
            await book.close(month)
        assert refused.value.code == code
        assert await book.months() == []


async def test_objections_have_medians_and_outcomes_a_rate(own_database: Database) -> None:
    filed = datetime(2026, 10, 9, 9, tzinfo=CHINA_TIME)
    async with office(own_database.url, Clock(LAST_MINUTE), **BOUNDLESS) as found:
        book = await october(found)
        async with found.store.writing() as connection:
            for serial in range(12):
                case = objection(serial, filed)
                await tables.add(connection, case, Party.SUBJECT)
                if serial < 11:
                    upheld = filed + timedelta(days=serial)
                    event = Event(Act.UPHELD, State.UPHELD, Party.DEPARTMENT, "op-0201", upheld)
                    await tables.move(connection, case.id, {State.OPEN}, event)
            await connection.execute(insert(check_outcome), [reported(serial) for serial in range(20)])
        found.clock.now = SETTLED
        cells = list((await book.close("2026-10")).cells)
        assert of(cells, Figure.CASES_FILED)["FY", "OBJECTION"] == 12
        assert of(cells, Figure.CASES_CLOSED)["FY", "OBJECTION"] == 11
        # filed on Friday the ninth, concluded from that day to Monday the nineteenth; the tenth was worked
        assert of(cells, Figure.CASE_DAYS) == {("FY", "OBJECTION"): 4, (TOTAL, "OBJECTION"): 4}
        assert of(cells, Figure.UNCHECKED)[OFFICER.organization, "S02"] == 20
        assert of(cells, Figure.CHECK_RATE)[OFFICER.organization, "S02"] == 0


def objection(serial: int, filed: datetime) -> Case:
    return Case(
        id=f"rc_{serial}",
        kind=Kind.OBJECTION,
        state=State.OPEN,
        subject=f"hm_{serial}",
        representative=None,
        record=f"hm_r{serial}",
        document=None,
        record_type="P-FY-01",
        department="FY",
        reason=Reason.FACT_WRONG,
        suspends=True,
        content=b"",
        filed_at=filed,
    )


def reported(serial: int) -> dict[str, object]:
    return {
        "id": f"oc_{serial}",
        "jti": None,
        "organization": OFFICER.organization,
        "scenario": "S02",
        "case_no": f"ZC-2026-{serial:04d}",
        "client": "hr-approval",
        "operator": "op-0087",
        "officer": "op-0001",
        "kind": OutcomeKind.GRANTED,
        "concluded_on": LAST_MINUTE.date(),
        "hearing": Hearing.NOT_OFFERED,
        "digest": "",
        "reported_at": tables.millis(LAST_MINUTE),
    }
