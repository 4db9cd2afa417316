"""The register as a running process knows it: the file's mandates, the store's, and the switches.

A process learns of every act within a quarter of a second, looks once more before an answer
leaves, and denies when it cannot look (ruling 19).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import ConfigurationError
from authz.freshness import Freshness
from authz.grants import Consent, Grant, Mandate, Statutory
from authz.mandate_entries import approved_mandate
from authz.mandates import MandateRegister
from authz.register import events
from authz.register.events import Item, Kind
from authz.register.standing import Standing, initial_of
from authz.store import Store
from catalogue.model import Catalogue

_log = structlog.get_logger(__name__)


class LiveRegister:
    """What may be used now; `current` before a grant is made, `confirm` before its answer leaves."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        filed: MandateRegister,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._filed = filed
        self._standings: dict[Item, Standing] = {}
        self._last = 0
        self._register = filed
        self._freshness = Freshness(store, self._learn, timer)

    async def current(self) -> MandateRegister:
        """Mandates and stopped scenarios as of a quarter of a second ago at most; raises AuditUnavailable."""
        await self._freshness.refresh()
        return self._register

    async def confirm(self, grant: Grant) -> None:
        """That nobody has stopped what the grant stands on; raises AccessDenied or AuditUnavailable."""
        if not isinstance(grant, Statutory | Consent):
            return
        await self._freshness.confirm()
        self._register.require_running(grant)

    async def _learn(self, connection: AsyncConnection) -> None:
        new = await events.since(connection, self._last)
        if not new:
            return
        standings = dict(self._standings)
        for event in new:
            standing = standings.get(event.item) or Standing(event.item, initial_of(event))
            standings[event.item] = standing.after(event)
        self._register = registered(self._filed, standings.values(), self._catalogue)
        self._standings, self._last = standings, new[-1].number


def registered(
    filed: MandateRegister, standings: Iterable[Standing], catalogue: Catalogue
) -> MandateRegister:
    """The register that follows from the file and from how everything stands."""
    by_item = {standing.item: standing for standing in standings}
    stopped = {item.name for item, one in by_item.items() if item.kind is Kind.SCENARIO and not one.open}
    kept = {mandate.id for mandate in filed.mandates}
    mandates = [*filed.mandates, *_of_store(by_item.values(), kept, catalogue)]

    def runs(mandate: Mandate) -> bool:
        standing = by_item.get(Item(Kind.MANDATE, mandate.id))
        return standing is None or standing.open

    return MandateRegister(
        [one if runs(one) else replace(one, stopped=True) for one in mandates], stopped_scenarios=stopped
    )


def _of_store(
    standings: Iterable[Standing], filed: Collection[str], catalogue: Catalogue
) -> Iterator[Mandate]:
    """Approved mandates; one that today's catalogue or file no longer allows opens nothing, and is logged."""
    for standing in standings:
        if standing.entry is None or standing.approved_by is None:
            continue
        try:
            if standing.item.name in filed:
                raise ConfigurationError("MANDATE_DUPLICATE", standing.item.name, "The file has it too.")
            yield approved_mandate(standing.entry, standing.approved_by, catalogue)
        except ConfigurationError as error:
            _log.error("mandate_invalid", error=error.code)
