"""`credit-gateway stats`: closes months that are over, and prints what is told. Never a small count."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from authz.keys import load_keys
from authz.statistics.book import Month, StatisticsBook
from authz.store import Store
from catalogue.model import Catalogue
from connectors.registry import load_sources
from gateway.cli.common import DEFAULT_CONFIG, Config, Json, console, print_json, reported, settings_of
from gateway.parts import audit_of, catalogue_of, clients_of, source_environment
from gateway.settings import Settings
from gateway.statistics import Names

_WITHHELD = "withheld"


def stats(
    month: Annotated[list[str], typer.Option(help="A month that is over, such as 2026-10; repeat for more.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, as spreadsheets read it.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Print the figures of months; the first time counts a month, and nothing changes it afterwards."""
    with reported():
        settings = settings_of(config)
        catalogue = catalogue_of(settings)
        sources = load_sources(settings.sources, catalogue, source_environment(settings, os.environ))
        names = Names(catalogue, clients_of(settings, catalogue), sources)
        closed = asyncio.run(_closed(settings, catalogue, month))
    rows = [row for each in closed for row in _rows(each, names)]
    if as_json:
        print_json(rows)
    elif as_csv:
        _write_csv(rows)
    else:
        _print(rows)


async def _closed(settings: Settings, catalogue: Catalogue, months: Sequence[str]) -> list[Month]:
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        async with audit_of(settings, catalogue, load_keys(settings.keys), store) as audit:
            book = StatisticsBook(store, audit)
            return [await book.close(month) for month in months]


def _rows(closed: Month, names: Names) -> Iterator[dict[str, Any]]:
    for told in closed.cells:
        yield {
            "month": closed.month,
            "figure": told.figure.value,
            "row": told.row,
            "rowName": names.row(told).zh,
            "column": told.column,
            "columnName": names.column(told).zh,
            "value": told.value,
            "withheld": told.value is None,
        }


def _write_csv(rows: Sequence[dict[str, Any]]) -> None:
    sys.stdout.write("\ufeff")
    writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else ["month"])
    writer.writeheader()
    writer.writerows(rows)


def _print(rows: Sequence[dict[str, Any]]) -> None:
    for (month, figure), cells in groupby(rows, key=lambda row: (row["month"], row["figure"])):
        table = Table("row", "column", "value", title=f"{month} {figure}", title_justify="left")
        for row in cells:
            value = _WITHHELD if row["withheld"] else str(row["value"])
            table.add_row(escape(row["rowName"]), escape(row["columnName"]), value)
        console.print(table)
