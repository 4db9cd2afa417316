"""`credit-gateway receipt`: whether a receipt or a summary holds; needs no more than public keys."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from joserfc.jwk import KeySet
from rich.table import Table

from authz.keys import load_keys
from authz.receipts import Receipt, ReceiptInvalid, bears_out, opened, summary
from catalogue.values import CHINA_TIME
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
from gateway.cli.published import published_keys

INVALID, EXPIRED = 1, 3
"""Exit codes: not to be believed; genuine, but the check has to be made again."""
PARTIAL = 3
"""Exit code: genuine, but of a part of the job."""
File = Annotated[str, typer.Argument(help="File with the compact JWS, or - for standard input.")]
Jwks = Annotated[
    str | None,
    typer.Option(help="The gateway's receipt-jwks.json: a file or an address. Its own keys if absent."),
]
app = typer.Typer(help="Receipts of must-checks.", no_args_is_help=True)


@app.callback()
def receipt() -> None:
    """Group of commands."""


@app.command("verify")
def verify(
    file: File,
    jwks: Jwks = None,
    result: Annotated[
        Path | None, typer.Option(help="The answer (JSON) that came with the receipt: is it the one?")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Verify a receipt. Exit code 0: it holds and is valid; 1: it does not hold; 3: it has expired."""
    with reported():
        text, keys = _given(file), _keys(jwks, config)
        answer = _json(_read(result)) if result else None
    try:
        found = opened(text, keys)
    except ReceiptInvalid:
        _say("INVALID", None, as_json=as_json)
        raise typer.Exit(INVALID) from None
    if result and not bears_out(found, answer):
        _say("OTHER_RESULT", found, as_json=as_json)
        raise typer.Exit(INVALID)
    expired = found.expired(datetime.now(CHINA_TIME))
    _say("EXPIRED" if expired else "VALID", found, as_json=as_json)
    if expired:
        raise typer.Exit(EXPIRED)


@app.command("summary")
def verify_summary(
    file: File, jwks: Jwks = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    """Verify the summary of a bulk check. Exit code 0: it holds; 1: it does not; 3: chunks are not in it."""
    with reported():
        text, keys = _given(file), _keys(jwks, config)
    try:
        found = summary.opened(text, keys)
    except summary.SummaryInvalid:
        _say("INVALID", None, as_json=as_json)
        raise typer.Exit(INVALID) from None
    _say("WHOLE" if found.whole else "PARTIAL", found, as_json=as_json)
    if not found.whole:
        raise typer.Exit(PARTIAL)


def _given(file: str) -> str:
    return sys.stdin.read() if file == "-" else _read(Path(file)).decode("ascii", "replace")


def _keys(jwks: str | None, config: Path) -> KeySet:
    return published_keys(jwks) if jwks else load_keys(settings_of(config).keys).receipt_keys()


_SAID = {
    "WHOLE": "the summary holds and has every chunk of the job",
    "PARTIAL": "the summary holds, but chunks of the job are not in it",
    "VALID": "the receipt holds and is valid",
    "EXPIRED": "the receipt holds, but it has expired: make the check again",
    "INVALID": "it does NOT hold",
    "OTHER_RESULT": "the receipt holds, but for another result",
}


def _say(verdict: str, found: Receipt | summary.Summary | None, *, as_json: bool) -> None:
    members = found.model_dump(mode="json", by_alias=True) if found else {}
    if as_json:
        kind = "summary" if isinstance(found, summary.Summary) else "receipt"
        print_json({"verdict": verdict, kind: members or None})
        return
    console.print(_SAID[verdict], highlight=False)
    if members:
        table = Table("member", "value")
        for name, value in members.items():
            table.add_row(name, str(value))
        console.print(table)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise CommandError("FILE_UNREADABLE", f"{path} cannot be read.") from None


def _json(content: bytes) -> object:
    try:
        return orjson.loads(content)
    except ValueError:
        raise CommandError("FILE_UNREADABLE", "The answer is not JSON.") from None
