"""`credit-gateway source report`: what departments must correct, for their stewards. Holds no value."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape

from authz.keys import load_keys
from authz.store import Store
from authz.tickets import Ticket, Tickets
from connectors.protocol import Source
from connectors.registry import load_sources
from gateway.cli.common import (
    DEFAULT_CONFIG,
    CommandError,
    Config,
    Json,
    console,
    print_json,
    reported,
    settings_of,
)
from gateway.parts import audit_of, catalogue_of, china_today, source_environment
from gateway.settings import Settings

_FIELDS = (
    "source",
    "department",
    "recordType",
    "reason",
    "column",
    "row",
    "count",
    "firstSeen",
    "lastSeen",
    "ticket",
)


def report(
    name: Annotated[str | None, typer.Argument(help="Only this source.")] = None,
    department: Annotated[str | None, typer.Option(help="Only this department's, such as ZJ.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what was met on this day or later.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, as spreadsheets read it.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write here instead of standard output.")] = None,
    close: Annotated[
        str | None, typer.Option(metavar="TICKET", help="Close this one: what it tells of was corrected.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="With --close: your staff reference.")] = "",
    reason: Annotated[
        str, typer.Option("--reason", help="With --close: why; it stays in the audit log.")
    ] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List rows that were rejected, are of somebody else or lack a date, and drift: reasons and marks."""
    with reported():
        settings = settings_of(config)
        if close is not None:
            asyncio.run(_close(settings, close, by, reason))
            console.print(f"{close} is closed.", highlight=False)
            return
        environment = source_environment(settings, os.environ)
        sources = load_sources(settings.sources, catalogue_of(settings), environment)
        if name is not None and name not in sources:
            known = ", ".join(sources)
            raise CommandError("SOURCE_UNKNOWN", f"There is no source {name}; there are {known}.")
        tickets = asyncio.run(_tickets(settings, since))
    rows = [
        row
        for row in (_row(ticket, sources) for ticket in tickets)
        if name in (None, row["source"]) and department in (None, row["department"])
    ]
    if as_json or as_csv or out:
        _export(rows, out, as_csv=as_csv or (out is not None and out.suffix == ".csv"))
    else:
        _print(rows)


async def _tickets(settings: Settings, since: datetime | None) -> list[Ticket]:
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        return await Tickets(store, china_today).listed(since.date() if since else None)


async def _close(settings: Settings, ticket: str, by: str, reason: str) -> None:
    catalogue, keys = catalogue_of(settings), load_keys(settings.keys)
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        async with audit_of(settings, catalogue, keys, store) as audit:
            await Tickets(store, china_today).close(audit, ticket, by, reason)


def _row(ticket: Ticket, sources: Mapping[str, Source]) -> dict[str, object]:
    fault = ticket.fault
    owner = sources[fault.source].department if fault.source in sources else ""
    told = (fault.source, owner, fault.record_type, fault.reason, fault.column, fault.row)
    days = (ticket.count, ticket.first_seen.isoformat(), ticket.last_seen.isoformat(), ticket.id)
    return dict(zip(_FIELDS, (*told, *days), strict=True))


def _export(rows: Sequence[Mapping[str, object]], out: Path | None, *, as_csv: bool) -> None:
    if not as_csv and out is None:
        print_json(rows)
        return
    content = _csv(rows) if as_csv else orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n"
    if out:
        out.write_text(content, "utf-8-sig" if as_csv else "utf-8")
    else:
        typer.echo(f"\ufeff{content}", nl=False)


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _print(rows: Sequence[Mapping[str, object]]) -> None:
    """By source and record type, for narrow terminals: what is wrong, and under it the row."""
    if not rows:
        console.print("Nothing to correct.")
        return
    told = partial(console.print, highlight=False, soft_wrap=True)
    for place, tickets in groupby(rows, key=lambda row: tuple(map(str, row.values()))[:3]):
        source, department, record_type = place
        told(f"[bold]{source}[/] {department} {record_type}")
        for row in tickets:
            fault = escape(f"{row['reason']} {row['column']}".rstrip())
            told(f"  {fault}, {row['count']}×, {row['firstSeen']} to {row['lastSeen']}")
            told(f"    {row['ticket']} {escape(str(row['row']))}".rstrip())
