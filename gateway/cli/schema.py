"""`credit-gateway schema`: export the contract, or check that the file in hand still is it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLError

from catalogue.loader import load_catalogue
from gateway.cli.common import CommandError, console, reported
from resolvers.schema import build_schema
from resolvers.shape import shape_problems


def schema(
    out: Annotated[Path | None, typer.Option(help="Write here instead of standard output.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Exit with 1 when this file is not the schema any more.")
    ] = None,
    lint: Annotated[
        Path | None,
        typer.Option(help="Read this SDL, of a composed supergraph say, for what a guardrail forbids."),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="A deployment's catalogue folder, for its own record types.")
    ] = None,
) -> None:
    """Print the GraphQL schema made from the catalogue (SDL, a Federation v2 subgraph)."""
    with reported():
        if lint:
            _lint(lint)
            return
        sdl = build_schema(load_catalogue(*([catalogue] if catalogue else []))).sdl + "\n"
        if check:
            if not check.is_file() or check.read_text(encoding="utf-8") != sdl:
                raise CommandError(
                    "SCHEMA_DRIFT", f"{check} is out of date. Run `credit-gateway schema --out {check}`."
                )
            console.print(f"{check} is the schema")
        elif out:
            out.write_text(sdl, encoding="utf-8")
        else:
            typer.echo(sdl, nl=False)


def _lint(path: Path) -> None:
    try:
        problems = shape_problems(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, GraphQLError) as error:
        raise CommandError("SCHEMA_UNREADABLE", f"{path} is not a file of GraphQL SDL.") from error
    for problem in problems:
        console.print(str(problem), markup=False)
    if problems:
        raise CommandError("SCHEMA_GUARDRAIL", f"{path} breaks {len(problems)} guardrails.")
    console.print(f"{path} breaks no guardrail")
