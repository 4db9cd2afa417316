import asyncio
from contextlib import asynccontextmanager

import aiohttp
from starlette.applications import Starlette
from starlette.routing import Route

from connectors.errors import SourceUnavailable
from gateway.health import Ready, live
from tests.support.http import served


class Department:
    """A source that is up, down or silent, and counts how often it is asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fault: Exception | None = None
        self.silent = False
        self.pings = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.silent:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault


class World:
    """A clock, a store and two departments, the first of which confirms identity."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store_fault: Exception | None = None
        self.security, self.court = Department("public-security"), Department("court")

    async def store(self) -> None:
        if self.store_fault:
            raise self.store_fault

    @asynccontextmanager
    async def running(self):
        ready = Ready(
            (self.security, self.court), self.store, {"public-security"}, 0.05, clock=lambda: self.now
        )
        app = Starlette(routes=[Route("/livez", live), Route("/readyz", ready.respond)])
        async with served(app) as self.url:
            yield self

    async def look(self, path: str = "/readyz") -> tuple[int, dict]:
        self.now += 10
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
            assert response.headers["Cache-Control"] == "no-store"
            return response.status, await response.json()


async def test_live_says_only_that_the_process_answers():
    async with World().running() as world:
        world.store_fault = OSError("gone")
        assert await world.look("/livez") == (200, {"status": "live"})


async def test_ready_when_everything_is_up():
    async with World().running() as world:
        assert await world.look() == (
            200,
            {
                "status": "ready",
                "store": "up",
                "sources": {"court": "up", "public-security": "up"},
                "degraded": [],
            },
        )


async def test_a_department_that_is_down_only_degrades():
    async with World().running() as world:
        world.court.fault = SourceUnavailable("court", "postgresql://reader:hunter2@10.0.0.7/court")
        status, body = await world.look()
        assert (status, body["status"], body["degraded"]) == (200, "degraded", ["court"])
        assert body["sources"] == {"court": "down", "public-security": "up"}
        assert "hunter2" not in str(body)
        world.court.fault = None
        assert (await world.look())[1]["status"] == "ready"


async def test_a_silent_department_is_down_at_the_deadline():
    async with World().running() as world:
        world.court.silent = True
        assert (await world.look())[1]["degraded"] == ["court"]


async def test_an_unplanned_fault_of_a_department_is_down_too():
    async with World().running() as world:
        world.court.fault = ZeroDivisionError("secret")
        status, body = await world.look()
        assert (status, body["degraded"]) == (200, ["court"])


async def test_without_the_identity_authority_or_the_store_it_is_not_ready():
    async with World().running() as world:
        world.security.fault = SourceUnavailable("public-security")
        status, body = await world.look()
        assert (status, body["status"], body["store"]) == (503, "unready", "up")
        world.security.fault = None
        world.store_fault = OSError("/var/lib/secret.db")
        status, body = await world.look()
        assert (status, body["status"], body["store"]) == (503, "unready", "down")
        assert "secret" not in str(body)


async def test_an_identity_authority_that_is_no_source_is_not_ready():
    ready = Ready((), World().store, {"public-security"}, 0.05)
    assert not (await ready.look()).ready


async def test_looks_that_come_together_share_one():
    world = World()
    ready = Ready((world.security, world.court), world.store, (), 0.05, clock=lambda: world.now)
    await asyncio.gather(*(ready.look() for _ in range(20)))
    assert world.court.pings == 1
    world.now = 0.9
    await ready.look()
    assert world.court.pings == 1
    world.now = 1.0
    await ready.look()
    assert world.court.pings == 2
