"""What every source says of itself, as its manifest does."""

from __future__ import annotations

from collections.abc import Hashable

from catalogue.identifiers import KeyKind
from catalogue.model import Label
from connectors.manifest import Manifest
from connectors.protocol import Ask


class Described:
    """Base of all sources: the describing part of `connectors.protocol.Source`."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @property
    def name(self) -> str:
        """The manifest's `source`."""
        return self.manifest.source

    @property
    def department(self) -> str:
        """Code of the owning department."""
        return self.manifest.department

    @property
    def system(self) -> Label:
        """Name of the department's system."""
        return self.manifest.system

    @property
    def contact(self) -> str:
        """Whom to ask about the source."""
        return self.manifest.contact

    @property
    def record_types(self) -> frozenset[str]:
        """Codes of the record types that enter the graph from here."""
        return frozenset(self.manifest.records)

    def key_kinds(self, record_type: str) -> frozenset[KeyKind]:
        """Which keys the record type can be asked by here."""
        return frozenset(self.manifest.mapped[record_type].keys)

    def settled(self, ask: Ask) -> Ask:
        """As it is, unless a source says otherwise."""
        return ask

    def lane(self, ask: Ask) -> Hashable | None:
        """Questions travel alone, unless a source says otherwise."""
        return None
