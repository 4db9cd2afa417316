"""`credit-gateway keys`: make, complete, renew and retire the gateway's own keys. None is ever printed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from authz.keys import KeyRing, Purpose, complete_keys, generate_keys, load_keys, retire_key, rotate_key
from authz.revocations import LONGEST_TOKEN_SECONDS
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

app = typer.Typer(help="The gateway's own keys: one file, versions by purpose.", no_args_is_help=True)
KeyPurpose = Annotated[Purpose, typer.Argument(help="What the key is for.")]
RETIRED: Final = (Purpose.TOKEN_SIGNING, Purpose.DPOP_NONCE)
"""What these made has run out soon; what the others made is kept for years."""


@app.command("generate")
def generate(file: Annotated[Path, typer.Argument(help="The key file to create.")]) -> None:
    """Create a key file with a fresh key for every purpose, readable by you alone."""
    with reported():
        try:
            generate_keys().write(file)
        except FileExistsError:
            raise CommandError("KEYS_EXIST", f"{file} exists; keys are never overwritten.") from None
    console.print(f"{file} has a key for each of {len(Purpose)} purposes; keep a copy in a safe place")


@app.command("complete")
def complete(config: Config = DEFAULT_CONFIG) -> None:
    """Give the key file of an older gateway the purposes it lacks."""
    with reported():
        complete_keys(settings_of(config).keys)
    console.print("the key file has every purpose; restart the gateway's processes")


@app.command("list")
def listed(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List versions by purpose, and the names under which public keys are published."""
    with reported():
        ring = load_keys(settings_of(config).keys)
        rows = [
            {
                "purpose": purpose.value,
                "versions": [key.version for key in ring.kept(purpose)],
                "kids": _names(ring, purpose),
            }
            for purpose in Purpose
        ]
    if as_json:
        print_json(rows)
        return
    table = Table("purpose", "versions", "published as (the last one signs)")
    for row in rows:
        table.add_row(str(row["purpose"]), *(" ".join(map(str, row[name])) for name in ("versions", "kids")))
    console.print(table)


@app.command("rotate")
def rotate(purpose: KeyPurpose, config: Config = DEFAULT_CONFIG) -> None:
    """Add a version, which makes what is new; older ones stay, and go on verifying what they made."""
    with reported():
        version = rotate_key(settings_of(config).keys, purpose)
    console.print(f"{purpose} has version {version} now; restart the gateway's processes")


@app.command("retire")
def retire(
    purpose: KeyPurpose,
    version: Annotated[int, typer.Argument(min=1, help="The version to remove.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Remove an old version, once nothing that it made is in use."""
    with reported():
        path = settings_of(config).keys
        if purpose not in RETIRED:
            raise CommandError("KEYS_IN_USE", f"What {purpose} made is kept for years: keep its versions.")
        load_keys(path)
        wait = LONGEST_TOKEN_SECONDS - (time.time() - path.stat().st_mtime)
        if wait > 0:
            raise CommandError(
                "KEYS_IN_USE", f"Tokens of it may still be in use. Try again in {wait / 60:.0f} minutes."
            )
        retire_key(path, purpose, version)
    console.print(f"version {version} of {purpose} is gone; restart the gateway's processes")


def _names(ring: KeyRing, purpose: Purpose) -> list[str]:
    """`kid`s of the public halves; empty for keys that have none."""
    return [str(key.kid) for key in ring.published(purpose).keys]
