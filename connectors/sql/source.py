"""A department's SQL database behind one manifest."""

from __future__ import annotations

from collections.abc import Iterable

from catalogue.identifiers import KeyKind
from catalogue.model import Catalogue, Label
from connectors.manifest import Manifest
from connectors.protocol import Answer, Ask, Finding
from connectors.rules import mapped
from connectors.sql import check
from connectors.sql.engine import engine_for
from connectors.sql.pool import Pool
from connectors.sql.reader import Reader


class SqlSource:
    """Implements `connectors.protocol.Source`. Raises ManifestError when built, SourceError when asked."""

    def __init__(self, manifest: Manifest, catalogue: Catalogue, url: str) -> None:
        self.manifest = manifest
        self.engine = engine_for(url, manifest.deadline_ms)
        size = self.engine.connections or manifest.pool
        self._pool = Pool(manifest.source, self.engine.connect, size, manifest.quota_per_hour)
        self.readers = {
            code: Reader(manifest, self.engine.dialect, mapped(catalogue, code), record)
            for code, record in manifest.mapped.items()
        }

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
        """Codes of the record types the manifest describes."""
        return frozenset(self.manifest.records)

    def key_kinds(self, record_type: str) -> frozenset[KeyKind]:
        """Which keys the record type can be asked by here."""
        return frozenset(self.readers[record_type].record.keys)

    async def fetch(self, ask: Ask) -> Answer:
        """One statement for all keys of a kind; halved at the row limit or the limit of binds."""
        return await self.readers[ask.record_type].answer(ask, self._pool)

    def explain(self, record_type: str, fields: Iterable[str], count: int = 1) -> str:
        """The SQL that would be sent for these fields and that many physical keys, per kind of key."""
        reader = self.readers[record_type]
        wanted = frozenset(fields)
        return ";\n".join(reader.statement(wanted, kind, count).sql for kind in reader.record.keys)

    async def check(self) -> list[Finding]:
        """Compare the manifest with the living database."""
        return await check.run(self.name, self.engine, self.readers)

    async def ping(self) -> None:
        """One round trip."""
        await self._pool.ping(self.engine.ping)

    async def close(self) -> None:
        """Release connections; waits for aborted ones."""
        await self._pool.close()
