"""`credit-gateway client`: the register of clients, which one person asks to change and another approves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table

from authz.clients import load_clients
from authz.tokens import is_operator
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

app = typer.Typer(help="Clients: who may ask, approved by two different people.", no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="Your staff reference.")]
SECOND = "second-approver"
"""Stands for the one who has not approved yet, while a request is checked."""


@app.command("list")
def listed(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List registered clients, and requests that wait for a second person."""
    with reported():
        path = settings_of(config).clients
        rows = [
            {
                "clientId": client.client_id,
                "kind": client.kind.value,
                "organization": client.organization_name,
                "until": client.valid_until.isoformat(),
                "approvedBy": list(client.approved_by),
            }
            for client in load_clients(path).clients.values()
        ]
        rows += [
            {
                "clientId": entry["clientId"],
                "kind": entry["kind"],
                "organization": entry["organizationName"],
                "until": str(entry["validUntil"]),
                "approvedBy": entry["approvedBy"],
            }
            for entry in _requests(path)
        ]
    if as_json:
        print_json(rows)
        return
    table = Table("client", "kind", "organization", "until", "approved by")
    for row in rows:
        *cells, approvers = row.values()
        table.add_row(
            *map(str, cells), " and ".join(approvers) if len(approvers) > 1 else "waits for another"
        )
    console.print(table)


@app.command("add")
def add(
    entry: Annotated[
        Path, typer.Argument(help="YAML of one client as in clients.yaml, without `approvedBy`.")
    ],
    by: By,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Ask for a client to be registered. It may do nothing until another person approves it."""
    with reported():
        path, person = settings_of(config).clients, _person(by)
        asked = _mapping(entry)
        if "approvedBy" in asked:
            raise CommandError("CLIENT_APPROVAL", "Leave `approvedBy` out: approving writes it.")
        waiting = _requests(path)
        if any(other["clientId"] == asked.get("clientId") for other in waiting):
            raise CommandError("CLIENT_DUPLICATE", "A request for this client waits already.")
        _registered(path, asked | {"approvedBy": [person, SECOND]}).unlink()
        _write(_requests_of(path), yaml.safe_dump([*waiting, asked | {"approvedBy": [person]}], **_STYLE))
    console.print(f"{asked['clientId']} waits for another person: credit-gateway client approve")


@app.command("approve")
def approve(
    client_id: Annotated[str, typer.Argument(help="The client that was asked for.")],
    by: By,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: you have read the request.")] = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Read a request of another person, and register the client. Processes know it from their next start."""
    with reported():
        path, person = settings_of(config).clients, _person(by)
        waiting = _requests(path)
        asked = next((entry for entry in waiting if entry["clientId"] == client_id), None)
        if asked is None:
            raise CommandError("CLIENT_UNKNOWN", f"No request for {client_id} waits.")
        if asked["approvedBy"] == [person]:
            raise CommandError("CLIENT_APPROVAL", "You asked for it: another person must approve it.")
        typer.echo(yaml.safe_dump(asked, **_STYLE))
        if not yes:
            typer.confirm("Register this client?", abort=True)
        _registered(path, asked | {"approvedBy": [*asked["approvedBy"], person]}).replace(path)
        _write(_requests_of(path), yaml.safe_dump([each for each in waiting if each is not asked], **_STYLE))
    console.print(f"{client_id} is registered; restart the gateway's processes")


_STYLE: dict[str, Any] = {"allow_unicode": True, "sort_keys": False}


def _person(by: str) -> str:
    if not is_operator(by):
        raise CommandError("OPERATOR_INVALID", "--by is a staff reference, such as op-0012.")
    return by


def _requests_of(register: Path) -> Path:
    return register.with_suffix(".requested.yaml")


def _requests(register: Path) -> list[dict[str, Any]]:
    """Requests that wait; each has one name in `approvedBy`."""
    path = _requests_of(register)
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else []
    return found


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        raise CommandError("CLIENT_FILE", f"{path} is not readable YAML.") from None
    if not isinstance(found, dict):
        raise CommandError("CLIENT_FILE", f"{path} must hold one client.")
    return found


def _registered(register: Path, entry: dict[str, Any]) -> Path:
    """A copy of the register with the entry at its end, checked as at a start; comments are kept."""
    text = register.read_text("utf-8").rstrip("\n") + "\n\n" + yaml.safe_dump([entry], **_STYLE)
    copy = register.with_suffix(".new.yaml")
    _write(copy, text)
    try:
        load_clients(copy)
    except Exception:  # whatever is wrong with the entry, no copy of it stays beside the register
        copy.unlink()
        raise
    return copy


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, "utf-8")
    draft.replace(path)
