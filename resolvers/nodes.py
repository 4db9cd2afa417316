"""Nodes of what was read, for graphql-core to select from: the reference of compiled printing.

A node is a dict that works a value out when it is selected. It serves what is not compiled
(`resolvers.compiled`), and takes over, over the same data, where a value does not fit its type.
"""

from __future__ import annotations

from collections.abc import Callable

from authz.decisions import Effect
from resolvers.building import Record, Section, Subject
from resolvers.paging import Edge, Page, fault_of, overall
from resolvers.reading import SubjectRead
from resolvers.records import BASE_FIELDS, Freshness, RecordStatus
from resolvers.subjects import GRAPHQL_NAME, domain_type


class Node(dict[str, object]):
    """What a type's fields are read from; `read` gives the value of a field by its name."""

    def __init__(self, type_name: str, read: Callable[[str], object]) -> None:
        super().__init__({"__typename": type_name})
        self._read = read

    def __missing__(self, name: str) -> object:
        return self._read(name)


class RecordNode(Node):
    """The node of one record, which compiled printing takes out again."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.view.entry.graphql_type, record.value)
        self.record = record


def subject_node(read: SubjectRead) -> Node:
    """The node of one subject."""
    plan, subject = read.plan, read.subject
    sections = {
        (subject.catalogue.domains[section.entry.domain].field, section.entry.section): section
        for section in read.sections.values()
    }

    def group(name: str) -> Node:
        return Node(domain_type(plan.kind, name), lambda section: section_node(read, sections[name, section]))

    values: dict[str, Callable[[], object]] = {
        "kind": lambda: plan.kind,
        "subjectRef": lambda: subject.ref,
        "displayName": lambda: read.display_name,
        "uscc": lambda: subject.key.value,
        "records": lambda: {page.key: page_node(read.page(page.key)) for page in plan.pages},
        "responsiblePersons": lambda: responsible_node(read),
    }
    return Node(GRAPHQL_NAME[plan.kind], lambda name: values[name]() if name in values else group(name))


def section_node(read: SubjectRead, section: Section) -> Node:
    """The node of a section."""
    at = {"fetchedAt": "fetched_at"}

    def value(name: str) -> object:
        return _records(read, section) if name == "records" else getattr(section, at.get(name, name))

    return Node(f"{section.entry.graphql_type}Section", value)


def _records(read: SubjectRead, section: Section) -> object:
    """Nodes of a section's records; the error in their place, or nothing."""
    existence = read.decided.decisions[section.entry.code].existence
    if existence.effect is Effect.MASK and section.state.answered:
        return None
    if section.entry.pointer is not None:
        return [pointer_node(read.subject, section)]
    return (
        [record_node(record) for record in read.records(section)] if section.state.answered else section.error
    )


def record_node(record: Record) -> Node:
    """The node of one record."""
    return RecordNode(record)


def pointer_node(subject: Subject, section: Section) -> dict[str, object]:
    """The one static record of a type that says where to ask instead; no source is behind it."""
    entry, catalogue = section.entry, subject.catalogue
    department = catalogue.departments[entry.department]
    return {
        **dict.fromkeys((*BASE_FIELDS, *entry.field_by_name)),
        **(entry.pointer or {}),
        "__typename": entry.graphql_type,
        "recordId": entry.code,
        "recordType": entry.code,
        "recordTypeName": entry.name.zh,
        "catalogueVersion": catalogue.version,
        "subjectRef": subject.ref,
        "nature": entry.nature,
        "status": RecordStatus.ACTIVE,
        "provenance": {
            "department": department.code,
            "departmentName": department.name.zh,
            "system": department.name.zh,
            "contact": department.contact or "",
            "legalBasis": list(entry.legal_basis),
            "sourceUpdatedAt": None,
            "fetchedAt": section.fetched_at,
            "freshness": Freshness.PERIODIC,
        },
    }


def responsible_node(read: SubjectRead) -> Node:
    """The responsible persons of an entity, over every decision type that names some."""
    mine = read.responsible
    values: dict[str, Callable[[], object]] = {
        "state": lambda: overall(mine),
        "reason": lambda: next((section.reason for section in mine if section.reason), None),
        "fetchedAt": lambda: min((one.fetched_at for one in mine if one.fetched_at), default=None),
        "persons": lambda: _persons(read, mine) if overall(mine).answered else fault_of(mine),
    }
    return Node("ResponsiblePersonSection", lambda name: values[name]())


def _persons(read: SubjectRead, sections: list[Section]) -> list[dict[str, object]]:
    records = (record for section in sections for record in read.records(section))
    return [person for record in records for person in record.responsible_persons or ()]


def page_node(page: Page) -> Node:
    """The connection node of one `records` field."""
    values: dict[str, Callable[[], object]] = {
        "state": lambda: page.state,
        "sections": lambda: [status_node(section) for section in page.sections],
        "edges": lambda: [edge_node(edge) for edge in page.edges] if page.answered else page.fault,
        "pageInfo": lambda: page_info_node(page),
    }
    return Node("CreditRecordConnection", lambda name: values[name]())


def edge_node(edge: Edge) -> Node:
    """A record and its cursor."""
    return Node(
        "CreditRecordEdge", lambda name: edge.cursor if name == "cursor" else record_node(edge.record)
    )


def page_info_node(page: Page) -> Node:
    """Relay page information."""
    at = {
        "hasNextPage": "has_next",
        "hasPreviousPage": "has_previous",
        "startCursor": "start_cursor",
        "endCursor": "end_cursor",
    }
    return Node("PageInfo", lambda name: getattr(page, at[name]))


def status_node(section: Section) -> Node:
    """The state of one type in a connection."""
    at = {"fetchedAt": "fetched_at"}
    return Node(
        "SectionStatus",
        lambda name: section.entry.code if name == "recordType" else getattr(section, at.get(name, name)),
    )
