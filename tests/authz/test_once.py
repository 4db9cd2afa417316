import asyncio
import time
from collections.abc import Awaitable, Sequence

import pytest

from authz.errors import StoreUnavailable, Unauthenticated
from authz.once import Kind, OnceOnly, Replayed, Ticket, Use, used_once
from tests.support.databases import Database
from tests.support.stores import stored

SOON = time.time() + 86_400
"""Long after the suite, which reads this once."""


def proof(name: str, owner: str = "key", until: float = SOON) -> Use:
    return Use(Kind.PROOF, owner, name, until)


async def test_a_thing_is_used_once_by_all_processes(own_database: Database) -> None:
    async with (
        stored(own_database) as first,
        stored(own_database) as second,
        OnceOnly(first) as here,
        OnceOnly(second) as there,
    ):
        await here.spend(proof("a"))
        for again in (here, there):
            with pytest.raises(Replayed) as refused:
                await again.spend(proof("a"))
            assert refused.value.kind is Kind.PROOF
        await there.spend(proof("b"))
        await there.spend(proof("a", owner="another key"))
        await there.spend(Use(Kind.ASSERTION, "key", "a", SOON))


async def test_of_many_at_once_exactly_one_is_first(own_database: Database) -> None:
    async with (
        stored(own_database) as first,
        stored(own_database) as second,
        OnceOnly(first) as here,
        OnceOnly(second) as there,
    ):
        attempts = [once.spend(proof("a")) for _ in range(20) for once in (here, there)]
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, Replayed) for outcome in outcomes) == 39


async def test_what_comes_together_is_used_up_together_or_not_at_all(own_database: Database) -> None:
    assertion = Use(Kind.ASSERTION, "bank", "a", SOON)
    async with stored(own_database) as store, OnceOnly(store) as once:
        await once.spend(proof("a"))
        with pytest.raises(Replayed) as refused:
            await once.spend(assertion, proof("a"))
        assert refused.value.kind is Kind.PROOF
        await once.spend(assertion, proof("b"))


async def test_only_digests_are_kept_and_only_as_long_as_needed(own_database: Database) -> None:
    now = time.time()
    async with stored(own_database) as store, OnceOnly(store, clock=lambda: now) as once:
        await once.spend(proof("canary-7", until=now + 1))
        rows = await own_database.fetch("SELECT * FROM used_once")
        assert len(rows) == 1
        assert "canary-7" not in str([bytes(row[0]) for row in rows])
        now += 3
        await once.spend(proof("later", until=now + 60))
        assert len(await own_database.fetch("SELECT * FROM used_once")) == 1


async def test_without_the_store_nothing_is_fresh(own_database: Database) -> None:
    async with stored(own_database) as store, OnceOnly(store) as once:
        async with store.writing() as connection:
            await connection.run_sync(used_once.drop)
        with pytest.raises(StoreUnavailable):
            await once.spend(proof("a"))
        async with store.writing() as connection:
            await connection.run_sync(used_once.create)
        await once.spend(proof("a"))


async def test_who_leaves_does_not_take_others_along(own_database: Database) -> None:
    async with stored(own_database) as store, OnceOnly(store) as once:
        leaving = asyncio.ensure_future(once.spend(proof("a")))
        staying = asyncio.ensure_future(once.spend(proof("b")))
        await asyncio.sleep(0)
        leaving.cancel()
        await staying
        with pytest.raises(Replayed):
            await once.spend(proof("b"))


async def test_of_a_copied_request_no_intent_goes_through(own_database: Database) -> None:
    async with stored(own_database) as store, OnceOnly(store) as once:
        request, copy = Ticket(once, proof("a")), Ticket(once, proof("a"))

        async def write(uses: Sequence[Use]) -> str:
            await once.spend(*uses)
            return "read"

        def intents(ticket: Ticket) -> list[Awaitable[str]]:
            return [ticket.with_intent(write) for _ in range(3)]

        assert await asyncio.gather(*intents(request)) == ["read"] * 3
        refused = await asyncio.gather(*intents(copy), return_exceptions=True)
        assert [type(each) for each in refused] == [Replayed] * 3


async def test_after_a_refused_proof_no_intent_goes_through(own_database: Database) -> None:
    async with stored(own_database) as store, OnceOnly(store) as once:
        await once.spend(proof("a"))
        copy = Ticket(once, proof("a"))
        with pytest.raises(Unauthenticated):
            await copy.spend()
        with pytest.raises(Replayed):
            await copy.with_intent(lambda uses: once.spend(*uses))
