"""What every source says of itself, as its manifest does."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable
from datetime import date

from catalogue.identifiers import KeyKind
from catalogue.model import Label
from connectors.errors import SourceDrift
from connectors.manifest import Manifest
from connectors.protocol import Answer, Ask, Tallies, Told


class Described(ABC):
    """Base of all sources: the describing part of `connectors.protocol.Source`."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.name = manifest.source
        self.department = manifest.department
        self.system: Label = manifest.system
        self.contact = manifest.contact
        self.record_types = frozenset(manifest.records)
        """Codes of the record types that enter the graph from here."""
        self._key_kinds = {code: frozenset(record.keys) for code, record in manifest.mapped.items()}

    def key_kinds(self, record_type: str) -> frozenset[KeyKind]:
        """Which keys the record type can be asked by here."""
        return self._key_kinds[record_type]

    def settled(self, ask: Ask) -> Ask:
        """As it is, unless a source says otherwise."""
        return ask

    async def tallies(self, record_type: str, month: date) -> Tallies:
        """Nobody counts here, unless a source says otherwise: manifests may not ask for it."""
        raise SourceDrift(self.name, "PUBLICITY")

    def lane(self, ask: Ask) -> Hashable | None:
        """Questions travel alone, unless a source says otherwise."""
        return None

    @abstractmethod
    async def fetch(self, ask: Ask) -> Answer:
        """Answer, or raise a SourceError."""

    def begin(self, ask: Ask) -> Told:
        """By a task, unless a source knows better."""
        return begun(lambda: self.fetch(ask))


def begun(question: Callable[[], Awaitable[Answer]]) -> Told:
    """The question in a task of its own; one that is cancelled at once has never been asked."""

    async def told() -> Answer | Exception:
        try:
            return await question()
        except Exception as error:
            return error

    return asyncio.create_task(told())
