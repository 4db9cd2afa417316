"""Alarms come from the log, name events and no one, and are told of once."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import structlog

from authz.review.items import ItemKind, ItemState
from authz.review.watch import Watch
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import OFFICER
from tests.support.authz_parties import person
from tests.support.databases import Database
from tests.support.use import Clock, office

ALARMS = {"denialsPerHour": 4, "readsOutOfHours": 3}
NIGHT = datetime(2026, 11, 20, 22, 15, tzinfo=CHINA_TIME)


@pytest.mark.parametrize(
    ("at", "alarming"),
    [
        (NIGHT, True),
        (datetime(2026, 11, 21, 10, tzinfo=CHINA_TIME), True),  # a Saturday
        (datetime(2026, 10, 1, 10, tzinfo=CHINA_TIME), True),  # the national holiday, a Thursday
        (datetime(2026, 10, 10, 10, tzinfo=CHINA_TIME), False),  # a Saturday that is worked instead
        (datetime(2026, 11, 20, 7, 59, tzinfo=CHINA_TIME), True),
        (datetime(2026, 11, 20, 17, 59, tzinfo=CHINA_TIME), False),
    ],
)
async def test_reads_when_offices_are_closed_are_noticed(
    sqlite: Database, at: datetime, alarming: bool
) -> None:
    async with office(sqlite.url, Clock(at), alarms=ALARMS) as found:
        refs = [await found.read() for _ in range(3)]
        await found.watch.look()
        if not alarming:
            assert await found.desk.items() == []
            return
        ((item, state),) = await found.desk.items()
        assert (item.kind, item.number, state) == (ItemKind.NIGHT_BURST, 3, ItemState.OPEN)
        assert item.evidence == tuple(ref.index for ref in refs)
        assert item.period == f"{at:%Y-%m-%dT%H}"


async def test_a_few_reads_at_night_are_an_officers_overtime(sqlite: Database) -> None:
    async with office(sqlite.url, Clock(NIGHT), alarms=ALARMS) as found:
        await found.read()
        await found.read()
        found.clock.pass_by(hours=1)
        await found.read()
        await found.watch.look()
        assert await found.desk.items() == []


async def test_many_denials_are_noticed_and_their_number_grows(own_database: Database) -> None:
    async with office(own_database.url, alarms=ALARMS) as found:
        for _ in range(4):
            await found.deny()
        await found.deny(actor=replace(OFFICER, client_id="other-approval"))
        await found.watch.look()
        ((item, _),) = await found.desk.items()
        assert (item.kind, item.client_id, item.number) == (ItemKind.MANY_DENIALS, "hr-approval", 4)
        await found.deny()
        await found.watch.look()
        ((grown, _),) = await found.desk.items()
        assert (grown.id, grown.number, len(grown.evidence)) == (item.id, 5, 5)
        assert found.told == ["MANY_DENIALS"]


async def test_an_alarm_is_told_of_once_by_all_processes(own_database: Database) -> None:
    async with office(own_database.url, alarms=ALARMS) as found:
        told: list[str] = []
        clients = found.watch._clients
        others = [Watch(found.store, found.audit, clients, clock=found.clock) for _ in range(2)]
        for other in others:
            other.observers.append(told.append)
        for _ in range(4):
            await found.deny()
        with structlog.testing.capture_logs() as lines:
            for watch in (*others, found.watch):
                await watch.look()
        assert told == ["MANY_DENIALS"]
        assert found.told == []
        alarms = [line for line in lines if line["event"] == "use alarm"]
        expected: dict[str, Any] = {"alarm": "MANY_DENIALS", "client": "hr-approval", "count": 4}
        assert alarms == [expected | {"event": "use alarm", "log_level": "warning"}]
        (event,) = await found.events("REVIEW")
        assert event["act"] == "ALARM"
        assert event["about"]["evidence"] == [0, 1, 2, 3]
        assert person().value not in str(event)


async def test_a_watch_goes_on_where_the_last_one_stopped(own_database: Database) -> None:
    async with office(own_database.url, alarms=ALARMS) as found:
        for _ in range(3):
            await found.deny()
        await found.watch.look()
    async with office(own_database.url, alarms=ALARMS) as found:
        await found.deny()
        await found.watch.look()
        ((item, _),) = await found.desk.items()
        assert item.number == 4


async def test_an_alarm_is_overdue_after_three_working_days(sqlite: Database) -> None:
    async with office(sqlite.url, alarms=ALARMS) as found:
        for _ in range(4):
            await found.deny()
        await found.watch.look()
        found.clock.pass_by(days=5)  # Friday to Wednesday
        assert [state for _, state in await found.desk.items()] == [ItemState.OPEN]
        found.clock.pass_by(days=1)
        assert [state for _, state in await found.desk.items()] == [ItemState.OVERDUE]
