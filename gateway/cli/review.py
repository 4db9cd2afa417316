"""`credit-gateway review`: sampled reads, alarms, what was found, who is let in again. Never a value."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.markup import escape
from rich.table import Column, Table

from authz.audit import ProofRefused
from authz.keys import load_keys
from authz.outcomes.rates import Rate, rates
from authz.review.desk import Desk, Reviewer
from authz.review.items import ALARMS, Finding, Item, ItemKind, ItemState
from authz.review.sample import Draw
from authz.store import Store
from authz.tokens import is_operator
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

CLI_CLIENT: Final = "cli"
app = typer.Typer(
    help="The review of use: sample, list, show, record, alarms, check-rate, unlock.", no_args_is_help=True
)
T = TypeVar("T")
Who = Annotated[str, typer.Option("--reviewer", help="Your staff reference, never a name.")]


@app.command("sample")
def sample(
    month: Annotated[str, typer.Argument(help="A month that is over, such as 2026-10.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Draw without keeping: what the log gives.")
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Draw a month's sample: 1 % of each organization's reads, at least 20. Nobody can choose which."""
    with reported():
        drawn, new = _run(_drawn(config, month, dry_run=dry_run))
    if as_json:
        head = {"month": drawn.month, "size": drawn.size, "root": drawn.root.hex(), "new": new}
        print_json(head | {"reads": drawn.reads, "drawn": [one.index for one in drawn.drawn]})
        return
    said = "drawn" if new else "drawn before, or only shown"
    console.print(
        f"{len(drawn.drawn)} of {sum(drawn.reads.values())} reads of {month} ({said})", highlight=False
    )


@app.command("list")
def list_items(
    kind: Annotated[list[ItemKind] | None, typer.Option(help="Only of this kind.")] = None,
    state: Annotated[ItemState | None, typer.Option(help="Only those that stand so.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List what is to be reviewed, the oldest due first."""
    with reported():
        found = _run(_listed(config, kind or (), state))
    _print_items(found, as_json=as_json)


@app.command("show")
def show(
    item: Annotated[str, typer.Argument(help="Id of an item, from `review list`.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show an item, what was found, and the reads: who, why, which fields, how many. Never a value."""
    with reported():
        found, results, reads = _run(_with_desk(config, lambda desk: desk.show(item)))
    if as_json:
        print_json(
            _plain(found)
            | {"results": [asdict(each) for each in results], "reads": [asdict(each) for each in reads]}
        )
        return
    table = Table("event", "at", "organization", "operator", "case", "purpose", "fields", "result", "records")
    for each in reads:
        fields = "; ".join(f"{code}: {', '.join(names)}" for code, names in each.fields.items())
        told = (
            each.organization_name,
            each.operator,
            each.case_no or "",
            each.purpose or "",
            fields,
            each.result,
        )
        table.add_row(str(each.index), f"{each.at:%Y-%m-%d %H:%M:%S}", *map(escape, told), str(each.returned))
    console.print(table)
    for result in results:
        console.print(
            f"{result.number}. {result.finding} {result.reviewer} {result.at:%Y-%m-%d} {escape(result.note)}"
        )


@app.command("record")
def record(
    item: Annotated[str, typer.Argument(help="Id of an item, from `review list`.")],
    finding: Annotated[Finding, typer.Argument(help="What the review comes to.")],
    reviewer: Who,
    note: Annotated[str, typer.Option(help="One line: what was looked at, without a person's number.")],
    change: Annotated[
        bool, typer.Option("--change", help="There is a result already; this one replaces it.")
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Record what was found. Nobody reviews their own reads."""
    with reported():
        by = _reviewer(reviewer)
        found = _run(
            _with_desk(config, lambda desk: desk.record(by, item, finding, note, change=change), writes=True)
        )
    if as_json:
        print_json({"itemId": item} | asdict(found))
    else:
        console.print(f"{item}: {found.finding} recorded as entry {found.number}", highlight=False)


@app.command("alarms")
def alarms(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List alarms that nobody has reviewed, and who is locked out now."""
    with reported():
        found = _run(_listed(config, ALARMS, None))
        locked = _run(_with_desk(config, lambda desk: desk.locks()))
    waiting = [(item, state) for item, state in found if state is not ItemState.REVIEWED]
    if as_json:
        shown = [_plain(item) | {"state": state} for item, state in waiting]
        print_json({"alarms": shown, "locks": [asdict(each) for each in locked]})
        return
    _print_items(waiting, as_json=False)
    table = Table(Column("lock", no_wrap=True), "client", "operator", "cause", "since", "until", "agreed by")
    for each in locked:
        until = f"{each.until:%Y-%m-%d %H:%M}" if each.until else "lifted"
        named = (each.id, each.client_id, each.operator, each.cause, f"{each.since:%Y-%m-%d %H:%M}", until)
        table.add_row(*map(escape, (*named, each.first_lifter or "")))
    console.print(table)


@app.command("check-rate")
def check_rate(
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show the must-check rate by organization and scenario, and checks that did not know everything."""
    with reported():
        found = _run(_rates(config, since.date(), until.date()))
    if as_json:
        print_json([asdict(each) | {"rate": each.rate} for each in found])
        return
    table = Table(
        "organization", "scenario", "checks", "reported", "checked", "rate", "incomplete", "overridden"
    )
    for each in found:
        rate = "" if each.rate is None else f"{each.rate:.0%}"
        gaps = (len(each.gaps), sum(gap.overridden for gap in each.gaps))
        counts = (each.checks, each.reported, each.checked, rate, *gaps)
        table.add_row(each.organization, each.scenario, *map(str, counts))
    console.print(table)
    if any(each.gaps for each in found):
        console.print(_gaps(found))


@app.command("unlock")
def unlock(
    lock: Annotated[str, typer.Argument(help="Id of a lock, from `review alarms`.")],
    reviewer: Who,
    reason: Annotated[str, typer.Option(help="One line: why they may read again.")],
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Let a client or operator read again. A suspension for ids in sequence takes two reviewers."""
    with reported():
        by = _reviewer(reviewer)
        found = _run(_with_desk(config, lambda desk: desk.lift(by, lock, reason), writes=True))
    if as_json:
        print_json(asdict(found))
    elif found.lifted_by:
        console.print(f"{lock} is lifted", highlight=False)
    else:
        console.print(
            f"{lock}: {found.first_lifter} has agreed; a second reviewer has to as well", highlight=False
        )


@asynccontextmanager
async def _desk(config: Path, *, writes: bool) -> AsyncIterator[Desk]:
    settings = settings_of(config)
    catalogue, keys = catalogue_of(settings), load_keys(settings.keys)
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        audit = audit_of(settings, catalogue, keys, store)
        if not writes:
            yield Desk(store, audit)
            return
        async with audit:
            yield Desk(store, audit)


async def _rates(config: Path, since: date, until: date) -> list[Rate]:
    async with Store(settings_of(config).store.get_secret_value()) as store:
        await store.require_current()
        async with store.reading() as connection:
            return await rates(connection, since, until)


def _gaps(found: Sequence[Rate]) -> Table:
    """Each incomplete check by its id: what it did not know, and whether somebody went on from it."""
    table = Table(Column("check", no_wrap=True), "scenario", "unknown", "by hand", "went on")
    for each in found:
        for gap in each.gaps:
            went_on = "yes" if gap.overridden else ""
            table.add_row(gap.check_id, each.scenario, " ".join(gap.unknown), " ".join(gap.by_hand), went_on)
    return table


async def _with_desk(config: Path, work: Callable[[Desk], Awaitable[T]], *, writes: bool = False) -> T:
    async with _desk(config, writes=writes) as desk:
        return await work(desk)


async def _drawn(config: Path, month: str, *, dry_run: bool) -> tuple[Draw, bool]:
    async with _desk(config, writes=not dry_run) as desk:
        return (await desk.redraw(month), False) if dry_run else await desk.sample(month)


async def _listed(
    config: Path, kinds: Sequence[ItemKind] | frozenset[ItemKind], state: ItemState | None
) -> list[tuple[Item, ItemState]]:
    async with _desk(config, writes=False) as desk:
        return await desk.items(kinds, state)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run it; a month that no checkpoint covers becomes an error a person can act on."""
    try:
        return asyncio.run(work)
    except ProofRefused:
        raise CommandError(
            "NOT_SIGNED", "No checkpoint covers the month yet. Run `audit checkpoint --new` first."
        ) from None


def _reviewer(text: str) -> Reviewer:
    if not is_operator(text):
        raise CommandError("REVIEWER_INVALID", "--reviewer must be a staff reference, no name or number.")
    return Reviewer(text, CLI_CLIENT)


def _plain(found: Item) -> dict[str, Any]:
    members = asdict(found)
    members.pop("announced")
    return members


def _print_items(found: Sequence[tuple[Item, ItemState]], *, as_json: bool) -> None:
    if as_json:
        print_json([_plain(item) | {"state": state} for item, state in found])
        return
    table = Table(
        Column("item", no_wrap=True),
        "kind",
        "period",
        "organization",
        "client",
        "events",
        "due",
        "state",
        "finding",
    )
    for item, state in found:
        last_day = datetime.fromtimestamp(item.due_at.timestamp() - 1, item.due_at.tzinfo)
        named = (item.id, item.kind, item.period, item.organization, item.client_id)
        ends = (f"{last_day:%Y-%m-%d}", state, item.finding or "")
        table.add_row(*map(escape, named), str(item.number), *map(escape, ends))
    console.print(table)
