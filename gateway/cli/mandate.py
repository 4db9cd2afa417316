"""`credit-gateway mandate`: the register of statutory bases, which one proposes and another approves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
import yaml
from rich.table import Table

from authz.grants import Mandate
from authz.mandate_entries import approved_mandate
from authz.mandates import load_mandates
from authz.register.events import Item, Kind
from authz.register.live import registered
from authz.register.standing import Standing, State
from catalogue.strict_yaml import StrictLoader
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
from gateway.cli.register import By, Reason, Yes, as_json, run, told
from gateway.parts import catalogue_of

app = typer.Typer(help="Mandates: who may read what in which scenario, until when.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Id of the mandate.")]


@app.command("list")
def listed(config: Config = DEFAULT_CONFIG, as_json_: Json = False) -> None:
    """List mandates of the file and of the register, and how each stands."""
    with reported():
        rows = [_row(standing, mandate) for standing, mandate in _all(config)]
    if as_json_:
        print_json(rows)
        return
    table = Table("mandate", "authority", "scenario", "until", "state", "approved by")
    for row in rows:
        cells = (str(row[name] or "") for name in ("id", "authority", "scenario", "validUntil", "state"))
        table.add_row(*cells, " and ".join(row["approvedBy"] or ()))
    console.print(table)


@app.command("show")
def show(mandate: Name, config: Config = DEFAULT_CONFIG, as_json_: Json = False) -> None:
    """Show one mandate whole, and everything that was done to it."""
    with reported():
        chosen = next((one for one in _all(config) if one[0].item.name == mandate), None)
        if chosen is None:
            raise CommandError("MANDATE_UNKNOWN", "There is no such mandate. `mandate list` shows all.")
    standing, held = chosen
    found = _row(standing, held) | {"acts": as_json(standing)["acts"]}
    if held is not None:
        found |= {
            "recordTypes": {
                code: sorted(names) if names else None for code, names in held.record_types.items()
            },
            "casePattern": held.case_pattern,
            "legalBasis": held.legal_basis,
            "validFrom": held.valid_from,
            "unmasked": {code: sorted(names) for code, names in held.unmasked.items()},
        }
    if as_json_:
        print_json(found)
    else:
        typer.echo(_yaml(orjson.loads(orjson.dumps(found))))


@app.command("add")
def add(
    entry: Annotated[
        Path, typer.Argument(help="YAML of one mandate as in mandates.yaml, without `approvedBy`.")
    ],
    by: By,
    reason: Reason,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Propose a mandate. It opens nothing until another person approves it."""
    with reported():
        raw = _mapping(entry)
        told(run(config, lambda register: register.propose(raw, by, reason)))


@app.command("approve")
def approve(mandate: Name, by: By, reason: Reason, yes: Yes = False, config: Config = DEFAULT_CONFIG) -> None:
    """Read what another person proposed, and approve it; running processes take it up at once."""
    with reported():
        item = Item(Kind.MANDATE, mandate)
        standing = run(config, lambda register: register.standing(item), writes=False)
        if standing.state is State.PROPOSED and standing.entry is not None:
            typer.echo(
                _yaml(orjson.loads(standing.entry) | {"proposedBy": standing.events[0].party}), err=True
            )
            if not yes:
                typer.confirm("Approve this mandate?", abort=True, err=True)
        told(run(config, lambda register: register.approve(mandate, by, reason)))


@app.command("stop")
def stop(mandate: Name, by: By, reason: Reason, config: Config = DEFAULT_CONFIG) -> None:
    """Stop a mandate in every running process, within a second; withdraw one that is only proposed."""
    with reported():
        told(run(config, lambda register: register.stop(Item(Kind.MANDATE, mandate), by, reason)))


@app.command("resume")
def resume(mandate: Name, by: By, reason: Reason, config: Config = DEFAULT_CONFIG) -> None:
    """Ask that a mandate may be used again; when another person has asked, agree."""
    with reported():
        told(run(config, lambda register: register.resume(Item(Kind.MANDATE, mandate), by, reason)))


def _all(config: Path) -> list[tuple[Standing, Mandate | None]]:
    """Every mandate with its standing; none is held of a proposal that was withdrawn or is invalid by now."""
    settings = settings_of(config)
    catalogue = catalogue_of(settings)
    filed = load_mandates(settings.mandates, catalogue)
    found = run(config, lambda register: register.standings(), writes=False)
    held = {one.id: one for one in registered(filed, found, catalogue).mandates}
    mandates = [one for one in found if one.item.kind is Kind.MANDATE]
    for one in mandates:
        if one.state is State.PROPOSED and one.entry is not None:
            held[one.item.name] = approved_mandate(one.entry, (one.events[0].party, "nobody yet"), catalogue)
    return [(one, held.get(one.item.name)) for one in mandates]


def _row(standing: Standing, mandate: Mandate | None) -> dict[str, Any]:
    """A mandate that its file or its scenario's switch stops is shown as stopped."""
    stopped = mandate is not None and mandate.stopped and standing.open
    return {
        "id": standing.item.name,
        "authority": mandate and mandate.authority,
        "scenario": mandate and mandate.scenario,
        "validUntil": mandate and mandate.valid_until,
        "state": State.STOPPED if stopped else standing.state,
        "approvedBy": mandate and mandate.approved_by,
    }


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = yaml.load(path.read_text("utf-8"), StrictLoader)  # noqa: S506 - a safe loader
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        raise CommandError("MANDATE_FILE", f"{path} is not readable YAML.") from None
    if not isinstance(found, dict):
        raise CommandError("MANDATE_FILE", f"{path} must hold one mandate.")
    return found


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).rstrip()
