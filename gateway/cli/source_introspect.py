"""`credit-gateway source introspect`: the draft of a manifest from a database never seen before."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from catalogue.loader import load_catalogue
from catalogue.model import Catalogue
from connectors.introspect import Address, Introspection, Request, introspect
from gateway.cli.common import (
    DEFAULT_CONFIG,
    CommandError,
    Config,
    Json,
    print_json,
    problems,
    reported,
    settings_of,
)
from gateway.parts import catalogue_of, source_environment

Url = Annotated[
    str | None,
    typer.Argument(help="sqlite:///file, postgresql://user@host/db, mariadb://… without a password."),
]
UrlEnv = Annotated[str | None, typer.Option(help="Variable that holds the URL, password and all.")]
Password = Annotated[bool, typer.Option("--ask-password", "-W", help="Ask for the password.")]
Schema = Annotated[
    list[str] | None, typer.Option(help="Schemas to look at (repeatable); else the account's own.")
]
Tables = Annotated[
    list[str] | None, typer.Option("--table", "-t", help="Only these tables; `*` stands for anything.")
]
Department = Annotated[str | None, typer.Option(help="Code of the owner, such as XF.")]
Name = Annotated[str | None, typer.Option(help="Its name; else made from the database's.")]
Out = Annotated[Path | None, typer.Option(help="File to write; else standard output.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]


def introspect_source(
    url: Url = None,
    url_env: UrlEnv = None,
    ask_password: Password = False,
    schema: Schema = None,
    table: Tables = None,
    department: Department = None,
    source: Name = None,
    out: Out = None,
    force: Force = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Look at a database, read-only, and draft its manifest.

    At most 200 rows a table are looked at and forgotten; no value is printed. Exit code 1 when
    nothing in it looks like records of persons or entities.
    """
    with reported():
        catalogue = _catalogue(config)
        if department and department not in catalogue.departments:
            raise CommandError("DEPARTMENT_UNKNOWN", f"Choose from {', '.join(catalogue.departments)}.")
        if out and out.exists() and not force:
            raise CommandError("FILE_EXISTS", f"{out} is there already; --force replaces it.")
        address = _address(url, url_env, config)
        if ask_password:
            address = address.with_password(typer.prompt("Password", hide_input=True, err=True))
        name = source or address.name
        request = Request(
            url=address.secret,
            source=name,
            variable=url_env or f"{name.upper().replace('-', '_')}_URL",
            schemas=tuple(schema or ()),
            tables=tuple(table or ("*",)),
            department=department,
        )
        found = asyncio.run(introspect(request, catalogue))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(found.text, "utf-8")
    if as_json:
        print_json(_summary(found, out))
        return
    if not out:
        typer.echo(found.text, nl=False)
    _tell(found, request, out, address)


def _catalogue(config: Path) -> Catalogue:
    """The deployment's catalogue; the packaged one where there is no deployment yet."""
    return catalogue_of(settings_of(config)) if config.exists() else load_catalogue()


def _address(url: str | None, variable: str | None, config: Path) -> Address:
    """The database to look at; a password on the command line is refused, for history and `ps` keep it."""
    if (url is None) == (variable is None):
        raise CommandError("URL_MISSING", "Give either a URL, or --url-env with the variable that holds it.")
    environment = source_environment(settings_of(config), os.environ) if config.exists() else os.environ
    text = url if url is not None else environment.get(variable or "")
    if not text:
        raise CommandError("URL_MISSING", f"The variable {variable} is not set.")
    address = Address.of(text)
    if url is not None and address.has_password:
        raise CommandError(
            "URL_HOLDS_PASSWORD", "Shells keep what is typed: use --url-env, or leave it out and add -W."
        )
    return address


def _summary(found: Introspection, out: Path | None) -> dict[str, object]:
    return {
        "source": found.source,
        "out": str(out) if out else None,
        "records": dict(found.records),
        "refused": dict(found.refused),
        "passedOver": dict(found.passed_over),
        "unsure": found.unsure,
    }


def _tell(found: Introspection, request: Request, out: Path | None, address: Address) -> None:
    """What was found, and what to do next; on standard error, beside the manifest."""
    refused, passed = found.refused.items(), len(found.passed_over)
    lines = [
        f"[bold]{len(found.records)}[/] record types drafted: {', '.join(found.records)}",
        *(f"[yellow]{code}[/] is a comment only: {escape(why)}" for code, why in refused),
        *([f"{passed} tables passed over: see the end of the draft"] if passed else []),
        "Next:",
        f"  1. confirm or correct the {found.unsure} lines marked `unsure:` in {out or 'the draft'}",
        f"  2. put the URL where the gateway finds it: {escape(f'{request.variable}={address}')}",
        "  3. put the file into the deployment's folder of sources, and run there",
        f"     credit-gateway source check {found.source} -c gateway.yaml",
        "docs/onboarding.md tells each step.",
    ]
    for line in lines:
        problems.print(line, highlight=False, soft_wrap=True)
