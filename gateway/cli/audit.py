"""`credit-gateway audit`: prove the log, look into it, hand out proofs. Never shows a record's value."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import orjson
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from authz.audit import (
    AuditLog,
    Checkpoint,
    CheckpointInvalid,
    Fault,
    FaultKind,
    Operation,
    ProofRefused,
    Verification,
    Wanted,
    operations,
)
from authz.keys import load_keys
from authz.store import Store
from catalogue.values import CHINA_TIME
from gateway.cli.common import (
    DEFAULT_CONFIG,
    CommandError,
    Config,
    Json,
    console,
    print_json,
    problems,
    reported,
    settings_of,
)
from gateway.parts import audit_of, catalogue_of

app = typer.Typer(help="The audit log: verify, show, prove, checkpoint, erase.", no_args_is_help=True)
Out = Annotated[Path | None, typer.Option(help="Write here instead of standard output.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
T = TypeVar("T")

_MEANING = {
    FaultKind.GAP: "event {0} is gone",
    FaultKind.LEAF: "event {0} was altered",
    FaultKind.TREE: "event {0} was altered, moved or put in",
    FaultKind.SUBTREE: "a kept hash over the events up to {0} was altered",
    FaultKind.SUBJECT: "event {0} was hidden from its subject, or put upon another",
    FaultKind.EVENT: "event {0} is no event",
    FaultKind.ERASED: "the payload of event {0} is gone, and no erasure says so",
    FaultKind.CHECKPOINT: "the checkpoint up to event {0} was not signed with this gateway's keys",
    FaultKind.HISTORY: "the events from {0} on are not those that were signed",
    FaultKind.TAIL: "event {0} and those behind it were signed, and are gone",
}


@app.command("verify")
def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint kept elsewhere (`audit checkpoint`); finds a log cut with its own."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Check every event, the tree over them, and every signature. Exit code 1 at the first fault."""
    with reported():
        found = _run(_verified(config, checkpoint or []))
    if as_json:
        fault = found.fault
        print_json(
            asdict(found)
            | {"fault": fault and {"kind": fault.kind, "index": fault.index, "message": _meaning(fault)}}
        )
    elif found.fault:
        problems.print(f"[bold red]{found.fault.kind}[/] {_meaning(found.fault)}", highlight=False)
        console.print(f"{found.leaves} events before it are whole", highlight=False)
    else:
        console.print(
            f"{found.leaves} events are whole, {found.signed} of them signed by {found.checkpoints} "
            f"checkpoints, {found.erased} erased\ntree head {found.head}",
            highlight=False,
            soft_wrap=True,
        )
    if found.fault:
        raise typer.Exit(1)


@app.command("show")
def show(
    organization: Annotated[str | None, typer.Option(help="USCC of the organization that asked.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Scenario code, such as S02.")] = None,
    subject: Annotated[str | None, typer.Option(help="A subject's audit reference, `hm_…`.")] = None,
    result: Annotated[str | None, typer.Option(help="PERMIT, PARTIAL, DENY, ERROR or UNANSWERED.")] = None,
    since: Day = None,
    until: Day = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """List who asked for what on which basis, and how it ended: the newest that match, oldest first."""
    wanted = Wanted(organization, scenario, subject, result, since and since.date(), until and until.date())
    with reported():
        found = _run(_matching(config, wanted, limit))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    table = Table("event", "at", "organization", "scenario", "case", "asked for", "result", "records")
    for each in found:
        asked = ", ".join(each.fields) or ", ".join(each.codes)
        row = (
            each.organization_name,
            each.scenario or each.basis or "",
            each.case_no or "",
            asked,
            each.result,
        )
        table.add_row(str(each.index), f"{each.at:%Y-%m-%d %H:%M:%S}", *map(escape, row), str(each.returned))
    console.print(table)


@app.command("prove")
def prove(
    index: Annotated[int, typer.Argument(min=0, help="Index of the event.")],
    out: Out = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write a proof, for people without access, that an event is in the signed log (docs/audit.md)."""
    with reported():
        _write(_run(_proof(config, index)), out)


@app.command("prove-growth")
def prove_growth(
    size: Annotated[int, typer.Argument(min=1, help="Size of an older checkpoint.")],
    out: Out = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write a proof, for people without access, that the log only grew since an older checkpoint."""
    with reported():
        _write(_run(_growth(config, size)), out)


@app.command("checkpoint")
def checkpoint(
    new: Annotated[bool, typer.Option("--new", help="Sign the log as it is now first.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Print the newest signed checkpoint. Keep it where nobody of the gateway can change it."""
    with reported():
        found = _run(_checkpoint(config, new=new))
    if as_json:
        head = {"size": found.size, "root": found.root.hex(), "at": found.at, "keyId": found.key_id}
        print_json(head | {"checkpoint": found.statement})
    else:
        typer.echo(found.statement)


@app.command("keys")
def keys(out: Out = None, config: Config = DEFAULT_CONFIG) -> None:
    """Print the public keys that checkpoints are checked with, as a JWK set (RFC 7517)."""
    with reported():
        _write(load_keys(settings_of(config).keys).checkpoint_keys().as_dict(private=False), out)


@app.command("erase")
def erase(
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Whose retention ended before this day; today if absent."),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only count.")] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Erase events whose retention is over. Their hashes stay, and every proof still holds."""
    today = datetime.now(CHINA_TIME).date()
    day = before.date() if before else today
    with reported():
        if day > today:
            raise CommandError("RETENTION_NOT_OVER", "Give --before a day that is not in the future.")
        erased = _run(_erased(config, day, dry_run=not apply))
    if as_json:
        print_json({"before": day, "events": erased, "applied": apply})
    else:
        done = "erased" if apply else "would be erased; --apply does it"
        console.print(f"{erased} events whose retention ended before {day} {done}", highlight=False)


@asynccontextmanager
async def _log(config: Path) -> AsyncIterator[AuditLog]:
    settings = settings_of(config)
    catalogue, held = catalogue_of(settings), load_keys(settings.keys)
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        yield audit_of(settings, catalogue, held, store)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run it; refusals of the log become errors a person can act on."""
    try:
        return asyncio.run(work)
    except ProofRefused as refused:
        raise CommandError(refused.code, refused.message) from None
    except CheckpointInvalid:
        raise CommandError(
            "CHECKPOINT_INVALID",
            "A checkpoint was not signed with the keys of this gateway. Run `audit verify`.",
        ) from None


async def _verified(config: Path, files: list[Path]) -> Verification:
    async with _log(config) as log:
        kept = [log.opened(_text(path)) for path in files]
        with _progress("events") as advance:
            return await log.verify(kept=kept, progress=advance)


async def _matching(config: Path, wanted: Wanted, limit: int) -> list[Operation]:
    async with _log(config) as log:
        newest = deque[Operation](maxlen=limit)
        async for each in operations(log.read()):
            if wanted.matches(each):
                newest.append(each)
        return sorted(newest, key=lambda each: each.index)


async def _proof(config: Path, index: int) -> dict[str, object]:
    async with _log(config) as log:
        return (await log.prove(index)).as_json()


async def _growth(config: Path, size: int) -> dict[str, object]:
    async with _log(config) as log:
        return (await log.prove_growth(size)).as_json()


async def _checkpoint(config: Path, *, new: bool) -> Checkpoint:
    async with _log(config) as log:
        if new:
            await log.sign()
        found = await log.checkpoint()
        if found is None:
            raise CommandError(
                "NOTHING_SIGNED", "There is no checkpoint yet. Sign one: audit checkpoint --new."
            )
        return found


async def _erased(config: Path, day: date, *, dry_run: bool) -> int:
    async with _log(config) as log:
        if dry_run:
            return await log.erase(day, dry_run=True)
        async with log:
            return await log.erase(day, dry_run=False)


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    """A bar on standard error, where that is a terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=problems, transient=True, disable=not problems.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            if done % 1_000 == 0 or done == total:
                bar.update(task, completed=done, total=total)

        yield advance


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise CommandError("FILE_UNREADABLE", f"{path} cannot be read as a checkpoint.") from None


def _meaning(fault: Fault) -> str:
    return _MEANING[fault.kind].format(fault.index)


def _write(document: object, out: Path | None) -> None:
    if out is None:
        print_json(document)
    else:
        out.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
