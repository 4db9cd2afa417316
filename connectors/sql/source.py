"""A department's SQL database behind one manifest."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from datetime import date

from catalogue.model import Catalogue
from connectors.described import Described
from connectors.manifest import Manifest
from connectors.protocol import Answer, Ask, Finding, Tallies
from connectors.quota import Counter, HourlyQuota
from connectors.rules import mapped
from connectors.sql import check
from connectors.sql.column_sets import ColumnSets
from connectors.sql.counting import Counting
from connectors.sql.engine import engine_for
from connectors.sql.pool import Pool
from connectors.sql.reader import Reader


class SqlSource(Described):
    """Implements `connectors.protocol.Source`. Raises ManifestError when built, SourceError when asked."""

    def __init__(
        self, manifest: Manifest, catalogue: Catalogue, url: str, counter: Counter | None = None
    ) -> None:
        super().__init__(manifest)
        self.engine = engine_for(url, manifest.deadline_ms)
        size = self.engine.connections or manifest.pool
        self._url = url
        self._quota = HourlyQuota(manifest.source, manifest.quota_per_hour, counter)
        self._pool = Pool(manifest.source, self.engine.connect, size, self._quota)
        self.readers = {
            code: Reader(manifest, self.engine.dialect, mapped(catalogue, code), record)
            for code, record in manifest.mapped.items()
        }
        self._sets = {code: ColumnSets() for code in manifest.mapped}

    def settled(self, ask: Ask) -> Ask:
        """With few sets of columns (ruling 12)."""
        fields = self._sets[ask.record_type].settled(ask.fields, ask.permitted)
        return ask if fields is ask.fields else replace(ask, fields=fields)

    def lane(self, ask: Ask) -> Hashable | None:
        """By record type, fields and kind of key; SQL knows nothing of a case (ruling 13)."""
        kind = ask.keys[0].kind
        if ask.links or not self.readers[ask.record_type].travels(ask):
            return None
        if len(ask.keys) > 1 and any(key.kind is not kind for key in ask.keys):
            return None
        return ask.record_type, ask.fields, ask.follow, kind

    async def fetch(self, ask: Ask) -> Answer:
        """One statement for all keys of a kind; halved at the row limit or the limit of binds."""
        return await self.readers[ask.record_type].answer(ask, self._pool)

    async def tallies(self, record_type: str, month: date) -> Tallies:
        """One statement on a connection of its own, for it may take longer than an answer may."""
        counting = Counting(self.manifest, self.engine.dialect, self.readers[record_type])
        engine = engine_for(self._url, counting.deadline_ms)
        pool = Pool(self.name, engine.connect, 1, self._quota)
        try:
            return await counting.tallies(pool, month)
        finally:
            await pool.close()

    def explain(self, record_type: str, fields: Iterable[str], count: int = 1) -> str:
        """The SQL that would be sent for these fields and that many physical keys, per kind of key."""
        return self.readers[record_type].explain(frozenset(fields), count)

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        """For each kind of key, whose columns are others."""
        return self.readers[record_type].row_source(fields)

    async def check(self) -> list[Finding]:
        """Compare the manifest with the living database."""
        return await check.run(self.name, self.engine, self.readers)

    async def ping(self) -> None:
        """One round trip."""
        await self._pool.ping(self.engine.ping)

    async def close(self) -> None:
        """Release connections; waits for aborted ones."""
        await self._pool.close()
