"""我的记录: what every department holds on the person, section by section.

The overview asks only whether there is a record; a domain's page reads it. Both name each
section that the catalogue has, so a county's own types appear by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue, Domain, FieldType, RecordField, RecordType
from gateway.web.graph import Answer, Graph
from gateway.web.security import PageRefused
from gateway.web.texts import Words
from gateway.web.visit import Visit
from resolvers.subjects import domains_of

_BASE: Final = """
  recordId nature severity status occurredOn determinedOn publishUntil retentionUntil measureUntil
  dispute { since caseNo } repair { state on } subjectStatement
  provenance { departmentName system contact legalBasis sourceUpdatedAt fetchedAt freshness }
"""
_CLOCKS: Final = ("determinedOn", "publishUntil", "retentionUntil", "measureUntil")
SERIOUS_STATES: Final = frozenset({"TIMEOUT", "UNAVAILABLE", "BUSY", "PARTIAL"})
"""States in which a department has not told everything: never shown as `no record`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a record, ready to be read."""

    label: str
    value: str
    masked: bool


class Records:
    """The two views of a person's records."""

    def __init__(self, graph: Graph, catalogue: Catalogue) -> None:
        self._graph = graph
        self._catalogue = catalogue
        grouped = domains_of(catalogue, SubjectKind.NATURAL_PERSON)
        self._domains: Mapping[str, tuple[Domain, tuple[RecordType, ...]]] = {
            catalogue.domains[code].field: (catalogue.domains[code], tuple(entries))
            for code, entries in grouped.items()
        }
        groups = " ".join(self._group(field, "present") for field in self._domains)
        self._overview = f"query MyOverview {{ me {{ person {{ displayName {groups} }} }} }}"

    def _group(self, field: str, selection: str) -> str:
        _, entries = self._domains[field]
        sections = " ".join(f"{entry.section} {{ state reason fetchedAt {selection} }}" for entry in entries)
        return f"{field} {{ {sections} }}"

    def _document(self, field: str) -> str:
        _, entries = self._domains[field]
        sections = " ".join(
            f"{entry.section} {{ state reason fetchedAt records {{ {_BASE}"
            f" {' '.join(each.name for each in entry.fields)} }} }}"
            for entry in entries
        )
        return f"query MyRecords {{ me {{ person {{ displayName {field} {{ {sections} }} }} }} }}"

    async def overview(self, visit: Visit) -> Response:
        """GET /records."""
        answer = await self._graph.ask(visit.request, visit.person(), self._overview)
        person = _person(answer)
        domains = [
            (field, domain, [_section(person, field, entry) for entry in entries])
            for field, (domain, entries) in self._domains.items()
        ]
        silent = [each for _, _, sections in domains for each in sections if each["state"] in SERIOUS_STATES]
        return visit.show(
            "records.html",
            name=person["displayName"],
            domains=domains,
            silent=len(silent),
            departments=self._catalogue.departments,
        )

    async def domain(self, visit: Visit) -> Response:
        """GET /records/{domain}."""
        field = visit.request.path_params["domain"]
        if field not in self._domains:
            raise PageRefused(404, "not_found")
        domain, entries = self._domains[field]
        answer = await self._graph.ask(visit.request, visit.person(), self._document(field))
        person = _person(answer)
        sections = [self._read(visit.words, answer, person, field, entry) for entry in entries]
        return visit.show(
            "domain.html",
            name=person["displayName"],
            domain=domain,
            sections=sections,
            masked=bool(answer.masked),
            departments=self._catalogue.departments,
        )

    def _read(
        self, words: Words, answer: Answer, person: Mapping[str, Any], field: str, entry: RecordType
    ) -> dict[str, Any]:
        section = _section(person, field, entry)
        path = f"me.person.{field}.{entry.section}.records"
        records = [
            {
                "base": record,
                "lines": list(_lines(words, entry, record, path, answer)),
                "clocks": [(name, record[name]) for name in _CLOCKS if record[name]],
            }
            for record in section["records"] or ()
        ]
        return section | {"records": records}


def _person(answer: Answer) -> Mapping[str, Any]:
    person = answer.me["person"]
    if person is None:
        raise PageRefused(409, "not_confirmed")
    return dict(person)


def _section(person: Mapping[str, Any], field: str, entry: RecordType) -> dict[str, Any]:
    return {"entry": entry, **person[field][entry.section]}


def _lines(
    words: Words, entry: RecordType, record: Mapping[str, Any], path: str, answer: Answer
) -> Iterator[Line]:
    """The fields that hold something; a denied one says so, an empty one is left out."""
    for field in entry.fields:
        where = f"{path}.{field.name}"
        label = words.of(field.label)
        if where in answer.denied:
            yield Line(label, words("records.denied"), masked=False)
        elif (value := record[field.name]) is not None and value != []:
            yield Line(label, shown(words, field, value), where in answer.masked)


def shown(words: Words, field: RecordField, value: object) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return words("records.affirmed" if value else "records.negated")
    if isinstance(value, list):
        return ("、" if words.language == "zh" else ", ").join(map(str, value))
    return words.day(value) if field.type is FieldType.DATE else str(value)
