"""`credit-gateway policy`: what may be read, by whom, on which basis, and which rule says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Final

import typer
from rich.table import Column, Table

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.clients import ClientRegister, load_clients
from authz.consent.signing import Signer
from authz.consent.token_scope import TYPE, of_token
from authz.consent.use import Claim, ConsentUse
from authz.decisions import Effect
from authz.explain import EXISTS, Explained, explain
from authz.grants import Grant, Mandate, Public, SelfAccess, Statutory
from authz.keys import load_keys
from authz.mandates import MandateRegister, load_mandates
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import Catalogue, RecordType
from catalogue.values import CHINA_TIME
from gateway.cli.common import (
    DEFAULT_CONFIG,
    SUBJECTS,
    CommandError,
    Config,
    Json,
    console,
    print_json,
    reported,
    settings_of,
)
from gateway.parts import catalogue_of
from gateway.settings import Settings
from resolvers.access import SELF_SCOPE

app = typer.Typer(help="The policy: its decisions, and why.", no_args_is_help=True)

_NOBODY: Final = SubjectKey.person("990101198001010014")
"""A number of region 9901xx: the policy looks at the kind of a person's access, never at who it is."""

_SELF_SCOPES: Final = frozenset({SELF_SCOPE})


@app.callback()
def policy() -> None:
    """Group of commands, even while there is one."""


@app.command("explain")
def explained(
    record_types: Annotated[
        list[str] | None, typer.Argument(help="Codes of record types; every one of the subject's if absent.")
    ] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", "-f", help="Only this field, beside existence.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="Id of the client that asks; anyone if absent.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Scenario of the authority's mandate.")] = None,
    mandate: Annotated[
        str | None, typer.Option(help="Id of the mandate, where the authority has several.")
    ] = None,
    consent: Annotated[
        str | None, typer.Option(help="Id of a consent in force that the client was given; asks the store.")
    ] = None,
    own: Annotated[bool, typer.Option("--self", help="The person reads what is held on them.")] = False,
    step_up: Annotated[bool, typer.Option("--step-up", help="With --self: after a strong login.")] = False,
    subject: Annotated[str, typer.Option(help=f"One of {', '.join(SUBJECTS)}.")] = "person",
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="On this day; today if absent.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Print each decision a read would meet, from the table that reads use. Asks no source."""
    with reported():
        if subject not in SUBJECTS:
            raise CommandError("SUBJECT_KIND", f"--subject is one of {', '.join(SUBJECTS)}.")
        settings = settings_of(config)
        catalogue = catalogue_of(settings)
        day = on.date() if on else datetime.now(CHINA_TIME).date()
        registers = Registers(
            load_clients(settings.clients), load_mandates(settings.mandates, catalogue), day
        )
        kind, personal = SUBJECTS[subject]
        entries = _entries(catalogue, kind, record_types or (), fields or ())
        if consent:
            grant: Grant = asyncio.run(_agreed(settings, catalogue, registers.actor(client), consent))
        elif own:
            grant = registers.own(client, step_up=step_up)
        else:
            grant = registers.grant(client, scenario, mandate)
        found = list(explain(grant, entries, kind, personal=personal, fields=fields or ()))
    if as_json:
        print_json({"basis": grant.basis, "subject": subject, "decisions": [one.as_json() for one in found]})
    else:
        _print(found)


@dataclass(frozen=True, slots=True)
class Registers:
    """Who may ask on a day, and on what."""

    clients: ClientRegister
    mandates: MandateRegister
    day: date

    def own(self, client: str | None, *, step_up: bool) -> Grant:
        """A person's access to themself."""
        return SelfAccess(self.person(client, step_up=step_up), _NOBODY)

    def person(self, client: str | None, *, step_up: bool) -> Actor:
        """A person who has logged in, with a client or with whichever may read for them."""
        actor = self.actor(client) if client else None
        if actor is not None and actor.kind is not ActorKind.PERSON:
            raise CommandError("NOT_A_PERSON", "--self is for a client that persons log in with.")
        client_id, scopes = (actor.client_id, actor.scopes) if actor else ("person", _SELF_SCOPES)
        return Actor(ActorKind.PERSON, client_id, subject=_NOBODY, step_up=step_up, scopes=scopes)

    def grant(self, client: str | None, scenario: str | None, mandate: str | None) -> Grant:
        """Public, or under the one mandate that is meant; stopped and ended ones are explained too."""
        actor = self.actor(client)
        if scenario is None and mandate is None:
            return Public(actor)
        if actor.kind is not ActorKind.OFFICER:
            raise CommandError("ACTOR_NOT_ALLOWED", "Mandates are for case officers: name their --client.")
        found = [
            each
            for each in self.mandates.mandates
            if each.authority == actor.organization
            and scenario in (None, each.scenario)
            and mandate in (None, each.id)
        ]
        return Statutory(actor, only(found), "-", "-", granted_on=self.day)

    def actor(self, client_id: str | None) -> Actor:
        """The party behind a client; anyone at all without one."""
        if client_id is None:
            return ANONYMOUS
        if client_id not in self.clients.clients:
            raise CommandError(
                "CLIENT_UNKNOWN",
                "--client is no registered client. The deployment's `clients` file has their ids.",
            )
        client = self.clients.active(client_id, self.day)
        return Actor(
            client.kind, client.client_id, client.organization, client.organization_name, scopes=client.scopes
        )


async def _agreed(settings: Settings, catalogue: Catalogue, actor: Actor, consent_id: str) -> Grant:
    """The grant of a read on a consent, made and checked as reads make it."""
    keys = load_keys(settings.keys)
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        use = ConsentUse(store, References(keys), Signer(keys), catalogue)
        record = await use.in_force(consent_id)
        if record is None:
            raise CommandError("CONSENT_UNKNOWN", "No consent in force has this id.")
        purpose = record.request.purpose
        claim = Claim(consent_id, purpose.scenario_code, purpose.case_no, purpose.text, None)
        reach = of_token([{"type": TYPE, "consentId": consent_id}])
        return await use.grant(replace(actor, consent=reach), claim)


def only(mandates: Sequence[Mandate]) -> Mandate:
    """The one mandate; raises CommandError where none or several are meant."""
    if not mandates:
        raise CommandError("SCENARIO_NOT_MANDATED", "The client's organization has no such mandate.")
    if len(mandates) > 1:
        names = ", ".join(each.id for each in mandates)
        raise CommandError("MANDATE_AMBIGUOUS", f"Say which with --mandate: {names}.")
    return mandates[0]


def _entries(
    catalogue: Catalogue, kind: SubjectKind, codes: Sequence[str], fields: Sequence[str]
) -> list[RecordType]:
    unknown = [code for code in codes if code not in catalogue.record_types]
    if unknown:
        raise CommandError("RECORD_TYPE_UNKNOWN", f"The catalogue has no {', '.join(unknown)}.")
    entries = [catalogue.record_types[code] for code in codes] or catalogue.of_kind(kind)
    missing = set(fields) - {name for entry in entries for name in entry.field_by_name}
    if missing:
        raise CommandError("FIELD_UNKNOWN", f"No such field: {', '.join(sorted(missing))}.")
    return entries


def _print(found: Sequence[Explained]) -> None:
    colour = {"PERMIT": "green", "MASK": "yellow", "DENY": "red"}
    whole = [Column(name, overflow="fold") for name in ("type", "action", "decision", "rule", "why")]
    table = Table(*whole)
    hidden = {one.record_type for one in found if _hides(one)}
    for one in found:
        decision = one.decision
        if one.record_type in hidden and one.action != EXISTS:
            continue
        shown = decision.mask or decision.effect.value
        guard = f" Only rows: {_told(one)}." if decision.guard else ""
        table.add_row(
            one.record_type,
            one.action,
            f"[{colour[decision.effect.value]}]{shown}[/]",
            decision.rule,
            decision.reason + guard,
        )
    console.print(table)


def _hides(one: Explained) -> bool:
    """Where existence is denied the department is not asked, and no field needs a line."""
    return one.action == EXISTS and one.decision.effect is Effect.DENY


def _told(one: Explained) -> str:
    guard = one.as_json()["guard"]
    return ", ".join(f"{name} {values}" for name, values in guard.items()) if isinstance(guard, dict) else ""
