"""`credit-gateway consent`: consents for the credit office, and their proof for anyone. Never a record."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from rich.markup import escape
from rich.table import Column, Table

from authz.consent.office import ConsentOffice
from authz.consent.rules import ConsentRefused
from authz.consent.signing import Signer, detached_holds
from authz.consent.states import State
from authz.consent.tables import Record
from authz.keys import load_keys
from authz.references import References
from authz.store import Store
from authz.tokens import is_operator
from catalogue.identifiers import IdentifierError, SubjectKey
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
from gateway.parts import audit_of, catalogue_of

app = typer.Typer(help="Consents: list, show, revoke at the counter, verify.", no_args_is_help=True)
T = TypeVar("T")
ConsentId = Annotated[str, typer.Argument(help="Id of a consent, `ca_…`.")]
AtCounter = Annotated[
    bool,
    typer.Option("--person", help="Read the number of the person at the counter from standard input."),
]


@app.command("list")
def list_consents(
    client: Annotated[str | None, typer.Option(help="Only those of this partner.")] = None,
    state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = None,
    person: AtCounter = False,
    first: Annotated[int, typer.Option(min=1, max=1000, help="How many to look through.")] = 100,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List consents, the newest first: who may read for what, until when. Names no person."""
    with reported():
        key = _person() if person else None

        async def listed(office: ConsentOffice) -> list[dict[str, Any]]:
            found = await office.list(first, client_id=client, person=key)
            return [_told(one, office) for one in found if state in (None, one.state(office.now))]

        told = _run(config, listed)
    if as_json:
        print_json(told)
        return
    table = Table(Column("consent", no_wrap=True), "state", "partner", "scenario", "case", "uses", "until")
    for one in told:
        uses = f"{one['uses']}/{one['maxUses']}"
        cells = (one["id"], one["state"], one["grantee"], one["scenario"], one["caseNo"], uses, one["until"])
        table.add_row(*(escape(str(cell)) for cell in cells))
    console.print(table)


@app.command("show")
def show(consent: ConsentId, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show what one consent allows, and everything that happened to it."""

    async def shown(office: ConsentOffice) -> dict[str, Any]:
        record = await office.show(consent)
        events = [
            {"at": each.at.isoformat(), "act": each.act, "by": each.party, "state": each.state}
            for each in record.history(office.now)
        ]
        terms = record.artefact or record.request
        items = [
            item.model_dump(mode="json", by_alias=True, exclude_none=True)
            for item in terms.authorization_details
        ]
        return _told(record, office) | {
            "purpose": record.request.purpose.text,
            "items": items,
            "events": events,
        }

    with reported():
        told = _run(config, shown)
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        if not isinstance(value, list):
            console.print(f"{name}: {escape(str(value))}", highlight=False)
    for item in told["items"]:
        named = ", ".join(item["fields"]) or "-"
        console.print(f"  {item['recordType']} {item['level']}: {escape(named)}", highlight=False)
    for event in told["events"]:
        console.print(f"  {event['at']} {event['act']} by {event['by']}", highlight=False)


@app.command("revoke")
def revoke(
    consent: ConsentId,
    operator: Annotated[str, typer.Option("--operator", help="Your staff reference, never a name.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Take a consent back for the person at the counter (PIPL 15); their number comes on standard input."""
    with reported():
        if not is_operator(operator):
            raise CommandError("OPERATOR_INVALID", "--operator must be a staff reference, no name or number.")
        key = _person()

        async def withdrawn(office: ConsentOffice) -> dict[str, Any]:
            return _told(await office.withdraw(operator, consent, key), office)

        told = _run(config, withdrawn, writes=True)
    if as_json:
        print_json(told)
    else:
        console.print(f"{consent} is {told['state']}; nothing more is read on it", highlight=False)


@app.command("verify")
def verify(
    consent: Annotated[str | None, typer.Argument(help="Id of a consent of this gateway.")] = None,
    artefact: Annotated[Path | None, typer.Option(help="Or a file with an artefact.")] = None,
    signature: Annotated[Path | None, typer.Option(help="With it the file with its detached JWS.")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="And the gateway's consent-jwks.json; no deployment is needed.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Check that an artefact is what was signed. Exit code 1 when it is not."""
    with reported():
        files = [each for each in (artefact, signature, keys) if each is not None]
        if (consent is None) == (not files) or len(files) not in (0, 3):
            raise CommandError(
                "NOTHING_TO_VERIFY", "Name a consent, or give --artefact, --signature and --keys."
            )
        if consent is not None:
            held = _run(config, lambda office: _stored(office, consent))
        else:
            held = _from_files(*files)
    if as_json:
        print_json({"holds": held})
    else:
        console.print("the signature holds" if held else "the signature does NOT hold", highlight=False)
    if not held:
        raise typer.Exit(1)


async def _stored(office: ConsentOffice, consent_id: str) -> bool:
    return office.holds(await office.show(consent_id))


def _from_files(artefact: Path, signature: Path, keys: Path) -> bool:
    try:
        published = KeySet.import_key_set(orjson.loads(keys.read_bytes()))
        return detached_holds(artefact.read_bytes(), signature.read_text("ascii").strip(), published)
    except (OSError, ValueError, TypeError, KeyError, JoseError):
        raise CommandError("FILE_UNREADABLE", "One of the files is not what it should be.") from None


def _person() -> SubjectKey:
    """The number of whoever is at the counter; never an argument, which others on the machine could see."""
    try:
        return SubjectKey.person(sys.stdin.readline().strip())
    except IdentifierError:
        raise CommandError("PERSON_INVALID", "Give a valid citizen id on standard input.") from None


@asynccontextmanager
async def _office(config: Path, *, writes: bool) -> AsyncIterator[ConsentOffice]:
    settings = settings_of(config)
    catalogue, keys = catalogue_of(settings), load_keys(settings.keys)
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        audit = audit_of(settings, catalogue, keys, store)
        office = ConsentOffice(store, audit, References(keys), Signer(keys))
        if not writes:
            yield office
            return
        async with audit:
            yield office


def _run(config: Path, work: Callable[[ConsentOffice], Awaitable[T]], *, writes: bool = False) -> T:
    async def run() -> T:
        async with _office(config, writes=writes) as office:
            return await work(office)

    try:
        return asyncio.run(run())
    except ConsentRefused as refused:
        raise CommandError(f"CONSENT_{refused.code}", refused.message) from None


def _told(record: Record, office: ConsentOffice) -> dict[str, Any]:
    request = record.request
    return {
        "id": record.id,
        "state": record.state(office.now).value,
        "client": request.grantee.client_id,
        "grantee": request.grantee.name,
        "scenario": request.purpose.scenario_code,
        "caseNo": request.purpose.case_no,
        "requestedAt": request.requested_at.isoformat(),
        "until": record.ends.isoformat(timespec="minutes"),
        "uses": record.uses,
        "maxUses": request.max_uses,
        "capacity": request.capacity,
    }
