"""The floor's one endpoint."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.databases import urls
from bench.floor.audit import Audit
from bench.floor.batches import Batching
from bench.floor.pools import Pool, Rows, pool
from bench.floor.sections import REGISTER, REGISTER_SOURCE, SECTIONS, Section, star
from catalogue.values import CHINA_TIME
from gateway.app import GC_THRESHOLD


def create_app(persons: int, audit_file: Path | None, *, batching: bool) -> Starlette:
    """The application; with a file, each request commits an intent and an outcome to it."""
    pools: dict[str, Pool] = {source: pool(url) for source, url in urls(persons).items()}
    if batching:
        pools = {source: Batching(each) for source, each in pools.items()}
    audit = Audit(audit_file) if audit_file else None

    async def answer(request: Request) -> Response:
        variables = orjson.loads(await request.body())["variables"]
        number, name = variables["who"]["citizenId"], variables["who"]["name"]
        if audit:
            await audit.intent(number, variables["access"])
        census, *found = await _ask(pools, number)
        if not any(row[2] == name and row[3] == "10" for row in census):
            return Response(b'{"data":{"subject":null}}', media_type="application/json")
        if audit:
            await audit.outcome(number, _identities(found))
        data = {"subject": _subject(name, found)}
        return Response(orjson.dumps({"data": data}), media_type="application/json")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for each in pools.values():
                await each.open()
                stack.push_async_callback(each.close)
            if audit:
                await stack.enter_async_context(audit)
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLD)  # as the gateway does
            yield

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])], lifespan=lifespan)


def _identities(found: Sequence[Rows]) -> dict[str, list[str]]:
    return {each.name: [str(row[1]) for row in rows] for each, rows in zip(SECTIONS, found, strict=True)}


async def _ask(pools: dict[str, Pool], number: str) -> Sequence[Rows]:
    """The register and the eight sections, all at once."""
    return await asyncio.gather(
        pools[REGISTER_SOURCE].fetch(REGISTER, number),
        *(pools[each.source].fetch(each.sql, *each.forms(number)) for each in SECTIONS),
    )


def _subject(name: str, found: Sequence[Rows]) -> dict[str, object]:
    now = datetime.now(CHINA_TIME)
    fetched, today = now.isoformat(timespec="milliseconds"), now.date()
    groups: dict[str, dict[str, object]] = {}
    for section, rows in zip(SECTIONS, found, strict=True):
        groups.setdefault(section.group, {})[section.name] = {
            "state": "OK",
            "fetchedAt": fetched,
            "records": records(section, rows, name, today),
        }
    return {"kind": "NATURAL_PERSON", "displayName": star(name), **groups}


def records(section: Section, rows: Rows, name: str, today: date) -> list[dict[str, object]]:
    """Rows in force that name the person, as records."""
    own = (row for row in rows if row[section.person] == name)
    live = (row for row in own if section.status < 0 or row[section.status] == "0")
    return [record for row in live if (record := section.record(row, today)) is not None]
