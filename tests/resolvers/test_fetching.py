"""What `extensions.sources` says of rows that were left out, and of whom it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.persons import person
from catalogue.identifiers import SubjectKey
from connectors.errors import SectionState
from connectors.guard import guarded
from connectors.protocol import Ask, Source
from connectors.rest import RestSource
from connectors.sql import SqlSource
from resolvers.context import Report
from resolvers.fetching import fetch_all
from tests.support.databases import Database
from tests.support.small_catalogue import (
    PENALTY_TABLE,
    PERSON,
    manifest_of,
    penalty_source,
    small_catalogue,
)

TYPE = "P-TT-01"


@pytest.mark.parametrize(
    ("decided", "confirmed", "told"),
    [
        ("before the flood", True, ("PARTIAL", "ROWS_REJECTED", 1)),
        # an unconfirmed number must not be told apart from one that nobody has (ruling 3)
        ("before the flood", False, ("OK", None, 0)),
        ("2026-01-02", True, ("OK", None, 0)),
    ],
)
async def test_rows_left_out_are_told_of_confirmed_subjects_only(
    sqlite: Database, decided: str, confirmed: bool, told: tuple[str, str | None, int]
) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.insert("penalty", [(PERSON, "罚1号", "", "", decided)])
    source = SqlSource(manifest_of({TYPE: penalty_source()}), small_catalogue(), sqlite.url)
    ask = Ask(TYPE, frozenset({"documentNo"}), (SubjectKey.person(PERSON),))
    report = Report()
    await fetch_all({TYPE: ask}, {TYPE: (source,)}, report, confirmed=confirmed)
    await source.close()
    (entry,) = report.sources
    assert (entry.state, entry.reason, entry.rejected) == told


async def test_the_row_cap_is_told_too(sqlite: Database) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.insert("penalty", [(PERSON, f"罚{n}号", "", "", "2026-01-02") for n in range(3)])
    source = SqlSource(manifest_of({TYPE: penalty_source(rowCap=2)}), small_catalogue(), sqlite.url)
    ask = Ask(TYPE, frozenset({"documentNo"}), (SubjectKey.person(PERSON),))
    report = Report()
    await fetch_all({TYPE: ask}, {TYPE: (source,)}, report)
    await source.close()
    (entry,) = report.sources
    assert (entry.state, entry.reason, entry.rejected) == ("PARTIAL", "ROW_CAP", 0)


async def test_a_batch_is_told_of_those_who_were_in_it(sqlite: Database) -> None:
    await sqlite.execute(PENALTY_TABLE)
    manifest, catalogue = manifest_of({TYPE: penalty_source()}), small_catalogue()
    source = guarded(SqlSource(manifest, catalogue, sqlite.url), manifest)
    one, stranger, other = (SubjectKey.person(person(index).number) for index in range(3))
    report, elsewhere = Report(), Report()

    async def asked(key: SubjectKey, of: Report) -> None:
        await fetch_all({TYPE: Ask(TYPE, frozenset({"documentNo"}), (key,))}, {TYPE: (source,)}, of)

    await asyncio.gather(asked(one, report), asked(stranger, elsewhere))
    await asked(other, report)
    await source.close()
    (batch,) = report.batches_of(one)
    assert elsewhere.batches_of(stranger) == (batch,)
    assert report.batches_of(other) == ()


async def test_what_has_to_be_answered_by_now_is_out_of_time(sqlite: Database) -> None:
    await sqlite.execute(PENALTY_TABLE)
    source = SqlSource(manifest_of({TYPE: penalty_source()}), small_catalogue(), sqlite.url)
    ask = Ask(TYPE, frozenset({"documentNo"}), (SubjectKey.person(PERSON),))
    report, now = Report(), asyncio.get_running_loop().time()
    fetched = await fetch_all({TYPE: ask}, {TYPE: (source,)}, report, until=now)
    assert fetched[TYPE].state is SectionState.TIMEOUT
    fetched = await fetch_all({TYPE: ask}, {TYPE: (source,)}, report, until=now + 60)
    assert fetched[TYPE].state is SectionState.OK
    await source.close()
    assert [entry.state for entry in report.sources] == ["TIMEOUT", "OK"]


@asynccontextmanager
async def service(answer: Callable[[], Awaitable[None]]) -> AsyncIterator[Source]:
    """A department that holds nothing, and says so when it is ready to."""

    async def asked(_: web.Request) -> web.Response:
        await answer()
        return web.json_response({"data": []})

    app = web.Application()
    app.router.add_post("/q", asked)
    async with TestServer(app) as server:
        record = penalty_source(table=None, rest={"path": "/q", "body": {"k": "{key}"}})
        manifest = manifest_of({TYPE: record}, connector="rest", url=str(server.make_url("")))
        source = guarded(RestSource(manifest, small_catalogue(), manifest.url), manifest)
        yield source
        await source.close()


async def test_sources_are_asked_at_once_and_none_waits_for_another() -> None:
    reached = asyncio.Event()

    async def reach() -> None:
        reached.set()

    async def wait() -> None:
        await reached.wait()

    ask = Ask(TYPE, frozenset(), (SubjectKey.person(PERSON),))
    async with service(wait) as first, service(reach) as second:
        fetched = await fetch_all({TYPE: ask}, {TYPE: (first, second)}, Report())
    assert fetched[TYPE].faults == ()
    assert len(fetched[TYPE].answers) == 2
