"""`credit-gateway operator`: an operator assertion for trying things out. Works with demo keys only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from authz.clients import load_clients
from authz.demo_tokens import issue_operator
from authz.keys import load_keys
from catalogue.values import CHINA_TIME
from gateway.cli.common import DEFAULT_CONFIG, Config, reported, settings_of


def operator(
    client: Annotated[str, typer.Argument(help="Id of a registered approval system.")],
    operator: Annotated[str, typer.Option(help="Staff reference of the officer.")] = "op-0001",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print an operator assertion signed with the demo keys: good for one request, within five minutes."""
    with reported():
        settings = settings_of(config)
        now = datetime.now(CHINA_TIME)
        registered = load_clients(settings.clients).active(client, now.date())
        keys = load_keys(settings.keys)
        typer.echo(issue_operator(keys, registered, audience=settings.audience, now=now, operator=operator))
