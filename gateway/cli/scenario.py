"""`credit-gateway scenario`: the kill switch of each scenario (GR-11). One person stops, two resume."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Column, Table

from authz.register.events import Item, Kind
from gateway.cli.common import (
    DEFAULT_CONFIG,
    Config,
    Json,
    console,
    print_json,
    reported,
    settings_of,
)
from gateway.cli.register import By, Reason, as_json, run, told
from gateway.deployment import catalogue_of

app = typer.Typer(help="Scenarios: what is running, and the switch that stops one.", no_args_is_help=True)
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
