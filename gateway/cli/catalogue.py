"""`credit-gateway catalogue`: look after the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from catalogue.lint import lint
from catalogue.loader import load_catalogue
from gateway.cli.common import Json, console, print_json, reported

app = typer.Typer(help="The catalogue: record types, scenarios, measures.", no_args_is_help=True)


@app.callback()
def catalogue() -> None:
    """Group of commands, even while there is one."""


@app.command("lint")
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="A deployment's catalogue folder, linted together with ours.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the guardrails (GR-01, GR-07, GR-08, GR-09) and every reference. Exit code 1 on a problem."""
    with reported():
        found = load_catalogue(*([folder] if folder else []))
        problems = lint(found)
    if as_json:
        print_json([{"code": each.code, "where": each.where, "message": each.message} for each in problems])
    elif problems:
        table = Table("code", "where", "what to do")
        for each in problems:
            table.add_row(each.code, each.where, each.message)
        console.print(table)
    else:
        console.print(
            f"{len(found.record_types)} record types, {len(found.scenarios)} scenarios: no problem found"
        )
    if problems:
        raise typer.Exit(1)
