"""`credit-gateway token`: an access token for trying things out. Works with demo keys only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from authz.actors import ActorKind
from authz.clients import ClientRegister, load_clients
from authz.demo_tokens import issue_token
from authz.dpop import thumbprint
from authz.keys import load_keys
from catalogue.identifiers import IdentifierError, SubjectKey
from catalogue.values import CHINA_TIME
from gateway.cli.common import (
    DEFAULT_CONFIG,
    CommandError,
    Config,
    DpopKey,
    client_key,
    reported,
    settings_of,
)


def token(
    client: Annotated[str | None, typer.Argument(help="Id of a registered client.")] = None,
    role: Annotated[
        ActorKind | None,
        typer.Option(case_sensitive=False, help="The first client of this kind, such as auditor, instead."),
    ] = None,
    operator: Annotated[str, typer.Option(help="Staff reference of the officer.")] = "op-0001",
    person: Annotated[
        str | None, typer.Option(help="Citizen id (synthetic!) of the person who is logged in.")
    ] = None,
    step_up: Annotated[bool, typer.Option("--step-up", help="As after a fresh strong login.")] = False,
    dpop_key: DpopKey = None,
    consent: Annotated[str, typer.Option(help="Id of the consent that a bank's token is for.")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print an access token signed with the demo keys."""
    with reported():
        settings = settings_of(config)
        now = datetime.now(CHINA_TIME)
        try:
            subject = SubjectKey.person(person) if person else None
        except IdentifierError as error:
            raise CommandError("IDENTIFIER_INVALID", f"--person is not a citizen id: {error.fault}") from None
        clients = load_clients(settings.clients)
        registered = clients.active(_chosen(clients, client, role), now.date())
        key = client_key(dpop_key)
        if registered.kind is ActorKind.PARTNER and key is None:
            raise CommandError("DPOP_KEY_MISSING", "A bank's token is bound to its key: add --dpop-key.")
        typer.echo(
            issue_token(
                load_keys(settings.keys),
                registered,
                issuer=settings.issuer,
                audience=settings.audience,
                now=now,
                operator=None if person else operator,
                subject=subject,
                step_up=step_up,
                key_thumbprint=thumbprint(key) if key else "",
                consent_id=consent,
            )
        )


def _chosen(clients: ClientRegister, client: str | None, role: ActorKind | None) -> str:
    """The id of the client that was named, or of the first of a kind."""
    if (client is None) == (role is None):
        raise CommandError("CLIENT_MISSING", "Name a client, or give --role instead.")
    found = next((each.client_id for each in clients.clients.values() if each.kind is role), client)
    if found is None:
        raise CommandError("CLIENT_MISSING", "No client of this kind is registered.")
    return found
