"""`credit-gateway`: every command has `--help`, an exit code, and errors that say what to do next."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

COMMANDS: Final = (
    *("serve", "demo", "schema", "token", "operator", "query", "check", "stats"),
    *("catalogue", "source", "audit", "mandate", "scenario", "receipt", "policy", "consent", "case"),
    *("review", "publicity", "report", "db", "client", "keys"),
)
"""Each a module of this package with `app`, a group, or else a function of its name."""
OBJECTS_AT_START: Final = 100_000
"""Between two looks for garbage: what is imported stays, and to look through it took a fifth of a command."""
_Command = TyperCommand | TyperGroup


class _Modules(Mapping[str, _Command]):
    """Loads a command when it is asked for, so that a small one need not wait for all the others."""

    def __getitem__(self, name: str) -> _Command:
        if name not in COMMANDS:
            raise KeyError(name)
        module = import_module(f"gateway.cli.{name}")
        if hasattr(module, "app"):
            found: _Command = get_group(module.app)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command()(getattr(module, name))
            found = cast(TyperCommand, get_command(alone))
        found.name = name
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - what Typer gives a group
        super().__init__(**attributes)
        self.commands = _Modules()  # type: ignore[assignment] # none is ever added


app = typer.Typer(
    name="credit-gateway",
    help="One live, masked graph over the databases that departments already have.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=_Commands,
)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if wanted:
        typer.echo(version("credit-subject-gateway"))
        raise typer.Exit


@app.callback()
def credit_gateway(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What makes it a group, as no command is registered."""


def main() -> None:
    """Entry point of the console script."""
    gc.set_threshold(OBJECTS_AT_START)
    app()
