"""`credit-gateway db`: look after the gateway's own store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from authz.moments import now_in_china
from authz.retention import retain
from authz.store import Store
from gateway.cli.common import DEFAULT_CONFIG, Config, Json, console, print_json, reported, settings_of
from gateway.parts import catalogue_of, locality_of
from gateway.settings import Settings

app = typer.Typer(help="The gateway's own store: upgrade, retain.", no_args_is_help=True)
PATIENCE: Final = 3_600.0
"""Seconds for one statement; a log of years takes minutes to rewrite."""


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


@app.command("retain")
def retain_(
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only count.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Erase cases, checks and notices that are kept long enough. May run every night, beside the gateways."""
    with reported():
        due = asyncio.run(_retained(settings_of(config), apply=apply))
    if as_json:
        print_json({"applied": apply, "rows": dict(due)})
        return
    for table, number in due.items():
        console.print(f"{number:8} {table} {'erased' if apply else 'due'}", highlight=False)


async def _retained(settings: Settings, *, apply: bool) -> Mapping[str, int]:
    years = locality_of(settings, catalogue_of(settings)).query_log_years
    async with Store(settings.store.get_secret_value(), patience=PATIENCE) as store:
        await store.require_current()
        return await retain(store, now_in_china(), years, apply=apply)


async def upgraded(settings: Settings) -> tuple[str | None, str | None]:
    """Upgrade the store of a deployment; the revisions before and after."""
    async with Store(settings.store.get_secret_value(), patience=PATIENCE) as store:
        return await store.upgrade()
