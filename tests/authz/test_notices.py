"""What a person is told of reads, with the delays that a law allows."""

from contextlib import aclosing
from datetime import datetime, timedelta

from authz import outbox
from authz.audit import Visibility
from authz.news import News
from authz.notices import Notices, Position, Told
from authz.outbox import Notice, NoticeKind, Recipient, RecipientKind
from authz.store import Store
from catalogue.values import CHINA_TIME
from tests.support.audit_logs import REFERENCES, audit_log, intent, outcome
from tests.support.authz_parties import person
from tests.support.databases import Database
from tests.support.stores import stored

PARTY = Recipient(RecipientKind.PERSON, REFERENCES.audit_ref(person(1)))
START = Position(0, -1, 0)


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(CHINA_TIME)

    def __call__(self) -> datetime:
        return self.now


async def told(store: Store, clock: Clock, start: Position, number: int) -> list[Told]:
    """The first so many after a position."""
    async with (
        News(store) as news,
        aclosing(Notices(store, news, clock).follow([PARTY], start)) as following,
    ):
        return [await anext(following) for _ in range(number)]


async def test_a_delayed_read_is_told_when_its_delay_ends_wherever_one_had_stopped(own_database: Database):
    clock = Clock()
    soon = Visibility(clock.now + timedelta(days=10), "办案需要")
    later = Visibility(clock.now + timedelta(days=20), "办案需要")
    async with stored(own_database) as store, audit_log(own_database.url) as log:
        for visibility in (later, soon, Visibility()):
            await log.outcome(await log.intent(intent(1, visibility=visibility)), outcome())
        await log.intent(intent(2))
        async with store.writing() as connection:
            await outbox.within(connection, Notice(PARTY, NoticeKind.CASE_MOVED, "ca_case", clock.now))
        case, read = await told(store, clock, START, 2)
        assert (case.kind, case.pointer) == (NoticeKind.CASE_MOVED, "ca_case")
        assert (read.kind, read.pointer) == (NoticeKind.RECORDS_READ, None)
        clock.now += timedelta(days=15)
        (first,) = await told(store, clock, read.position, 1)
        clock.now += timedelta(days=15)
        both = await told(store, clock, read.position, 2)
        assert both[0] == first  # in the order of their delays
        (second,) = await told(store, clock, first.position, 1)
        assert both[1] == second
        # and nothing is told twice: what comes next is new
        await log.intent(intent(1))
        (newest,) = await told(store, clock, second.position, 1)
        assert newest.position.leaf > second.position.leaf


async def test_the_end_of_a_delay_wakes_who_waits_for_it(own_database: Database):
    async with stored(own_database) as store, audit_log(own_database.url) as log:
        until = datetime.now(CHINA_TIME) + timedelta(seconds=1)
        await log.intent(intent(1, visibility=Visibility(until, "办案需要")))
        async with News(store) as news, aclosing(Notices(store, news).follow([PARTY], START)) as following:
            one = await anext(following)
        assert datetime.now(CHINA_TIME) >= until
        assert one.kind is NoticeKind.RECORDS_READ
