"""What `credit-gateway mandate` and `credit-gateway scenario` share: the register of a deployment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from authz.keys import load_keys
from authz.mandates import load_mandates
from authz.register.acts import Register
from authz.register.standing import Standing
from authz.store import Store
from gateway.cli.common import console, settings_of
from gateway.parts import audit_of, catalogue_of

By = Annotated[str, typer.Option("--by", help="Your staff reference.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays in the register and in the audit log.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask: you have read what it is.")]

T = TypeVar("T")


def run(config: Path, work: Callable[[Register], Awaitable[T]], *, writes: bool = True) -> T:
    """Work on the register of a deployment; an act needs the audit log, a look does not."""

    async def worked() -> T:
        async with _register(config, writes=writes) as register:
            return await work(register)

    return asyncio.run(worked())


@asynccontextmanager
async def _register(config: Path, *, writes: bool) -> AsyncIterator[Register]:
    settings = settings_of(config)
    catalogue, keys = catalogue_of(settings), load_keys(settings.keys)
    mandates = load_mandates(settings.mandates, catalogue)
    async with Store(settings.store.get_secret_value()) as store:
        await store.require_current()
        audit = audit_of(settings, catalogue, keys, store)
        register = Register(store, audit, catalogue, mandates)
        if not writes:
            yield register
            return
        async with audit:
            yield register


def as_json(standing: Standing) -> dict[str, object]:
    """How an item stands and everything that was done to it."""
    return {
        "name": standing.item.name,
        "state": standing.state,
        "approvedBy": standing.approved_by,
        "acts": [
            {"act": event.act, "by": event.party, "at": event.at, "reason": event.reason}
            for event in standing.events
        ],
    }


def told(standing: Standing) -> None:
    """What an act came to, and what it still waits for."""
    waits = {"PROPOSED": "; another person has to approve it", "RESUMING": "; another person has to agree"}
    state = str(standing.state)
    console.print(f"{standing.item.name} is {state}{waits.get(state, '')}", highlight=False)
