"""我的记录: what every department holds on the person, section by section; and on whom they represent.

The overview asks only whether there is a record; a domain's page reads it. Both name each
section that the catalogue has, so a county's own types appear by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue, Domain, FieldType, RecordField, RecordType
from gateway.web.graph import Answer, Graph
from gateway.web.security import PageRefused
from gateway.web.texts import Words
from gateway.web.visit import Visit
from resolvers.subjects import GRAPHQL_NAME, domains_of

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


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose records a page shows: one's own, or those of whom one represents."""

    kind: SubjectKind = SubjectKind.NATURAL_PERSON
    reference: str | None = None
    """The pages' own reference of who is represented."""

    @property
    def path(self) -> str:
        """The address of their overview."""
        return f"/represented/{_ADDRESSES[self.kind]}/{self.reference}" if self.reference else "/records"

    @property
    def within(self) -> str:
        """Where they stand in an answer."""
        return "represented" if self.reference else "me.person"

    @property
    def variables(self) -> dict[str, object]:
        """What the document names them by."""
        return {"of": {"subjectRef": self.reference}} if self.reference else {}

    def document(self, selection: str) -> str:
        """A query of these fields of theirs."""
        if not self.reference:
            return f"query MyRecords {{ me {{ person {{ displayName {selection} }} }} }}"
        told = f"... on {GRAPHQL_NAME[self.kind]} {{ displayName {selection} }}"
        return f"query TheirRecords($of: SubjectLookup!) {{ represented(lookup: $of) {{ {told} }} }}"


_ADDRESSES: Final = {SubjectKind.NATURAL_PERSON: "person", SubjectKind.ENTERPRISE: "enterprise"}
_WHOM: Final = "query Whom($of: SubjectLookup!) { represented(lookup: $of) { subjectRef } }"


class Records:
    """The views of a person's records, and of those whom they represent."""

    def __init__(self, graph: Graph, catalogue: Catalogue) -> None:
        self._graph = graph
        self._catalogue = catalogue
        self._domains: Mapping[SubjectKind, Mapping[str, tuple[Domain, list[RecordType]]]] = {
            kind: {
                catalogue.domains[code].field: (catalogue.domains[code], entries)
                for code, entries in domains_of(catalogue, kind).items()
            }
            for kind in _ADDRESSES
        }

    async def whom(self, visit: Visit) -> Response:
        """GET /represented: for whom."""
        visit.person()
        return visit.show("represented.html", unknown=False)

    async def represent(self, visit: Visit) -> Response:
        """POST /represented: to their records, if their register confirms who asks."""
        person, sent = visit.person(), await visit.form()
        name, number = (sent.get(field, [""])[0].strip() for field in ("name", "number"))
        kind = SubjectKind.NATURAL_PERSON if name else SubjectKind.ENTERPRISE
        lookup = {"person": {"name": name, "citizenId": number}} if name else {"uscc": number}
        try:
            found = (await self._graph.ask(visit.request, person, _WHOM, {"of": lookup})).data["represented"]
        except PageRefused as refused:
            if refused.reason == "unavailable":
                raise
            found = None
        if found is None:
            return visit.show("represented.html", 422, unknown=True)
        return visit.go(Whose(kind, found["subjectRef"]).path)

    async def overview(self, visit: Visit) -> Response:
        """GET /records, and /represented/{kind}/{ref}."""
        whose = _whose(visit)
        groups = (
            _group(field, entries, lambda _: "present")
            for field, (_, entries) in self._domains[whose.kind].items()
        )
        person = _person(await self._ask(visit, whose, " ".join(groups)), whose)
        domains = [
            (field, domain, [_section(person, field, entry) for entry in entries])
            for field, (domain, entries) in self._domains[whose.kind].items()
        ]
        silent = [each for _, _, sections in domains for each in sections if each["state"] in SERIOUS_STATES]
        return visit.show(
            "records.html",
            whose=whose,
            name=person["displayName"],
            domains=domains,
            silent=len(silent),
            departments=self._catalogue.departments,
        )

    async def domain(self, visit: Visit) -> Response:
        """GET /records/{domain}, and /represented/{kind}/{ref}/{domain}."""
        whose, field = _whose(visit), visit.request.path_params["domain"]
        if field not in self._domains[whose.kind]:
            raise PageRefused(404, "not_found")
        domain, entries = self._domains[whose.kind][field]
        answer = await self._ask(visit, whose, _group(field, entries, _whole))
        person = _person(answer, whose)
        sections = [_read(visit.words, answer, person, f"{whose.within}.{field}", entry) for entry in entries]
        return visit.show(
            "domain.html",
            whose=whose,
            name=person["displayName"],
            domain=domain,
            sections=sections,
            masked=bool(answer.masked),
            departments=self._catalogue.departments,
        )

    async def _ask(self, visit: Visit, whose: Whose, selection: str) -> Answer:
        document = whose.document(selection)
        return await self._graph.ask(visit.request, visit.person(), document, whose.variables)


def _whose(visit: Visit) -> Whose:
    """Whose records an address names."""
    given = visit.request.path_params
    if "ref" not in given:
        return Whose()
    kinds = {address: kind for kind, address in _ADDRESSES.items()}
    if given["kind"] not in kinds:
        raise PageRefused(404, "not_found")
    return Whose(kinds[given["kind"]], given["ref"])


def _group(field: str, entries: Iterable[RecordType], selection: Callable[[RecordType], str]) -> str:
    sections = (f"{entry.section} {{ state reason fetchedAt {selection(entry)} }}" for entry in entries)
    return f"{field} {{ {' '.join(sections)} }}"


def _whole(entry: RecordType) -> str:
    return f"records {{ {_BASE} {' '.join(each.name for each in entry.fields)} }}"


def _read(
    words: Words, answer: Answer, person: Mapping[str, Any], within: str, entry: RecordType
) -> dict[str, Any]:
    section = _section(person, within.rpartition(".")[2], entry)
    path = f"{within}.{entry.section}.records"
    records = [
        {
            "base": record,
            "lines": list(_lines(words, entry, record, path, answer)),
            "clocks": [(name, record[name]) for name in _CLOCKS if record[name]],
        }
        for record in section["records"] or ()
    ]
    return section | {"records": records}


def _person(answer: Answer, whose: Whose) -> Mapping[str, Any]:
    person = answer.data["represented"] if whose.reference else answer.me["person"]
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
