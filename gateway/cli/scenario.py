"""`credit-gateway scenario`: the kill switch of each (GR-11), and its operation. One stops, two resume."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from authz.register.events import Item, Kind
from catalogue.loader import load_catalogue
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
from gateway.cli.register import By, Reason, as_json, run, told
from gateway.parts import catalogue_of
from resolvers.checks.documents import operation_of

app = typer.Typer(
    help="Scenarios: what is running, the switch that stops one, and its operation.", no_args_is_help=True
)
Code = Annotated[str, typer.Argument(help="Code of the scenario, such as S04.")]


@app.command("list")
def listed(config: Config = DEFAULT_CONFIG, as_json_: Json = False) -> None:
    """List scenarios, whether each runs, and why not."""
    with reported():
        scenarios = catalogue_of(settings_of(config)).scenarios
        found = run(config, lambda register: register.standings(), writes=False)
    chosen = [one for one in found if one.item.kind is Kind.SCENARIO]
    if as_json_:
        print_json([as_json(one) | {"scenario": scenarios[one.item.name].name.zh} for one in chosen])
        return
    table = Table("code", "scenario", "state", Column("last act", overflow="fold"))
    for one in chosen:
        last = one.events[-1] if one.events else None
        said = f"{last.at:%Y-%m-%d %H:%M} {last.party}: {last.reason}" if last else ""
        table.add_row(one.item.name, scenarios[one.item.name].name.zh, str(one.state), said)
    console.print(table)


@app.command("stop")
def stop(code: Code, by: By, reason: Reason, config: Config = DEFAULT_CONFIG) -> None:
    """Stop every read of a scenario, in every running process, within a second."""
    with reported():
        told(run(config, lambda register: register.stop(Item(Kind.SCENARIO, code), by, reason)))


@app.command("resume")
def resume(code: Code, by: By, reason: Reason, config: Config = DEFAULT_CONFIG) -> None:
    """Ask that a scenario may run again; when another person has asked, agree."""
    with reported():
        told(run(config, lambda register: register.resume(Item(Kind.SCENARIO, code), by, reason)))


@app.command("operation")
def operation(
    code: Annotated[
        str | None, typer.Argument(help="Code of the scenario, such as S04; all if absent.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a file for each into this folder instead.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="With the scenarios of this deployment too.")
    ] = None,
) -> None:
    """Print the operation by which an approval system checks for a scenario (docs/must-check.md)."""
    with reported():
        catalogue = catalogue_of(settings_of(config)) if config else load_catalogue()
        if code and code not in catalogue.scenarios:
            raise CommandError("SCENARIO_UNKNOWN", "The catalogue has no such scenario.")
    for each in [code] if code else sorted(catalogue.scenarios):
        document = operation_of(catalogue.scenarios[each], catalogue)
        if out is None:
            typer.echo(document, nl=False)
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{each}.graphql").write_text(document, encoding="utf-8")
