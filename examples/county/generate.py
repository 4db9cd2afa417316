"""Write the demo county: `python examples/county/generate.py --out var/county`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from generator.county import County, Engine, database_urls, environment, generate
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

SERVERS = {
    Engine.POSTGRESQL: "postgresql://postgres@127.0.0.1:5432",
    Engine.MARIADB: "mariadb://root@127.0.0.1:3306",
}


def main(
    out: Annotated[Path, typer.Option(help="Folder for SQLite files and county.env.")],
    persons: Annotated[int, typer.Option(min=1, help="How many natural persons.")] = 2_000,
    entities: Annotated[int, typer.Option(min=0, help="How many organizations.")] = 600,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same county.")] = 20260401,
    today: Annotated[str, typer.Option(help="Newest day of the data, YYYY-MM-DD.")] = "2026-11-21",
    engine: Annotated[Engine, typer.Option(help="Where seven of the eight databases stand.")] = Engine.SQLITE,
    url: Annotated[str | None, typer.Option(help="The server, without a database name.")] = None,
) -> None:
    """Write the eight departments' databases, synthetic and seeded. Existing ones are replaced."""
    console = Console(stderr=True)
    try:
        county = County(persons, entities, seed, date.fromisoformat(today))
        server = None if engine is Engine.SQLITE else url or SERVERS[engine]
        urls = database_urls(out.resolve(), server)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None
    out.mkdir(parents=True, exist_ok=True)
    try:
        rows = _run(console, county, urls)
    except (OSError, SQLAlchemyError) as fault:
        console.print(
            f"[red]The county is not complete:[/] {type(fault).__name__}. Is the server at --url up?"
        )
        raise typer.Exit(1) from None
    variables = out / "county.env"
    variables.write_text("".join(f"{name}={value}\n" for name, value in environment(urls).items()), "utf-8")
    console.print(f"{sum(rows.values()):,} rows in {len(rows)} departments; their URLs are in {variables}")


def _run(console: Console, county: County, urls: Mapping[str, URL]) -> dict[str, int]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("persons and entities", total=county.persons + county.entities)
        return asyncio.run(generate(county, urls, lambda step: progress.advance(task, step)))


if __name__ == "__main__":
    typer.run(main)
