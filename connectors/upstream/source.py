"""Another graph behind one manifest; it decides and audits for itself, so the case travels along."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
import orjson
from yarl import URL

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME
from connectors.described import Described
from connectors.errors import (
    ManifestError,
    SourceDenied,
    SourceDrift,
    SourceError,
)
from connectors.gathering import together
from connectors.http import Reply, exchange, session_of
from connectors.manifest import Manifest, RecordSource
from connectors.pipeline import Pipeline
from connectors.protocol import Answer, Ask, Case, Finding, Reject
from connectors.quota import Counter, HourlyQuota
from connectors.rest.filling import safe_trace
from connectors.upstream.answers import Section, cell, document_of, entities_of, section_of
from connectors.upstream.credentials import Credentials
from connectors.upstream.documents import SUBJECT, Documents, Operation

_MEDIA: Final = {
    "Content-Type": "application/json",
    "Accept": "application/graphql-response+json, application/json;q=0.9",
}
_ENTITIES_AT_ONCE: Final = 100
_PUBLIC: Final = Case(None, {})


@dataclass(frozen=True, slots=True)
class _Reader:
    record: RecordSource
    documents: Documents
    pipeline: Pipeline
    cap: int


class UpstreamSource(Described):
    """Implements `connectors.protocol.Source`. Raises ManifestError when built, SourceError when asked."""

    def __init__(
        self,
        manifest: Manifest,
        catalogue: Catalogue,
        base_dir: Path,
        counter: Counter | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(manifest)
        self._url = _graph_url(manifest.url)
        self._readers = {
            code: _reader(catalogue, code, record, manifest) for code, record in manifest.records.items()
        }
        self._credentials = (
            Credentials(manifest.source, manifest.client, self._url, base_dir, now)
            if manifest.client
            else None
        )
        self._hourly = HourlyQuota(manifest.source, manifest.quota_per_hour, counter)
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, ask: Ask) -> Answer:
        """One operation a subject, in the case of the question; a subgraph's entities a hundred at a time."""
        reader = self._readers[ask.record_type]
        if {key.kind for key in ask.keys} - reader.record.keys.keys():
            raise SourceDrift(self.name, "KEY_KIND")
        fetched_at = datetime.now(CHINA_TIME)
        columns = reader.pipeline.columns(ask.fields)
        if reader.documents.upstream.entity:
            found = await self._entities(reader, ask, columns)
        else:
            case = ask.case
            if case is None:
                # what one gateway was allowed, by a person or for them, is not the other's permission
                raise SourceDenied(self.name, "NO_CASE")
            sections = await together(
                self._subject(reader, key, columns, case, ask.trace) for key in ask.keys
            )
            found = dict(zip(ask.keys, sections, strict=True))
        return _answer(reader, ask, columns, found, fetched_at)

    def explain(self, record_type: str, fields: frozenset[str]) -> str:
        """The document that would be sent; keys and case are variables."""
        reader = self._readers[record_type]
        columns = reader.pipeline.columns(fields)
        if reader.documents.upstream.entity:
            return reader.documents.of_entities((), columns).document
        key = _printed_key(next(iter(reader.record.keys)))
        return reader.documents.of_subject(key, columns, Case({}, {})).document

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        """The Python text that reads what the other side's records became."""
        pipeline = self._readers[record_type].pipeline
        return pipeline.row_source(fields, pipeline.columns(fields))

    async def check(self) -> list[Finding]:
        """Whether the other side answers and lets us in; its schema is checked with each answer."""
        findings = []
        try:
            await self.ping()
        except SourceError as error:
            message = f"the source could not be asked: {error.reason}"
            findings.append(Finding("error", error.code, self.name, message))
        return findings

    async def ping(self) -> None:
        """A question about nobody, with our credentials."""
        await self._said(Operation("{ __typename }", {}), "", "")

    async def close(self) -> None:
        """Release connections."""
        if self._credentials:
            await self._credentials.close()
        if self._session:
            await self._session.close()

    async def _subject(
        self, reader: _Reader, key: SubjectKey, columns: tuple[str, ...], case: Case, trace: str
    ) -> Section:
        if case.access is None and key.personal:
            raise SourceDenied(self.name, "NO_CASE")
        operation = reader.documents.of_subject(key, columns, case)
        await self._hourly.take()
        document = await self._said(operation, trace, case.operator)
        return section_of(self.name, document, reader.documents.section)

    async def _entities(
        self, reader: _Reader, ask: Ask, columns: tuple[str, ...]
    ) -> dict[SubjectKey, Section]:
        found: dict[SubjectKey, Section] = {}
        for start in range(0, len(ask.keys), _ENTITIES_AT_ONCE):
            keys = ask.keys[start : start + _ENTITIES_AT_ONCE]
            await self._hourly.take()
            document = await self._said(reader.documents.of_entities(keys, columns), ask.trace, "")
            sections = entities_of(self.name, document, keys, reader.documents.upstream)
            found |= zip(keys, sections, strict=True)
        return found

    async def _said(self, operation: Operation, trace: str, operator: str) -> Mapping[str, object]:
        """The answer to one operation; asked again for a nonce, and for a token that ran out."""
        body = orjson.dumps({"query": operation.document, "variables": operation.variables})
        headers = {**_MEDIA, **self.manifest.headers}
        if trace:
            headers["X-Request-Id"] = safe_trace(trace)
        if self._credentials is None:
            return document_of(self.name, await self._send("POST", self._url, body, headers))
        for _ in range(3):
            proven = await self._credentials.headers("POST", self._url, self._send, operator)
            reply = await self._send("POST", self._url, body, headers | proven)
            if not self._credentials.again(reply, proven):
                break
        return document_of(self.name, reply)

    async def _send(self, method: str, url: URL, body: bytes, headers: Mapping[str, str]) -> Reply:
        if self._session is None:
            self._session = session_of(self.manifest)
        return await exchange(self.name, self._session, method, url, body, headers)


def _answer(
    reader: _Reader,
    ask: Ask,
    columns: tuple[str, ...],
    found: Mapping[SubjectKey, Section],
    fetched_at: datetime,
) -> Answer:
    rows = [
        [key.value if column == SUBJECT else cell(row, column) for column in columns]
        for key, section in found.items()
        for row in section.rows
    ]
    answer = reader.pipeline.answer(ask, columns, rows, fetched_at, reader.cap)
    rejects: dict[SubjectKey, tuple[Reject, ...]] = dict(answer.rejects)
    for key, section in found.items():
        if section.rejects:
            rejects[key] = (*rejects.get(key, ()), *section.rejects)
    return answer._replace(rejects=rejects)


def _reader(catalogue: Catalogue, code: str, record: RecordSource, manifest: Manifest) -> _Reader:
    where = f"records.{code}"
    if record.graphql is None:
        raise ManifestError("MANIFEST_CONNECTOR", where, "a graph needs `graphql`")
    if record.joins or record.listed or record.where:
        raise ManifestError("MANIFEST_CONNECTOR", where, "a graph has neither `join` nor `where`")
    if any(key.columns != (SUBJECT,) for key in record.keys.values()):
        raise ManifestError(
            "MANIFEST_GRAPHQL", f"{where}.keys", f"`columns: [{SUBJECT}]`: the key that was asked"
        )
    if record.graphql.entity and KeyKind.CITIZEN_ID in record.keys:
        raise ManifestError("MANIFEST_GRAPHQL", f"{where}.keys", "persons have no federation key")
    entry = catalogue.record_types[code]
    documents = Documents(catalogue, entry, record)
    pipeline = Pipeline(entry, record, manifest.code_tables)
    documents.selection(pipeline.columns(frozenset(record.fields)))
    return _Reader(record, documents, pipeline, record.row_cap or manifest.row_cap)


def _graph_url(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ManifestError("MANIFEST_URL", "url", "a graph needs the http or https address of its endpoint")
    return parsed


def _printed_key(kind: KeyKind) -> SubjectKey:
    """The sample number that the standard itself prints."""
    if kind is KeyKind.CITIZEN_ID:
        return SubjectKey.person("11010519491231002X")
    return SubjectKey.entity("91350100M000100Y43")
