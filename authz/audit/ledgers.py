"""What is counted with events, settled for a whole batch of them at once.

A ledger reads what it needs for all entries of a batch, decides on one entry after the other in
memory, and writes once. The store's writers take turns, so what was read still holds when it is
written. An event that one of its ledgers refuses has changed nothing, in this ledger or another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Connection

from authz.errors import AccessDenied


class Entry:
    """What one event counts in one ledger; an event has at most one for each."""

    __slots__ = ()
    ledger: ClassVar[type[Ledger[Any]]]


_Entry = TypeVar("_Entry", bound=Entry)


class Ledger(ABC, Generic[_Entry]):
    """One kind of counting, for one batch; made with the writing transaction and all of its entries."""

    @abstractmethod
    def __init__(self, connection: Connection, entries: Sequence[_Entry]) -> None:
        """Read what deciding on these entries takes."""

    @abstractmethod
    def check(self, entry: _Entry) -> None:
        """Raise AccessDenied to refuse the entry; changes nothing."""

    def enter(self, entry: _Entry) -> None:
        """Count an entry that no ledger refused; those that are checked later see it."""

    def close(self) -> None:
        """Write what was entered."""


def settle(connection: Connection, events: Iterable[Sequence[Entry]]) -> list[AccessDenied | None]:
    """Count the entries of events in their order; for each event None, or why nothing of it was counted."""
    events = list(events)
    entries: defaultdict[type[Ledger[Any]], list[Entry]] = defaultdict(list)
    for event in events:
        for entry in event:
            entries[entry.ledger].append(entry)
    ledgers = {kind: kind(connection, found) for kind, found in entries.items()}
    settled = [_settle(ledgers, event) for event in events]
    for ledger in ledgers.values():
        ledger.close()
    return settled


def _settle(ledgers: dict[type[Ledger[Any]], Ledger[Any]], event: Sequence[Entry]) -> AccessDenied | None:
    try:
        for entry in event:
            ledgers[entry.ledger].check(entry)
    except AccessDenied as refusal:
        return refusal
    for entry in event:
        ledgers[entry.ledger].enter(entry)
    return None
