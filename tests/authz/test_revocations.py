import time

import pytest

from authz.errors import StoreUnavailable
from authz.freshness import FRESH
from authz.revocations import Revocations, revoked_token
from tests.support.databases import Database
from tests.support.stores import stored


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


async def test_a_revocation_is_known_to_other_processes_after_their_next_look(own_database: Database) -> None:
    timer = Clock()
    async with stored(own_database) as first, stored(own_database) as second:
        here, there = Revocations(first), Revocations(second, timer=timer)
        await there.refresh()
        await here.revoke("a", time.time() + 60)
        await there.refresh()
        assert not there.holds("a"), "the last look is fresh: no look at the store"
        timer.now += FRESH
        await there.refresh()
        assert there.holds("a")
        assert not there.holds("b")
        await here.refresh()
        assert here.holds("a"), "who revoked looks at once"
    assert FRESH < 1


async def test_a_new_process_knows_what_was_revoked_before(own_database: Database) -> None:
    async with stored(own_database) as store:
        await Revocations(store).revoke("a", time.time() + 60)
        await Revocations(store).revoke("a", time.time() + 60)
        later = Revocations(store)
        await later.refresh()
        assert later.holds("a")


async def test_what_has_expired_by_itself_is_forgotten(own_database: Database) -> None:
    clock, timer = Clock(), Clock()
    async with stored(own_database) as store:
        revocations = Revocations(store, clock, timer)
        await revocations.revoke("a", clock.now + 1)
        await revocations.refresh()
        clock.now += 3
        await revocations.revoke("b", clock.now + 60)
        await revocations.refresh()
        assert (revocations.holds("a"), revocations.holds("b")) == (False, True)
        assert len(await own_database.fetch("SELECT * FROM revoked_token")) == 1


async def test_numbers_rise_when_the_newest_was_forgotten(own_database: Database) -> None:
    """SQLite would give the number again, and who had seen it would not see the next."""
    clock, timer = Clock(), Clock()
    async with stored(own_database) as store:
        here, there = Revocations(store, clock, timer), Revocations(store, clock, timer)
        await here.revoke("a", clock.now + 1)
        await there.refresh()
        clock.now += 3
        timer.now += FRESH
        await here.revoke("b", clock.now + 60)
        await there.refresh()
        assert there.holds("b")


async def test_without_the_store_nobody_can_say(own_database: Database) -> None:
    async with stored(own_database) as store:
        revocations = Revocations(store)
        async with store.writing() as connection:
            await connection.run_sync(revoked_token.drop)
        for ask in (revocations.refresh(), revocations.revoke("a", 0)):
            with pytest.raises(StoreUnavailable):
                await ask
