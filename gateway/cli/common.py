"""What all commands share: the configuration option, output as text or JSON, and errors people can act on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from rich.console import Console
from rich.markup import escape

from authz.errors import AuthzError, ConfigurationError
from authz.jose import public_key
from catalogue.errors import CatalogueError
from catalogue.identifiers import SubjectKind
from connectors.errors import ManifestError, SourceError
from gateway.settings import Settings, SettingsError, load_settings

CONFIG_VARIABLE = "CREDIT_GATEWAY_CONFIG"
TOKEN_VARIABLE = "CREDIT_GATEWAY_TOKEN"  # noqa: S105 - the name of a variable
OPERATOR_VARIABLE = "CREDIT_GATEWAY_OPERATOR"
OPERATOR_COMMAND_VARIABLE = "CREDIT_GATEWAY_OPERATOR_COMMAND"
COMMAND_VARIABLES = frozenset({CONFIG_VARIABLE, OPERATOR_COMMAND_VARIABLE, OPERATOR_VARIABLE, TOKEN_VARIABLE})

SUBJECTS: Final = {
    "person": (SubjectKind.NATURAL_PERSON, True),
    "enterprise": (SubjectKind.ENTERPRISE, False),
    "individual-business": (SubjectKind.ENTERPRISE, True),
    "social-organization": (SubjectKind.SOCIAL_ORGANIZATION, False),
    "public-institution": (SubjectKind.PUBLIC_INSTITUTION, False),
}
"""Kinds of subjects by the words of an option, and whether the subject is a person, too."""

Config = Annotated[
    Path,
    typer.Option("--config", "-c", envvar=CONFIG_VARIABLE, help="The deployment's gateway.yaml."),
]
DpopKey = Annotated[
    Path | None,
    typer.Option(help="File with the client's private key (JWK), which its tokens are bound to (DPoP)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text.")]

DEFAULT_CONFIG = Path("gateway.yaml")
console = Console()
problems = Console(stderr=True)


class CommandError(Exception):
    """A command that cannot do what was asked: a stable code and what to do next."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@contextmanager
def reported() -> Iterator[None]:
    """Known errors become one line on standard error and exit code 1; unknown ones stay loud."""
    try:
        yield
    except SettingsError as error:
        fail(f"SETTINGS_{error.code}", f"{error.key}: {error.message}")
    except (CatalogueError, ManifestError, ConfigurationError) as error:
        fail(error.code, f"{error.where}: {error.message}")
    except (CommandError, AuthzError) as error:
        fail(error.code, error.message)
    except SourceError as error:
        fail(error.code, f"{error.source}: {error.reason}")


def fail(code: str, message: str) -> None:
    """Say what is wrong and stop with exit code 1."""
    problems.print(f"[bold red]{escape(code)}[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def settings_of(config: Path) -> Settings:
    """The settings a command works with; the variables of commands are none of them."""
    environ = {name: value for name, value in os.environ.items() if name not in COMMAND_VARIABLES}
    return load_settings(config, environ)


def client_key(path: Path | None) -> Key | None:
    """A client's private key; CommandError for a file that is none."""
    if path is None:
        return None
    try:
        key = JWKRegistry.import_key(orjson.loads(path.read_bytes()))
        public_key(key.as_dict(private=False))
    except (OSError, ValueError, TypeError, JoseError):
        key = None
    if key is None or not key.is_private:
        raise CommandError("KEY_UNREADABLE", f"{path} is not a private JWK of P-256, Ed25519 or RSA.")
    return key


def print_json(value: Any) -> None:  # noqa: ANN401 - anything orjson can write
    """One JSON document on standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str) + b"\n")
    sys.stdout.flush()
