"""How one record type is read from an HTTP service, settled when the manifest is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalogue.identifiers import clean
from catalogue.model import RecordType
from connectors.conditions import holds
from connectors.errors import ManifestError, SourceRubbish
from connectors.manifest import Manifest, RecordSource
from connectors.matching import Matcher
from connectors.parts import Rest
from connectors.pipeline import Pipeline
from connectors.protocol import Ask
from connectors.rest.answers import Cellular, Page
from connectors.rest.filling import Turn, places


@dataclass(frozen=True, slots=True)
class Reader:
    """How one record type is read from the service."""

    record: RecordSource
    rest: Rest
    pipeline: Pipeline
    cap: int

    def batches(self, keys: Sequence[str]) -> list[tuple[str, ...]]:
        """Physical keys as they travel together."""
        size = self.rest.batch.size if self.rest.batch else 1
        return [tuple(keys[start : start + size]) for start in range(0, len(keys), size)]

    def standing(self, rows: Iterable[Cellular]) -> list[Cellular]:
        """The rows that the manifest's filter keeps."""
        return [row for row in rows if holds(self.record.where, row)]

    def strangers_only(self, rows: Iterable[Cellular], ask: Ask) -> bool:
        """Whether rows name somebody, and none of them anybody who was asked."""
        kinds = {key.kind for key in ask.keys}
        matchers = [
            (Matcher(kind, key, ask.keys, tuple(range(len(key.columns))), ask.links), key.columns)
            for kind, key in self.record.keys.items()
            if kind in kinds
        ]
        strangers = False
        for row in rows:
            for matcher, columns in matchers:
                cells = [row.get(column) for column in columns]
                if matcher.names_asked(cells):
                    return False
                strangers = strangers or any(clean(str(cell)) for cell in cells if cell is not None)
        return strangers


@dataclass(slots=True)
class Pages:
    """What the service holds under one batch of keys; `more` where the page limit cut it."""

    rest: Rest
    rows: list[Cellular] = field(default_factory=list)
    more: bool = False

    def add(self, source: str, page: Page, turn: Turn) -> Turn | None:
        """Take one page in; the turn that asks for the next, None after the last.

        Raises SourceRubbish (PAGES) for a service that does not turn its pages, or ends too early.
        """
        if turn.page > 1 and len(page.rows) > 1 and self.rows[-len(page.rows) :] == page.rows:
            raise SourceRubbish(source, "PAGES")
        self.rows += page.rows
        if not self._expects_more(page):
            if page.total is not None and len(self.rows) < page.total:
                raise SourceRubbish(source, "PAGES")
            return None
        self.more = turn.page == self.rest.max_pages
        return None if self.more else Turn(turn.keys, turn.page + 1, page.next, turn.trace)

    def _expects_more(self, page: Page) -> bool:
        if self.rest.next:
            return page.next != ""
        if page.total is not None and page.rows:
            return len(self.rows) < page.total
        return self.rest.page_size is not None and len(page.rows) >= self.rest.page_size


def reader_of(record_type: RecordType, record: RecordSource, manifest: Manifest) -> Reader:
    """Raises ManifestError where the record cannot be read from an HTTP service."""
    where = f"records.{record_type.code}"
    if record.rest is None:
        raise ManifestError("MANIFEST_CONNECTOR", where, "a REST source needs `rest`")
    if record.joins or record.listed:
        raise ManifestError("MANIFEST_CONNECTOR", f"{where}.join", "a REST source cannot join tables")
    _verify(f"{where}.rest", record.rest, manifest)
    pipeline = Pipeline(record_type, record, manifest.code_tables)
    return Reader(record, record.rest, pipeline, record.row_cap or manifest.row_cap)


def _verify(where: str, rest: Rest, manifest: Manifest) -> None:
    if rest.code and not rest.ok:
        raise ManifestError("MANIFEST_REST", f"{where}.ok", "list the codes that mean success")
    if rest.statuses != (200,) and not rest.code:
        # without a code of its own, the 404 of a proxy would read as "nothing found"
        raise ManifestError("MANIFEST_REST", f"{where}.statuses", "give `code` as well")
    if rest.expired and not manifest.token:
        raise ManifestError("MANIFEST_REST", f"{where}.expired", "there is no `token` to renew")
    if rest.body is not None and rest.form is not None:
        raise ManifestError("MANIFEST_REST", f"{where}.form", "give `body` or `form`, not both")
    if rest.format == "xml" and (rest.next or rest.total):
        raise ManifestError("MANIFEST_REST", where, "`next` and `total` are read from JSON only")
    found, wanted = places(rest), "keys" if rest.batch else "key"
    if wanted not in found or {"key", "keys"} <= found:
        raise ManifestError("MANIFEST_REST", where, f"put `{{{wanted}}}` where the number belongs")
    if rest.next and "cursor" not in found:
        raise ManifestError("MANIFEST_REST", f"{where}.next", "put `{cursor}` where the service wants it")
