"""`credit-gateway query`: send one operation to a running gateway and print the answer."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from joserfc.jwk import Key

from authz.dpop import make_proof
from authz.operators import HEADER as OPERATOR_HEADER
from catalogue.values import CHINA_TIME
from gateway.cli.common import (
    DEFAULT_CONFIG,
    OPERATOR_VARIABLE,
    SUBJECTS,
    TOKEN_VARIABLE,
    CommandError,
    Config,
    DpopKey,
    Json,
    client_key,
    print_json,
    reported,
    settings_of,
)

Variables = Annotated[Path | None, typer.Option("--variables", "-v", help="JSON file with the variables.")]
TIMEOUT_SECONDS = 30
_PRESENTED = ("token", "dpop_key", "operator")
_FOR_WHOM = (
    "--explain and --dump-source present no token. Say for whom they decide: --self, --client, "
    "--client with --scenario or --mandate, or nothing for anyone."
)
_SUPPOSED = ("client", "scenario", "mandate", "own", "subject")
_NOT_ASKED = (
    "--client, --scenario, --mandate, --self and --subject go with --explain. A gateway takes --token."
)


def query(
    context: typer.Context,
    document: Annotated[Path, typer.Argument(help="File with the GraphQL document; `-` is standard input.")],
    variables: Variables = None,
    operation: Annotated[
        str | None, typer.Option(help="Name of the operation, where the document has several.")
    ] = None,
    url: Annotated[str, typer.Option(help="Address of the gateway.")] = "http://127.0.0.1:8000/graphql",
    token: Annotated[
        str | None, typer.Option(envvar=TOKEN_VARIABLE, help="Access token; none is anonymous.")
    ] = None,
    dpop_key: DpopKey = None,
    operator: Annotated[
        str | None, typer.Option(envvar=OPERATOR_VARIABLE, help="Operator assertion; see `operator`.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Ask nobody: print the plan, the questions and the decisions.")
    ] = False,
    dump_source: Annotated[
        bool, typer.Option("--dump-source", help="Ask nobody: print the code that would print the answer.")
    ] = False,
    client: Annotated[str | None, typer.Option(help="To explain: id of a client; anyone if absent.")] = None,
    scenario: Annotated[str | None, typer.Option(help="To explain: scenario of the mandate.")] = None,
    mandate: Annotated[str | None, typer.Option(help="To explain: id of the mandate.")] = None,
    own: Annotated[bool, typer.Option("--self", help="To explain: a person's own login.")] = False,
    subject: Annotated[
        str, typer.Option(help=f"To explain: whom `subject` names, one of {', '.join(SUBJECTS)}.")
    ] = "person",
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Ask, or explain; exit code 1 when the answer has errors and no data."""
    with reported():
        if explain or dump_source:
            from gateway.cli import query_asker, query_explain, query_shown  # asking takes no graph

            _refuse(context, _PRESENTED, _FOR_WHOM)
            asker = query_asker.Asker(client, scenario, mandate, own, subject)
            explaining = query_explain.Explaining(settings_of(config), asker)
            given = None if variables is None else _variables(variables)
            found = explaining.explain(_document(document), given, operation)
            query_shown.show(found, explaining.sources, as_json=as_json, dump_source=dump_source)
            return
        _refuse(context, _SUPPOSED, _NOT_ASKED)
        body = _body(document, variables, operation)
        answer = _post(url, body, _Presenter(url, token, client_key(dpop_key), operator))
    print_json(answer)
    if answer.get("data") is None:
        raise typer.Exit(1)


def _refuse(context: typer.Context, options: tuple[str, ...], message: str) -> None:
    """Refuse options that were written; what the environment holds for other commands is none of them."""
    sources = (context.get_parameter_source(name) for name in options)
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise CommandError("OPTIONS_CONFLICT", message)


def _body(document: Path, variables: Path | None, operation: str | None) -> bytes:
    named = {"operationName": operation} if operation else {}
    return orjson.dumps({"query": _document(document), "variables": _variables(variables), **named})


def _document(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise CommandError("DOCUMENT_UNREADABLE", f"{path} is not a readable UTF-8 file.") from None


def _variables(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        found = None
    if not isinstance(found, dict):
        raise CommandError("VARIABLES_UNREADABLE", f"{path} is not a readable JSON file.")
    return found


@dataclass(frozen=True, slots=True)
class _Presenter:
    """Presents a token: bare, or with a proof by the key that it is bound to (RFC 9449)."""

    url: str
    token: str | None
    key: Key | None
    operator: str | None

    def headers(self, nonce: str | None) -> dict[str, str]:
        if self.token is None:
            return {}
        who = {OPERATOR_HEADER: self.operator} if self.operator else {}
        if self.key is None:
            return {"Authorization": f"Bearer {self.token}", **who}
        now = datetime.now(CHINA_TIME)
        proof = make_proof(
            self.key, method="POST", url=self.url, now=now, nonce=nonce, access_token=self.token
        )
        return {"Authorization": f"DPoP {self.token}", "DPoP": proof, **who}


def _post(url: str, body: bytes, presenter: _Presenter, nonce: str | None = None) -> dict[str, object]:
    """The answer; asked again, once, with the nonce that the gateway wants in a proof."""
    if not url.startswith(("http://", "https://")):
        raise CommandError("URL_INVALID", "Give an http or https address.")
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/graphql-response+json",
        **presenter.headers(nonce),
    }
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            return dict(orjson.loads(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            wanted = error.headers.get("DPoP-Nonce")
            if wanted and nonce is None and "use_dpop_nonce" in error.headers.get("WWW-Authenticate", ""):
                return _post(url, body, presenter, wanted)
            return dict(orjson.loads(error.read()))
    except (OSError, orjson.JSONDecodeError):
        raise CommandError("GATEWAY_UNREACHABLE", f"No gateway answers at {url}. Is it running?") from None
