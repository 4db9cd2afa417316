"""`credit-gateway db`: look after the gateway's own store."""

from __future__ import annotations

import asyncio
from typing import Final

import typer

from authz.store import Store
from gateway.cli.common import DEFAULT_CONFIG, Config, Json, console, print_json, reported, settings_of
from gateway.settings import Settings

app = typer.Typer(help="The gateway's own store: its tables.", no_args_is_help=True)
PATIENCE: Final = 3_600.0
"""Seconds for one statement; a log of years takes minutes to rewrite."""


@app.callback()
def db() -> None:
    """Group of commands, even while there is one."""


@app.command("upgrade")
def upgrade(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Bring the store to this version of the gateway. Stop the gateways and make a backup first."""
    with reported():
        before, after = asyncio.run(upgraded(settings_of(config)))
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        console.print(f"the store is at revision {after} already")
    else:
        console.print(f"the store is at revision {after} now; it was {before or 'without one'}")


async def upgraded(settings: Settings) -> tuple[str | None, str | None]:
    """Upgrade the store of a deployment; the revisions before and after."""
    async with Store(settings.store.get_secret_value(), patience=PATIENCE) as store:
        return await store.upgrade()
