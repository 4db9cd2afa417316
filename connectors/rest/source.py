"""A department's HTTP service behind one manifest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

import aiohttp
import orjson

from catalogue.identifiers import SubjectKey
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME
from connectors.described import Described
from connectors.errors import (
    ManifestError,
    SourceDrift,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.gathering import together
from connectors.http import session_of
from connectors.keys import asked_forms
from connectors.manifest import Manifest, RecordSource
from connectors.protocol import Answer, Ask, Finding
from connectors.quota import Counter, HourlyQuota
from connectors.rest import check
from connectors.rest.answers import Cellular
from connectors.rest.calls import Admission, Caller
from connectors.rest.filling import Turn
from connectors.rest.quota import Quota
from connectors.rest.reader import Pages, Reader, reader_of
from connectors.rules import mapped


class RestSource(Described):
    """Implements `connectors.protocol.Source`. Raises ManifestError when built, SourceError when asked."""

    def __init__(
        self,
        manifest: Manifest,
        catalogue: Catalogue,
        url: str,
        counter: Counter | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(manifest)
        self.readers = {
            code: reader_of(mapped(catalogue, code), record, manifest)
            for code, record in manifest.mapped.items()
        }
        self._url = _http_url(url)
        self._deadline = manifest.deadline_ms / 1_000
        self._caller = Caller(manifest, url, now)
        self._hourly = HourlyQuota(self.name, manifest.quota_per_hour, counter)
        self._quota = Quota(self.name, manifest.rate_per_second) if manifest.rate_per_second else None
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, ask: Ask) -> Answer:
        """One call per batch of physical keys and page; the session lets `pool` of them run at a time."""
        reader = self.readers[ask.record_type]
        if {key.kind for key in ask.keys} - reader.record.keys.keys():
            raise SourceDrift(self.name, "KEY_KIND")
        fetched_at = datetime.now(CHINA_TIME)
        admitted = self._admission(object())
        owners = _owners(reader.record, ask)
        batches = reader.batches(list(owners))
        pages = await together(self._pages(reader, keys, ask.trace, admitted) for keys in batches)
        if any(reader.strangers_only(page.rows, ask) for page in pages):
            # a service that disregards the number cannot say either that it knows nothing under it
            raise SourceRubbish(self.name, "KEY_NOT_ASKED")
        columns = reader.pipeline.columns(ask.fields)
        standing = (row for page in pages for row in reader.standing(page.rows))
        rows = [[row.get(column) for column in columns] for row in standing]
        answer = reader.pipeline.answer(ask, columns, rows, fetched_at, reader.cap)
        cut = [text for keys, page in zip(batches, pages, strict=True) if page.more for text in keys]
        return answer._replace(truncated=answer.truncated.union(*(owners[text] for text in cut)))

    async def check(self) -> list[Finding]:
        """Compare the manifest with the living service."""
        try:
            await self.ping()
        except SourceError as error:
            return [check.refused(self.name, error)]
        return await check.run(self.name, self.readers, self._look_up)

    async def ping(self) -> None:
        """Open and close a connection: a call would use up the quota."""
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._deadline):
                _, writer = await asyncio.open_connection(self._url.hostname, port)
                writer.close()
                await writer.wait_closed()
        except TimeoutError:
            raise SourceTimeout(self.name, "CONNECT") from None
        except OSError as error:
            raise SourceUnavailable(self.name, "CONNECT") from error

    async def close(self) -> None:
        """Release connections."""
        await self._caller.close()
        if self._session:
            await self._session.close()

    async def _pages(self, reader: Reader, keys: tuple[str, ...], trace: str, admitted: Admission) -> Pages:
        """Every page under one batch of physical keys; raises a SourceError."""
        pages = Pages(reader.rest)
        turn: Turn | None = Turn(keys, trace=trace)
        while turn:
            page = await self._caller.call(self._connected(), reader.rest, turn, admitted)
            self._refuse_drift(reader, page.rows)
            turn = pages.add(self.name, page, turn)
        return pages

    def _admission(self, question: Hashable) -> Admission:
        """What each call of one question waits for."""
        until = asyncio.get_running_loop().time() + self._deadline

        async def admitted() -> None:
            if self._quota:
                await self._quota.wait(question, until)
            await self._hourly.take()

        return admitted

    def explain(self, record_type: str, fields: frozenset[str]) -> str:
        """Method, path and shape of the request; fields are picked from whole rows, which stay here."""
        rest = self.readers[record_type].rest
        asked = [f"{rest.method} {rest.path}"]
        asked += [f"{name}={value}" for name, value in rest.query.items()]
        if rest.body is not None or rest.form is not None:
            asked.append(orjson.dumps(rest.body or rest.form).decode())
        return "\n".join(asked)

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        """The Python text that reads what was picked from a row of the service."""
        pipeline = self.readers[record_type].pipeline
        return pipeline.row_source(fields, pipeline.columns(fields))

    async def _look_up(self, reader: Reader, key: str) -> list[Cellular]:
        pages = await self._pages(reader, (key,), "source-check", self._admission(object()))
        return reader.standing(pages.rows)

    def _connected(self) -> aiohttp.ClientSession:
        """The session, which must be made inside a running loop."""
        if self._session is None:
            self._session = session_of(self.manifest)
        return self._session

    def _refuse_drift(self, reader: Reader, rows: list[Cellular]) -> None:
        """A row that shows no key can be nobody's: the service has changed its shape."""
        names = [name for key in reader.record.keys.values() for name in key.columns]
        if any(not any(name in row for name in names) for row in rows):
            raise SourceDrift(self.name, "KEY_COLUMN_MISSING")


def _http_url(url: str) -> SplitResult:
    parsed = urlsplit(url)
    if parsed.scheme not in ("http", "https") or not parsed.hostname:
        raise ManifestError("MANIFEST_URL", "url", "a REST source needs an http or https address")
    return parsed


def _owners(record: RecordSource, ask: Ask) -> dict[str, set[SubjectKey]]:
    """Each physical key once, and whom it may mean."""
    found: dict[str, set[SubjectKey]] = {}
    for key in ask.keys:
        for text in asked_forms(key, ask.links.get(key), record.keys[key.kind]):
            found.setdefault(text, set()).add(key)
    return found
