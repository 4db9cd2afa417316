"""`credit-gateway publicity`: decisions that were not published in time. Counts by day only."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from authz.audit.months import bounds_of
from authz.keys import load_keys
from authz.publicity import Counted, PublicityBook
from authz.store import Store
from catalogue.model import Catalogue
from connectors.errors import SourceError
from connectors.protocol import Source
from connectors.registry import load_sources
from gateway.cli.common import (
    DEFAULT_CONFIG,
    CommandError,
    Config,
    Json,
    console,
    fail,
    print_json,
    reported,
    settings_of,
)
from gateway.parts import audit_of, catalogue_of, source_environment
from gateway.settings import Settings

app = typer.Typer(
    help="双公示: have departments' databases count what was not public in time; list it.",
    no_args_is_help=True,
)
Month = Annotated[str, typer.Option(help="The month of the decisions, such as 2026-10.")]


@app.command("count")
def count(month: Month, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Have each source count a month, at night: it reads whole tables. Exit code 1 if one could not."""
    with reported():
        _require_month(month)
        settings = settings_of(config)
        counted, failed = asyncio.run(_counted(settings, catalogue_of(settings), month))
    if as_json:
        print_json({"counted": [asdict(each) for each in counted], "failed": failed})
    for each in [] if as_json else counted:
        breaches = sum(one.late + one.unpublished for one in each.breaches)
        told = f"{each.decisions} decisions, {breaches} not public in time, {each.unread} unread"
        console.print(f"{each.source} {each.record_type}: {told}", highlight=False)
    if failed:
        fail("SOURCE_NOT_COUNTED", ", ".join(f"{where}: {why}" for where, why in failed.items()))


@app.command("breaches")
def breaches(
    month: Month,
    department: Annotated[str | None, typer.Option(help="Only this department's, such as SC.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, as spreadsheets read it.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List what the last count of a month found, by department and day. No department is asked."""
    with reported():
        _require_month(month)
        found = asyncio.run(_found(settings_of(config), month, department))
    rows = [
        {"source": each.source, "recordType": each.record_type} | asdict(breach)
        for each in found
        for breach in each.breaches
    ]
    if as_json:
        print_json(rows)
        return
    names = ["source", "recordType", "department", "determined_on", "due_on", "late", "unpublished"]
    if as_csv:
        sys.stdout.write("\ufeff")
        writer = csv.DictWriter(sys.stdout, names)
        writer.writeheader()
        writer.writerows(rows)
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*(escape(str(row[name])) for name in names))
    console.print(table)


def _require_month(month: str) -> None:
    try:
        bounds_of(month)
    except ValueError:
        raise CommandError("MONTH_INVALID", "Write the month as 2026-10.") from None


async def _counted(
    settings: Settings, catalogue: Catalogue, month: str
) -> tuple[list[Counted], dict[str, str]]:
    """What each source counted, and why those did not that could not."""
    environment = source_environment(settings, os.environ)
    sources = load_sources(settings.sources, catalogue, environment)
    counted, failed = [], {}
    async with AsyncExitStack() as stack:
        for source in sources.values():
            stack.push_async_callback(source.close)
        store = await stack.enter_async_context(_store(settings))
        audit = audit_of(settings, catalogue, load_keys(settings.keys), store)
        book = PublicityBook(store, await stack.enter_async_context(audit))
        for source, code, within in _terms(sources, catalogue):
            try:
                told = await source.tallies(code, bounds_of(month)[0].date())
            except SourceError as error:
                failed[f"{source.name} {code}"] = error.reason
                continue
            counted.append(await book.keep(source.name, code, month, told.tallies, told.unread, within))
    return counted, failed


def _terms(sources: Mapping[str, Source], catalogue: Catalogue) -> Iterator[tuple[Source, str, int]]:
    """Who counts what, and in how many working days it has to be public."""
    for source in sources.values():
        for code, record in sorted(source.manifest.records.items()):
            within = catalogue.record_types[code].clocks.publication.within
            if record.publicity and within:
                yield source, code, within


async def _found(settings: Settings, month: str, department: str | None) -> list[Counted]:
    catalogue, keys = catalogue_of(settings), load_keys(settings.keys)
    async with _store(settings) as store:
        book = PublicityBook(store, audit_of(settings, catalogue, keys, store))
        return await book.counted(month, department)


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        yield store
