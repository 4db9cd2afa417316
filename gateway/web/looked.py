"""谁查过我: every read of the person, by organization, purpose and day (ruling 26)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from catalogue.identifiers import holds_citizen_id
from catalogue.model import Catalogue
from gateway.web.graph import Graph
from gateway.web.security import PageRefused
from gateway.web.texts import Words
from gateway.web.visit import Visit

PAGE: Final = 20
_FILTERS: Final = ("organization", "purpose", "from", "to")
_LONGEST: Final = 100
_ORGANIZATIONS: Final = """
query MyReaders { me { accessLog(first: 100) { edges { node { organization organizationUscc } } } } }
"""
_READS: Final = """
query MyReads(
  $first: Int!, $after: String, $organization: String, $purpose: String, $from: String, $to: String
) {
  me {
    accessLog(
      first: $first, after: $after, organization: $organization, purpose: $purpose, from: $from, to: $to
    ) {
      edges { node {
        id at role organization organizationUscc basis legalBasisId consentId
        purpose scenario scenarioName caseNo result
        records { recordType recordTypeName fields fieldNames maskedFields }
      } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""


class Looked:
    """The view of the person's access log."""

    def __init__(self, graph: Graph, catalogue: Catalogue) -> None:
        self._graph = graph
        self._catalogue = catalogue

    async def view(self, visit: Visit) -> Response:
        """GET /looked: who asked, for what, for which fields; a filter is part of the address."""
        person = visit.person()
        wanted = _wanted(visit)
        after = visit.request.query_params.get("after") or None
        variables = {**wanted, "first": PAGE, "after": after}
        reads = await self._graph.ask(visit.request, person, _READS, variables)
        readers = await self._graph.ask(visit.request, person, _ORGANIZATIONS)
        log = reads.me["accessLog"]
        more = log["pageInfo"]["endCursor"] if log["pageInfo"]["hasNextPage"] else None
        kept = {name: value for name, value in wanted.items() if value}
        return visit.show(
            "looked.html",
            reads=[self._read(visit.words, edge["node"]) for edge in log["edges"]],
            organizations={
                edge["node"]["organizationUscc"]: edge["node"]["organization"]
                for edge in readers.me["accessLog"]["edges"]
            },
            wanted=wanted,
            filtered=bool(kept),
            later=f"/looked?{urlencode(kept | {'after': more})}" if more else None,
            first_page=after is None,
            here=f"/looked?{urlencode(kept)}",
        )

    def _read(self, words: Words, node: Mapping[str, Any]) -> dict[str, Any]:
        return {**node, "records": [self._named(words, read) for read in node["records"]]}

    def _named(self, words: Words, read: Mapping[str, Any]) -> dict[str, Any]:
        """Each field by its name in the page's language; one that is gone keeps its code.

        What every record has beside its type's fields is named by the pages' own words.
        """
        entry = self._catalogue.record_types.get(read["recordType"])
        fields = entry.field_by_name if entry else {}
        names = [
            (
                words.of(fields[name].label) if name in fields else _common(words, name, told),
                name in read["maskedFields"],
            )
            for name, told in zip(read["fields"], read["fieldNames"], strict=True)
        ]
        return {"type": words.of(entry.name) if entry else read["recordTypeName"], "fields": names}


def _common(words: Words, name: str, otherwise: str) -> str:
    """What a record has by being one: its clocks, and the rest."""
    return words.maybe(f"clock.{name}", words.maybe(f"common.{name}", otherwise))


def _wanted(visit: Visit) -> dict[str, str | None]:
    """The filter; nothing that could be a person's number is looked for."""
    query = visit.request.query_params
    wanted = {name: query.get(name, "").strip() or None for name in _FILTERS}
    for name, value in wanted.items():
        if value and (len(value) > _LONGEST or holds_citizen_id(value)):
            raise PageRefused(400, "filter")
        if value and name in ("from", "to"):
            try:
                date.fromisoformat(value)
            except ValueError:
                raise PageRefused(400, "filter") from None
    return wanted
