"""The register as a running process knows it: the file's mandates, the store's, and the switches.

A process learns of every act within a quarter of a second, looks once more in the transaction of
the outcome, before the answer leaves, and denies when it cannot look (ruling 19).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from authz.audit import Entry, Ledger
from authz.errors import ConfigurationError
from authz.freshness import Freshness
from authz.grants import Consent, Mandate, Statutory
from authz.mandate_entries import approved_mandate
from authz.mandates import MandateRegister
from authz.register import events
from authz.register.events import Item, Kind
from authz.register.standing import Standing, initial_of
from authz.store import Store
from catalogue.model import Catalogue

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """How everything stands after the acts up to one number, and the register that follows."""

    register: MandateRegister
    standings: Mapping[Item, Standing]
    last: int


class LiveRegister:
    """What may be used now; `current` before a grant is made, `running` with its outcome."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        filed: MandateRegister,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._filed = filed
        self._known = _Known(filed, {}, 0)
        self._freshness = Freshness(store, self._learn, timer)

    async def current(self) -> MandateRegister:
        """Mandates and stopped scenarios of this call, or of 0.25 seconds before; raises AuditUnavailable."""
        await self._freshness.refresh()
        return self._known.register

    def running(self, grant: Statutory | Consent) -> Entry:
        """With an outcome: refused where somebody has stopped what the grant stands on."""
        return _Stands(grant, self)

    def _learn(self, connection: Connection) -> None:
        self._known = self.after(connection)

    def after(self, connection: Connection) -> _Known:
        """What is known once the acts that are new in the store are known too."""
        known = self._known
        new = events.since(connection, known.last)
        if not new:
            return known
        standings = dict(known.standings)
        for event in new:
            standing = standings.get(event.item) or Standing(event.item, initial_of(event))
            standings[event.item] = standing.after(event)
        register = registered(self._filed, standings.values(), self._catalogue)
        return _Known(register, standings, new[-1].number)


class _Running(Ledger["_Stands"]):
    """What runs at the moment of a batch; counts nothing."""

    def __init__(self, connection: Connection, entries: Sequence[_Stands]) -> None:
        self._register = entries[0].live.after(connection).register

    def check(self, entry: _Stands) -> None:
        self._register.require_running(entry.grant)


@dataclass(frozen=True, slots=True)
class _Stands(Entry):
    """An answer stands on a grant."""

    grant: Statutory | Consent
    live: LiveRegister

    ledger = _Running


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
