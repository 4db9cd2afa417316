"""`credit-gateway case`: cases of persons' rights, for the steward of a department and the credit office."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.table import Column, Table

from authz.actors import Actor, ActorKind
from authz.audit import Query
from authz.cases.clocks import Terms, due_on
from authz.cases.clockwork import CaseClock
from authz.cases.desk import CaseDesk, Verdict
from authz.cases.refusals import CaseRefused, Code, refused
from authz.cases.states import Act, Remedy
from authz.cases.tables import Case
from authz.keys import load_keys
from authz.store import Store
from authz.tokens import is_operator
from catalogue.values import CHINA_TIME
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
from gateway.parts import audit_of, case_desk_of, catalogue_of, terms_of

app = typer.Typer(
    help="Cases of persons' rights: list, show, take, extend, decide, remind.", no_args_is_help=True
)
T = TypeVar("T")
CaseId = Annotated[str, typer.Argument(help="Id of a case, `rc_…`.")]
Department = Annotated[
    str | None, typer.Option(help="Act as steward of this department (its code); else as the credit office.")
]
Who = Annotated[str, typer.Option("--operator", help="Your staff reference, never a name.")]
NoConflict = Annotated[
    bool, typer.Option("--no-conflict-of-interest", help="Declare that nothing of your own is at stake.")
]


@app.command("list")
def list_cases(
    department: Department = None,
    decided: Annotated[bool, typer.Option("--all", help="Those that were decided too.")] = False,
    first: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List cases, the newest first. Names no person."""

    async def listed(desk: CaseDesk, terms: Terms) -> list[dict[str, Any]]:
        cases = await desk.listed(_actor(department), first, waiting=not decided)
        return [_told(one, terms) for one in cases]

    with reported():
        told = _run(config, listed)
    if as_json:
        print_json(told)
        return
    table = Table(Column("case", no_wrap=True), "kind", "state", "type", "department", "reason", "due")
    for one in told:
        names = ("id", "kind", "state", "recordType", "department", "reason", "dueOn")
        table.add_row(*(escape(str(one[name] or "-")) for name in names))
    console.print(table)


@app.command("show")
def show(
    case: CaseId, department: Department = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    """Show one case: what was filed, by what key its department finds the row, and its history."""

    async def shown(desk: CaseDesk, terms: Terms) -> dict[str, Any]:
        found = await desk.find(_actor(department), case)
        if found is None:
            raise refused(Code.CASE_UNKNOWN)
        content = desk.content(found)
        row = {"sourceSystem": content.source, "sourceKey": content.identity} if department else {}
        events = [
            {"at": each.at.isoformat(), "act": each.act, "by": each.party, "operator": each.operator}
            for each in found.events
        ]
        filed = {"text": content.text, "evidence": list(content.evidence), "auditEvent": content.read}
        return _told(found, terms) | filed | row | {"events": events}

    with reported():
        told = _run(config, shown)
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        if name != "events":
            console.print(f"{name}: {escape(str(value))}", highlight=False)
    for event in told["events"]:
        console.print(f"  {event['at']} {event['act']} by {event['by']} {event['operator']}", highlight=False)


@app.command("take")
def take(
    case: CaseId,
    operator: Who,
    no_conflict: NoConflict = False,
    department: Department = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Take a case up, so that the person sees that somebody has."""

    async def taken(desk: CaseDesk, who: Actor) -> Case:
        return await desk.take(who, _query("take"), case)

    _act(config, department, operator, taken, declared=no_conflict)


@app.command("extend")
def extend(
    case: CaseId,
    operator: Who,
    reasons: Annotated[str, typer.Option(help="Why; the person reads it.")],
    no_conflict: NoConflict = False,
    department: Department = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Approve the longer term, as somebody else than who took the case up."""

    async def extended(desk: CaseDesk, who: Actor) -> Case:
        return await desk.extend(who, _query("extend"), case, reasons)

    _act(config, department, operator, extended, declared=no_conflict)


@app.command("decide")
def decide(
    case: CaseId,
    outcome: Annotated[Act, typer.Argument(help="CORRECTED, UPHELD, REPAIRED, REFUSED or ANSWERED.")],
    operator: Who,
    reasons: Annotated[str, typer.Option(help="Why; the person reads it.")],
    remedy: Annotated[
        Remedy, typer.Option(help="How a record that was wrong is corrected.")
    ] = Remedy.REMOVED,
    no_conflict: NoConflict = False,
    department: Department = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Decide on a case, with reasons. Every channel follows at once."""

    async def decided(desk: CaseDesk, who: Actor) -> Case:
        return await desk.decide(who, _query("decide"), case, Verdict(outcome, reasons, remedy))

    _act(config, department, operator, decided, declared=no_conflict)


@app.command("remind")
def remind(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Remind and escalate what is due, as `serve` does every ten minutes; for a machine's own timer."""

    async def reminded() -> list[tuple[str, Act]]:
        settings = settings_of(config)
        catalogue, keys = catalogue_of(settings), load_keys(settings.keys)
        terms = terms_of(settings, catalogue)
        async with Store(settings.store.get_secret_value()) as store:
            await store.require_current()
            async with audit_of(settings, catalogue, keys, store) as audit:
                desk = case_desk_of(store, audit, keys, terms)
                return await CaseClock(store, audit, desk, terms).look()

    with reported():
        told = asyncio.run(reminded())
    if as_json:
        print_json([{"id": case, "act": act} for case, act in told])
        return
    for case, act in told:
        console.print(f"{case} {act}", highlight=False)


def _act(
    config: Path,
    department: str | None,
    operator: str,
    work: Callable[[CaseDesk, Actor], Awaitable[Case]],
    *,
    declared: bool,
) -> None:
    async def act(desk: CaseDesk, _: Terms) -> Case:
        if not declared:
            raise refused(Code.UNDECLARED)
        return await work(desk, _named(department, operator))

    with reported():
        case = _run(config, act, writes=True)
    console.print(f"{case.id} is {case.state}", highlight=False)


def _query(name: str) -> Query:
    return Query(f"case {name}", "")


def _actor(department: str | None, operator: str = "") -> Actor:
    kind = ActorKind.STEWARD if department else ActorKind.OPERATOR
    return Actor(kind, "cli", operator=operator, department=department or "")


def _named(department: str | None, operator: str) -> Actor:
    if not is_operator(operator):
        raise CommandError("OPERATOR_INVALID", "--operator must be a staff reference, no name or number.")
    return _actor(department, operator)


@asynccontextmanager
async def _desk(config: Path, *, writes: bool) -> AsyncIterator[tuple[CaseDesk, Terms]]:
    settings = settings_of(config)
    catalogue, keys = catalogue_of(settings), load_keys(settings.keys)
    terms = terms_of(settings, catalogue)
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        audit = audit_of(settings, catalogue, keys, store)
        desk = case_desk_of(store, audit, keys, terms)
        if not writes:
            yield desk, terms
            return
        async with audit:
            yield desk, terms


def _run(config: Path, work: Callable[[CaseDesk, Terms], Awaitable[T]], *, writes: bool = False) -> T:
    async def run() -> T:
        async with _desk(config, writes=writes) as (desk, terms):
            return await work(desk, terms)

    try:
        return asyncio.run(run())
    except CaseRefused as refusal:
        raise CommandError(refusal.code, refusal.message) from None


def _told(case: Case, terms: Terms) -> dict[str, Any]:
    filed_on = case.filed_at.astimezone(CHINA_TIME).date()
    due = (
        due_on(case.kind, filed_on, terms(case.record_type), extended=case.extended) if case.waiting else None
    )
    return {
        "id": case.id,
        "kind": case.kind,
        "state": case.state,
        "recordType": case.record_type,
        "department": case.department,
        "reason": case.reason,
        "suspends": case.suspends and case.waiting,
        "filedAt": case.filed_at.isoformat(),
        "dueOn": due.isoformat() if due else None,
        "takenBy": case.taken_by,
    }
