"""`credit-gateway query`: send one operation to a running gateway and print the answer."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli.common import TOKEN_VARIABLE, CommandError, print_json, reported

TIMEOUT_SECONDS = 30


def query(
    document: Annotated[Path, typer.Argument(help="File with the GraphQL document; `-` is standard input.")],
    variables: Annotated[
        Path | None, typer.Option("--variables", "-v", help="JSON file with the variables.")
    ] = None,
    url: Annotated[str, typer.Option(help="Address of the gateway.")] = "http://127.0.0.1:8000/graphql",
    token: Annotated[
        str | None, typer.Option(envvar=TOKEN_VARIABLE, help="Access token; none is anonymous.")
    ] = None,
) -> None:
    """Ask; exit code 1 when the answer has errors and no data."""
    with reported():
        body = {"query": _document(document), "variables": _variables(variables)}
        answer = _post(url, token, orjson.dumps(body))
    print_json(answer)
    if answer.get("data") is None:
        raise typer.Exit(1)


def _document(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise CommandError("DOCUMENT_UNREADABLE", f"{path} is not a readable UTF-8 file.") from None


def _variables(path: Path | None) -> object:
    if path is None:
        return {}
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise CommandError("VARIABLES_UNREADABLE", f"{path} is not a readable JSON file.") from None


def _post(url: str, token: str | None, body: bytes) -> dict[str, object]:
    if not url.startswith(("http://", "https://")):
        raise CommandError("URL_INVALID", "Give an http or https address.")
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/graphql-response+json",
        **({"Authorization": f"Bearer {token}"} if token else {}),
    }
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            return dict(orjson.loads(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return dict(orjson.loads(error.read()))
    except (OSError, orjson.JSONDecodeError):
        raise CommandError("GATEWAY_UNREACHABLE", f"No gateway answers at {url}. Is it running?") from None
