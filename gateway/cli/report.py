"""`credit-gateway report`: check a report that somebody hands over, with nothing but the published keys."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pypdf.errors import PyPdfError
from rich.markup import escape

from authz.consent.signing import ALGORITHM, REPORT_TYPE
from catalogue.values import CHINA_TIME
from gateway.cli.common import CommandError, Json, console, print_json, reported
from gateway.cli.published import published_keys
from resolvers.report.pdf import attached


class _AnyLength(jws.JWSRegistry):
    """A report holds all that departments hold on somebody, which joserfc's 128 kB may be too few for."""

    max_payload_length = 64 * 1024 * 1024


_OF_ANY_LENGTH: Final = _AnyLength(algorithms=[ALGORITHM])
app = typer.Typer(help="Reports that persons hand over: verify.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """One command for now would otherwise take the group's name."""


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The PDF, or its signed data (.jws); - for standard input.")],
    jwks: Annotated[
        str, typer.Option("--jwks", help="The gateway's consent-jwks.json: a file, or its https address.")
    ],
    as_json: Json = False,
) -> None:
    """Whether a gateway signed the report, for whom, and whether it still holds. Exit code 1 if not.

    A PDF is judged by the signed data attached to it: read the facts here, not on its pages.
    """
    with reported():
        content = _opened(_signed(_read(file)), published_keys(jwks))
        if content["exp"] <= datetime.now(UTC).timestamp():
            raise CommandError("REPORT_EXPIRED", f"It was signed, and has expired on {_day(content['exp'])}.")
    if as_json:
        print_json(content)
        return
    console.print("[green]signed, and in force[/]")
    for label, value in (
        ("number", content["jti"]),
        ("about", content["person"]["displayName"]),
        ("for", content["addressee"]),
        ("issued", _day(content["iat"])),
        ("until", _day(content["exp"])),
        ("complete", "yes" if content["complete"] else "no: a department did not answer in full"),
    ):
        console.print(f"{label:9} {escape(str(value))}", highlight=False)
    for name, state, number in _sections(content["person"]):
        console.print(f"  {escape(name)}: {state}, {number} records", highlight=False)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError:
        raise CommandError("FILE_UNREADABLE", f"{file} cannot be read.") from None


def _signed(raw: bytes) -> str:
    """The compact JWS in a file."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its remarks on a broken file help nobody
    try:
        signed = attached(raw) if raw.startswith(b"%PDF") else raw.decode("ascii").strip()
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError):
        signed = None
    if not signed:
        raise CommandError("REPORT_UNSIGNED", "No signed report is in this file.")
    return signed


def _opened(signed: str, keys: KeySet) -> dict[str, Any]:
    try:
        opened = jws.deserialize_compact(signed, keys, registry=_OF_ANY_LENGTH)
    except (JoseError, ValueError):
        raise CommandError("REPORT_FORGED", "No key of this gateway made this signature.") from None
    if opened.headers().get("typ") != REPORT_TYPE:
        raise CommandError("REPORT_FORGED", "It is signed, but it is no report.")
    content: dict[str, Any] = orjson.loads(opened.payload)
    return content


def _sections(person: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Each section that has records or was not answered, by its name in the graph."""
    return [
        (f"{domain}.{name}", section["state"], len(section["records"] or ()))
        for domain, group in person.items()
        if isinstance(group, dict)
        for name, section in group.items()
        if isinstance(section, dict) and "state" in section
        if section["records"] or section["state"] not in ("OK", "NOT_CONNECTED", "DENIED")
    ]


def _day(timestamp: int) -> str:
    return f"{datetime.fromtimestamp(timestamp, CHINA_TIME):%Y-%m-%d %H:%M}"
