"""The acts on mandates and scenarios. What opens takes two persons, what closes takes one (GR-07, GR-11).

Each act is a leaf of the audit log and is made in the leaf's own transaction: what is not in
the log did not happen, and of two who act at once the second acts on what the first did.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import AuditLog, RegisterAct
from authz.errors import AuditUnavailable, ConfigurationError
from authz.mandate_entries import approved_mandate, check_mandate, entry_bytes, mandate_entry
from authz.mandates import MandateRegister
from authz.register import events
from authz.register.events import Act, Event, Item, Kind
from authz.register.standing import RegisterRefused, Standing, State, initial_of, standing_of
from authz.store import Store
from authz.wording import holds_personal_number
from catalogue.identifiers import holds_citizen_id
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME

LONGEST_REASON: Final = 300
SECOND: Final = "second-approver"
"""Stands for the one who has not approved yet, while a proposal is checked."""
_STAFF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def _now() -> datetime:
    return datetime.now(CHINA_TIME)


class Register:
    """Mandates of the file and of the store, and the switches of scenarios; changes both by acts."""

    def __init__(
        self,
        store: Store,
        audit: AuditLog,
        catalogue: Catalogue,
        filed: MandateRegister,
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._store = store
        self._audit = audit
        self._catalogue = catalogue
        self._filed = {mandate.id for mandate in filed.mandates}
        self._clock = clock

    async def propose(self, raw: Mapping[str, object], party: str, reason: str) -> Standing:
        """Ask for a mandate; it opens nothing until another person approves it.

        `raw` is an entry as in the file, without `approvedBy`. Raises ConfigurationError for one
        that may not be registered, RegisterRefused, AuditUnavailable.
        """
        if "approvedBy" in raw or "stopped" in raw:
            raise RegisterRefused(
                "MANDATE_APPROVAL", "Leave `approvedBy` and `stopped` out: acts write them."
            )
        entry = mandate_entry({**raw, "approvedBy": [staff_reference(party), SECOND]}, "the proposal")
        check_mandate(entry, self._catalogue)
        if entry.id in self._filed:
            raise ConfigurationError("MANDATE_DUPLICATE", entry.id, "The mandate id is taken.")
        if entry.valid_until < self._clock().date():
            raise ConfigurationError("MANDATE_PERIOD", entry.id, "The mandate has ended already.")
        payload = entry_bytes(entry)
        return await self._act(Item(Kind.MANDATE, entry.id), Act.PROPOSED, party, reason, payload)

    async def approve(self, mandate: str, party: str, reason: str) -> Standing:
        """Approve what another person proposed; raises as `propose` does."""
        item = Item(Kind.MANDATE, mandate)
        standing = await self.standing(item)
        if standing.entry is not None:
            approved_mandate(standing.entry, (SECOND, staff_reference(party)), self._catalogue)
        return await self._act(item, Act.APPROVED, party, reason)

    async def stop(self, item: Item, party: str, reason: str) -> Standing:
        """Stop at once, everywhere; a proposal is withdrawn. Raises RegisterRefused, AuditUnavailable."""
        standing = await self.standing(item)
        act = Act.WITHDRAWN if standing.state is State.PROPOSED else Act.STOPPED
        return await self._act(item, act, party, reason)

    async def resume(self, item: Item, party: str, reason: str) -> Standing:
        """Ask that it may run again, or agree to what another person asked; raises as `stop` does."""
        standing = await self.standing(item)
        act = Act.RESUMED if standing.state is State.RESUMING else Act.RESUME_ASKED
        return await self._act(item, act, party, reason)

    async def standing(self, item: Item) -> Standing:
        """How an item stands; raises RegisterRefused for one that does not exist, AuditUnavailable."""
        try:
            async with self._store.reading() as connection:
                standing = await self._standing(connection, item)
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error
        if standing.state is None:
            raise RegisterRefused("MANDATE_UNKNOWN", "There is no such mandate. `mandate list` shows all.")
        return standing

    async def standings(self) -> list[Standing]:
        """How each mandate and each scenario stands; raises AuditUnavailable."""
        try:
            async with self._store.reading() as connection:
                acts = await connection.run_sync(events.since, 0)
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error
        items = dict.fromkeys(Item(Kind.MANDATE, name) for name in self._filed)
        items |= dict.fromkeys(event.item for event in acts)
        items |= dict.fromkeys(Item(Kind.SCENARIO, code) for code in self._catalogue.scenarios)
        return [self._after(item, [act for act in acts if act.item == item]) for item in items]

    async def _standing(self, connection: AsyncConnection, item: Item) -> Standing:
        return self._after(item, await events.of(connection, item))

    def _after(self, item: Item, acts: Sequence[Event]) -> Standing:
        if item.kind is Kind.SCENARIO and item.name not in self._catalogue.scenarios:
            raise RegisterRefused("SCENARIO_UNKNOWN", "The catalogue has no such scenario.")
        known = item.kind is Kind.SCENARIO or item.name in self._filed
        return standing_of(item, initial_of(acts[0]) if acts else State.RUNNING if known else None, acts)

    async def _act(
        self, item: Item, act: Act, party: str, reason: str, entry: bytes | None = None
    ) -> Standing:
        """The act and its leaf, unless it may not follow what is there by then."""
        event = Event(item, act, staff_reference(party), stated_reason(reason), self._clock(), entry)
        done: list[Standing] = []

        async def make(connection: AsyncConnection) -> None:
            done.append((await self._standing(connection, item)).after(event))
            await events.append(connection, event)

        digest = hashlib.sha256(entry).hexdigest() if entry else None
        leaf = RegisterAct(act, item.kind, item.name, event.party, event.reason, digest)
        await self._audit.register(leaf, make)
        return done[-1]


def staff_reference(party: str) -> str:
    """Who acts; raises RegisterRefused OPERATOR_INVALID."""
    if not _STAFF.fullmatch(party) or holds_citizen_id(party):
        raise RegisterRefused("OPERATOR_INVALID", "Name yourself by staff reference, such as op-0012.")
    return party


def stated_reason(text: str) -> str:
    """Why, in one line; raises RegisterRefused REASON_REQUIRED or PERSONAL_LITERAL."""
    reason = text.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise RegisterRefused(
            "REASON_REQUIRED", f"Say why, in one line of at most {LONGEST_REASON} characters."
        )
    if holds_personal_number(reason):
        raise RegisterRefused("PERSONAL_LITERAL", "The reason holds a personal number. Leave it out.")
    return reason
